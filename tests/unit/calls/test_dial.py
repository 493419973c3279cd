"""Dialling: made under our id, dialled once it is there, and every way in which that ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ari_app.ari.errors import NotInStasis, ServerFault, TimedOut, Unreachable
from ari_app.ari.fake import Answers, Behaviour, Busy, Declines, FailsToRing, NeverAnswers
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import LegGone, LegState
from ari_app.calls.verbs.dial import AUTO_ANSWER, ENTER_LIMIT, DialOutcome, Party, dial, dial_start, outcome_of
from ari_app.calls.verbs.hangup import ANSWERED_ELSEWHERE, hangup, release
from tests.unit.calls.stage import Stage, stay

PHONE = "PJSIP/1001"


class Dialling:
    """A caller, and a phone that is dialled for him."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def begin(self, **options: Any) -> None:
        self.call, self.channel = await self.stage.incoming(stay)
        self.leg = self.call.new_leg("callee", endpoint=PHONE)
        self.result = asyncio.create_task(dial(self.leg, **options))

    async def end(self) -> None:
        """The caller goes; nothing is left."""
        self.stage.fake.hangup_from_far_end(self.channel)
        await self.stage.nothing_left()


@pytest.fixture
def dialling(stage: Stage) -> Dialling:
    stage.fake.endpoints[PHONE] = NeverAnswers()
    return Dialling(stage)


# how it ends


async def test_answered(stage: Stage, dialling: Dialling) -> None:
    stage.fake.endpoints[PHONE] = Answers()
    await dialling.begin(shown=Party("0301234567", "Jo"), ring_time=14.2)
    assert await dialling.result is DialOutcome.ANSWERED
    assert dialling.leg.state is LegState.UP
    (created,) = stage.asked("channels.create")
    assert created["channelId"] == dialling.leg.id
    assert created["variables"]["CONNECTEDLINE(num,i)"] == "0301234567"
    assert created["variables"]["CONNECTEDLINE(name,i)"] == "Jo"
    (dialled,) = stage.asked("channels.dial")
    assert dialled["timeout"] == 15  # whole seconds, never less than asked for
    await dialling.end()


@pytest.mark.parametrize(
    ("behaviour", "outcome", "cause"),
    [
        (Busy(), DialOutcome.BUSY, 17),
        (Declines(), DialOutcome.DECLINED, 21),
        (Behaviour(fail=0.0, cause=18), DialOutcome.NO_ANSWER, 18),
        (Behaviour(fail=0.0, cause=20), DialOutcome.UNAVAILABLE, 20),
        (Behaviour(fail=0.0, cause=1), DialOutcome.UNAVAILABLE, 1),
        (Behaviour(fail=0.0, cause=3), DialOutcome.UNAVAILABLE, 3),
        (Behaviour(fail=0.0, cause=27), DialOutcome.UNAVAILABLE, 27),
        (Behaviour(fail=0.0, cause=34), DialOutcome.ERROR, 34),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
async def test_refused_by_the_far_end(
    stage: Stage, dialling: Dialling, behaviour: Behaviour, outcome: DialOutcome, cause: int
) -> None:
    stage.fake.endpoints[PHONE] = behaviour
    await dialling.begin()
    assert await dialling.result is outcome
    assert dialling.leg.cause == cause
    assert outcome_of(cause) is outcome
    await dialling.end()


async def test_nobody_answers_within_the_ring_time(stage: Stage, dialling: Dialling) -> None:
    """Asterisk hangs up by itself then. In its request its cause is 32; the one that counts comes at the end."""
    await dialling.begin(ring_time=1.0)
    await dialling.leg.until(LegState.RINGING)
    stage.fake.world.hang_up(stage.fake.channel(dialling.leg.id), 19, soft=True)
    assert await dialling.result is DialOutcome.NO_ANSWER
    assert dialling.leg.cause == 19
    await dialling.end()


async def test_no_such_phone(stage: Stage, dialling: Dialling) -> None:
    del stage.fake.endpoints[PHONE]
    await dialling.begin()
    assert await dialling.result is DialOutcome.UNAVAILABLE
    assert (dialling.leg.state, dialling.leg.cause) == (LegState.GONE, 20)
    await dialling.end()


async def test_a_phone_that_does_not_ring_first(stage: Stage, dialling: Dialling) -> None:
    stage.fake.endpoints[PHONE] = FailsToRing()
    await dialling.begin(ring_time=0.2)
    await stage.until(lambda: stage.asked("channels.dial"))
    assert stage.asked("channels.dial")[0]["timeout"] == 1
    stage.fake.answer(dialling.leg.id)
    assert await dialling.result is DialOutcome.ANSWERED
    await dialling.end()


async def test_a_phone_that_answers_by_itself(stage: Stage, dialling: Dialling) -> None:
    stage.fake.endpoints["Local/1@x"] = NeverAnswers()
    call, channel = await stage.incoming(stay)
    for endpoint, asked in ((PHONE, True), ("Local/1@x", False)):
        await dial_start(call.new_leg("agent", endpoint=endpoint), auto_answer=True)
        variables = stage.asked("channels.create")[-1]["variables"] or {}
        assert (variables.keys() >= AUTO_ANSWER.keys()) is asked
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


# early media


async def test_early_media_is_bridged_before_it_is_dialled(stage: Stage, dialling: Dialling) -> None:
    call, channel = await stage.incoming(stay)
    bridge = Bridge(call)
    await bridge.create()
    await bridge.add(call.caller)
    leg = call.new_leg("callee", endpoint=PHONE)
    await dial_start(leg, early_media=bridge)
    asked = stage.asked()
    assert asked.index("channels.dial") > len(asked) - 1 - asked[::-1].index("bridges.addChannel")
    assert leg.bridge == bridge.id
    assert stage.fake.world.bridges[bridge.id].channels == [channel.id, leg.id]
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_early_media_that_cannot_be_bridged(stage: Stage, dialling: Dialling) -> None:
    stage.fake.faults.refuse("bridges.addChannel", 422, "Channel not in Stasis application")
    call, channel = await stage.incoming(stay)
    bridge = Bridge(call)
    await bridge.create()
    leg = call.new_leg("callee", endpoint=PHONE)
    with pytest.raises(NotInStasis):
        await dial(leg, early_media=bridge)
    await leg.until(LegState.GONE)  # hung up at once, not only with the call
    assert not channel.ended
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


# what Asterisk refuses, and answers that do not come


async def test_dial_is_refused(stage: Stage, dialling: Dialling) -> None:
    stage.fake.faults.refuse("channels.dial", 409, "Channel not in Stasis application")
    await dialling.begin()
    with pytest.raises(NotInStasis):
        await dialling.result
    await dialling.leg.until(LegState.GONE)
    assert not dialling.channel.ended
    await dialling.end()


@pytest.mark.parametrize("carried_out", [True, False])
async def test_the_answer_to_create_is_lost(stage: Stage, dialling: Dialling, carried_out: bool) -> None:
    """Asked again under the same id; where it had been made, Asterisk says so."""
    stage.fake.endpoints[PHONE] = Answers()
    stage.fake.faults.lose("channels.create", carried_out=carried_out)
    await dialling.begin()
    assert await dialling.result is DialOutcome.ANSWERED
    assert len([c for c in stage.fake.world.channels.values() if c.dialable]) == 1
    await dialling.end()


async def test_asterisk_cannot_be_reached(stage: Stage, dialling: Dialling) -> None:
    stage.fake.faults.lose("channels.create", carried_out=False, times=2)
    await dialling.begin()
    with pytest.raises(Unreachable):
        await dialling.result
    assert dialling.leg.state is LegState.GONE
    await dialling.end()


async def test_create_times_out_and_comes_to_be_all_the_same(stage: Stage, dialling: Dialling) -> None:
    """Given up; when the channel enters the application, nobody waits for it any more, and it is hung up."""
    hold = stage.fake.hold(lambda event: event["type"] == "StasisStart" and event["args"][:1] == ["leg"])
    stage.time_out("channels.create")
    await dialling.begin()
    with pytest.raises(TimedOut):
        await dialling.result
    assert dialling.leg.state is LegState.GONE
    assert len(stage.fake.world.channels) == 2
    hold.release()
    await stage.until(lambda: len(stage.fake.world.channels) == 1)
    assert stage.registry.foreign["StasisStart"] == 1
    await dialling.end()


async def test_create_times_out_after_its_channel_has_come(stage: Stage, dialling: Dialling) -> None:
    stage.fake.endpoints[PHONE] = Answers()
    stage.time_out("channels.create")
    await dialling.begin()
    assert await dialling.result is DialOutcome.ANSWERED
    await dialling.end()


async def test_it_enters_the_application_after_the_answer(stage: Stage, dialling: Dialling) -> None:
    """Not before that is it dialled: Asterisk would refuse."""
    stage.fake.endpoints[PHONE] = Answers()
    stage.fake.faults.enter_delay = 0.05
    await dialling.begin()
    assert await dialling.result is DialOutcome.ANSWERED
    await dialling.end()


async def test_it_never_enters_the_application(stage: Stage, dialling: Dialling) -> None:
    await dialling.begin()
    hold = stage.fake.hold("StasisStart")
    await stage.until(lambda: dialling.leg.created and dialling.leg.waiters)
    stage.clock.advance(ENTER_LIMIT)
    with pytest.raises(TimedOut, match="did not enter"):
        await dialling.result
    await stage.until(lambda: dialling.leg.state is LegState.GONE)
    hold.events.clear()
    await dialling.end()


async def test_it_is_gone_before_it_is_dialled(stage: Stage, dialling: Dialling) -> None:
    start = stage.fake.hold(lambda event: event["type"] == "StasisStart" and event["args"][:1] == ["leg"])
    await dialling.begin()
    await stage.until(lambda: dialling.leg.created)
    stage.fake.hangup_from_far_end(dialling.leg.id, 20)
    assert await dialling.result is DialOutcome.UNAVAILABLE
    assert "channels.dial" not in stage.asked()
    start.events.clear()
    await dialling.end()


# cancelled, withdrawn


@pytest.mark.parametrize("operation", ["channels.create", "channels.dial", None])
async def test_cancelled_it_hangs_up(stage: Stage, dialling: Dialling, operation: str | None) -> None:
    """While it is being made, while it is being dialled, while it rings: the phone stops at once, the call goes on."""
    if operation:
        stage.fake.faults.delay(operation, 0.1)
    await dialling.begin()
    if operation:
        await stage.until(lambda: operation in stage.asked())
    else:
        await dialling.leg.until(LegState.RINGING)
    dialling.result.cancel()
    await dialling.leg.until(LegState.GONE)
    assert dialling.leg.cause == 19
    assert len(stage.fake.world.channels) == 1
    assert not dialling.channel.ended
    await dialling.end()


async def test_cancelled_before_it_began(stage: Stage, dialling: Dialling) -> None:
    await dialling.begin()
    dialling.result.cancel()
    await asyncio.wait({dialling.result})
    await dialling.end()
    assert "channels.create" not in stage.asked()


@pytest.mark.parametrize("moment", ["asked for", "entering", "ringing"])
async def test_the_caller_goes_while_it_is_dialled(stage: Stage, dialling: Dialling, moment: str) -> None:
    call, channel = await stage.incoming(lambda call: _dial(call))
    if moment == "asked for":
        stage.fake.faults.delay("channels.create", 0.1)
        await stage.until(lambda: "channels.create" in stage.asked())
    elif moment == "entering":
        stage.fake.faults.enter_delay = 0.1
        await stage.until(lambda: "channels.create" in stage.asked())
    else:
        leg = await stage.until(lambda: next((leg for leg in call.legs.values() if leg.role == "callee"), None))
        await leg.until(LegState.RINGING)
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def _dial(call: Call) -> None:
    await dial(call.new_leg("callee", endpoint=PHONE))


async def test_withdrawn_before_it_was_asked_for(stage: Stage, dialling: Dialling) -> None:
    call, channel = await stage.incoming(stay)
    leg = call.new_leg("agent", endpoint=PHONE)
    await hangup(leg, ANSWERED_ELSEWHERE)
    with pytest.raises(LegGone):
        await dial_start(leg)
    assert (leg.state, leg.cause) == (LegState.GONE, ANSWERED_ELSEWHERE)
    assert "channels.create" not in stage.asked()
    assert list(call.legs) == [channel.id]
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_withdrawn_while_it_is_made(stage: Stage, dialling: Dialling) -> None:
    stage.fake.faults.delay("channels.create", 0.1)
    await dialling.begin()
    await stage.until(lambda: "channels.create" in stage.asked())
    ending = asyncio.create_task(release(dialling.leg, ANSWERED_ELSEWHERE))
    assert await dialling.result is DialOutcome.ERROR
    await ending
    assert dialling.leg.cause == ANSWERED_ELSEWHERE
    assert "channels.dial" not in stage.asked()
    await dialling.end()


async def test_withdrawn_while_it_rings(stage: Stage, dialling: Dialling) -> None:
    await dialling.begin()
    await dialling.leg.until(LegState.RINGING)
    await release(dialling.leg, ANSWERED_ELSEWHERE)
    assert stage.asked("channels.hangup")[0]["reason_code"] == "26"  # the phone does not show it as missed
    assert await dialling.result is DialOutcome.ERROR
    assert not dialling.leg.waiters
    await dialling.end()


async def test_it_answers_while_it_is_being_withdrawn(stage: Stage, dialling: Dialling) -> None:
    await dialling.begin()
    await dialling.leg.until(LegState.RINGING)
    stage.fake.faults.delay("channels.hangup", 0.05)
    stage.fake.answer(dialling.leg.id)
    await release(dialling.leg)
    assert dialling.leg.state is LegState.GONE
    await dialling.end()


async def test_a_refused_withdrawal_is_asked_for_again(stage: Stage, dialling: Dialling) -> None:
    stage.fake.faults.refuse("channels.hangup", 500)
    await dialling.begin()
    await dialling.leg.until(LegState.RINGING)
    with pytest.raises(ServerFault):
        await hangup(dialling.leg)
    await release(dialling.leg)
    await dialling.end()
