"""The stream of events: what is told, to whom, and for how long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import aiohttp
import pytest

from ari_app.acd import events as e
from ari_app.acd.commands import AnyFact
from ari_app.alerting import realtime
from ari_app.dialects import listening
from ari_app.dialects.eq.paths import PREFIX
from ari_app.dialects.feed import BATCH
from ari_app.store.keys import MEDIA
from tests.dialects.eq.world import World

URL = f"{PREFIX}/x/events"
DOCUMENT = Path(__file__).parents[3] / "docs" / "events.md"
QUEUE = {"extension": "500", "name": "Sales", "type": 0}


@asynccontextmanager
async def listen(world: World, key: str = "default", **query: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    params = {"auth_key": world.keys.get(key, key), **query}
    async with asyncio.timeout(60), world.client.ws_connect(URL, params=params) as socket:
        yield socket


def called(world: World, *calls: str, account: int = 1) -> None:
    for call in calls:
        world.centre.apply(account, e.CallerJoined(call=call, queue="500"))


async def test_facts_of_queues_are_told_to_their_account(world: World) -> None:
    for key in ("default", "other"):
        await world.done("POST", "/call_queue", key=key, json={"data": QUEUE})
    async with listen(world) as mine, listen(world, "other") as others:
        assert [(await each.receive_json())["type"] for each in (mine, others)] == ["Connected", "Connected"]
        called(world, "theirs", account=world.accounts["other"])
        called(world, "mine")
        first = await mine.receive_json()
        assert (first["type"], first["call"], first["callBack"]) == ("CallerEntered", "mine", False)
        assert (await others.receive_json())["call"] == "theirs"
        assert "fact" not in first


async def test_who_comes_back_misses_nothing(world: World) -> None:
    await world.done("POST", "/call_queue", json={"data": QUEUE})
    async with listen(world) as socket:
        seen = (await socket.receive_json())["id"]
    called(world, "one", "two")
    async with listen(world, after=seen) as socket:
        assert [(await socket.receive_json()).get("call") for _ in range(3)] == [None, "one", "two"]
    async with listen(world, after="another-1") as socket:
        assert (await socket.receive_json())["type"] == "Gap"


async def test_server_sent_events_too(world: World) -> None:
    await world.done("POST", "/call_queue", json={"data": QUEUE})
    params = {"auth_key": world.keys["default"]}
    async with asyncio.timeout(60), world.client.get(URL, params=params) as response:
        assert response.content_type == "text/event-stream"
        assert b"Connected" in await response.content.readuntil(b"\n\n")
        called(world, "one")
        text = (await response.content.readuntil(b"\n\n")).decode()
    lines = dict(line.split(": ", 1) for line in text.strip().splitlines())
    assert lines["event"] == "CallerEntered"
    assert json.loads(lines["data"])["id"] == lines["id"]


async def test_realtime_alerts_are_told(world: World) -> None:
    boss = {"username": "boss", "firstName": "B", "password": "secret", "emailAddress": "b@c.de", "type": "full"}
    alert: dict[str, Any] = {
        "type": "callQueueCallsHigh",
        "callQueue": "500",
        "threshold": 1,
        "notificationType": "realtime",
        "color": "#FF0000",
        "daysOfWeek": [0, 1, 2, 3, 4, 5, 6],
        "fromTime": "12:00 AM",
        "toTime": "12:00 AM",
    }
    world.watch.listeners.append(realtime(world.feed.tell))
    user = await world.done("POST", "/supervisor", json={"data": boss})
    await world.done("POST", "/call_queue", json={"data": QUEUE})
    await world.done("POST", "/alert", json={"data": {"user": user, "name": "Busy", **alert}})
    async with listen(world) as socket:
        assert (await socket.receive_json())["type"] == "Connected"
        called(world, "one")
        assert (await socket.receive_json())["type"] == "CallerEntered"
        await world.pass_time(1)
        raised = await socket.receive_json()
        assert (raised["type"], raised["name"], raised["figure"]) == ("AlertRaised", "Busy", 1)
        world.centre.apply(1, e.CallerLeft(call="one"))
        assert (await socket.receive_json())["type"] == "CallerExited"
        await world.pass_time(1)
        await world.pass_time(10)
        assert (await socket.receive_json())["type"] == "AlertCleared"


async def test_a_key_that_is_revoked_hears_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "HEARTBEAT", 0.05)
    key, plain = await world.key_store.create(1, "listener", ["read"])
    async with listen(world, plain) as socket:
        assert (await socket.receive_json())["type"] == "Connected"
        await world.key_store.revoke(1, key.id)
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING)


async def test_what_is_heard_on_calls_is_told_to_who_may_hear_calls(world: World) -> None:
    _, looks = await world.key_store.create(1, "wallboard", ["read"])
    _, hears = await world.key_store.create(1, "bot", ["read", "media"])
    await world.done("POST", "/call_queue", json={"data": QUEUE})
    async with listen(world, looks) as wallboard, listen(world, hears) as bot:
        for socket in (wallboard, bot):
            assert (await socket.receive_json())["type"] == "Connected"
        found = {"at": 1.0, "analysis": "analysis-1", "code": "DTMF", "facts": {"digit": "5"}}
        for _ in range(BATCH + 1):
            world.feed.tell(1, "AnalysisFound", found, scope=MEDIA)
        called(world, "one")
        heard = [await bot.receive_json() for _ in range(BATCH + 2)]
        assert heard[0].items() >= found.items()
        assert [heard[-2]["type"], heard[-1]["type"]] == ["AnalysisFound", "CallerEntered"]
        assert await wallboard.receive_json() == heard[-1]
    await world.done("POST", "/agent", json={"data": {"number": "101", "firstName": "Ann", "password": "1234"}})
    token = await world.done("POST", "/agent_session", json={"user": 1, "extension": 105})
    async with listen(world, auth_agent_session=token, after=heard[0]["id"]) as agent:
        assert [(await agent.receive_json())["type"] for _ in range(2)] == ["Connected", "CallerEntered"]


def test_every_event_is_in_the_document() -> None:
    text = DOCUMENT.read_text()
    names = [each.__name__ for each in get_args(AnyFact)] + ["Connected", "Gap", "AlertRaised", "AlertCleared"]
    names += [
        kind + what
        for kind in ("Attachment", "Recognition", "Question", "Analysis", "Playback")
        for what in ("Started", "Ended")
    ]
    names += [
        "RecordingDamaged",
        "PlaybackItem",
        "PlaybackPaused",
        "PlaybackResumed",
        "AnalysisFound",
        "RecognitionResult",
        "RecognitionPartial",
        "RecognitionUnmatched",
        "RecognitionFailed",
        "QuestionAnswered",
    ]
    assert [name for name in names if f"| {name} |" not in text] == []


async def test_no_more_listen_than_may(world: World) -> None:
    async with listen(world) as first, listen(world), listen(world) as third:
        assert (await first.receive_json())["type"] == "Connected"
        assert (await third.receive_json())["type"] == "Connected"
        refused = await world.ask("GET", "/x/events")
        assert (refused.status, refused.json["errors"][0]["type"]) == (429, "limit")
        assert int(refused.headers["Retry-After"]) > 0
        async with listen(world, "other") as others:
            assert (await others.receive_json())["type"] == "Connected"
        await third.close()
        async with asyncio.timeout(60):
            while world.feed.full(1):  # until the server has seen that it is gone
                await asyncio.sleep(0)
        async with listen(world) as again:
            assert (await again.receive_json())["type"] == "Connected"
