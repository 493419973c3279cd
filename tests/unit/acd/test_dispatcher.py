"""The engine's decisions carried out on live calls, and what comes of them fed back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ari_app.acd import commands, dispatcher, events
from ari_app.acd.settings import AutoPause, Strategy
from ari_app.ari.fake import Answers, Behaviour, Busy, Declines, NeverAnswers, Offline
from ari_app.calls import facts
from ari_app.calls.leg import LegState
from ari_app.errors import CommandRefused, NotFound
from tests.unit.calls.hall import Hall, a_hall


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with a_hall() as made:
        yield made


# the walk of a call


async def test_a_caller_reaches_an_agent(hall: Hall) -> None:
    hall.queue(cid_name_prefix="sales: ", wrap_up=10.0)
    hall.agent(1)
    call, channel = await hall.call()
    leg = await hall.ringing(1)
    assert (leg.role, leg.agent) == ("agent", 1)
    assert hall.waiting() == [call.id]
    assert hall.status(1) == "ringing"
    await hall.stage.until(lambda: channel.music)
    assert channel.state == "Up"
    shown = hall.stage.asked("channels.create")[0]["variables"]
    assert shown["CONNECTEDLINE(name,i)"] == "sales: 0301234567"
    assert hall.stage.asked("channels.dial")[0]["timeout"] == 25  # ours comes first; this is for when we are gone
    hall.clock.advance(4.0)
    hall.fake.answer(leg.id)
    await hall.joined(channel, leg)
    assert hall.talks() == {call.id: 1}
    assert hall.status(1) == "onCall"
    hall.clock.advance(60.0)
    hall.fake.hangup_from_far_end(leg.id)
    await hall.stage.over(call)
    assert channel.cause == 16
    (served,) = hall.store.facts_of(commands.CallerServed)
    (completed,) = hall.store.facts_of(commands.CallCompleted)
    assert (served.wait, served.ring) == (4.0, 4.0)
    assert (completed.talk, completed.by) == (60.0, "agent")
    assert hall.status(1) == "wrapUp"
    hall.clock.advance(10.0)
    assert hall.status(1) == "available"
    (ended,) = hall.store.of(facts.CallEnded)
    assert ended.ended_by == "agent"
    await hall.nothing_left()


@pytest.mark.parametrize(
    ("restrictions", "template", "dialled"),
    [
        (0, "Local/{extension}@forwarding", "Local/1001@forwarding"),
        (1, "Local/{extension}@forwarding", "PJSIP/1001"),
        (2, "Local/{extension}@forwarding", "PJSIP/1001"),
        (0, "", "PJSIP/1001"),
    ],
)
async def test_agent_restrictions_say_whether_his_forwards_hold(
    hall: Hall, restrictions: int, template: str, dialled: str
) -> None:
    """What is dialled; the leg is that of his extension all the same."""
    hall.dispatcher.forward_template = template
    hall.queue(agent_restrictions=restrictions, auto_answer=True)
    hall.agent(1)
    hall.fake.endpoints[dialled] = NeverAnswers()
    await hall.call()
    leg = await hall.ringing(1)
    asked = hall.stage.asked("channels.create")[0]
    assert (asked["endpoint"], leg.endpoint) == (dialled, "PJSIP/1001")
    assert ("PJSIP_HEADER(add,Call-Info)" in asked["variables"]) is dialled.startswith("PJSIP/")


async def test_the_caller_hangs_up_first(hall: Hall) -> None:
    hall.queue()
    hall.agent(1)
    call, channel = await hall.call()
    await hall.talk(1, channel)
    hall.fake.hangup_from_far_end(channel)
    await hall.stage.over(call)
    (completed,) = hall.store.facts_of(commands.CallCompleted)
    assert completed.by == "caller"
    assert hall.status(1) == "available"
    await hall.nothing_left()


async def test_the_next_caller_is_offered_in_the_moment_an_agent_is_free(hall: Hall) -> None:
    hall.queue()
    hall.agent(1)
    first, first_channel = await hall.call()
    await hall.talk(1, first_channel)
    second, second_channel = await hall.call()
    await hall.stage.until(lambda: second_channel.music)
    assert hall.waiting() == [second.id]
    hall.fake.hangup_from_far_end(first_channel)
    await hall.talk(1, second_channel)
    await hall.stage.over(first)
    hall.fake.hangup_from_far_end(second_channel)
    await hall.nothing_left()


async def test_nobody_is_there_and_the_caller_gives_up(hall: Hall) -> None:
    hall.queue()
    call, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    hall.clock.advance(30.0)
    hall.fake.hangup_from_far_end(channel)
    await hall.stage.over(call)
    (exited,) = hall.store.facts_of(commands.CallerExited)
    assert (exited.outcome, exited.wait) == ("abandoned", 30.0)
    await hall.nothing_left()


async def test_abandoned_while_it_rings(hall: Hall) -> None:
    hall.queue(auto_pause=AutoPause.YES)
    hall.agent(1)
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()
    assert leg.id not in hall.fake.world.channels
    assert hall.status(1) == "available"
    (ended,) = hall.store.facts_of(commands.OfferEnded)
    assert ended.outcome == "caller_left"


@pytest.mark.parametrize("music", ["default", "none"])
async def test_the_caller_hears_the_music_of_the_queue(hall: Hall, music: str) -> None:
    hall.queue(music_class=music)
    _, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    assert channel.music == music


async def test_the_caller_may_hear_ringing(hall: Hall) -> None:
    hall.queue(ringing=True)
    hall.agent(1)
    call, channel = await hall.call()
    leg = await hall.ringing(1)
    await hall.stage.until(lambda: channel.ringing)
    assert channel.state == "Ring"
    assert call.answered_at is None
    hall.fake.answer(leg.id)
    await hall.joined(channel, leg)
    assert "channels.ringStop" not in hall.stage.asked()  # the answer has ended it
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_a_caller_who_comes_back_hears_ringing_until_he_is_joined(hall: Hall) -> None:
    """He was answered at the first attempt: his ringing tone has to be ended now."""
    hall.queue(ringing=True, retry=None)
    hall.agent(1)
    hall.agent(2)
    hall.fake.faults.refuse("bridges.addChannel", 500)
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    hall.fake.answer(leg.id)
    await hall.stage.until(lambda: hall.stage.asked("bridges.addChannel") and hall.stage.clock.due())
    await hall.stage.until(lambda: channel.state == "Up" and leg.waiters)
    hall.clock.advance(dispatcher.SETTLE)
    second = await hall.ringing(2)
    await hall.stage.until(lambda: len(hall.stage.asked("channels.ring")) == 2)
    assert channel.ringing
    hall.fake.answer(second.id)
    await hall.joined(channel, second)
    assert not channel.ringing
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


# agents who do not take it


async def test_no_answer_and_the_next(hall: Hall) -> None:
    hall.queue(agent_timeout=15.0, auto_pause=AutoPause.YES)
    hall.agent(1)
    hall.agent(2)
    _, channel = await hall.call()
    first = await hall.ringing(1)
    hall.clock.advance(15.0)
    await first.until(LegState.GONE)
    assert first.cause == 16
    second = await hall.ringing(2)
    assert hall.status(1) == "paused"
    hall.fake.answer(second.id)
    await hall.joined(channel, second)
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


@pytest.mark.parametrize(
    ("phone", "reason"),
    [
        (Busy(), "busy"),
        (Declines(), "declined"),
        (Offline(), "unavailable"),
        (Behaviour(fail=0.0, cause=19), "noanswer"),
        (Behaviour(fail=0.0, cause=34), "error"),
    ],
)
async def test_why_a_phone_cannot_be_had(hall: Hall, phone: Behaviour, reason: str) -> None:
    hall.queue()
    hall.agent(1, phone=phone)
    hall.agent(2)
    _, channel = await hall.call()
    await hall.talk(2, channel)
    ended = [fact for fact in hall.store.facts_of(commands.OfferEnded) if fact.agent == 1]
    assert [fact.outcome for fact in ended] == [reason]
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_ringall(hall: Hall) -> None:
    """The first to answer gets the call; the phones of the others know that somebody else took it."""
    hall.queue(strategy=Strategy.RINGALL)
    for number in (1, 2, 3):
        hall.agent(number)
    _, channel = await hall.call()
    legs = {number: await hall.ringing(number) for number in (1, 2, 3)}
    hall.fake.answer(legs[2].id)
    await hall.joined(channel, legs[2])
    for number in (1, 3):
        await legs[number].until(LegState.GONE)
        assert legs[number].cause == 26
        assert hall.status(number) == "available"
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_two_answer_in_the_same_moment(hall: Hall) -> None:
    """Both have picked up before the first is known to have: one gets the call, the other is hung up."""
    hall.queue(strategy=Strategy.RINGALL)
    hall.agent(1)
    hall.agent(2)
    call, channel = await hall.call()
    legs = [await hall.ringing(1), await hall.ringing(2)]
    held = hall.fake.hold(lambda e: e["type"] == "ChannelStateChange" and e["channel"]["state"] == "Up")
    for leg in legs:
        hall.fake.answer(leg.id)
    held.release()
    await hall.joined(channel, legs[0])
    await legs[1].until(LegState.GONE)
    assert hall.talks() == {call.id: 1}
    assert hall.engine.ignored["OfferAnswered"] == 1
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_an_agent_signs_out_while_his_phone_rings(hall: Hall) -> None:
    hall.queue()
    hall.agent(1)
    call, channel = await hall.call()
    leg = await hall.ringing(1)
    hall.apply(events.AgentSignedOut(agent=1))
    await leg.until(LegState.GONE)
    assert hall.waiting() == [call.id]
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


# callers who are let go


@pytest.mark.parametrize(
    ("settings", "cause"),
    [({"max_callers": 0}, 17), ({"join_empty": "no"}, 34)],
)
async def test_refused(hall: Hall, settings: dict[str, Any], cause: int) -> None:
    hall.queue(**settings)
    _, channel = await hall.call()
    await hall.stage.until(lambda: channel.ended)
    assert (channel.cause, channel.state) == (cause, "Ring")
    await hall.nothing_left()


async def test_no_such_queue(hall: Hall) -> None:
    _, channel = await hall.call("599")
    await hall.stage.until(lambda: channel.ended)
    assert channel.cause == 1
    await hall.nothing_left()


async def test_the_longest_wait(hall: Hall) -> None:
    hall.queue(max_wait=60.0)
    _, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    hall.clock.advance(60.0)
    await hall.stage.until(lambda: channel.ended)
    assert channel.cause == 16
    (exited,) = hall.store.facts_of(commands.CallerExited)
    assert exited.outcome == "timeout"
    await hall.nothing_left()


async def test_the_queue_is_removed(hall: Hall) -> None:
    hall.queue()
    hall.agent(1)
    _, talking = await hall.call()
    await hall.talk(1, talking)
    _, waiting = await hall.call()
    await hall.stage.until(lambda: waiting.music)
    hall.apply(events.QueueRemoved(queue="500"))
    await hall.stage.until(lambda: waiting.ended)
    assert not talking.ended  # who talks goes on talking
    hall.fake.hangup_from_far_end(talking)
    await hall.nothing_left()


# what is kept


async def test_what_is_refused_is_not_journalled(hall: Hall) -> None:
    hall.queue()
    before = len(hall.store.journal)
    with pytest.raises(CommandRefused):
        hall.apply(events.Paused(agent=7))
    with pytest.raises(NotFound):
        hall.apply(events.AgentSignedIn(agent=7, extension="1007"))
    assert len(hall.store.journal) == before
    hall.replays()


async def test_everything_else_is_with_its_time(hall: Hall) -> None:
    hall.queue()
    start = hall.clock.now()
    hall.agent(1)
    _, channel = await hall.call()
    await hall.ringing(1)
    hall.clock.advance(15.0)
    await hall.stage.until(lambda: not hall.legs_of(1))
    hall.clock.advance(5.0)
    await hall.ringing(1)
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()
    told = [(at - start, type(event).__name__) for at, event in _with_times(hall)]
    assert [name for _, name in told[-7:]] == [
        "QueueSignedIn",
        "CallerJoined",
        "OfferRinging",
        "TimerFired",
        "TimerFired",
        "OfferRinging",
        "CallerLeft",
    ]
    assert [at for at, _ in told[-6:]] == [0.0, 0.0, 15.0, 20.0, 20.0, 20.0]


def _with_times(hall: Hall) -> list[tuple[float, events.AnyEvent]]:
    return list(zip((at for at, _ in hall.store.journal), hall.store.journalled(), strict=True))


async def test_a_snapshot_every_so_often(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the place of what was journalled before, in the middle of calls."""
    monkeypatch.setattr(dispatcher, "SNAPSHOT_EVERY", 4)
    hall.queue()
    hall.agent(1)
    for _ in range(5):
        _, channel = await hall.call()
        leg = await hall.talk(1, channel)
        hall.replays()
        hall.fake.hangup_from_far_end(leg.id)
        await hall.stage.until(lambda channel=channel: channel.ended)
        hall.replays()
    assert hall.store.snapshots >= 5
    assert len(hall.store.journal) < 4
    await hall.nothing_left()
    hall.dispatcher.snapshot()
    assert hall.store.journal == []
    hall.replays()


async def test_a_timer_that_fires_late_or_early_is_due(hall: Hall) -> None:
    """Timers run on a clock that nobody sets; the time of day may have been set back meanwhile."""
    hall.queue(max_wait=60.0)
    _, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    (timer,) = hall.dispatcher.timers.names()
    due = hall.engine.timers()[timer]
    hall.dispatcher.timers.fire(timer, due)  # while the clock says that it is not yet time
    await hall.stage.until(lambda: channel.ended)
    await hall.nothing_left()


# who listens


async def test_a_listener_that_fails_keeps_nobody_from_being_served(hall: Hall) -> None:
    heard: list[commands.AnyFact] = []

    def fail(account: int, fact: commands.AnyFact) -> None:
        raise ValueError("a bug")

    hall.centre.listeners.append(fail)
    hall.dispatcher.listeners.append(lambda account, fact: heard.append(fact))
    hall.queue()
    hall.agent(1)
    _, channel = await hall.call()
    await hall.talk(1, channel)
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()
    assert heard == hall.store.acd


# recordings and announcements


async def test_a_recorded_conversation(hall: Hall) -> None:
    hall.queue(recording_format="wav")
    hall.agent(1, phone=Answers())
    _, channel = await hall.call()
    await hall.stage.until(lambda: hall.stage.asked("bridges.record"))
    await hall.stage.until(lambda: hall.fake.world.recordings)
    assert len(hall.store.of(facts.RecordingStarted)) == 1
    hall.fake.hangup_from_far_end(channel)
    await hall.stage.until(lambda: channel.id not in hall.fake.world.channels and not hall.stage.registry.calls)
    hall.clock.advance(10.0)
    await hall.nothing_left()
    assert len(hall.store.of(facts.RecordingEnded)) == 1


async def test_a_recording_that_is_refused_does_not_part_them(hall: Hall) -> None:
    hall.fake.faults.refuse("bridges.record", 500)
    hall.queue(recording_format="wav")
    hall.agent(1, phone=Answers())
    call, channel = await hall.call()
    await hall.stage.until(lambda: hall.store.of(facts.RecordingEnded))
    assert hall.talks() == {call.id: 1}
    assert channel.bridge
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_waiting_is_recorded_too(hall: Hall) -> None:
    hall.queue(recording_format="wav", recording_mode="includeholdtime")
    hall.agent(1)
    _, channel = await hall.call()
    await hall.stage.until(lambda: hall.fake.world.recordings)
    (name,) = hall.fake.world.recordings
    await hall.talk(1, channel)
    assert list(hall.fake.world.recordings) == [name]
    hall.fake.hangup_from_far_end(channel)
    await hall.stage.until(lambda: not hall.stage.registry.calls)
    hall.clock.advance(10.0)
    await hall.nothing_left()


async def test_he_is_told_his_position_and_an_answer_ends_that(hall: Hall) -> None:
    hall.fake.world.media_seconds = 1000.0
    hall.queue(announce_frequency=30.0, announce_position=True)
    _, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    hall.clock.advance(30.0)
    await hall.stage.until(lambda: hall.fake.world.playbacks)
    assert channel.music is None
    hall.agent(1)
    await hall.talk(1, channel)
    assert not hall.fake.world.playbacks
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()
