"""The verbs on a real Asterisk, with real phones: what they do is heard, and read from the phones' signalling."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ari_app.calls import facts
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import LegState
from ari_app.calls.programs import Announcement, ExtensionCall, Unallocated
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import DialOutcome, dial
from ari_app.calls.verbs.hangup import hangup, release
from ari_app.calls.verbs.hold import hold, unhold
from ari_app.calls.verbs.play import play
from ari_app.calls.verbs.progress import progress
from ari_app.calls.verbs.ring import ring
from tests.harness import audio
from tests.harness.phones import Behaviour, PhoneBox, answers, declines, is_busy, never_answers
from tests.integration.house import CALLEE, CALLER, LOUD, SILENT, House, a_house, talking, until_loud, until_silent


@pytest.fixture
async def house(start_asterisk: Any, world: PhoneBox) -> AsyncIterator[House]:
    async with a_house(start_asterisk, world) as made:
        yield made


async def stay(call: Call) -> None:
    await asyncio.Event().wait()


# playing


async def test_what_is_played_is_heard_and_then_it_is_over(house: House) -> None:
    played: list[tuple[bool, float]] = []

    async def plan(call: Call) -> None:
        await answer(call.caller)
        for media in (["sound:hello-world"], ["sound:there-is-no-such-sound"], ["sound:beep", "digits:12"]):
            began = time.monotonic()
            played.append((await play(call.caller, media), time.monotonic() - began))

    caller = await house.caller(plan)
    await caller.answered.wait()
    await until_loud(caller)
    await caller.ended.wait()
    assert [ok for ok, _ in played] == [True, False, True]
    assert played[0][1] > 0.5  # "Hello, world" takes a second and a half
    assert caller.cause == 16
    await house.idle()


async def test_a_tone_plays_until_it_is_stopped(house: House) -> None:
    stopped = asyncio.Event()

    async def plan(call: Call) -> None:
        await answer(call.caller)
        playing = asyncio.create_task(play(call.caller, ["tone:660"]))
        await stopped.wait()
        playing.cancel()
        await stay(call)

    caller = await house.caller(plan)
    await caller.answered.wait()
    await caller.wait_tones(660)
    stopped.set()
    await until_silent(caller)
    await caller.hang_up()
    await house.idle()


async def test_an_announcement(house: House) -> None:
    caller = await house.caller(Announcement(["sound:hello-world"] * 3))
    await caller.answered.wait()
    await until_loud(caller)
    await caller.ended.wait()
    assert caller.cause == 16
    await house.idle()
    (ended,) = house.store.of(facts.CallEnded)
    assert ended.ended_by == "system"


async def test_he_hangs_up_in_the_middle(house: House) -> None:
    caller = await house.caller(Announcement(["sound:demo-congrats"]))
    await caller.answered.wait()
    await until_loud(caller)
    await caller.hang_up()
    await house.idle()
    (ended,) = house.store.of(facts.CallEnded)
    assert (ended.ended_by, ended.cause) == ("caller", 16)


# from phone to phone


async def test_from_extension_to_extension(house: House) -> None:
    """Both ring and hear each other, as long as neither hangs up."""
    phone_1001 = await house.phone("1001", answers(after=0.5, tone=CALLEE))
    await house.phone("1002")
    await house.world.line("1002", "secret")
    house.programs["1001"] = ExtensionCall("PJSIP/1001")
    caller = await house.world.call("1001", house.pbx, line="1002", tone=CALLER)
    callee = await phone_1001.next_call()
    assert callee.caller_number == "1002"
    await caller.ringing.wait()
    assert not caller.answered
    await caller.answered.wait()
    await asyncio.gather(
        callee.wait_tones(CALLER, absent=(CALLEE,)),
        caller.wait_tones(CALLEE, absent=(CALLER,)),
    )
    await callee.hang_up()
    await caller.ended.wait()
    assert caller.cause == 16
    await house.idle()
    (ended,) = house.store.of(facts.CallEnded)
    assert ended.ended_by == "callee"


@pytest.mark.parametrize(
    ("behaviour", "told", "caused"),
    [(is_busy(), 17, 17), (declines(), 21, 21), (never_answers(), 19, 19)],
    ids=["busy", "declined", "no answer"],
)
async def test_why_nobody_answers_is_passed_on(house: House, behaviour: Behaviour, told: int, caused: int) -> None:
    await house.phone("1001", behaviour)
    caller = await house.caller(ExtensionCall("PJSIP/1001", timeout=1.0 if behaviour.reject is None else 60.0))
    await caller.ended.wait()
    assert not caller.answered
    assert caller.cause == told
    await house.idle()
    causes = {fact.cause for fact in house.store.of(facts.LegEnded)}
    assert causes == {caused}  # the callee's own, and with it the caller's


async def test_an_extension_that_is_not_registered_and_one_that_is_none(house: House) -> None:
    await house.pbx.provision("1003", "secret")  # it may register, and has not
    for endpoint, cause in (("PJSIP/1003", 20), ("PJSIP/1999", 1)):
        caller = await house.caller(ExtensionCall(endpoint))
        await caller.ended.wait()
        assert not caller.answered
        await house.idle()
        legs = {fact.leg: fact.role for fact in house.store.of(facts.LegStarted)}
        (hung_up,) = [f.cause for f in house.store.of(facts.LegEnded) if legs[f.leg] == "caller"]
        assert hung_up == cause
        house.store.facts.clear()


async def test_an_unallocated_number(house: House) -> None:
    caller = await house.caller(Unallocated())
    await caller.ended.wait()
    assert (caller.cause, bool(caller.answered)) == (1, False)
    await house.idle()


async def test_a_call_that_is_taken_back_stops_ringing_at_once(house: House) -> None:
    phone_1001 = await house.phone("1001", never_answers())
    caller = await house.caller(ExtensionCall("PJSIP/1001"))
    callee = await phone_1001.next_call()
    await callee.ringing.wait()
    await caller.hang_up()
    gone, stopped = await caller.ended.wait(), await callee.ended.wait()
    assert callee.cancelled_at is not None
    assert stopped - gone < 5  # at once, and not at the end of the time to answer
    await house.idle()


# causes


@pytest.mark.parametrize(
    ("cause", "heard"), [(17, {17}), (1, {1}), (34, {34, 42}), (21, {21}), (20, {18, 19, 20}), (38, {38})]
)
async def test_a_hang_up_before_the_answer_says_why(house: House, cause: int, heard: set[int]) -> None:
    """As a SIP answer (486, 404, 503, 403, 480, 500), which the carrier's Asterisk turns into a cause again."""
    caller = await house.caller(lambda call: hangup(call.caller, cause))
    await caller.ended.wait()
    assert caller.cause in heard
    assert not caller.answered
    await house.idle()
    assert [fact.cause for fact in house.store.of(facts.LegEnded)] == [cause]


async def test_a_program_that_fails(house: House) -> None:
    async def plan(call: Call) -> None:
        raise ValueError("a bug")

    caller = await house.caller(plan)
    await caller.ended.wait()
    assert (caller.cause, bool(caller.answered)) == (38, False)
    await house.idle()


# ringing and early media


async def test_ringing_without_an_answer(house: House) -> None:
    async def plan(call: Call) -> None:
        await ring(call.caller)
        await stay(call)

    caller = await house.caller(plan)
    await caller.ringing.wait()
    assert not caller.answered
    await caller.hang_up()
    await house.idle()


async def test_what_the_far_end_says_before_it_answers_is_heard(house: House) -> None:
    """And nobody is answered by that: the caller does not pay yet."""
    phone_1001 = await house.phone("1001", never_answers())
    outcomes: list[DialOutcome] = []

    async def plan(call: Call) -> None:
        bridge = Bridge(call)
        await bridge.create()
        await progress(call.caller)
        await bridge.add(call.caller)
        callee = call.new_leg("callee", endpoint="PJSIP/1001")
        outcomes.append(await dial(callee, early_media=bridge))
        await answer(call.caller)
        await callee.until(LegState.GONE)

    caller = await house.caller(plan, listen=False)
    callee = await phone_1001.next_call()
    await callee.play_tone(CALLEE)
    await caller.listen()  # from now on, and not only from the answer
    await caller.wait_tones(CALLEE)
    assert not caller.answered
    assert outcomes == []
    await callee.silence()  # an answer would wait behind what is played
    await callee.answer()
    await callee.listen()
    await callee.play_tone(CALLEE)
    await caller.answered.wait()
    await caller.play_tone(CALLER)
    assert outcomes == [DialOutcome.ANSWERED]
    await asyncio.gather(caller.wait_tones(CALLEE, absent=(CALLER,)), callee.wait_tones(CALLER, absent=(CALLEE,)))
    await caller.hang_up()
    await house.idle()


# in conversation


async def test_hold_and_back(house: House) -> None:
    talk, caller, callee = await talking(house)
    await hold(talk.call.caller, talk.bridge)
    await until_silent(callee)
    await caller.ear.wait_for(  # type: ignore[union-attr]
        lambda ear: audio.loudness(ear.recent(0.3).samples) > LOUD and ear.recent(0.3).level(CALLEE) < SILENT
    )
    await unhold(talk.call.caller, talk.bridge)
    await asyncio.gather(caller.wait_tones(CALLEE, absent=(CALLER,)), callee.wait_tones(CALLER, absent=(CALLEE,)))
    await caller.hang_up()
    await callee.ended.wait()
    await house.idle()


async def test_one_of_two_is_let_go_and_the_other_goes_on(house: House) -> None:
    talk, caller, callee = await talking(house)
    await talk.bridge.remove(talk.callee)
    await until_silent(caller)
    await talk.bridge.add(talk.callee)
    await caller.wait_tones(CALLEE)
    await release(talk.callee)
    await callee.ended.wait()
    await caller.ended.wait()
    await house.idle()
