"""Users' endpoints: what is made for them in Asterisk, and that nothing of it is left, whoever ends it."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.calls.call import Call
from ari_app.calls.desk import REMEMBERED, TooMany, Whom
from ari_app.calls.leg import Leg
from ari_app.calls.media import MediaDesk, MediaRequest, MediaView
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.attach import Side
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.config import networks
from ari_app.errors import NotFound
from ari_app.media import targets
from ari_app.media.targets import TargetForbidden
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction
from tests.unit.calls.stage import Stage, stay

ACCOUNT, OTHER = 1, 2


async def answered(call: Call) -> None:
    await answer(call.caller)
    await stay(call)


class Desk:
    """A call, an endpoint that takes whatever it is sent, and what attaches one to the other."""

    def __init__(self, stage: Stage, call: Call, url: str) -> None:
        self.stage, self.call, self.url = stage, call, url
        self.ports = MediaPorts(stage.clock, Ticker(stage.clock), TransportKind.RTP)
        self.desk = MediaDesk(stage.registry, self.ports, self.find, private=networks("127.0.0.1"), limit=2)
        self.extensions: dict[str, Leg] = {}

    def find(self, account: int, extension: str) -> Leg | None:
        return self.extensions.get(extension) if account == ACCOUNT else None

    async def attach(self, url: str = "", **wanted: object) -> str:
        request = MediaRequest(target=targets.parse(url or self.url), **wanted)  # type: ignore[arg-type]
        return await self.desk.attach(ACCOUNT, request, call=self.call.id)

    async def until(self, attachment: str, state: str) -> MediaView:
        await self.stage.until(lambda: self.desk.view(ACCOUNT, attachment).state == state)
        return self.desk.view(ACCOUNT, attachment)

    async def only_the_call_is_left(self) -> None:
        world, registry = self.stage.fake.world, self.stage.registry
        await self.stage.until(lambda: list(world.channels) == [self.call.caller.id] and not world.bridges)
        await self.stage.until(lambda: not registry.helpers and not self.call.bridges)
        assert list(registry.calls) == [self.call.id]
        assert (len(self.desk), len(self.ports.ticker)) == (0, 0)


@pytest.fixture
async def desk(stage: Stage, endpoint: str) -> Desk:
    call, _ = await stage.incoming(answered)
    await stage.until(lambda: call.answered_at)
    return Desk(stage, call, endpoint)


async def test_begun_and_stopped(desk: Desk) -> None:
    made = await desk.attach(direction=Direction.BOTH, hear=Side.OTHERS, heard_by=Side.BOTH)
    assert desk.desk.view(ACCOUNT, made).state == "connecting"
    view = await desk.until(made, "active")
    (snoop,) = desk.stage.asked("channels.snoopChannelWithId")
    assert (snoop["spy"], snoop["whisper"]) == ("out", "both")
    (media,) = desk.stage.asked("channels.externalMedia")
    assert (media["encapsulation"], media["format"]) == ("rtp", "ulaw")
    (bridge,) = desk.stage.fake.world.bridges.values()
    assert set(bridge.channels) == {snoop["snoopId"], media["channelId"]}
    assert (len(desk.desk), view.reason, view.ended_at) == (1, "", None)
    desk.desk.stop(ACCOUNT, made)
    view = await desk.until(made, "ended")
    assert view.reason == "stopped by request"
    assert [note.event for note in view.notes] == ["connecting", "connected", "started", "ended"]
    await desk.only_the_call_is_left()
    desk.desk.stop(ACCOUNT, made)
    assert desk.desk.view(ACCOUNT, made) == view


@pytest.mark.parametrize(
    ("direction", "spy", "whisper"), [(Direction.LISTEN, "in", "none"), (Direction.SPEAK, "none", "out")]
)
async def test_one_way(desk: Desk, direction: Direction, spy: str, whisper: str) -> None:
    made = await desk.attach(direction=direction)
    await desk.until(made, "active")
    (snoop,) = desk.stage.asked("channels.snoopChannelWithId")
    assert (snoop["spy"], snoop["whisper"]) == (spy, whisper)


async def test_nothing_is_made_for_an_endpoint_that_is_not_there(desk: Desk) -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    for scheme in ("audiosocket", "ws"):
        made = await desk.attach(f"{scheme}://127.0.0.1:{port}")
        view = await desk.until(made, "ended")
        assert view.reason.startswith("target: cannot connect")
    assert desk.stage.asked("channels.snoopChannelWithId") == []
    await desk.only_the_call_is_left()


async def test_the_call_ends(desk: Desk) -> None:
    made = await desk.attach()
    await desk.until(made, "active")
    desk.stage.fake.hangup_from_far_end(desk.call.caller.id)
    view = await desk.until(made, "ended")
    assert view.reason.startswith("call: ")
    await desk.stage.nothing_left()


async def test_its_channel_ends_in_asterisk(desk: Desk) -> None:
    made = await desk.attach()
    await desk.until(made, "active")
    (media,) = desk.stage.asked("channels.externalMedia")
    desk.stage.fake.hangup_from_far_end(media["channelId"])
    view = await desk.until(made, "ended")
    assert view.reason == "call: its channel is gone"
    await desk.only_the_call_is_left()


@pytest.mark.parametrize(
    "operation", ["channels.snoopChannelWithId", "channels.externalMedia", "bridges.createWithId", "bridges.addChannel"]
)
async def test_asterisk_refuses(desk: Desk, operation: str) -> None:
    desk.stage.fake.faults.refuse(operation, 500, "out of order")
    made = await desk.attach()
    view = await desk.until(made, "ended")
    assert view.reason == "call: Asterisk cannot attach to it"
    await desk.only_the_call_is_left()


async def test_whose_it_is_and_how_many(desk: Desk) -> None:
    desk.extensions["1001"] = desk.call.caller
    request = MediaRequest(target=targets.parse(desk.url))
    first = await desk.desk.attach(ACCOUNT, request, extension="1001")
    nobodies: list[Whom] = [{"call": "call-of-nobody"}, {"leg": "leg-of-nobody"}, {"extension": "1002"}]
    for nobody in nobodies:
        with pytest.raises(NotFound):
            await desk.desk.attach(ACCOUNT, request, **nobody)
    names: list[Whom] = [{"call": desk.call.id}, {"leg": desk.call.caller.id}, {"extension": "1001"}]
    for named in names:
        with pytest.raises(NotFound):
            await desk.desk.attach(OTHER, request, **named)
    for ask in (desk.desk.view, desk.desk.stop):
        with pytest.raises(NotFound):
            ask(OTHER, first)
    assert desk.desk.views(OTHER) == []
    with pytest.raises(TargetForbidden):
        await desk.attach("rtp://127.0.0.2:4000")
    second = await desk.desk.attach(ACCOUNT, request, leg=desk.call.caller.id)
    with pytest.raises(TooMany):
        await desk.attach()
    assert [view.id for view in desk.desk.views(ACCOUNT)] == sorted([first, second])
    for each in (first, second):
        await desk.until(each, "active")
        desk.desk.stop(ACCOUNT, each)
        await desk.until(each, "ended")
    assert len(desk.desk) == 0


async def test_stopped_before_it_is_connected(desk: Desk) -> None:
    made = await desk.attach()
    desk.desk.stop(ACCOUNT, made)
    view = await desk.until(made, "ended")
    assert view.reason == "stopped by request"
    await desk.only_the_call_is_left()


async def test_only_the_last_hundred_are_remembered(desk: Desk) -> None:
    made = []
    for _ in range(REMEMBERED + 2):
        made.append(await desk.attach("ws://127.0.0.1:1/"))
        await desk.until(made[-1], "ended")
    assert len(desk.desk.views(ACCOUNT)) == REMEMBERED
    with pytest.raises(NotFound):
        desk.desk.view(ACCOUNT, made[0])


async def test_the_process_stops(desk: Desk) -> None:
    """The call is left as it is in Asterisk; the next process hangs up what belongs to nobody."""
    made = await desk.attach()
    await desk.until(made, "active")
    desk.call.detach()
    view = await desk.until(made, "ended")
    assert view.reason == "the server stops"
    assert desk.call.caller.id in desk.stage.fake.world.channels
