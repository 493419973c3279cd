"""Users' endpoints that hear and speak to a whole conference: they are no members, and nothing of them is left."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.ari.fake import NeverAnswers
from ari_app.ari.fake.state import FakeBridge, FakeChannel
from ari_app.calls import recovery
from ari_app.calls.call import Call
from ari_app.calls.desk import TooMany
from ari_app.calls.leg import LegState
from ari_app.calls.media import MediaDesk, MediaRequest, MediaView
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.config import networks
from ari_app.errors import NotFound
from ari_app.media import targets
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction
from tests.unit.calls.stage import Stage
from tests.unit.calls.test_conferences import NUMBER, House

ACCOUNT, OTHER = 1, 2


class Hall:
    """A conference's number, an endpoint, and what attaches one to the other."""

    def __init__(self, stage: Stage, url: str) -> None:
        self.stage, self.url = stage, url
        self.house = House(stage, announce=True)
        self.ports = MediaPorts(stage.clock, Ticker(stage.clock), TransportKind.RTP)
        self.desk = MediaDesk(
            stage.registry,
            self.ports,
            lambda _account, _extension: None,
            private=networks("127.0.0.1"),
            limit=2,
            room=self.house.desk.room,
        )
        self.told: list[tuple[str, dict[str, object]]] = []
        self.desk.tell = lambda _account, name, values: self.told.append((name, values))

    async def attach(self, direction: Direction = Direction.BOTH, url: str = "", account: int = ACCOUNT) -> str:
        request = MediaRequest(target=targets.parse(url or self.url), direction=direction)
        return await self.desk.attach(account, request, conference=NUMBER)

    async def until(self, attachment: str, state: str) -> MediaView:
        await self.stage.until(lambda: self.desk.view(ACCOUNT, attachment).state == state)
        return self.desk.view(ACCOUNT, attachment)

    async def active(self, direction: Direction = Direction.BOTH) -> str:
        made = await self.attach(direction)
        view = await self.until(made, "active")
        assert view.reason == ""
        return made

    @property
    def bridge(self) -> FakeBridge:
        bridge: FakeBridge = self.house.bridge
        return bridge

    def others(self, *members: FakeChannel) -> list[str]:
        """What is in the bridge and no member."""
        return [channel for channel in self.bridge.channels if channel not in {member.id for member in members}]

    async def nothing_left(self) -> None:
        await self.stage.nothing_left()
        assert (len(self.desk), len(self.ports.ticker)) == (0, 0)


@pytest.fixture
def hall(stage: Stage, endpoint: str) -> Hall:
    return Hall(stage, endpoint)


async def test_it_is_in_the_bridge_and_no_member(hall: Hall) -> None:
    """He who is alone with it is alone: he has music, and hears nobody come."""
    _, one = await hall.house.come()
    await hall.stage.until(lambda: hall.house.music)
    before = hall.house.desk.views(ACCOUNT)
    made = await hall.active()
    (media,) = hall.stage.asked("channels.externalMedia")
    assert hall.others(one) == [media["channelId"]]
    assert hall.stage.asked("channels.snoopChannelWithId") == []
    assert hall.house.desk.views(ACCOUNT) == before
    assert hall.house.music
    assert hall.stage.asked("bridges.playWithId") == []
    view = hall.desk.view(ACCOUNT, made)
    assert (view.call, view.leg, view.conference) == (None, None, NUMBER)
    conference = before[0].id
    ((name, values),) = hall.told
    assert (name, values["conference"], values["number"]) == ("AttachmentStarted", conference, NUMBER)
    hall.desk.stop(ACCOUNT, made)
    view = await hall.until(made, "ended")
    assert view.reason == "stopped by request"
    await hall.stage.until(lambda: hall.others(one) == [])
    assert hall.house.desk.views(ACCOUNT) == before
    assert hall.stage.asked("bridges.playWithId") == []
    assert (hall.told[-1][0], hall.told[-1][1]["reason"]) == ("AttachmentEnded", "stopped by request")


@pytest.mark.parametrize(("direction", "muted"), [(Direction.LISTEN, True), (Direction.SPEAK, False)])
async def test_one_that_listens_cannot_speak(hall: Hall, direction: Direction, muted: bool) -> None:
    await hall.house.come()
    await hall.active(direction)
    (media,) = hall.stage.asked("channels.externalMedia")
    (added,) = [each for each in hall.stage.asked("bridges.addChannel") if media["channelId"] in each["channel"]]
    assert bool(added.get("mute")) is muted
    assert added["inhibitConnectedLineUpdates"]  # no phone shows it


async def test_members_come_and_go_and_the_last_ends_it(hall: Hall) -> None:
    first, one = await hall.house.come("1001")
    made = await hall.active()
    second, two = await hall.house.come("1002")
    hall.stage.fake.hangup_from_far_end(one.id)
    await hall.stage.over(first)
    assert hall.desk.view(ACCOUNT, made).state == "active"
    assert len(hall.others(two)) == 1
    hall.stage.fake.hangup_from_far_end(two.id)
    view = await hall.until(made, "ended")
    assert view.reason == "call: the conference has ended"
    await hall.stage.over(second)
    await hall.nothing_left()
    assert not hall.stage.registry.shared_bridges


async def test_it_is_over_before_it_is_connected(hall: Hall) -> None:
    """Nothing of it was in Asterisk."""
    connected = asyncio.Event()

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    call, one = await hall.house.come()
    async with await asyncio.start_server(says_nothing, "127.0.0.1", 0) as server:
        made = await hall.attach(url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await connected.wait()
        hall.stage.fake.hangup_from_far_end(one.id)
        view = await hall.until(made, "ended")
        assert view.reason == "call: the conference has ended"
        await hall.stage.over(call)
        await hall.nothing_left()
    assert hall.stage.asked("channels.externalMedia") == []


async def test_somebody_is_called_to_it_and_does_not_come(hall: Hall) -> None:
    """Its bridge is made for who listens, and taken down."""
    hall.stage.fake.endpoints["PJSIP/1002"] = NeverAnswers()
    hall.house.calls.invite(ACCOUNT, NUMBER, "1002")
    (call,) = hall.stage.registry.calls.values()
    await call.caller.until(LegState.RINGING)
    made = await hall.active()
    assert len(hall.others()) == 1
    hall.house.desk.end(ACCOUNT, NUMBER)
    await hall.until(made, "ended")
    await hall.nothing_left()


async def test_whose_it_is_and_how_many(hall: Hall) -> None:
    with pytest.raises(NotFound):
        await hall.attach()
    await hall.house.come()
    with pytest.raises(NotFound):
        await hall.attach(account=OTHER)
    await hall.active()
    await hall.active(Direction.LISTEN)
    with pytest.raises(TooMany):
        await hall.attach()


async def test_its_channel_ends_in_asterisk(hall: Hall) -> None:
    _, one = await hall.house.come()
    made = await hall.active()
    (media,) = hall.stage.asked("channels.externalMedia")
    hall.stage.fake.hangup_from_far_end(media["channelId"])
    view = await hall.until(made, "ended")
    assert view.reason == "call: its channel is gone"
    assert hall.others(one) == []
    assert len(hall.house.desk.views(ACCOUNT)[0].members) == 1


@pytest.mark.parametrize("operation", ["channels.externalMedia", "bridges.addChannel"])
async def test_asterisk_refuses(hall: Hall, operation: str) -> None:
    _, one = await hall.house.come()
    hall.stage.fake.faults.refuse(operation, 500, "out of order")
    made = await hall.attach()
    view = await hall.until(made, "ended")
    assert view.reason == "call: Asterisk cannot attach to it"
    world = hall.stage.fake.world
    await hall.stage.until(lambda: list(world.channels) == [one.id] and not hall.stage.registry.helpers)
    assert one.bridge == hall.bridge.id


async def test_the_process_stops(hall: Hall) -> None:
    """The conference is left as it is in Asterisk."""
    call, one = await hall.house.come()
    made = await hall.active()
    call.detach()
    view = await hall.until(made, "ended")
    assert view.reason == "the server stops"
    assert one.bridge in hall.stage.fake.world.bridges
    assert len(hall.others(one)) == 1


@pytest.mark.parametrize("alone", [False, True])
async def test_kill_9_leaves_nothing_of_it(hall: Hall, alone: bool) -> None:
    """Whether the conference goes on, or the last member went meanwhile."""
    stage = hall.stage
    call, one = await hall.house.come()
    await hall.active()
    (left,) = hall.others(one)
    bridge = one.bridge
    await stage.crash()
    if alone:
        stage.fake.hangup_from_far_end(one.id)
    assert left in stage.fake.world.channels
    houses: list[House] = []

    def know(new: Stage, calls: list[Call]) -> None:
        houses.append(House(new))
        for call, record in zip(calls, new.store.records(), strict=True):
            call.program = new.registry.programs[record.program](record.program_state)
        houses[0].calls.restored(calls)

    async with stage.next_process(before=know) as (new, calls):
        recovery.resume(calls)
        await new.until(lambda: left not in new.fake.world.channels)
        if alone:
            await new.nothing_left()
            assert bridge not in new.fake.world.bridges
        else:
            await new.until(lambda: houses[0].desk.views(ACCOUNT)[0].members)
            assert new.fake.world.bridges[str(bridge)].channels == [one.id]
            assert [each.id for each in calls] == [call.id]
