"""A call's life: its program, its tasks, its legs, and that all of it is released however it ends."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.ari.fake import Answers, NeverAnswers
from ari_app.calls import facts
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import LegGone, LegState
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import DialOutcome, dial, dial_start
from ari_app.errors import AppError
from tests.unit.calls.stage import Script, Stage, stay


async def test_a_call_is_answered_and_hung_up_when_its_program_returns(stage: Stage) -> None:
    async def plan(call: Call) -> None:
        await answer(call.caller)
        await call.caller.until(LegState.UP)

    call, channel = await stage.incoming(plan)
    await stage.over(call)
    assert channel.cause == 16
    assert [type(fact).__name__ for fact in stage.store.facts] == [
        "CallStarted",
        "LegStarted",
        "LegAnswered",
        "CallAnswered",
        "LegEnded",
        "CallEnded",
    ]
    (ended,) = stage.store.of(facts.CallEnded)
    assert ended.ended_by == "system"
    (leg,) = stage.store.of(facts.LegEnded)
    assert leg.cause == 16
    await stage.nothing_left()


async def test_the_caller_hangs_up(stage: Stage) -> None:
    call, channel = await stage.incoming(stay)
    stage.fake.hangup_from_far_end(channel, 16)
    await stage.over(call)
    (ended,) = stage.store.of(facts.CallEnded)
    assert (ended.ended_by, ended.cause) == ("caller", 16)
    await stage.nothing_left()
