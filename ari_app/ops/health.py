"""GET /health: what works and what does not, for load balancers and people.

A part of the application (the database, each Asterisk) registers a check. A check says "ok" or a sentence about what is
wrong; one that takes too long or raises has failed. 200 when all that is needed works, 503 otherwise; no key is needed,
and nothing in the answer is secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry

from ari_app.ops import metrics

log = structlog.get_logger("health")

#: None: fine; else a sentence about what is wrong
Check = Callable[[], Awaitable[str | None]]


@dataclass(frozen=True, kw_only=True)
class _Part:
    check: Check
    needed: bool


class Health:
    """The checks of a process."""

    def __init__(self, *, timeout: float = 2.0) -> None:
        #: seconds one check may take
        self.timeout = timeout
        self._parts: dict[str, _Part] = {}

    def add(self, name: str, check: Check, *, needed: bool = True) -> None:
        """Register a part. `needed` False: its failure is shown ("degraded") but does not make the process unfit."""
        self._parts[name] = _Part(check=check, needed=needed)

    async def report(self) -> tuple[bool, dict[str, object]]:
        """Run all checks side by side; whether the process is fit for work, and the document."""
        names = list(self._parts)
        problems = await asyncio.gather(*(self._run(name) for name in names))
        failed = [name for name, problem in zip(names, problems, strict=True) if problem is not None]
        fit = not any(self._parts[name].needed for name in failed)
        status = "ok" if not failed else "degraded" if fit else "down"
        checks = {name: problem or "ok" for name, problem in zip(names, problems, strict=True)}
        return fit, {"status": status, "checks": checks}

    async def _run(self, name: str) -> str | None:
        try:
            async with asyncio.timeout(self.timeout):
                return await self._parts[name].check()
        except TimeoutError:
            return f"no answer within {self.timeout:g} s"
        except Exception as error:
            log.warning("health check failed", part=name, exc_info=True)
            return type(error).__name__

    async def handle(self, _request: web.Request) -> web.Response:
        """The aiohttp handler."""
        fit, document = await self.report()
        return web.Response(
            body=msgspec.json.encode(document),
            status=200 if fit else 503,
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )


def health_routes(health: Health, registry: CollectorRegistry | None = None) -> list[web.RouteDef]:
    """GET /health and, with a registry, GET /metrics; neither needs a key."""
    routes = [web.get("/health", health.handle, allow_head=False)]
    if registry is not None:
        routes.append(web.get("/metrics", metrics.handler(registry), allow_head=False))
    return routes
