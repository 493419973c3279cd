"""A process is killed at any moment of a queue call, and another goes on: callers keep their place, talks go on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ari_app.acd import commands, events
from ari_app.acd.queue_program import QueueProgram
from ari_app.ari.fake.state import FakeChannel
from ari_app.calls import facts
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg
from ari_app.calls.verbs.hangup import ASK_AGAIN
from tests.unit.calls.hall import Hall, a_hall


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with a_hall() as made:
        made.queue()
        yield made


def same(hall: Hall, leg: Leg) -> Leg:
    """A leg of the process before, made again."""
    return hall.stage.registry.legs["pbx", leg.id]


async def test_waiting(hall: Hall) -> None:
    """They keep their order and the time since which they wait, and the music plays on."""
    calls = [await hall.call(caller=f"030{n}") for n in range(3)]
    for _, channel in calls:
        await hall.stage.until(lambda channel=channel: channel.music)
        hall.clock.advance(10.0)
    before = hall.engine.queued_calls("500", hall.clock.now())
    asked = len(hall.stage.asked("channels.startMoh"))
    await hall.crash()
    hall.clock.advance(5.0)
    async with hall.next_process() as after:
        now = after.engine.queued_calls("500", hall.clock.now())
        assert [(row.call, row.joined_at) for row in now] == [(row.call, row.joined_at) for row in before]
        assert len(after.stage.asked("channels.startMoh")) == asked
        after.agent(1)
        await after.talk(1, calls[0][1])
        for _, channel in calls:
            hall.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_one_of_those_who_wait_gave_up(hall: Hall) -> None:
    first, gone = await hall.call()
    second, channel = await hall.call(caller="0302")
    await hall.stage.until(lambda: channel.music)
    await hall.crash()
    hall.fake.hangup_from_far_end(gone)
    async with hall.next_process() as after:
        assert after.waiting() == [second.id]
        (exited,) = after.store.facts_of(commands.CallerExited)
        assert (exited.call, exited.outcome) == (first.id, "abandoned")
        hall.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_he_was_not_answered_yet(hall: Hall) -> None:
    hall.stage.time_out("channels.answer")
    hall.fake.faults.refuse("channels.answer", 500)
    _, channel = await hall.call()
    channel.state = "Ring"
    await hall.stage.until(lambda: hall.stage.asked("channels.answer"))
    await hall.crash()
    hall.fake.faults.clear()
    channel.state = "Ring"
    async with hall.next_process() as after:
        await after.stage.until(lambda: channel.music)
        hall.fake.hangup_from_far_end(channel)
        await after.stage.until(lambda: not after.stage.registry.calls)


async def test_his_joining_had_not_been_kept(hall: Hall) -> None:
    """The call was, the journal's last event was not: he joins, since when he came."""
    call, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    hall.clock.advance(10.0)
    await hall.crash()
    hall.store.journal = [kept for kept in hall.store.journal if b"CallerJoined" not in kept[1]]
    async with hall.next_process() as after:
        await after.stage.until(lambda: after.waiting() == [call.id])
        (row,) = after.engine.queued_calls("500", hall.clock.now())
        assert row.joined_at == call.started_at
        hall.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_his_phone_rings(hall: Hall) -> None:
    """It rings on, and stops in time."""
    hall.agent(1)
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    hall.clock.advance(10.0)
    await hall.crash()
    async with hall.next_process() as after:
        assert after.status(1) == "ringing"
        hall.clock.advance(5.0)
        await after.stage.until(lambda: ("pbx", leg.id) not in after.stage.registry.legs)
        assert after.status(1) != "ringing"
        hall.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_he_answered_meanwhile(hall: Hall) -> None:
    hall.agent(1)
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    await hall.crash()
    hall.fake.answer(leg.id)
    async with hall.next_process() as after:
        await after.joined(channel, same(after, leg))
        hall.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_he_was_busy_meanwhile(hall: Hall) -> None:
    """We were not told why: he is left alone for a while, and nobody is punished."""
    hall.agent(1)
    call, channel = await hall.call()
    leg = await hall.ringing(1)
    await hall.crash()
    hall.fake.busy(leg.id)
    async with hall.next_process() as after:
        (ended,) = after.store.facts_of(commands.OfferEnded)
        assert ended.outcome == "error"
        assert after.waiting() == [call.id]
        hall.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_his_phone_was_just_being_rung(hall: Hall) -> None:
    """Whether it was dialled nobody knows: it is hung up, and he is offered again."""
    hall.stage.time_out("channels.create")
    hall.agent(1)
    _, channel = await hall.call()
    await hall.stage.until(lambda: hall.stage.asked("channels.create"))
    (leg,) = hall.legs_of(1)
    await hall.crash()
    hall.fake.faults.clear()
    async with hall.next_process() as after:
        await after.stage.until(lambda: leg.id not in hall.fake.world.channels)
        after.clock.advance(5.0)
        again = await after.talk(1, channel)
        assert again.id != leg.id
        hall.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_the_offer_was_kept_and_its_leg_was_not(hall: Hall) -> None:
    hall.agent(1)
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    await hall.crash()
    (record,) = hall.store.records()
    record.legs = [kept for kept in record.legs if kept.id != leg.id]
    hall.store.records = lambda: [record]
    async with hall.next_process() as after:
        (ended,) = after.store.facts_of(commands.OfferEnded)
        assert ended.outcome == "error"
        await after.stage.until(lambda: leg.id not in hall.fake.world.channels)  # an orphan
        hall.fake.hangup_from_far_end(channel)
        await after.stage.over(after.stage.registry.calls[record.id])
        after.replays()


async def talking(hall: Hall) -> tuple[Call, FakeChannel, Leg]:
    hall.agent(1)
    call, channel = await hall.call()
    return call, channel, await hall.talk(1, channel)


async def test_they_talk(hall: Hall) -> None:
    """They are not parted for a moment; the end of it is counted as ever."""
    call, channel, leg = await talking(hall)
    requests = len(hall.stage.asked("bridges.addChannel"))
    await hall.crash()
    hall.clock.advance(60.0)
    async with hall.next_process() as after:
        assert after.talks() == {call.id: 1}
        await after.joined(channel, same(after, leg))
        hall.fake.hangup_from_far_end(leg.id)
        await after.stage.until(lambda: channel.ended)
        (completed,) = after.store.facts_of(commands.CallCompleted)
        assert (completed.talk, completed.by) == (60.0, "agent")
        assert len(after.stage.asked("bridges.addChannel")) == requests
        await after.nothing_left()


async def test_the_agent_hung_up_meanwhile(hall: Hall) -> None:
    call, channel, leg = await talking(hall)
    await hall.crash()
    hall.fake.hangup_from_far_end(leg.id)
    async with hall.next_process() as after:
        await after.stage.until(lambda: channel.ended)
        assert after.status(1) == "available"
        await after.nothing_left()
    assert call.id not in hall.store.live


async def test_both_hung_up_meanwhile(hall: Hall) -> None:
    _, channel, leg = await talking(hall)
    await hall.crash()
    for each in (channel, leg.id):
        hall.fake.hangup_from_far_end(each)
    async with hall.next_process() as after:
        await after.nothing_left()
        assert len(after.store.facts_of(commands.CallCompleted)) == 1


async def test_they_were_just_being_joined(hall: Hall) -> None:
    """Asterisk had not been asked yet."""
    hall.agent(1)
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    await hall.stage.until(lambda: channel.music)
    hall.stage.time_out("bridges.createWithId")
    hall.fake.answer(leg.id)
    await hall.stage.until(lambda: hall.stage.asked("bridges.createWithId"))
    await hall.crash()
    hall.fake.faults.clear()
    async with hall.next_process() as after:
        await after.joined(channel, same(after, leg))
        await after.stage.until(lambda: len(hall.fake.world.bridges) == 1)
        hall.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_they_had_just_been_joined(hall: Hall) -> None:
    """Asterisk had done it, and we had not been told: they are found in the bridge, and are left there."""
    hall.agent(1)
    call, channel = await hall.call()
    leg = await hall.ringing(1)
    await hall.stage.until(lambda: channel.music)
    hall.stage.time_out("bridges.addChannel")
    hall.fake.answer(leg.id)
    await hall.stage.until(lambda: channel.bridge)
    call.save()
    await hall.crash()
    hall.fake.faults.clear()
    async with hall.next_process() as after:
        await after.joined(channel, same(after, leg))
        assert len(after.stage.asked("bridges.addChannel")) == 1
        hall.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_he_was_just_being_let_go(hall: Hall) -> None:
    """He had his turn: he does not join again."""
    call, channel, leg = await talking(hall)
    hall.fake.faults.refuse("channels.hangup", 500)
    hall.fake.hangup_from_far_end(leg.id)
    await hall.stage.until(lambda: hall.stage.asked("channels.hangup") and call.closing)
    assert isinstance(call.program, QueueProgram)
    assert call.program.departure is not None
    assert call.program.departure.reason == "completed"
    await hall.crash()
    joined = len(hall.store.journalled(events.CallerJoined))
    async with hall.next_process() as after:
        await after.stage.until(lambda: channel.ended)
        await after.nothing_left()
        assert len(after.store.journalled(events.CallerJoined)) == joined


async def test_an_offer_that_was_withdrawn_and_not_hung_up(hall: Hall) -> None:
    """Its end was kept; the phone still rings."""
    hall.agent(1)
    call, channel = await hall.call()
    leg = await hall.ringing(1)
    hall.fake.faults.refuse("channels.hangup", 500)
    hall.apply(events.AgentSignedOut(agent=1))
    await hall.stage.until(lambda: hall.stage.asked("channels.hangup"))
    await hall.crash()
    async with hall.next_process() as after:
        await after.stage.until(lambda: leg.id not in hall.fake.world.channels)
        assert after.waiting() == [call.id]
        hall.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_asterisk_was_restarted_meanwhile(hall: Hall) -> None:
    await talking(hall)
    await hall.call(caller="0302")
    await hall.crash()
    hall.fake.restart()
    async with hall.next_process() as after:
        await after.nothing_left()
        assert after.status(1) == "available"
        assert len(after.store.of(facts.CallEnded)) == 2


async def test_timers_go_on(hall: Hall) -> None:
    """Those that fell due meanwhile fire at once."""
    hall.queue(wrap_up=30.0)
    _, channel, leg = await talking(hall)
    hall.fake.hangup_from_far_end(leg.id)
    await hall.stage.until(lambda: channel.ended and not hall.stage.registry.calls)
    assert hall.status(1) == "wrapUp"
    await hall.crash()
    hall.clock.advance(40.0)
    async with hall.next_process() as after:
        assert after.status(1) == "wrapUp"
        hall.clock.advance(0.0)
        assert after.status(1) == "available"
        await after.nothing_left()


async def test_again_and_again(hall: Hall) -> None:
    """Processes come and go; the call does not care."""
    call, channel, leg = await talking(hall)
    current = hall
    async with hall.next_process() as second:
        current = second
        await current.joined(channel, same(second, leg))
        await second.crash()
        async with second.next_process() as third:
            await third.joined(channel, same(third, leg))
            assert third.talks() == {call.id: 1}
            hall.fake.hangup_from_far_end(channel)
            await third.nothing_left()


async def test_what_is_hung_up_again_later(hall: Hall) -> None:
    """The last hang-up before the crash failed, and so does the first after it."""
    hall.agent(1)
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    hall.fake.faults.refuse("channels.hangup", 500, times=2)
    hall.apply(events.Paused(agent=1))
    await hall.stage.until(lambda: hall.stage.asked("channels.hangup"))
    await hall.crash()
    async with hall.next_process() as after:
        await after.stage.until(lambda: len(after.stage.asked("channels.hangup")) == 2)
        await after.stage.until(lambda: leg.id not in hall.fake.world.channels, pace=ASK_AGAIN / 10)
        hall.fake.hangup_from_far_end(channel)
        await after.nothing_left()
