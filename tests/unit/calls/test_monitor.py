"""Supervisors: what is opened for them, how it is switched, and that nothing of it is left behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ari_app.ari.errors import AriError, ServerFault, TimedOut
from ari_app.ari.fake import Answers, NeverAnswers
from ari_app.ari.fake.state import FakeChannel
from ari_app.calls.call import Call
from ari_app.calls.leg import LegGone, LegState
from ari_app.calls.monitoring import MonitorProgram, monitor
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.helper import ENTER_LIMIT
from ari_app.calls.verbs.monitor import MonitorMode
from ari_app.calls.verbs.snoop import Snoop
from tests.unit.calls.stage import Stage

DESK = "PJSIP/1000"
SPY, WHISPER, BARGE = MonitorMode.SPY, MonitorMode.WHISPER, MonitorMode.BARGE


class Floor:
    """A call whose leg is listened to, and a supervisor's phone."""

    def __init__(self, stage: Stage, target: Call, channel: FakeChannel) -> None:
        self.stage, self.target, self.channel = stage, target, channel

    def monitor(self, mode: MonitorMode = SPY, account: int = 1) -> Call:
        """As the REST interface does; the supervisor's call."""
        monitor(self.stage.registry, DESK, self.target.caller, mode, account)
        return self.calls[-1]

    @property
    def calls(self) -> list[Call]:
        return [call for call in self.stage.registry.calls.values() if isinstance(call.program, MonitorProgram)]

    def heard(self) -> dict[str, set[str]]:
        """Of every bridge with a snoop, who is joined in it: "supervisor", or whose snoop in which directions."""
        world = self.stage.fake.world
        joined = {}
        for bridge in world.bridges.values():
            members = set()
            for channel in (world.channels[c] for c in bridge.channels):
                if channel.spied is None:
                    members.add("supervisor")
                else:
                    whose = "target" if channel.spied == self.channel.id else "supervisor"
                    members.add(f"{whose} {channel.variables['SPY']}/{channel.variables['WHISPER']}")
            joined[bridge.id] = members
        return joined

    def mode(self) -> MonitorMode | None:
        """What the bridges amount to; None: they are being built."""
        found = sorted(sorted(members) for members in self.heard().values())
        ear = ["supervisor", "target both/none"]
        voice = ["supervisor in/none", "target none/out"]
        public = ["supervisor in/none", "target none/in"]
        built = {SPY: [ear], WHISPER: [ear, voice], BARGE: [ear, voice, public]}
        return next((mode for mode, bridges in built.items() if sorted(bridges) == found), None)

    async def until_mode(self, mode: MonitorMode) -> None:
        """Wait until he is heard like that, and everything has been answered."""
        await self.stage.until(lambda: self.mode() is mode and all(c.program._monitor for c in self.calls))
        await self.settled()

    async def settled(self) -> None:
        def idle() -> bool:
            return not self.stage.node._tasks and all(c.tasks == 1 and not c._requests for c in self.calls)

        await self.stage.until(idle)

    async def only_the_target_is_left(self) -> None:
        """The supervisor and all that was opened for him are gone; the call he listened to is as it was."""
        world = self.stage.fake.world
        await self.stage.until(lambda: list(world.channels) == [self.channel.id])
        await self.stage.until(lambda: not world.bridges and not self.stage.registry.helpers and not self.calls)
        await self.settled()
        assert self.target.caller.state is LegState.UP
        assert [(w, f) for w, f in self.target.caller.waiters if not f.done()] == []

    async def end(self) -> None:
        self.stage.fake.hangup_from_far_end(self.channel)
        await self.stage.nothing_left()


@pytest.fixture
async def floor(stage: Stage) -> Floor:
    stage.fake.endpoints[DESK] = Answers()
    call, channel = await stage.incoming()
    await answer(call.caller)
    await call.caller.until(LegState.UP)
    return Floor(stage, call, channel)


@pytest.mark.parametrize("mode", list(MonitorMode))
async def test_each_mode(floor: Floor, mode: MonitorMode) -> None:
    floor.monitor(mode)
    await floor.until_mode(mode)
    await floor.end()


async def test_from_mode_to_mode_without_touching_what_stays(floor: Floor) -> None:
    call = floor.monitor(SPY)
    await floor.until_mode(SPY)
    (ear,) = floor.heard()
    for mode in (WHISPER, BARGE, WHISPER, SPY, BARGE, SPY):
        before = set(floor.heard())
        assert floor.monitor(mode) is call  # switched, not begun again
        await floor.until_mode(mode)
        after = set(floor.heard())
        assert ear in after
        assert before <= after or after <= before
    assert len(floor.stage.asked("channels.create")) == 1
    await floor.end()


async def test_the_last_of_several_switches_wins(floor: Floor) -> None:
    floor.monitor(SPY)
    await floor.until_mode(SPY)
    for mode in (BARGE, SPY, WHISPER, BARGE, WHISPER):
        floor.monitor(mode)
    await floor.until_mode(WHISPER)
    await floor.settled()
    assert floor.mode() is WHISPER
    await floor.end()


async def test_switched_while_his_phone_rings(floor: Floor) -> None:
    floor.stage.fake.endpoints[DESK] = NeverAnswers()
    call = floor.monitor(SPY)
    await call.caller.until(LegState.RINGING)
    assert floor.monitor(BARGE) is call
    await floor.settled()
    (kept,) = [record for record in floor.stage.store.records() if record.id == call.id]
    assert kept.program_state["mode"] == "bargeIn"
    floor.stage.fake.answer(call.caller.id)
    await floor.until_mode(BARGE)
    await floor.end()


@pytest.mark.parametrize("last", [SPY, BARGE])
async def test_switched_while_it_is_being_opened(floor: Floor, last: MonitorMode) -> None:
    """It ends in the mode that was wanted last."""
    held = floor.stage.fake.hold(lambda event: event["type"] == "StasisStart" and event["args"] == ["snoop"])
    floor.monitor(WHISPER)
    await floor.stage.until(lambda: held.events)
    floor.monitor(SPY)
    floor.monitor(last)
    held.release()
    await floor.until_mode(last)
    await floor.end()


# ends


async def test_the_supervisor_hangs_up(floor: Floor) -> None:
    call = floor.monitor(BARGE)
    await floor.until_mode(BARGE)
    floor.stage.fake.hangup_from_far_end(call.caller.id)
    await floor.only_the_target_is_left()
    await floor.end()


@pytest.mark.parametrize("count", range(1, 8))
async def test_the_supervisor_hangs_up_while_it_is_being_opened(floor: Floor, count: int) -> None:
    """After any number of requests."""
    call = floor.monitor(BARGE)
    await call.caller.until(LegState.UP)
    opening = ("bridges.createWithId", "bridges.addChannel", "channels.snoopChannelWithId")
    floor.stage.fake.faults.answer_delay = 0.02
    await floor.stage.until(lambda: sum(name in opening for name in floor.stage.asked()) >= count)
    floor.stage.fake.hangup_from_far_end(call.caller.id)
    await floor.only_the_target_is_left()
    await floor.end()


async def test_the_target_goes(floor: Floor) -> None:
    floor.monitor(BARGE)
    await floor.until_mode(BARGE)
    await floor.end()


@pytest.mark.parametrize("count", range(1, 8))
async def test_the_target_goes_while_it_is_being_opened(floor: Floor, count: int) -> None:
    call = floor.monitor(BARGE)
    await call.caller.until(LegState.UP)
    opening = ("bridges.createWithId", "bridges.addChannel", "channels.snoopChannelWithId")
    floor.stage.fake.faults.answer_delay = 0.02
    await floor.stage.until(lambda: sum(name in opening for name in floor.stage.asked()) >= count)
    await floor.end()


async def test_the_target_goes_before_the_supervisor_answers(floor: Floor) -> None:
    """His phone stops: there is nothing left to listen to."""
    floor.stage.fake.endpoints[DESK] = NeverAnswers()
    call = floor.monitor()
    await call.caller.until(LegState.RINGING)
    await floor.end()


@pytest.mark.parametrize("behaviour", [NeverAnswers(), None])
async def test_the_supervisor_cannot_be_had(floor: Floor, behaviour: Any) -> None:
    if behaviour is None:
        del floor.stage.fake.endpoints[DESK]
        floor.monitor()
    else:
        floor.stage.fake.endpoints[DESK] = behaviour
        call = floor.monitor()
        await call.caller.until(LegState.RINGING)
        floor.stage.fake.busy(call.caller.id)
    await floor.only_the_target_is_left()
    await floor.end()


async def test_what_he_hears_ends_by_itself(floor: Floor) -> None:
    """Somebody hangs the snoop up: a supervisor who hears nothing is let go."""
    floor.monitor(SPY)
    await floor.until_mode(SPY)
    (ear,) = [c for c in floor.stage.fake.world.channels.values() if c.spied]
    floor.stage.fake.world.hang_up(ear, 16)
    await floor.only_the_target_is_left()
    await floor.end()


# faults


@pytest.mark.parametrize("operation", ["bridges.createWithId", "bridges.addChannel", "channels.snoopChannelWithId"])
@pytest.mark.parametrize("nth", range(5))
@pytest.mark.parametrize("fault", ["refused", "lost", "lost before"])
async def test_opening_fails_halfway(floor: Floor, operation: str, nth: int, fault: str) -> None:
    """At any of its requests: no snoop and no bridge is left, and the call goes on."""
    faults, skipped = floor.stage.fake.faults, iter(range(nth))

    def due(_: Any) -> bool:
        return next(skipped, None) is None

    if fault == "refused":
        faults.refuse(operation, 500, matches=due)
    else:
        faults.lose(operation, carried_out=fault == "lost", matches=due)
    requests = {"bridges.createWithId": 3, "bridges.addChannel": 3, "channels.snoopChannelWithId": 5}
    floor.monitor(BARGE)
    if nth < requests[operation]:
        await floor.only_the_target_is_left()
    else:
        await floor.until_mode(BARGE)
    await floor.end()


async def test_a_switch_that_fails_can_be_tried_again(floor: Floor) -> None:
    call = floor.monitor(SPY)
    await floor.until_mode(SPY)
    floor.stage.fake.faults.refuse("bridges.addChannel", 500)
    floor.monitor(WHISPER)
    await floor.stage.until(lambda: len(floor.stage.asked("bridges.addChannel")) == 2)
    await floor.settled()
    assert floor.mode() is SPY  # what he hears goes on
    assert floor.monitor(WHISPER) is call
    await floor.until_mode(WHISPER)
    await floor.end()


async def test_a_snoop_that_cannot_be_hung_up_is_tried_again(floor: Floor) -> None:
    call = floor.monitor(SPY)
    await floor.until_mode(SPY)
    floor.stage.fake.faults.refuse("channels.hangup", 500, matches=lambda a: a["channelId"].startswith("snoop"))
    floor.stage.fake.hangup_from_far_end(call.caller.id)
    await floor.stage.until(floor.stage.clock.due)
    floor.stage.clock.advance(2.0)
    await floor.only_the_target_is_left()
    await floor.end()


# several


async def test_two_supervisors_and_two_accounts(floor: Floor) -> None:
    first = floor.monitor(SPY)
    await floor.until_mode(SPY)
    other = floor.monitor(WHISPER, account=2)
    assert other is not first
    await floor.stage.until(lambda: len(floor.heard()) == 3)
    await floor.end()


async def test_once_more_after_he_has_hung_up(floor: Floor) -> None:
    first = floor.monitor(SPY)
    await floor.until_mode(SPY)
    floor.stage.fake.hangup_from_far_end(first.caller.id)
    await floor.stage.until(lambda: first.closing)
    floor.monitor(SPY)
    await floor.stage.until(lambda: floor.calls and first not in floor.calls)
    await floor.until_mode(SPY)
    await floor.end()


# snoops by themselves


async def test_a_snoop(floor: Floor) -> None:
    target = floor.target.caller
    snoop = Snoop(target, spy="both", whisper="none")
    await snoop.close()  # never asked for
    await snoop.open()
    assert floor.stage.fake.channel(snoop.id).spied == target.id
    await snoop.close()
    assert snoop.gone.is_set()
    await snoop.close()
    assert len(floor.stage.asked("channels.hangup")) == 1
    await floor.end()


@pytest.mark.parametrize("how", ["never enters", "ends first", "target goes"])
async def test_a_snoop_that_does_not_begin(floor: Floor, how: str) -> None:
    stage, target = floor.stage, floor.target.caller
    starts = stage.fake.hold(lambda event: event["type"] == "StasisStart" and event["args"] == ["snoop"])
    snoop = Snoop(target, spy="both", whisper="none")
    opening = asyncio.create_task(snoop.open())
    await stage.until(lambda: starts.events and target.waiters)
    expected: type[AriError] | type[LegGone] = LegGone
    if how == "never enters":
        stage.clock.advance(ENTER_LIMIT)
        expected = TimedOut
    elif how == "ends first":
        stage.fake.hangup_from_far_end(snoop.id)
    else:
        lost = stage.fake.hold("StasisEnd")
        stage.fake.hangup_from_far_end(floor.channel)
        lost.events.clear()
    with pytest.raises(expected):
        await opening
    starts.events.clear()
    if how == "target goes":
        await stage.nothing_left()
    else:
        await floor.only_the_target_is_left()
        await floor.end()


async def test_a_snoop_that_is_refused_needs_no_hang_up(floor: Floor) -> None:
    floor.stage.fake.faults.refuse("channels.snoopChannelWithId", 500)
    with pytest.raises(ServerFault):
        await Snoop(floor.target.caller, spy="both", whisper="none").open()
    await floor.settled()
    assert "channels.hangup" not in floor.stage.asked()
    await floor.end()
