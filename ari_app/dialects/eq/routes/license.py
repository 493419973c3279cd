"""How many may be signed in, and how many are."""

from __future__ import annotations

from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.wire.license import License, LicenseUsage


async def license(ask: Ask[None, None]) -> License:
    caps = ask.services.sign_ins.caps
    agents, supervisors = caps.get("agent"), caps.get("supervisor")
    limited = agents is not None or supervisors is not None
    return License(type="limited" if limited else "unlimited", max_agents=agents, max_supervisors=supervisors)


async def usage(ask: Ask[None, None]) -> LicenseUsage:
    active = ask.services.sign_ins.active
    return LicenseUsage(agents=len(active(ask.account, "agent")), supervisors=len(active(ask.account, "supervisor")))


HANDLERS: dict[str, Handler] = {"license": license, "license_usage": usage}
