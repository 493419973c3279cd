from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from ari_app.ops.health import Health, health_routes
from ari_app.ops.metrics import Counts, HttpMetrics

COUNTED = {"Dial": 3, "StasisStart": 1}


async def fine() -> str | None:
    return None


async def bad() -> str | None:
    return "does not answer"


async def broken() -> str | None:
    raise RuntimeError("password=x")


async def silent() -> str | None:
    await asyncio.Event().wait()
    return None


async def ask(health: Health, path: str = "/health") -> tuple[int, str]:
    app = web.Application()
    registry = CollectorRegistry()
    HttpMetrics(registry).observe("eq", "GET /agent", 200, 0.002)
    registry.register(Counts("ariapp_ari_events", "Events", "type", COUNTED))
    app.add_routes(health_routes(health, registry))
    async with TestClient(TestServer(app)) as client, client.get(path) as response:
        return response.status, await response.text()


async def test_all_is_well() -> None:
    health = Health()
    health.add("database", fine)
    assert await ask(health) == (200, '{"status":"ok","checks":{"database":"ok"}}')


async def test_what_is_needed_and_fails_makes_it_unfit() -> None:
    health = Health()
    health.add("database", bad)
    health.add("asterisk", fine)
    assert await ask(health) == (503, '{"status":"down","checks":{"database":"does not answer","asterisk":"ok"}}')


async def test_what_is_not_needed_degrades() -> None:
    health = Health()
    health.add("mail", bad, needed=False)
    assert await ask(health) == (200, '{"status":"degraded","checks":{"mail":"does not answer"}}')


async def test_check_that_raises_or_hangs_has_failed_and_says_no_more() -> None:
    health = Health(timeout=0.01)
    health.add("one", broken)
    health.add("two", silent)
    status, text = await ask(health)
    assert status == 503
    assert '"one":"RuntimeError"' in text
    assert '"two":"no answer within 0.01 s"' in text


async def test_metrics() -> None:
    status, text = await ask(Health(), "/metrics")
    assert status == 200
    assert 'ariapp_http_requests_total{dialect="eq",endpoint="GET /agent",status="200"} 1.0' in text
    assert "ariapp_http_request_seconds_bucket" in text
    assert 'ariapp_ari_events_total{type="Dial"} 3.0' in text
