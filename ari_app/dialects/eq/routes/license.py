"""How many may be signed in, how many are, and what is wrong."""

from __future__ import annotations

from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.wire.license import ConfigurationCheck, License, LicenseUsage
from ari_app.ops.problems import Problem


async def license(ask: Ask[None, None]) -> License:
    caps = ask.services.sign_ins.caps
    agents, supervisors = caps.get("agent"), caps.get("supervisor")
    limited = agents is not None or supervisors is not None
    return License(type="limited" if limited else "unlimited", max_agents=agents, max_supervisors=supervisors)


async def usage(ask: Ask[None, None]) -> LicenseUsage:
    active = ask.services.sign_ins.active
    return LicenseUsage(agents=len(active(ask.account, "agent")), supervisors=len(active(ask.account, "supervisor")))


async def check(ask: Ask[None, None]) -> ConfigurationCheck:
    extensions = {session.extension for session in ask.services.sign_ins.active(ask.account, "agent")}
    problems = await ask.services.inspector.problems(sorted(filter(None, extensions)))
    problems = [*problems, *await _unsent(ask)]
    return ConfigurationCheck(ok=not any(problem.severity == "error" for problem in problems), problems=problems)


async def _unsent(ask: Ask[None, None]) -> list[Problem]:
    """Alerts that were made when there was a way to tell of them, and of which nobody is told as it is set now."""
    ways = {alert.notification for alert in await ask.services.alerts.living(ask.account)}
    missing = {way: ask.services.watch.missing(way) for way in sorted(ways)}
    return [
        Problem(code=f"alerts_{way}_not_configured", severity="error", message=f"There are alerts by {way}. {why}")
        for way, why in missing.items()
        if why
    ]


HANDLERS: dict[str, Handler] = {"license": license, "license_usage": usage, "configuration_check": check}
