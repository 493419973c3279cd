"""Nobody is told anything twice or out of order, and whatever is lost is told to be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from ari_app.clock import ManualClock
from ari_app.dialects.feed import BATCH, Feed, Listener, Overtaken
from ari_app.dialects.listening import Listening, serve

Client = TestClient[web.Request, web.Application]


async def numbers(listener: Listener, count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        found += [json.loads(event.data)["n"] for event in await listener.next()]
    return found


@given(before=st.integers(0, 12), seen=st.integers(0, 12), later=st.integers(0, 5), size=st.integers(5, 8))
def test_goes_on_where_it_was_or_says_that_there_is_a_gap(before: int, seen: int, later: int, size: int) -> None:
    async def run() -> None:
        feed = Feed(ManualClock(), size)
        for n in range(1, before + 1):
            feed.tell(1, "Counted", {"n": n})
        run_id = feed.listen(1).first.id.partition("-")[0]
        listener = feed.listen(1, f"{run_id}-{seen}")
        kept = max(1, before - size + 1)
        whole = kept - 1 <= seen <= before
        assert listener.first.type == ("Connected" if whole else "Gap")
        begin = seen + 1 if whole else kept
        with listener:
            expected = list(range(begin, before + 1))
            assert await numbers(listener, len(expected)) == expected
            for n in range(before + 1, before + later + 1):
                feed.tell(1, "Counted", {"n": n})
            assert await numbers(listener, later) == list(range(before + 1, before + later + 1))

    asyncio.run(run())


@pytest.mark.parametrize("after", ["x", "0-1", "-", "0-", "9" * 400, "\u0663-\u0663"])
async def test_an_id_of_before_or_none_at_all_is_a_gap(after: str) -> None:
    feed = Feed(ManualClock())
    feed.tell(1, "Counted", {"n": 1})
    listener = feed.listen(1, after)
    assert (listener.first.type, json.loads(listener.first.data)["after"]) == ("Gap", after)
    assert await numbers(listener, 1) == [1]


async def test_many_come_in_batches_and_the_overtaken_are_told() -> None:
    feed = Feed(ManualClock(), 3 * BATCH)
    listener = feed.listen(1)
    for n in range(3 * BATCH):
        feed.tell(1, "Counted", {"n": n})
    assert len(await listener.next()) == BATCH
    for n in range(BATCH + 1):
        feed.tell(1, "Counted", {"n": n})
    with pytest.raises(Overtaken):
        await listener.next()


@pytest.fixture
async def served() -> AsyncIterator[tuple[Feed, Client]]:
    feed = Feed(ManualClock(), 1000)

    async def allowed() -> bool:
        return True

    async def handle(request: web.Request) -> web.StreamResponse:
        account = int(request.match_info["account"])
        return await serve(request, Listening(feed=feed, account=account, after=request.query.get("after")), allowed)

    async def stop(_app: web.Application) -> None:
        feed.close()

    app = web.Application()
    app.router.add_get("/{account}", handle)
    app.on_shutdown.append(stop)
    client = TestClient(TestServer(app))
    await client.start_server()
    yield feed, client
    await client.close()


async def frame(response: aiohttp.ClientResponse) -> dict[str, str]:
    lines: dict[str, str] = {}
    while line := (await response.content.readline()).decode().strip():
        name, _, value = line.partition(": ")
        lines[name] = value
    return lines


async def test_server_sent_events_go_on_after_the_last_one_seen(served: tuple[Feed, Client]) -> None:
    feed, client = served
    async with asyncio.timeout(60), client.get("/1") as response:
        first = await frame(response)
        assert (response.content_type, first["event"]) == ("text/event-stream", "Connected")
        feed.tell(2, "Counted", {"n": 0})
        feed.tell(1, "Counted", {"n": 1})
        told = await frame(response)
        assert (told["event"], json.loads(told["data"])["n"]) == ("Counted", 1)
    feed.tell(1, "Counted", {"n": 2})
    async with asyncio.timeout(60), client.get("/1", headers={"Last-Event-ID": told["id"]}) as response:
        assert (await frame(response))["event"] == "Connected"
        assert json.loads((await frame(response))["data"])["n"] == 2


async def test_a_websocket_is_told_the_same_and_closed_at_the_end(served: tuple[Feed, Client]) -> None:
    feed, client = served
    async with asyncio.timeout(60), client.ws_connect("/1") as socket:
        assert (await socket.receive_json())["type"] == "Connected"
        feed.tell(1, "Counted", {"n": 1})
        assert (await socket.receive_json())["n"] == 1
        feed.close()
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING)
