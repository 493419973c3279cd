"""A call's life: its program, its tasks, its legs, and that all of it is released however it ends."""

from __future__ import annotations

import asyncio
import logging

import msgspec
import pytest

from ari_app.ari.errors import Gone
from ari_app.ari.fake import Answers, NeverAnswers
from ari_app.calls import facts
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegGone, LegState
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import DialOutcome, dial
from ari_app.calls.verbs.hangup import ASK_AGAIN, BUSY, hangup
from ari_app.errors import AppError
from tests.unit.calls.stage import Script, Stage, stay


async def test_a_call_is_hung_up_when_its_program_returns(stage: Stage) -> None:
    async def plan(call: Call) -> None:
        await answer(call.caller)
        await call.caller.until(LegState.UP)

    call, channel = await stage.incoming(plan)
    await stage.over(call)
    assert channel.cause == 16
    told = [type(fact).__name__ for fact in stage.store.facts]
    assert told == ["CallStarted", "LegStarted", "LegAnswered", "CallAnswered", "LegEnded", "CallEnded"]
    (ended,) = stage.store.of(facts.CallEnded)
    assert ended.ended_by == "system"
    (leg,) = stage.store.of(facts.LegEnded)
    assert leg.cause == 16  # ours: in its hang-up request, Asterisk has 32 for all of them
    await stage.nothing_left()


async def test_the_caller_hangs_up(stage: Stage) -> None:
    call, channel = await stage.incoming(stay)
    stage.fake.hangup_from_far_end(channel, 16)
    await stage.over(call)
    (ended,) = stage.store.of(facts.CallEnded)
    assert (ended.ended_by, ended.cause) == ("caller", 16)
    await stage.nothing_left()


async def talk(call: Call) -> None:
    """Answer, dial 1001, talk."""
    await answer(call.caller)
    callee = call.new_leg("callee", endpoint="PJSIP/1001")
    assert await dial(callee) is DialOutcome.ANSWERED
    bridge = Bridge(call)
    await bridge.create()
    await bridge.add(call.caller, callee)
    await callee.until(LegState.GONE)


async def test_the_caller_s_end_ends_everything(stage: Stage) -> None:
    stage.fake.endpoints["PJSIP/1001"] = Answers()
    call, channel = await stage.incoming(talk)
    await stage.until(lambda: channel.bridge)
    stage.fake.hangup_from_far_end(channel)
    await stage.over(call)
    assert len(stage.store.of(facts.LegEnded)) == 2
    await stage.nothing_left()


async def test_the_callee_s_end_is_the_program_s_matter(stage: Stage) -> None:
    stage.fake.endpoints["PJSIP/1001"] = Answers()
    call, channel = await stage.incoming(talk)
    await stage.until(lambda: channel.bridge)
    (callee,) = [leg for leg in call.legs.values() if leg.role == "callee"]
    stage.fake.hangup_from_far_end(callee.id, 16)
    await stage.over(call)
    (ended,) = stage.store.of(facts.CallEnded)
    assert (ended.ended_by, ended.cause) == ("callee", 16)
    assert channel.cause == 16
    await stage.nothing_left()


# what goes wrong in a program


class Odd(AppError):
    """Something that this application raises on purpose."""


@pytest.mark.parametrize("error", [ValueError("a bug"), Odd("refused", why="because"), asyncio.CancelledError()])
async def test_a_program_that_fails_ends_its_call_and_no_other(stage: Stage, error: BaseException) -> None:
    other, other_channel = await stage.incoming(stay)
    failing = asyncio.Event()

    async def plan(call: Call) -> None:
        await failing.wait()
        raise error

    call, channel = await stage.incoming(plan)
    failing.set()
    await stage.over(call)
    assert channel.cause == 38  # a caller who was not answered hears that it is our fault
    assert other.id in stage.registry.calls
    assert not other_channel.ended
    stage.fake.hangup_from_far_end(other_channel)
    await stage.nothing_left()


async def test_a_program_that_fails_after_the_answer_hangs_up_as_usual(stage: Stage) -> None:
    async def plan(call: Call) -> None:
        await answer(call.caller)
        await call.caller.until(LegState.UP)
        raise ValueError("a bug")

    call, channel = await stage.incoming(plan)
    await stage.over(call)
    assert channel.cause == 16
    await stage.nothing_left()


async def test_what_asterisk_refuses_ends_the_call(stage: Stage) -> None:
    stage.fake.faults.refuse("channels.answer", 500)
    call, channel = await stage.incoming(lambda call: answer(call.caller))
    await stage.over(call)
    assert channel.cause == 38
    await stage.nothing_left()


async def test_a_program_may_clean_up_when_the_caller_goes(stage: Stage) -> None:
    cleaned = []

    async def plan(call: Call) -> None:
        try:
            await stay(call)
        finally:
            cleaned.append(call.caller.state)

    _, channel = await stage.incoming(plan)
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()
    assert cleaned == [LegState.GONE]


async def test_a_caller_who_has_gone_before_his_program_began(stage: Stage) -> None:
    """Both events are read before the call's task has its first turn: what Asterisk has queued comes like that."""
    begun = []

    async def plan(call: Call) -> None:
        begun.append(call)

    both = stage.fake.hold(lambda event: event["type"] in ("StasisStart", "ChannelHangupRequest", "StasisEnd"))
    stage.program = lambda call: Script(plan)
    channel = stage.fake.incoming_call()
    stage.fake.hangup_from_far_end(channel)
    for _, event in both.events:
        stage.node.frame(msgspec.json.encode(event))
    assert stage.registry.calls
    await stage.nothing_left()
    assert begun == []


# tasks of a call


async def test_a_task_of_a_call_that_fails_harms_nobody(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(error: Exception) -> None:
        raise error

    async def plan(call: Call) -> None:
        for error in (ValueError("a bug"), LegGone("gone"), Gone("gone"), Odd("refused", why="because")):
            await call.spawn(fail(error), "failing")
        assert call.tasks == 1

    with caplog.at_level(logging.CRITICAL):
        call, channel = await stage.incoming(plan)
        await stage.over(call)
    assert channel.cause == 16
    await stage.nothing_left()


async def test_tasks_end_with_the_call(stage: Stage) -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    async def never_looked_at() -> None:
        raise AssertionError("the call ended before this could begin")

    async def plan(call: Call) -> None:
        call.spawn(work(), "work")
        await asyncio.sleep(0)
        call.spawn(never_looked_at(), "late")

    call, _ = await stage.incoming(plan)
    await stage.over(call)
    assert ended == ["work"]
    assert call.tasks == 1
    await stage.nothing_left()


async def test_a_request_that_was_begun_is_carried_out(stage: Stage) -> None:
    """The bridge is being made when the caller goes: it is waited for, and taken down."""
    stage.fake.faults.delay("bridges.createWithId", 0.1)

    async def plan(call: Call) -> None:
        await Bridge(call).create()

    _, channel = await stage.incoming(plan)
    await stage.until(lambda: stage.fake.world.bridges)
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()
    assert len(stage.asked("bridges.destroy")) == 1


# hanging up for certain


async def test_a_hang_up_that_fails_is_asked_for_again(stage: Stage) -> None:
    stage.fake.faults.refuse("channels.hangup", 500, times=2)

    async def plan(call: Call) -> None:
        return

    call, channel = await stage.incoming(plan)
    for count in (1, 2):
        await stage.until(lambda count=count: len(stage.asked("channels.hangup")) == count)
        await stage.until(lambda: call.caller.waiters)
        assert not channel.ended
        stage.clock.advance(ASK_AGAIN)
    await stage.over(call)
    await stage.nothing_left()


async def test_a_hang_up_whose_answer_is_lost(stage: Stage) -> None:
    stage.fake.faults.lose("channels.hangup")

    async def plan(call: Call) -> None:
        await hangup(call.caller, BUSY)

    call, channel = await stage.incoming(plan)
    await stage.over(call)
    assert channel.cause == BUSY
    await stage.nothing_left()


async def test_the_end_of_a_channel_that_nobody_tells(stage: Stage) -> None:
    """The events of its end are lost; asked again, Asterisk does not have it any more."""
    lost = stage.fake.hold(lambda event: event["type"] in ("ChannelHangupRequest", "StasisEnd", "ChannelDestroyed"))

    async def plan(call: Call) -> None:
        return

    call, _ = await stage.incoming(plan)
    await stage.until(lambda: call.caller.asked_to_end and call.caller.waiters)
    stage.clock.advance(ASK_AGAIN)
    await stage.over(call)
    assert len(stage.asked("channels.hangup")) == 2
    lost.events.clear()
    await stage.nothing_left()


@pytest.mark.parametrize("goes_on", [True, False])
async def test_a_program_that_finds_its_caller_gone(stage: Stage, goes_on: bool) -> None:
    """It learns so from its own hang-up, which ends the program that made it."""
    lost = stage.fake.hold(lambda event: event["type"] in ("ChannelHangupRequest", "StasisEnd"))

    async def plan(call: Call) -> None:
        stage.fake.hangup_from_far_end(call.caller.id)
        await hangup(call.caller)
        assert call.caller.state is LegState.GONE
        if goes_on:
            await stay(call)

    call, _ = await stage.incoming(plan)
    await stage.over(call)
    lost.events.clear()
    await stage.nothing_left()


async def test_the_events_are_cut_off_while_a_call_is_released(stage: Stage) -> None:
    stage.fake.faults.refuse("channels.hangup", 503)

    async def plan(call: Call) -> None:
        stage.node.connected = False  # the socket is down; REST says so too

    call, channel = await stage.incoming(plan)
    await stage.until(lambda: call.caller.leaving and call.caller.waiters)
    stage.node.connected = True
    assert not channel.ended
    stage.clock.advance(ASK_AGAIN)
    await stage.over(call)
    await stage.nothing_left()


async def test_a_leg_that_asterisk_was_never_asked_for(stage: Stage) -> None:
    made: list[Leg] = []

    async def plan(call: Call) -> None:
        made.append(call.new_leg("callee", endpoint="PJSIP/1001"))

    call, _ = await stage.incoming(plan)
    await stage.over(call)
    assert made[0].state is LegState.GONE
    assert "channels.create" not in stage.asked()
    await stage.nothing_left()


async def test_a_bridge_that_cannot_be_taken_down_is_tried_again(stage: Stage) -> None:
    stage.fake.faults.refuse("bridges.destroy", 500, times=2)

    async def plan(call: Call) -> None:
        await Bridge(call).create()

    call, _ = await stage.incoming(plan)
    await stage.over(call)
    assert stage.fake.world.bridges
    for count in (2, 3):
        await stage.until(stage.clock.due)
        stage.clock.advance(30)
        await stage.until(lambda count=count: len(stage.asked("bridges.destroy")) == count)
    await stage.nothing_left()


# who ended it


async def test_a_leg_that_never_talked_does_not_end_the_call(stage: Stage) -> None:
    stage.fake.endpoints["PJSIP/1001"] = NeverAnswers()

    async def plan(call: Call) -> None:
        callee = call.new_leg("callee", endpoint="PJSIP/1001")
        assert await dial(callee) is DialOutcome.DECLINED
        await stay(call)

    call, channel = await stage.incoming(plan)
    callee = await stage.until(lambda: next((leg for leg in call.legs.values() if leg.role == "callee"), None))
    await callee.until(LegState.RINGING)
    stage.fake.hangup_from_far_end(callee.id, 21)
    await callee.until(LegState.GONE)
    assert call.ended_by == ""
    stage.fake.hangup_from_far_end(channel, 16)
    await stage.over(call)
    assert call.ended_by == "caller"
    await stage.nothing_left()


async def test_a_call_without_its_caller_says_so(stage: Stage) -> None:
    call = Call(stage.registry, "call-x", stage.node, account=1, direction="inbound", number="500")
    with pytest.raises(LegGone, match="no caller"):
        _ = call.caller
    assert call.leg(None) is None
    assert call.record().caller == ""


# the process ends, the call does not


async def test_a_process_that_ends_leaves_calls_as_they_are(stage: Stage) -> None:
    stage.fake.endpoints["PJSIP/1001"] = NeverAnswers()

    async def plan(call: Call) -> None:
        await dial(call.new_leg("callee", endpoint="PJSIP/1001"))

    call, _ = await stage.incoming(plan)
    await stage.until(lambda: any(leg.state is LegState.RINGING for leg in call.legs.values()))
    asked = len(stage.asked())
    call.detach()
    await stage.until(lambda: call._main is not None and call._main.done())
    await stage.quiet()
    assert [name for name in stage.asked()[asked:] if name != "events.userEvent"] == []
    assert len(stage.fake.world.channels) == 2
    assert {leg.role for leg in stage.store.records()[0].legs} == {"caller", "callee"}
