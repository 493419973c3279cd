"""After a restart of ours, or a reconnect: what goes on, what is closed, what is hung up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ari_app.ari.fake import Answers, NeverAnswers
from ari_app.calls import facts, recovery
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import LegState
from ari_app.calls.programs import Announcement, ExtensionCall, Unallocated
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import dial_start
from ari_app.calls.verbs.hangup import hangup, release
from tests.unit.calls.stage import Script, Stage, stay

PHONE = "PJSIP/1001"


async def gone_on(call: Call) -> None:
    """A plan for those who go on: it says so, and stays."""
    call.number = f"{call.number} went on"
    await stay(call)


PROGRAMS = {
    "script": lambda state: Script(gone_on, state=state),
    "announcement": lambda state: Announcement(**state),
    "unallocated": lambda state: Unallocated(),
    "extension": lambda state: ExtensionCall(**state),
}


async def two_who_talk(stage: Stage) -> tuple[Call, Any, str]:
    stage.fake.endpoints[PHONE] = Answers()

    async def plan(call: Call) -> None:
        await answer(call.caller)
        callee = call.new_leg("callee", endpoint=PHONE)
        await dial_start(callee)
        await callee.until(LegState.UP)
        bridge = Bridge(call)
        await bridge.create()
        await bridge.add(call.caller, callee)
        await stay(call)

    call, channel = await stage.incoming(plan)
    await stage.until(lambda: call.caller.bridge)
    (callee,) = [leg for leg in call.legs.values() if leg is not call.caller]
    return call, channel, callee.id


# a process killed, another started


async def test_a_call_goes_on(stage: Stage) -> None:
    call, channel, callee = await two_who_talk(stage)
    await stage.crash()
    async with stage.next_process(PROGRAMS) as (after, calls):
        (same,) = calls
        assert (same.id, same.number, same.caller_number, same.answered_at, same.started_at) == (
            call.id,
            call.number,
            call.caller_number,
            call.answered_at,
            call.started_at,
        )
        assert same.bridges == call.bridges
        assert {(leg.id, leg.role, leg.state, leg.bridge) for leg in same.legs.values()} == {
            (channel.id, "caller", LegState.UP, channel.bridge),
            (callee, "callee", LegState.UP, channel.bridge),
        }
        assert same.caller.id == channel.id
        assert same.caller.came_in
        recovery.resume(calls)
        await after.until(lambda: same.number == "500 went on")
        assert same.running
        recovery.resume(calls)  # once is enough
        assert not channel.ended
        assert "channels.hangup" not in after.asked()
        stage.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_the_caller_went_meanwhile(stage: Stage) -> None:
    """Nobody was told: the call is closed, with cause 0, and what is left of it is hung up."""
    call, channel, _ = await two_who_talk(stage)
    await stage.crash()
    stage.fake.hangup_from_far_end(channel)
    async with stage.next_process(PROGRAMS) as (after, calls):
        recovery.resume(calls)
        await after.nothing_left()
        (ended,) = after.store.of(facts.CallEnded)
        assert (ended.call, ended.ended_by, ended.cause) == (call.id, "caller", 0)


async def test_the_callee_went_meanwhile(stage: Stage) -> None:
    _, channel, callee = await two_who_talk(stage)
    await stage.crash()
    stage.fake.hangup_from_far_end(callee)
    async with stage.next_process(PROGRAMS) as (after, calls):
        assert list(calls[0].legs) == [channel.id]
        recovery.resume(calls)
        await after.until(lambda: calls[0].number == "500 went on")
        stage.fake.hangup_from_far_end(channel)
        await after.nothing_left()


async def test_asterisk_was_restarted_meanwhile(stage: Stage) -> None:
    await two_who_talk(stage)
    await stage.crash()
    stage.fake.restart()
    async with stage.next_process(PROGRAMS) as (after, calls):
        recovery.resume(calls)
        await after.nothing_left()


async def test_the_caller_was_gone_before_the_crash(stage: Stage) -> None:
    """The rest was just being released."""
    _, channel, callee = await two_who_talk(stage)
    stage.fake.faults.refuse("channels.hangup", 500)
    stage.fake.hangup_from_far_end(channel)
    await stage.until(lambda: stage.asked("channels.hangup"))
    await stage.quiet()
    await stage.crash()
    async with stage.next_process(PROGRAMS) as (after, calls):
        assert calls[0].origin is None
        recovery.resume(calls)
        await after.nothing_left()
        assert callee not in stage.fake.world.channels


@pytest.mark.parametrize("programs", [{}, {"script": lambda state: state["not kept"]}])
async def test_a_call_whose_program_is_unknown_is_ended(stage: Stage, programs: dict[str, Any]) -> None:
    """Of another version, or its state cannot be read: the other calls go on."""
    stage.program = lambda call: Announcement(["sound:long"])
    stage.fake.world.media_seconds = 1000.0
    other, other_channel = await stage.incoming()
    await stage.until(lambda: stage.fake.world.playbacks)
    _, channel = await stage.incoming(stay)
    await stage.crash()
    async with stage.next_process({**PROGRAMS, "script": None, **programs}) as (after, calls):
        recovery.resume(calls)
        await after.until(lambda: list(after.registry.calls) == [other.id])
        assert channel.ended
        stage.fake.hangup_from_far_end(other_channel)
        await after.nothing_left()


async def test_a_call_of_a_node_that_is_not_configured_any_more(stage: Stage) -> None:
    await stage.incoming(stay)
    (record,) = stage.store.records()
    record.node = "elsewhere"
    assert recovery.restore(stage.registry, [record], stage.registry.nodes) == []


async def test_events_of_the_gap_come_before_programs_go_on(stage: Stage) -> None:
    """Asterisk has kept them: they find the legs made again."""
    _, channel, callee = await two_who_talk(stage)
    await stage.crash()
    seen: list[LegState] = []

    def before(after: Stage, calls: list[Call]) -> None:
        leg = after.registry.legs["pbx", callee]
        leg.on_state = lambda leg, at: seen.append(leg.state)
        after.registry.leg_gone(leg, 16, after.clock.now())

    stage.fake.hangup_from_far_end(callee)
    async with stage.next_process(PROGRAMS, before) as (after, calls):
        assert seen == [LegState.GONE]
        recovery.resume(calls)
        stage.fake.hangup_from_far_end(channel)
        await after.nothing_left()


# what is left over


async def test_what_belongs_to_no_call_is_hung_up(stage: Stage) -> None:
    """Channels and bridges that were made in the last moments of a process, and not kept."""
    call, channel = await stage.incoming(stay)
    stage.fake.endpoints[PHONE] = NeverAnswers()
    leg = call.new_leg("callee", endpoint=PHONE)
    await dial_start(leg)
    await stage.node.bridges.createWithId(bridgeId="bridge-unknown", type="mixing")
    await stage.node.bridges.createWithId(bridgeId="of-somebody-else", type="mixing")
    await stage.crash()
    stage.store.live.clear()
    other_app = stage.fake.world.add_channel("PJSIP/x", "theirs")
    async with stage.next_process(PROGRAMS) as (after, calls):
        assert calls == []
        # the caller is served anew: he is there, and nobody knows him
        new = await after.until(lambda: after.registry.legs.get(("pbx", channel.id)))
        await after.until(lambda: leg.id not in stage.fake.world.channels)
        await after.until(lambda: "bridge-unknown" not in stage.fake.world.bridges)
        assert "of-somebody-else" in stage.fake.world.bridges
        assert not other_app.ended
        assert new.call.id != call.id
        stage.fake.hangup_from_far_end(channel)
        await after.over(new.call)


async def test_an_orphan_that_could_not_be_hung_up_is_found_after_a_reconnect(stage: Stage) -> None:
    stage.node.on_resynced = lambda snapshot: recovery.reconcile(
        stage.registry, stage.node, snapshot.channels, snapshot.bridges
    )
    stage.fake.faults.refuse("channels.hangup", 500)
    _, waiting = await stage.incoming(stay)
    channel = stage.fake.incoming_call(args=("leg", "x", "agent"))
    await stage.until(lambda: stage.asked("channels.hangup"))
    stage.fake.drop_socket()
    await stage.until(lambda: channel.ended)
    assert not waiting.ended
    stage.clock.advance(60)
    stage.fake.hangup_from_far_end(waiting)
    await stage.nothing_left()


# the same process, connected again


async def reconnecting(stage: Stage) -> None:
    stage.node.on_resynced = lambda snapshot: recovery.reconcile(
        stage.registry, stage.node, snapshot.channels, snapshot.bridges
    )


async def cut(stage: Stage, meanwhile: Any = None) -> None:
    """The events are cut, something happens that nobody tells, and they are back."""
    resyncs = stage.node.resyncs
    stage.fake.drop_socket()
    if meanwhile is not None:
        meanwhile()
    await stage.until(lambda: stage.node.resyncs > resyncs)


async def test_nothing_happened_meanwhile(stage: Stage) -> None:
    await reconnecting(stage)
    call, channel, _ = await two_who_talk(stage)
    told = len(stage.store.facts)
    await cut(stage)
    assert len(stage.store.facts) == told
    assert "channels.hangup" not in stage.asked()
    assert len(call.legs) == 2
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_they_went_meanwhile(stage: Stage) -> None:
    await reconnecting(stage)
    _, channel, callee = await two_who_talk(stage)
    await cut(stage, lambda: [stage.fake.hangup_from_far_end(c) for c in (channel, callee)])
    await stage.nothing_left()


async def test_he_answered_meanwhile(stage: Stage) -> None:
    await reconnecting(stage)
    stage.fake.endpoints[PHONE] = NeverAnswers()
    call, channel = await stage.incoming(stay)
    leg = call.new_leg("callee", endpoint=PHONE)
    await dial_start(leg)
    await leg.until(LegState.RINGING)
    await cut(stage, lambda: stage.fake.answer(leg.id))
    assert leg.state is LegState.UP
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_who_was_to_be_hung_up_meanwhile_is(stage: Stage) -> None:
    await reconnecting(stage)
    call, channel, callee = await two_who_talk(stage)
    leg = call.legs[callee]
    stage.node.connected = False
    stage.fake.faults.lose("channels.hangup", carried_out=False, times=3)
    await hangup(leg)
    assert leg.leaving
    stage.fake.faults.clear()
    await cut(stage)
    await leg.until(LegState.GONE)
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_a_leg_that_was_made_and_lost_unseen(stage: Stage) -> None:
    """Made; then Asterisk crashed, before the first event of it had come."""
    await reconnecting(stage)
    stage.fake.endpoints[PHONE] = NeverAnswers()
    call, _ = await stage.incoming(stay)
    hold = stage.fake.hold(lambda event: True)
    leg = call.new_leg("callee", endpoint=PHONE)
    dialling = asyncio.create_task(dial_start(leg))
    await stage.until(lambda: leg.created and leg.waiters)
    hold.events.clear()
    stage.fake.world.faults.holds.remove(hold)
    stage.fake.restart()
    await leg.until(LegState.GONE)
    await asyncio.wait({dialling})
    assert dialling.exception() is not None
    await stage.nothing_left()


async def test_a_leg_that_is_being_made_while_the_lists_are_read(stage: Stage) -> None:
    """It is not in the list, and it is there: Asterisk is asked."""
    stage.fake.endpoints[PHONE] = NeverAnswers()
    call, channel = await stage.incoming(stay)
    hold = stage.fake.hold(lambda event: event["type"] in ("ChannelCreated", "StasisStart"))
    leg = call.new_leg("callee", endpoint=PHONE)
    dialling = asyncio.create_task(dial_start(leg))
    await stage.until(lambda: leg.created)
    recovery.reconcile(stage.registry, stage.node, [], [])
    await stage.until(lambda: stage.asked("channels.get"))
    hold.release()
    await dialling
    await leg.until(LegState.RINGING)
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_a_release_goes_on_after_a_reconnect(stage: Stage) -> None:
    await reconnecting(stage)
    stage.fake.endpoints[PHONE] = NeverAnswers()
    call, channel = await stage.incoming(stay)
    leg = call.new_leg("callee", endpoint=PHONE)
    await dial_start(leg)
    stage.fake.faults.refuse("channels.hangup", 500)
    releasing = asyncio.create_task(release(leg))
    await stage.until(lambda: stage.asked("channels.hangup") and leg.waiters)
    await cut(stage)
    await releasing
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()
