"""Pausing: everything that is recorded of a call, whoever wanted it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from ari_app.acd.recorder import Recorder
from ari_app.ari.errors import ServerFault
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.on_demand import NotRecorded
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.record import record
from ari_app.calls.verbs.snoop import Snoop
from ari_app.errors import NotFound
from tests.unit.calls.stage import Stage, a_stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        yield made


class OneExtension:
    """Of call control what is asked here: the legs of extension 100."""

    def __init__(self, leg: Leg) -> None:
        self.leg = leg

    def legs(self, account: int, extension: str) -> list[Leg]:
        return [self.leg] if extension == "100" else []


async def talking(stage: Stage) -> tuple[Recorder, Leg]:
    call, _ = await stage.incoming()
    await answer(call.caller)
    await stage.until(lambda: call.caller.state is LegState.UP)
    return Recorder(cast(Any, OneExtension(call.caller)), lambda leg: True, stage.clock), call.caller


def states(stage: Stage) -> list[str]:
    return [recording.state for recording in stage.fake.world.recordings.values()]


async def test_all_of_a_call_is_paused_and_goes_on(stage: Stage) -> None:
    recorder, leg = await talking(stage)
    for action in (recorder.pause, recorder.resume):
        with pytest.raises(NotRecorded):
            await action(1, "100")
        with pytest.raises(NotFound):
            await action(1, "101")
    snoop = Snoop(leg, spy="both", whisper="none")
    await snoop.open()
    await record(snoop)  # as a queue does by its settings
    await recorder.start(1, "100", separate=True)
    await recorder.pause(1, "100")
    assert states(stage) == ["paused"] * 3
    await recorder.pause(1, "100")
    await recorder.resume(1, "100")
    assert states(stage) == ["recording"] * 3
    await recorder.stop(1, "100")
    await recorder.pause(1, "100")
    assert states(stage) == ["paused"]
    stage.fake.hangup_from_far_end(stage.fake.world.channels[leg.id])
    await stage.over(leg.call)


async def test_what_asterisk_refuses_is_told(stage: Stage) -> None:
    recorder, leg = await talking(stage)
    await recorder.start(1, "100")
    stage.fake.faults.refuse("recordings.pause", 500)
    with pytest.raises(ServerFault):
        await recorder.pause(1, "100")
    stage.fake.hangup_from_far_end(stage.fake.world.channels[leg.id])
    await stage.over(leg.call)
