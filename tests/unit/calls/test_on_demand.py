"""Recordings on demand: begun once, ended, thrown away, gone with the leg, and taken up after a restart."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.ari.errors import ServerFault
from ari_app.calls import facts, recovery
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.on_demand import NotRecorded, OnDemand
from ari_app.calls.registry import TOLD_WITHIN
from ari_app.calls.verbs.answer import answer
from tests.unit.calls.stage import Script, Stage, stay


async def talking(stage: Stage) -> Leg:
    """Somebody who is up."""
    call, _ = await stage.incoming()
    await answer(call.caller)
    return call.caller


def outcomes(stage: Stage) -> list[str]:
    return [fact.outcome for fact in stage.store.of(facts.RecordingEnded)]


async def over(stage: Stage, leg: Leg) -> None:
    """The leg hangs up, and nothing is left."""
    stage.fake.hangup_from_far_end(stage.fake.world.channels[leg.id])
    await stage.over(leg.call)
    await stage.quiet()
    stage.clock.advance(TOLD_WITHIN)
    await stage.nothing_left()


async def test_it_is_begun_and_kept(stage: Stage) -> None:
    demand, leg = OnDemand(), await talking(stage)
    await demand.start(leg, "500")
    await demand.start(leg, "500")  # goes on
    (snoop,) = stage.asked("channels.snoopChannelWithId")
    assert (snoop["channelId"], snoop["spy"], snoop["whisper"]) == (leg.id, "both", "none")
    (asked,) = stage.asked("channels.record")
    assert (asked["channelId"], asked["format"]) == (snoop["snoopId"], "wav")
    (begun,) = stage.store.of(facts.RecordingStarted)
    assert (begun.kind, begun.leg, begun.queue, begun.node) == ("on_demand", leg.id, "500", "pbx")
    assert demand.recorded(leg)
    await demand.stop(leg)
    assert not demand.recorded(leg)
    assert outcomes(stage) == ["finished"]
    assert leg.call.on_demand == {}
    for refused in (demand.stop(leg), demand.cancel(leg)):
        with pytest.raises(NotRecorded):
            await refused
    await demand.start(leg, None)  # another one
    assert len({fact.recording for fact in stage.store.of(facts.RecordingStarted)}) == 2
    await over(stage, leg)
    assert outcomes(stage) == ["finished", "finished"]
    assert (demand._tapes, demand._locks) == ({}, {})


async def test_it_is_thrown_away(stage: Stage) -> None:
    demand, leg = OnDemand(), await talking(stage)
    await demand.start(leg, None)
    await demand.cancel(leg)
    assert stage.fake.world.stored == {}
    assert outcomes(stage) == ["cancelled"]
    await over(stage, leg)


async def test_two_who_begin_at_once_begin_one(stage: Stage) -> None:
    demand, leg = OnDemand(), await talking(stage)
    await asyncio.gather(demand.start(leg, None), demand.start(leg, None))
    assert len(stage.asked("channels.record")) == 1
    await over(stage, leg)


@pytest.mark.parametrize("operation", ["channels.snoopChannelWithId", "channels.record"])
async def test_what_asterisk_refuses_leaves_nothing(stage: Stage, operation: str) -> None:
    demand, leg = OnDemand(), await talking(stage)
    stage.fake.faults.refuse(operation, 500)
    with pytest.raises(ServerFault):
        await demand.start(leg, None)
    assert not demand.recorded(leg)
    assert outcomes(stage) == (["failed"] if operation == "channels.record" else [])
    await demand.start(leg, None)
    assert demand.recorded(leg)
    await over(stage, leg)


async def test_nobody_records_who_is_gone(stage: Stage) -> None:
    demand, leg = OnDemand(), await talking(stage)
    await over(stage, leg)
    with pytest.raises(LegGone):
        await demand.start(leg, None)
    with pytest.raises(NotRecorded):
        await demand.stop(leg)


async def test_what_it_says_and_what_it_hears_apart(stage: Stage) -> None:
    demand, leg = OnDemand(), await talking(stage)
    await demand.start(leg, None, sides=("says", "hears"))
    snoops = {asked["snoopId"]: asked["spy"] for asked in stage.asked("channels.snoopChannelWithId")}
    sides = {asked["name"].partition("-")[0]: snoops[asked["channelId"]] for asked in stage.asked("channels.record")}
    assert sides == {"says": "in", "hears": "out"}
    await demand.stop(leg)
    assert outcomes(stage) == ["finished", "finished"]
    assert (demand.recorded(leg), leg.call.on_demand) == (False, {})
    await over(stage, leg)


async def test_of_two_sides_both_are_recorded_or_none(stage: Stage) -> None:
    demand, leg = OnDemand(), await talking(stage)
    stage.fake.faults.refuse("channels.record", 500)
    with pytest.raises(ServerFault):
        await demand.start(leg, None, sides=("says", "hears"))
    await stage.quiet()
    assert sorted(outcomes(stage)) == ["cancelled", "failed"]
    assert (demand.recorded(leg), leg.call.on_demand) == (False, {})
    await over(stage, leg)


async def test_a_restart_finds_both_sides_going_on(stage: Stage) -> None:
    leg = await talking(stage)
    await OnDemand().start(leg, None, sides=("says", "hears"))
    demand, programs = OnDemand(), {"script": lambda state: Script(stay)}
    await stage.crash()
    async with stage.next_process(programs, before=lambda _, calls: demand.restored(calls)) as (later, calls):
        recovery.resume(calls)
        (leg,) = later.registry.legs.values()
        await demand.cancel(leg)
        await over(later, leg)
        assert outcomes(later) == ["cancelled", "cancelled"]


@pytest.mark.parametrize("then", ["stop", "cancel", "hang up"])
async def test_a_restart_finds_it_going_on(stage: Stage, then: str) -> None:
    leg = await talking(stage)
    await OnDemand().start(leg, None)
    demand, programs = OnDemand(), {"script": lambda state: Script(stay)}
    await stage.crash()
    async with stage.next_process(programs, before=lambda _, calls: demand.restored(calls)) as (later, calls):
        recovery.resume(calls)
        await goes_on(later, demand, then)


async def goes_on(stage: Stage, demand: OnDemand, then: str) -> None:
    (leg,) = stage.registry.legs.values()
    assert demand.recorded(leg)
    await demand.start(leg, None)
    assert len(stage.asked("channels.record")) == 1
    if then == "stop":
        await demand.stop(leg)
    elif then == "cancel":
        await demand.cancel(leg)
    await over(stage, leg)
    assert outcomes(stage) == ["cancelled" if then == "cancel" else "finished"]
