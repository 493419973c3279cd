"""A node: order of events, resync, fences, faults. The other end is the fake; tests/contract has the real one."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ari_app.ari import events as ev
from ari_app.ari.connection import Backoff, OutboundServer
from ari_app.ari.errors import Conflict, Gone, InvalidState, NotInStasis, Unprocessable
from ari_app.ari.fake import Answers, FakeAsterisk, NeverAnswers
from ari_app.ari.node import Node, Snapshot
from ari_app.ari.protocol import Received, UnknownEvent
from ari_app.ari.watch import PATIENCE
from ari_app.clock import ManualClock

APP = "ari_app"
QUICK = Backoff(first=0.001, most=0.01)


class Ear:
    """Hears, and waits."""

    def __init__(self, node: Node) -> None:
        self.events: list[Received] = []
        self._changed = asyncio.Event()
        node.on_event = self.hear

    def hear(self, event: Received) -> None:
        self.events.append(event)
        self._changed.set()

    @property
    def types(self) -> list[str]:
        return [e.type for e in self.events]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def type(self, name: str, count: int = 1) -> Any:
        await self.until(lambda: self.types.count(name) >= count)
        return [e for e in self.events if e.type == name][count - 1]


@pytest.fixture
async def fake() -> AsyncIterator[FakeAsterisk]:
    async with FakeAsterisk() as fake:
        fake.endpoints["PJSIP/1001"] = Answers()
        fake.endpoints["PJSIP/1002"] = NeverAnswers()
        yield fake


def make(fake: FakeAsterisk, **options: Any) -> Node:
    return Node("pbx", url=fake.url, user=fake.user, password=fake.password, app=APP, **{"backoff": QUICK, **options})


@pytest.fixture
async def node(fake: FakeAsterisk) -> AsyncIterator[Node]:
    node = make(fake)
    await node.start()
    await resynced(node)
    yield node
    await node.close()


async def resynced(node: Node) -> None:
    async with asyncio.timeout(30):
        await node.wait_resynced()


async def test_callbacks_in_their_order(fake: FakeAsterisk) -> None:
    node = make(fake)
    told: list[str] = []
    node.on_connected = lambda: told.append("connected")
    node.on_resynced = lambda snapshot: told.append(f"resynced {snapshot.application.name} {snapshot.restarted}")
    node.on_disconnected = lambda reason: told.append("disconnected")
    assert not node.connected
    await node.start()
    await resynced(node)
    assert node.connected
    await node.close()
    assert told == ["connected", "resynced ari_app False", "disconnected"]
    assert not node.connected
    assert (node.connections, node.resyncs) == (1, 1)


async def test_events_reach_the_picture_before_the_handler(fake: FakeAsterisk, node: Node) -> None:
    ear = Ear(node)
    known: list[bool] = []
    node.on_event = lambda event: (known.append(event.channel.id in node.snapshot.channels), ear.hear(event))  # type: ignore[union-attr]
    fake.incoming_call()
    await ear.type("StasisStart")
    assert known == [True]


async def test_a_handler_that_fails_stops_nothing(
    fake: FakeAsterisk, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    ear = Ear(node)

    def handler(event: Received) -> None:
        ear.hear(event)
        if len(ear.events) == 1:
            raise RuntimeError("a bug")

    node.on_event = handler
    with caplog.at_level(logging.CRITICAL + 1):
        fake.incoming_call()
        fake.incoming_call()
        await ear.type("StasisStart", 2)
    assert node.handler_errors == 1
    assert len(node.snapshot.channels) == 2


async def test_callbacks_that_fail_stop_nothing(fake: FakeAsterisk, caplog: pytest.LogCaptureFixture) -> None:
    node = make(fake)

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    node.on_connected = node.on_resynced = node.on_disconnected = fail
    with caplog.at_level(logging.CRITICAL + 1):
        await node.start()
        await resynced(node)
        await node.close()
    assert node.handler_errors == 3


async def test_unknown_frames_are_passed_on_and_counted(node: Node) -> None:
    ear = Ear(node)
    node.frame('{"type": "ChannelLevitated", "height": 3}')
    node.frame(b"nonsense")
    node.frame(json.dumps({"type": "ApplicationReplaced", "application": APP, "timestamp": "t", "mood": 1}))
    assert [type(e) for e in ear.events] == [UnknownEvent, UnknownEvent, ev.ApplicationReplaced]
    assert node.unknown_events == {"ChannelLevitated": 1, "": 1}
    assert node.unknown_fields == {"ApplicationReplaced.mood": 1}
    assert node.received["ChannelLevitated"] == 1
    assert node.replaced


async def test_unwanted_events_are_filtered_after_each_connect(fake: FakeAsterisk) -> None:
    node = make(fake, unwanted_events=("ChannelVarset", "Dial"))
    await node.start()
    await resynced(node)
    wanted = [{"type": "ChannelVarset"}, {"type": "Dial"}]
    assert fake.world.apps[APP].disallowed == wanted
    fake.restart()
    await _until(lambda: node.resyncs == 2)
    assert fake.world.apps[APP].disallowed == wanted
    await node.close()


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


async def test_subscriptions_are_made_again(fake: FakeAsterisk, node: Node) -> None:
    await node.bridges.createWithId("mine")
    await node.subscribe("bridge:mine", "endpoint:PJSIP/1001")
    await node.bridges.createWithId("brief")
    await node.subscribe("bridge:brief")
    with pytest.raises(Unprocessable):
        await node.subscribe("bridge:nobody")
    await node.unsubscribe("endpoint:PJSIP/1001")
    await node.bridges.destroy("brief")
    fake.world.bridges["mine"].subscribers.clear()
    fake.drop_socket()
    await _until(lambda: node.resyncs == 2)
    assert fake.world.bridges["mine"].subscribers == {APP: {""}}
    assert node.subscriptions.wanted == {"bridge:mine"}


async def test_what_happened_in_a_gap(fake: FakeAsterisk, node: Node) -> None:
    ear = Ear(node)
    goes, stays = fake.incoming_call(), fake.incoming_call()
    await ear.type("StasisStart", 2)
    await node.channels.answer(stays.id)
    await node.channels.playWithId(stays.id, "p1", media="tone:ring")  # has no end of its own
    await ear.type("PlaybackStarted")
    await node.channels.record(stays.id, name="r1", format="wav")
    snapshots: list[Snapshot] = []
    node.on_resynced = snapshots.append
    ear.events.clear()
    fake.drop_socket()
    fake.hangup_from_far_end(goes, 17)
    lost = fake.incoming_call()  # nobody takes calls: it falls through
    assert lost.ended
    for playback in list(fake.world.playbacks.values()):
        playback.job.end(False)  # type: ignore[union-attr]
    fake.world.recordings.clear()
    await ear.type("RecordingFinished")
    await _until(lambda: snapshots)
    assert ear.types == ["PlaybackFinished", "RecordingFinished", "ChannelDestroyed"]
    assert all(e.synthetic for e in ear.events)  # type: ignore[union-attr]
    assert [c.id for c in snapshots[0].channels] == [stays.id]
    assert node.synthetic == {"PlaybackFinished": 1, "RecordingFinished": 1, "ChannelDestroyed": 1}
    assert set(node.snapshot.channels) == {stays.id}


async def test_restart_is_noticed(fake: FakeAsterisk, node: Node) -> None:
    ear = Ear(node)
    fake.incoming_call()
    await ear.type("StasisStart")
    snapshots: list[Snapshot] = []
    node.on_resynced = snapshots.append
    fake.restart(booting=0.03)
    await ear.type("ChannelDestroyed")
    await _until(lambda: snapshots)
    assert snapshots[0].restarted
    assert node.snapshot.channels == {}
    fake.drop_socket()
    await _until(lambda: len(snapshots) == 2)
    assert not snapshots[1].restarted


async def test_a_resync_that_fails_is_tried_again(fake: FakeAsterisk) -> None:
    fake.faults.refuse("channels.list", 500, "busy", times=2)
    fake.faults.refuse("events.userEvent", 404, "Application not found")
    node = make(fake)
    await node.start()
    await resynced(node)
    assert (node.resyncs, node.resync_failures) == (1, 3)
    await node.close()


async def test_an_event_stream_that_is_silent_does_not_hold_the_resync_up(fake: FakeAsterisk) -> None:
    """The fence never comes back: after its time the lists are believed as they are."""
    hold = fake.hold("ChannelUserevent")
    channel = None
    node = make(fake, fence_timeout=0.02)
    ear = Ear(node)
    await node.start()
    await resynced(node)
    channel = fake.incoming_call()
    await ear.type("StasisStart")
    assert node.snapshot.in_app == {channel.id}
    hold.release()  # a fence of the past: nobody waits for it
    await ear.type("ChannelUserevent")
    await node.close()


async def test_lists_that_are_older_than_events(fake: FakeAsterisk, node: Node) -> None:
    """While the lists are on their way one channel ends, and another comes: neither is told twice."""
    ear = Ear(node)
    goes = fake.incoming_call()
    await ear.type("StasisStart")
    ear.events.clear()
    fake.faults.delay("channels.list", 0.05)
    fake.drop_socket()
    await _until(lambda: fake.requests["channels.list"] == 2)  # the list is made, and on its way
    comes = fake.incoming_call()
    fake.hangup_from_far_end(goes)
    await _until(lambda: node.resyncs == 2)
    about = [(e.type, e.channel.id, e.synthetic) for e in ear.events if hasattr(e, "channel")]
    assert about == [
        ("StasisStart", comes.id, False),
        ("ChannelHangupRequest", goes.id, False),
        ("StasisEnd", goes.id, False),
    ]
    assert set(node.snapshot.channels) == {comes.id}


async def test_events_in_flight_are_waited_for(fake: FakeAsterisk, node: Node) -> None:
    """A channel came just before the lists were made, and its event is late: the second fence waits for it."""
    ear = Ear(node)
    fake.drop_socket()
    await _until(lambda: node.connected and APP in fake.world.apps and fake.world.apps[APP].send)
    fake.faults.event_delay = 0.02
    channel = fake.incoming_call()
    await _until(lambda: node.resyncs == 2)
    starts = [(e.channel.id, e.synthetic) for e in ear.events if isinstance(e, ev.StasisStart)]
    assert starts == [(channel.id, False)]


async def test_a_beginning_that_the_resync_has_found_is_not_told_twice(fake: FakeAsterisk, node: Node) -> None:
    """An outbound connection sends what it has kept, and the fences overtake it."""
    ear = Ear(node)
    hold = fake.hold("StasisStart")
    channel = fake.incoming_call()
    fake.drop_socket()
    await _until(lambda: node.resyncs == 2)
    hold.release()
    await node._fence()
    starts = [(e.channel.id, e.synthetic) for e in ear.events if isinstance(e, ev.StasisStart)]
    assert starts == [(channel.id, True)]
    assert node.duplicates == 1
    await node.channels.move(channel.id, app=APP, appArgs="again")
    assert (await ear.type("StasisStart", 2)).args == ["again"]


async def test_a_channel_that_the_resync_found_may_leave_and_come_back(fake: FakeAsterisk, node: Node) -> None:
    channel = fake.incoming_call()
    fake.drop_socket()
    await _until(lambda: node.resyncs == 2)
    ear = Ear(node)
    await node.channels.answer(channel.id)
    await node.channels.move(channel.id, app=APP, appArgs="again")
    assert (await ear.type("StasisStart")).args == ["again"]
    assert node.duplicates == 0


async def test_a_resync_with_a_bug_in_it_is_tried_again(
    fake: FakeAsterisk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    node = make(fake)
    read = node._read_snapshot
    faults = [KeyError("a bug")]

    async def read_snapshot() -> Snapshot:
        if faults:
            raise faults.pop()
        return await read()

    monkeypatch.setattr(node, "_read_snapshot", read_snapshot)
    with caplog.at_level(logging.ERROR, logger="ari_app.ari.node"):
        await node.start()
        await resynced(node)
    assert "resync failed" in caplog.text
    assert node.resync_failures == 1
    await node.close()


async def test_event_before_answer_and_answer_before_event(fake: FakeAsterisk, node: Node) -> None:
    ear = Ear(node)
    fake.faults.answer_delay = 0.5
    request = asyncio.create_task(node.channels.create(endpoint="PJSIP/1001", app=APP, channelId="leg-1"))
    await ear.type("StasisStart")
    assert not request.done()
    await request
    fake.faults.clear()
    fake.faults.event_delay = 0.5
    await node.channels.create(endpoint="PJSIP/1001", app=APP, channelId="leg-2")
    assert "leg-2" not in node.snapshot.channels
    await ear.type("StasisStart", 2)


async def test_a_start_after_the_end(fake: FakeAsterisk, node: Node) -> None:
    ear = Ear(node)
    hold = fake.hold("StasisStart")
    await node.channels.create(endpoint="PJSIP/1002", app=APP, channelId="leg-1")
    await node.channels.hangup("leg-1")
    await ear.type("ChannelDestroyed")
    hold.release()
    await ear.type("StasisStart")  # told all the same
    assert node.snapshot.channels == {}
    assert node.late_events == 1


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (404, "Channel not found", Gone),
        (409, "Channel not in Stasis application", NotInStasis),
        (409, "Channel with given unique ID already exists", Conflict),
        (412, "Channel in invalid state", InvalidState),
        (422, "Event source does not exist", Unprocessable),
    ],
)
async def test_forced_errors(fake: FakeAsterisk, node: Node, status: int, message: str, error: type[Exception]) -> None:
    channel = fake.incoming_call()
    fake.faults.refuse("channels.answer", status, message, matches=lambda a: a["channelId"] == channel.id)
    with pytest.raises(error):
        await node.channels.answer(channel.id)
    await node.channels.answer(channel.id)


async def test_background_work(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    done = asyncio.Event()

    async def works() -> None:
        done.set()

    async def fails() -> None:
        raise RuntimeError("a bug")

    async def waits() -> None:
        await asyncio.Event().wait()

    node.background(works())
    failing, waiting = node.background(fails()), node.background(waits())
    await done.wait()
    with caplog.at_level(logging.ERROR):
        await asyncio.gather(failing, return_exceptions=True)
        await asyncio.sleep(0)
    assert "a background task failed" in caplog.text
    await node.close()
    assert waiting.cancelled()


async def test_outbound(fake: FakeAsterisk) -> None:
    """Asterisk connects to us, keeps what happens while it cannot, and is told apart by name and password."""
    server = OutboundServer("127.0.0.1", 0)
    await server.start()
    await fake.connect_outbound(f"ws://127.0.0.1:{server.port}/ari/pbx", "u", "p", reconnect=0.005)
    node = make(fake, source=server.source("pbx", "u", "p"))
    ear = Ear(node)
    await node.start()
    await resynced(node)
    await node.close()
    away = fake.incoming_call()
    assert not away.ended
    back = make(fake, source=server.source("pbx", "u", "p"))
    ear = Ear(back)
    await back.start()
    await resynced(back)
    starts = [(e.channel.id, e.synthetic) for e in ear.events if isinstance(e, ev.StasisStart)]
    assert starts == [(away.id, False)]
    fake.drop_socket()
    fake.hangup_from_far_end(away)
    await ear.type("StasisEnd")
    await back.close()
    await fake.stop()
    await server.close()


async def test_a_stream_that_does_not_come_is_explained(fake: FakeAsterisk, caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    server = OutboundServer("127.0.0.1", 0)
    await server.start()
    node = make(fake, source=server.source("pbx", "u", "p"), clock=clock)
    assert node.missing_since is None
    await node.start()
    with caplog.at_level(logging.ERROR, logger="ari_app.ari.watch"):
        clock.advance(PATIENCE - 1)
        assert node.missing_since == clock.now() - PATIENCE + 1
        assert not node._tasks
        clock.advance(1)
        await asyncio.gather(*node._tasks)
        assert "ARI answers" in caplog.text
        caplog.clear()
        fake.faults.refuse("asterisk.ping", 503, "Asterisk not booted")
        clock.advance(PATIENCE)
        await asyncio.gather(*node._tasks)
        assert "Asterisk has been away for 30 s" in caplog.text
    await fake.connect_outbound(f"ws://127.0.0.1:{server.port}/ari/pbx", "u", "p")
    await resynced(node)
    assert node.missing_since is None
    assert not [t for t in clock._timers if t[2].callback == node._watch._missing]
    await node.close()
    assert node.missing_since is None
    await fake.stop()
    await server.close()


async def test_ids_and_addresses() -> None:
    node = Node("pbx", url="https://host:8089/ari/", user="u", password="p", app="my app")
    assert node._events_url() == "wss://host:8089/ari/events?app=my%20app&subscribeAll=false"
    assert node.http.options.base_url == "https://host:8089/ari/"
    await node.close()


async def test_an_event_that_comes_by_two_ways_is_one(fake: FakeAsterisk, node: Node) -> None:
    """A channel of an endpoint that we are subscribed to: its events come through both topics."""
    ear = Ear(node)
    await node.subscribe("endpoint:PJSIP/1001")
    await node.channels.create(endpoint="PJSIP/1001", app=APP, channelId="mine")
    await ear.type("StasisStart")
    fake.dtmf("mine", "56")
    fake.hangup_from_far_end("mine")
    await ear.type("ChannelDestroyed")
    await ear.until(lambda: ear.types.count("EndpointStateChange") == 2)
    assert [e["type"] for _, e in fake.world.told].count("ChannelDtmfReceived") == 4
    assert ear.types.count("ChannelDtmfReceived") == 2
    assert ear.types.count("ChannelDestroyed") == 1
