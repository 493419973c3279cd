"""Reading requests within limits, over real HTTP; and the bucket that slows guessing."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from ari_app.clock import ManualClock
from ari_app.dialects.http import (
    BodyMalformed,
    RateLimit,
    decode_json,
    guard,
    json_response,
    query_parameters,
    read_parameters,
)
from ari_app.ops.metrics import HttpMetrics

LIMIT = 1000
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
Post = Callable[..., Awaitable[tuple[int, Any]]]


def render(_request: web.Request, error: Exception) -> web.StreamResponse | None:
    if isinstance(error, BodyMalformed):
        return json_response({"slug": error.slug, "message": str(error)}, status=400)
    return json_response({}, status=error.status) if isinstance(error, web.HTTPException) else None


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def client(registry: CollectorRegistry) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async def echo(request: web.Request) -> web.Response:
        return json_response([query_parameters(request), await read_parameters(request, LIMIT)])

    async def broken(_request: web.Request) -> web.Response:
        raise ConnectionResetError  # of some connection of ours, not of the client's

    outer = guard(
        "test",
        render=render,
        unexpected=lambda incident: json_response({"incident": incident}, status=500),
        clock=ManualClock(),
        metrics=HttpMetrics(registry),
    )
    app = web.Application(middlewares=[outer])
    app.router.add_post("/echo/{id}", echo)
    app.router.add_get("/broken", broken)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
def post(client: TestClient[web.Request, web.Application]) -> Post:
    async def send(data: Any, kind: str = FORM, **headers: str) -> tuple[int, Any]:
        kinds = {"Content-Type": kind} if kind else {}
        async with client.post("/echo/1", data=data, headers={**kinds, **headers}) as response:
            return response.status, (await response.json())

    return send


async def test_form(post: Post) -> None:
    assert await post(b"a=1&b=%C3%A9+x&c=&a=2") == (200, [{}, {"a": "2", "b": "é x", "c": ""}])


async def test_json(post: Post) -> None:
    assert await post(b'{"a": 1, "b": {"c": null}}', JSON) == (200, [{}, {"a": 1, "b": {"c": None}}])
    assert await post(b'{"a": 1}', "application/vnd.x+json") == (200, [{}, {"a": 1}])


async def test_no_body(post: Post) -> None:
    assert await post(b"", "") == (200, [{}, {}])
    assert await post(b" \n", JSON) == (200, [{}, {}])


async def test_no_type_means_a_form(client: TestClient[web.Request, web.Application]) -> None:
    async with client.post("/echo/1?a=1&a=2", data=b"b=3", skip_auto_headers=["Content-Type"]) as response:
        assert await response.json() == [{"a": "2"}, {"b": "3"}]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a"', JSON),
        (b"[]", JSON),
        (b"7", JSON),
        (b'{"a": NaN}', JSON),
        (b'{"a": "\xff"}', JSON),
        (b'{"a": 1e999}', JSON),
        (b"a=%ff", FORM),
        (b"\xff=1", FORM),
        (b"&".join(b"a=1" for _ in range(201)), FORM),
        (b"<a/>", "text/xml"),
        (b"--x", "multipart/form-data; boundary=x"),
    ],
)
async def test_malformed(post: Post, body: bytes, kind: str) -> None:
    status, answer = await post(body, kind)
    assert (status, answer["slug"]) == (400, "malformed")


def test_nested_too_deep_is_malformed() -> None:
    with pytest.raises(BodyMalformed):
        decode_json(b"[" * 200_000)


async def test_too_large(post: Post) -> None:
    status, answer = await post(b"a=" + b"x" * LIMIT)
    assert (status, answer["slug"]) == (400, "too_large")


async def test_too_large_in_chunks(post: Post) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100

    status, answer = await post(chunks())
    assert (status, answer["slug"]) == (400, "too_large")


async def test_too_large_when_unpacked(post: Post) -> None:
    body = gzip.compress(b"a=" + b"x" * 1_000_000)
    if len(body) > LIMIT:
        body = gzip.compress(b"a=" + b"x" * 100_000)
    status, answer = await post(body, **{"Content-Encoding": "gzip"})
    assert (status, answer["slug"]) == (400, "too_large")


async def test_unpacked(post: Post) -> None:
    assert await post(gzip.compress(b"a=1"), **{"Content-Encoding": "gzip"}) == (200, [{}, {"a": "1"}])


async def test_packed_wrongly(post: Post) -> None:
    status, answer = await post(b"not gzip at all", **{"Content-Encoding": "gzip"})
    assert (status, answer["slug"]) == (400, "malformed")


async def test_unexpected_error(client: TestClient[web.Request, web.Application], registry: CollectorRegistry) -> None:
    async with client.get("/broken") as response:
        assert response.status == 500
        assert (await response.json())["incident"].startswith("error-")
    assert counted(registry, "GET /broken", "500") == 1


async def test_metrics_have_patterns_not_paths(
    client: TestClient[web.Request, web.Application], registry: CollectorRegistry
) -> None:
    for path in ("/echo/1", "/echo/2"):
        async with client.post(path, data=b""):
            pass
    for method, path in (("GET", "/unknown/1"), ("PURGE", "/echo/1")):
        async with client.request(method, path) as response:
            assert response.status in (404, 405)
    assert counted(registry, "POST /echo/{id}", "200") == 2
    assert counted(registry, "unknown", "404") == 1
    assert counted(registry, "unknown", "405") == 1


def counted(registry: CollectorRegistry, endpoint: str, status: str) -> float | None:
    labels = {"dialect": "test", "endpoint": endpoint, "status": status}
    return registry.get_sample_value("ariapp_http_requests_total", labels)


async def test_client_that_goes_away_is_no_defect(client: TestClient[web.Request, web.Application]) -> None:
    """Sends half a body and hangs up."""
    server = client.server
    assert server is not None
    async with aiohttp.ClientSession() as session:

        async def half() -> AsyncIterator[bytes]:
            yield b"a=1"
            raise aiohttp.ClientError

        with pytest.raises(aiohttp.ClientError):
            await session.post(server.make_url("/echo/1"), data=half())
    async with client.post("/echo/1", data=b"a=1") as response:
        assert response.status == 200


class TestRateLimit:
    def test_burst_then_rate(self) -> None:
        clock = ManualClock()
        limit = RateLimit(clock, rate=0.5, burst=2)
        for _ in range(2):
            assert limit.wait("a") == 0
            limit.take("a")
        assert limit.wait("a") == pytest.approx(2)
        assert limit.wait("b") == 0
        clock.advance(1)
        assert limit.wait("a") == pytest.approx(1)
        clock.advance(1)
        assert limit.wait("a") == pytest.approx(0)
        clock.advance(1000)
        limit.take("a")
        limit.take("a")
        assert limit.wait("a") == pytest.approx(2)

    def test_forgets_who_was_quiet_longest(self) -> None:
        limit = RateLimit(ManualClock(), rate=1, burst=1)
        for number in range(10_001):
            limit.take(str(number))
        assert limit.wait("0") == 0
        assert limit.wait("1") > 0

    def test_clock_that_steps_back_gives_nothing_away(self) -> None:
        clock = ManualClock()
        limit = RateLimit(clock, rate=1, burst=1)
        clock.advance(100)
        limit.take("a")
        clock._now -= 50
        assert limit.wait("a") == pytest.approx(1)
