"""The keys *1 in the middle of a talk: they begin and end a recording of the one who may."""

from __future__ import annotations

import pytest

from ari_app.acd.call_control import CallControl
from ari_app.acd.recorder import TOGETHER, Recorder
from ari_app.calls import facts
from ari_app.calls.bridge import Bridge
from ari_app.calls.leg import Leg
from ari_app.calls.verbs.answer import answer
from tests.unit.calls.stage import Stage, a_stage


class Calls(CallControl):
    """Nobody asks by extension here."""

    def __init__(self) -> None:
        pass


async def talking(stage: Stage) -> Leg:
    call, _ = await stage.incoming()
    await answer(call.caller)
    bridge = Bridge(call)
    await bridge.create()
    await bridge.add(call.caller)
    return call.caller


def outcomes(stage: Stage) -> list[str]:
    return [fact.outcome for fact in stage.store.of(facts.RecordingEnded)]


@pytest.mark.parametrize("may", [True, False])
async def test_they_begin_and_end_a_recording(may: bool) -> None:
    async with a_stage() as stage:
        recorder = Recorder(Calls(), lambda leg: may, stage.clock)
        leg = await talking(stage)
        for digit in "1*":  # not in this order
            recorder.pressed(leg, digit)
        stage.clock.advance(TOGETHER + 1)
        recorder.pressed(leg, "1")  # too late
        assert not leg.call._tasks
        for digit in "*1":
            recorder.pressed(leg, digit)
        if not may:
            assert not leg.call._tasks
            return
        await stage.until(lambda: recorder._on_demand.recorded(leg))
        await stage.until(lambda: not leg.call._tasks)
        for digit in "*1":
            recorder.pressed(leg, digit)
        await stage.until(lambda: outcomes(stage) == ["finished"])
        assert not recorder._on_demand.recorded(leg)


async def test_nobody_is_talked_to() -> None:
    async with a_stage() as stage:
        recorder = Recorder(Calls(), lambda leg: True, stage.clock)
        call, _ = await stage.incoming()
        await answer(call.caller)
        for digit in "*1":  # of a menu
            recorder.pressed(call.caller, digit)
        assert not call._tasks
