"""Programs go on in another process, from whatever moment the one before was killed in."""

from __future__ import annotations

from typing import Any

import pytest

from ari_app.ari.fake import Answers, NeverAnswers
from ari_app.calls import recovery
from ari_app.calls.call import Call
from ari_app.calls.leg import LegState
from ari_app.calls.monitoring import MonitorProgram, monitor
from ari_app.calls.programs import Announcement, ExtensionCall, Unallocated
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.monitor import MonitorMode
from tests.unit.calls.stage import Stage, stay
from tests.unit.calls.test_recovery import PHONE, PROGRAMS


@pytest.mark.parametrize("moment", ["not asked for", "made", "ringing", "answered", "talking"])
async def test_a_call_to_an_extension_goes_on(stage: Stage, moment: str) -> None:
    stage.program = lambda call: ExtensionCall(PHONE)
    stage.fake.endpoints[PHONE] = Answers() if moment == "talking" else NeverAnswers()
    if moment == "answered":
        stage.fake.faults.refuse("bridges.addChannel", 500)
        stage.fake.faults.delay("channels.answer", 0.2)
    if moment == "made":
        stage.time_out("channels.create")
    call, channel = await stage.incoming()
    callee = await stage.until(lambda: next((leg for leg in call.legs.values() if leg.role == "callee"), None))
    if moment == "made":
        await stage.until(lambda: stage.asked("channels.create"))
    elif moment == "ringing":
        await callee.until(LegState.RINGING)
    elif moment == "answered":
        await callee.until(LegState.RINGING)
        stage.fake.answer(callee.id)
        await stage.until(lambda: stage.asked("channels.answer"))
    elif moment == "talking":
        await stage.until(lambda: callee.bridge)
    await stage.crash()
    stage.fake.faults.clear()
    async with stage.next_process(PROGRAMS) as (after, calls):
        recovery.resume(calls)
        if moment in ("not asked for", "made", "ringing"):
            ringing = await after.until(
                lambda: [
                    leg for leg in calls[0].legs.values() if leg.role == "callee" and leg.state is LegState.RINGING
                ]
            )
            if moment == "ringing":
                assert ringing[0].id == callee.id
            stage.fake.answer(ringing[0].id)
        await after.until(lambda: channel.bridge and len(stage.fake.world.bridges[channel.bridge].channels) == 2)
        if moment == "talking":
            assert len(after.asked("bridges.addChannel")) == 1  # they are not parted for a moment
        stage.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_a_call_to_an_extension_that_was_refused_meanwhile(stage: Stage) -> None:
    """We were not told why; he is rung again."""
    stage.program = lambda call: ExtensionCall(PHONE)
    stage.fake.endpoints[PHONE] = NeverAnswers()
    call, channel = await stage.incoming()
    callee = await stage.until(lambda: next((leg for leg in call.legs.values() if leg.role == "callee"), None))
    await callee.until(LegState.RINGING)
    await stage.crash()
    stage.fake.busy(callee.id)
    async with stage.next_process(PROGRAMS) as (after, calls):
        recovery.resume(calls)
        again = await after.until(lambda: next((leg for leg in calls[0].legs.values() if leg.role == "callee"), None))
        await again.until(LegState.RINGING)
        stage.fake.busy(again.id)
        await after.until(lambda: channel.ended)
        assert channel.cause == 17
        await after.nothing_left()


async def test_a_call_whose_callee_hung_up_meanwhile_ends(stage: Stage) -> None:
    stage.program = lambda call: ExtensionCall(PHONE)
    stage.fake.endpoints[PHONE] = Answers()
    call, channel = await stage.incoming()
    await stage.until(lambda: call.caller.bridge)
    (callee,) = [leg for leg in call.legs.values() if leg is not call.caller]
    await stage.crash()
    stage.fake.hangup_from_far_end(callee.id)
    async with stage.next_process(PROGRAMS) as (after, calls):
        recovery.resume(calls)
        await after.until(lambda: channel.ended)
        await after.nothing_left()


@pytest.mark.parametrize("program", [Announcement(["sound:beep"]), Unallocated()])
async def test_short_programs_begin_again(stage: Stage, program: Any) -> None:
    _, channel = await stage.incoming(stay)
    (record,) = stage.store.records()
    await stage.crash()
    record.program, record.program_state = program.name, program.state()
    stage.store.records = lambda: [record]
    async with stage.next_process(PROGRAMS) as (after, calls):
        recovery.resume(calls)
        await after.until(lambda: channel.ended)


@pytest.mark.parametrize("moment", ["asked for", "ringing", "listening"])
@pytest.mark.parametrize("target_goes", [False, True])
async def test_a_supervisor_goes_on_listening(stage: Stage, moment: str, target_goes: bool) -> None:
    """With new snoops: those of the process before are hung up."""
    desk = "PJSIP/1000"
    stage.fake.endpoints[desk] = Answers() if moment == "listening" else NeverAnswers()
    if moment == "asked for":
        stage.time_out("channels.create")
    target, channel = await stage.incoming(stay)
    await answer(target.caller)
    await target.caller.until(LegState.UP)
    monitor(stage.registry, desk, target.caller, MonitorMode.WHISPER, 1)
    (call,) = [c for c in stage.registry.calls.values() if isinstance(c.program, MonitorProgram)]
    supervisor = call.caller.id
    if moment == "asked for":
        await stage.until(lambda: stage.asked("channels.create"))
    elif moment == "ringing":
        await call.caller.until(LegState.RINGING)
    else:
        await stage.until(lambda: len(stage.asked("bridges.addChannel")) == 2 and call.program._monitor)
    await stage.crash()
    stage.fake.faults.clear()
    old = {c.id for c in stage.fake.world.channels.values() if c.spied}
    if target_goes:
        stage.fake.hangup_from_far_end(channel)

    def programs(after: Stage, calls: list[Call]) -> None:
        for made in calls:
            if made.program is None:
                made.program = MonitorProgram(after.registry, target.caller.id, "whisper")

    kept = dict(PROGRAMS)
    async with stage.next_process(kept, programs) as (after, calls):
        recovery.resume(calls)
        if target_goes or moment == "asked for":
            await after.until(lambda: supervisor not in stage.fake.world.channels)
        else:
            if moment == "ringing":
                stage.fake.answer(supervisor)
            await after.until(lambda: [c for c in stage.fake.world.channels.values() if c.spied and c.bridge])
            await after.until(lambda: old.isdisjoint(stage.fake.world.channels))
        if not target_goes:
            stage.fake.hangup_from_far_end(channel)
        await after.nothing_left()
