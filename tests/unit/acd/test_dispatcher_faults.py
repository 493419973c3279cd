"""When what the engine decides cannot be carried out, or no longer: nobody is lost, and the engine learns of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ari_app.acd import commands, dispatcher, events
from ari_app.acd.settings import Strategy
from ari_app.ari.fake import Answers
from ari_app.ari.fake.state import FakeChannel
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.verbs.hangup import ASK_AGAIN
from tests.unit.calls.hall import Hall, a_hall


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with a_hall() as made:
        made.queue()
        yield made


def outcomes(hall: Hall, agent: int) -> list[str]:
    return [fact.outcome for fact in hall.store.facts_of(commands.OfferEnded) if fact.agent == agent]


async def served_by_the_next(hall: Hall, channel: FakeChannel, reason: str = "error") -> None:
    """The first agent could not be had; the second takes the call."""
    await hall.talk(2, channel)
    assert outcomes(hall, 1) == [reason]
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


# offers


@pytest.mark.parametrize(("status", "reason"), [(400, "unavailable"), (500, "unavailable"), (503, "unavailable")])
async def test_a_phone_that_cannot_be_rung(hall: Hall, status: int, reason: str) -> None:
    hall.fake.faults.refuse("channels.create", status)
    hall.agent(1)
    hall.agent(2)
    _, channel = await hall.call()
    await served_by_the_next(hall, channel, reason)


async def test_asterisk_cannot_be_reached_for_the_first(hall: Hall) -> None:
    hall.fake.faults.lose("channels.create", carried_out=False, times=2)
    hall.agent(1)
    hall.agent(2)
    _, channel = await hall.call()
    await served_by_the_next(hall, channel)


async def test_it_does_not_answer_in_time_and_rings_all_the_same(hall: Hall) -> None:
    """The leg was given up: its channel is hung up when it comes."""
    held = hall.fake.hold(lambda event: event["type"] == "StasisStart" and event["args"][:1] == ["leg"])
    hall.stage.time_out("channels.create")
    hall.agent(1)
    _, channel = await hall.call()
    await hall.stage.until(lambda: outcomes(hall, 1) == ["error"])
    hall.agent(2)
    held.release()
    await served_by_the_next(hall, channel)


async def test_dial_is_refused(hall: Hall) -> None:
    hall.fake.faults.refuse("channels.dial", 409, "Channel is not in the 'Down' state")
    hall.agent(1)
    hall.agent(2)
    _, channel = await hall.call()
    leg = (await hall.stage.until(lambda: hall.legs_of(1)))[0]
    await leg.until(LegState.GONE)
    await served_by_the_next(hall, channel)


async def test_dial_is_refused_and_so_is_its_hang_up(hall: Hall) -> None:
    hall.fake.faults.refuse("channels.dial", 409)
    hall.fake.faults.refuse("channels.hangup", 500)
    hall.agent(1)
    hall.agent(2)
    _, channel = await hall.call()
    leg = (await hall.stage.until(lambda: hall.legs_of(1)))[0]
    await hall.ringing(2)
    await hall.stage.until(lambda: leg.waiters)
    hall.clock.advance(ASK_AGAIN)
    await leg.until(LegState.GONE)
    await served_by_the_next(hall, channel)


async def test_a_bug_on_the_way_to_a_phone(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        monkeypatch.undo()
        raise ValueError("a bug")

    monkeypatch.setattr(dispatcher, "dial_start", fail)
    hall.agent(1)
    hall.agent(2)
    _, channel = await hall.call()
    await served_by_the_next(hall, channel)


@pytest.mark.parametrize("why", ["caller", "agent"])
async def test_withdrawn_before_asterisk_has_made_it(hall: Hall, why: str) -> None:
    hall.fake.faults.delay("channels.create", 0.05)
    hall.agent(1)
    _, channel = await hall.call()
    await hall.stage.until(lambda: hall.stage.asked("channels.create"))
    if why == "caller":
        hall.fake.hangup_from_far_end(channel)
    else:
        leg = (await hall.stage.until(lambda: hall.legs_of(1)))[0]
        hall.apply(events.AgentSignedOut(agent=1))
        await leg.until(LegState.GONE)
        hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()
    assert "channels.dial" not in hall.stage.asked()


async def test_withdrawn_in_the_same_moment(hall: Hall) -> None:
    """Before its task had its first turn."""
    hall.agent(1)
    hall.apply(events.Paused(agent=1))
    _, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    hall.apply(events.Resumed(agent=1))
    hall.apply(events.Paused(agent=1))
    await hall.stage.until(lambda: not hall.legs_of(1))
    assert "channels.create" not in hall.stage.asked()
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_withdrawal_is_refused_and_he_answers(hall: Hall) -> None:
    """He talks to nobody, and not for long."""
    hall.agent(1)
    hall.agent(2)
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    hall.fake.faults.refuse("channels.hangup", 500)
    hall.apply(events.Paused(agent=1))
    await hall.stage.until(lambda: hall.stage.asked("channels.hangup"))
    hall.fake.answer(leg.id)
    await leg.until(LegState.UP)
    await hall.stage.until(lambda: leg.waiters)
    hall.clock.advance(ASK_AGAIN)
    await leg.until(LegState.GONE)
    await served_by_the_next(hall, channel, "agent_left")


async def test_he_answers_while_he_is_being_withdrawn(hall: Hall) -> None:
    hall.agent(1)
    hall.agent(2)
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    hall.apply(events.Paused(agent=1))
    hall.fake.answer(leg.id)
    await leg.until(LegState.GONE)
    await served_by_the_next(hall, channel, "agent_left")


async def test_a_caller_whose_program_failed_is_offered_to_nobody(hall: Hall) -> None:
    """His call is being released; an agent who gets free is not rung for him."""
    hall.agent(1)
    hall.apply(events.Paused(agent=1))
    call, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    hall.fake.faults.refuse("channels.hangup", 500)
    assert call._main is not None
    conversation = hall.dispatcher._conversations[call.id]
    conversation.released.set_exception(ValueError("a bug"))
    await hall.stage.until(lambda: call.closing)
    hall.apply(events.Resumed(agent=1))
    assert hall.legs_of(1) == []
    await hall.stage.until(lambda: call.caller.waiters)
    hall.clock.advance(ASK_AGAIN)
    await hall.nothing_left()
    assert hall.status(1) == "available"


# joining

JOINING = ["bridges.createWithId", "bridges.addChannel", "channels.stopMoh"]


@pytest.mark.parametrize("operation", JOINING)
@pytest.mark.parametrize("status", [404, 409, 422, 500])
async def test_they_cannot_be_joined(hall: Hall, operation: str, status: int) -> None:
    """The caller gets his place back and goes to another agent first; the first agent's phone is hung up."""
    if (operation, status) == ("bridges.createWithId", 409):
        return  # under our id it can only be ours
    hall.fake.faults.refuse(operation, status, "Channel not in Stasis application" if status == 422 else "")
    hall.agent(1)
    first, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    second, other = await hall.call(caller="0302")
    leg = await hall.ringing(1)
    hall.fake.answer(leg.id)
    await hall.stage.until(lambda: hall.stage.asked(operation))
    await hall.stage.until(lambda: leg.waiters)
    hall.clock.advance(dispatcher.SETTLE)
    await leg.until(LegState.GONE)
    assert hall.waiting() == [first.id, second.id]
    (unserved,) = hall.store.facts_of(commands.CallerUnserved)
    assert (unserved.call, unserved.agent) == (first.id, 1)
    await hall.stage.until(lambda: channel.music)
    hall.agent(2)
    await hall.talk(2, channel)
    for each in (channel, other):
        hall.fake.hangup_from_far_end(each)
    await hall.nothing_left()


@pytest.mark.parametrize("operation", JOINING)
async def test_joining_does_not_answer_in_time(hall: Hall, operation: str) -> None:
    """It may have been done: what is uncertain is undone."""
    hall.stage.time_out(operation)
    hall.agent(1)
    hall.agent(2)
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    await hall.stage.until(lambda: channel.music)
    hall.fake.answer(leg.id)
    # a bridge that was made may be kept for a while, which has a timer of its own
    settled = hall.clock.now() + dispatcher.SETTLE
    await hall.stage.until(lambda: any(at == settled and timer.callback for at, _, timer in hall.clock._timers))
    hall.clock.advance(dispatcher.SETTLE)
    await leg.until(LegState.GONE)
    await hall.talk(2, channel)
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


@pytest.mark.parametrize("operation", ["answered", *JOINING])
async def test_the_caller_leaves_while_he_is_joined(hall: Hall, operation: str) -> None:
    """He was answered: it is a call that he ended, not one that nobody took."""
    hall.agent(1)
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    await hall.stage.until(lambda: channel.music)
    hall.fake.faults.answer_delay = 0.02
    hall.fake.answer(leg.id)
    if operation == "answered":
        await leg.until(LegState.UP)
    else:
        await hall.stage.until(lambda: hall.stage.asked(operation))
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()
    (completed,) = hall.store.facts_of(commands.CallCompleted)
    assert completed.by == "caller"
    assert hall.status(1) == "available"
    assert hall.store.facts_of(commands.CallerUnserved) == []


@pytest.mark.parametrize("operation", ["answered", *JOINING])
async def test_the_agent_leaves_while_he_is_joined(hall: Hall, operation: str) -> None:
    hall.agent(1)
    hall.agent(2)
    call, channel = await hall.call()
    leg = await hall.ringing(1)
    await hall.stage.until(lambda: channel.music)
    hall.fake.faults.answer_delay = 0.02
    hall.fake.answer(leg.id)
    if operation == "answered":
        await leg.until(LegState.UP)
    else:
        await hall.stage.until(lambda: hall.stage.asked(operation))
    hall.fake.hangup_from_far_end(leg.id)
    await leg.until(LegState.GONE)
    hall.fake.faults.answer_delay = 0.0
    await hall.stage.until(lambda: hall.waiting() == [call.id] or call.closing)
    if hall.waiting():  # he went before they were joined
        await hall.talk(2, channel)
        hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_the_caller_s_end_comes_after_the_refusal_that_it_caused(hall: Hall) -> None:
    """Asterisk says that it has no such channel, and only then that it ended."""
    held = hall.fake.hold(lambda e: e["type"] in ("ChannelHangupRequest", "StasisEnd") and e["channel"]["id"] == caller)
    caller = ""
    hall.agent(1)
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    await hall.stage.until(lambda: channel.music)
    caller = channel.id
    hall.fake.hangup_from_far_end(channel)
    hall.fake.answer(leg.id)
    await hall.stage.until(lambda: hall.stage.asked("channels.stopMoh"))
    await hall.stage.until(lambda: leg.waiters)
    held.release()
    await hall.nothing_left()
    (completed,) = hall.store.facts_of(commands.CallCompleted)
    assert completed.by == "caller"


async def test_ringall_and_the_first_cannot_be_joined(hall: Hall) -> None:
    hall.queue("501", strategy=Strategy.RINGALL)
    for number in (1, 2):
        hall.agent(number, "501")
    hall.fake.faults.refuse("bridges.addChannel", 422, "Channel not in Stasis application")
    call, channel = await hall.call("501")
    legs: list[Leg] = [await hall.ringing(1), await hall.ringing(2)]
    hall.fake.answer(legs[0].id)
    await hall.stage.until(lambda: hall.stage.asked("bridges.addChannel") and legs[0].waiters)
    hall.clock.advance(dispatcher.SETTLE)
    await hall.talk(2, channel)
    assert hall.talks() == {call.id: 2}
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


# the caller's side


@pytest.mark.parametrize("operation", ["channels.answer", "channels.startMoh"])
async def test_without_music_he_waits_all_the_same(hall: Hall, operation: str) -> None:
    hall.fake.faults.refuse(operation, 500)
    hall.agent(1)
    _, channel = await hall.call()
    await hall.talk(1, channel)
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_his_hang_up_after_the_call_is_refused(hall: Hall) -> None:
    hall.agent(1, phone=Answers())
    call, channel = await hall.call()
    (leg,) = await hall.stage.until(lambda: hall.legs_of(1))
    await hall.joined(channel, leg)
    hall.fake.faults.refuse("channels.hangup", 500)
    hall.fake.hangup_from_far_end(leg.id)
    await hall.stage.until(lambda: hall.stage.asked("channels.hangup"))
    await hall.stage.over(call)  # the program could not; the call does it
    await hall.nothing_left()


async def test_a_bridge_that_cannot_be_taken_down(hall: Hall) -> None:
    hall.fake.faults.refuse("bridges.destroy", 500)
    hall.agent(1, phone=Answers())
    _, channel = await hall.call()
    await hall.stage.until(lambda: channel.bridge)
    hall.fake.hangup_from_far_end(channel)
    await hall.stage.until(lambda: not hall.stage.leftovers(), pace=0.1)
    await hall.nothing_left()
