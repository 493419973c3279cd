"""The short verbs: answer, ring, music, hang up, bridge, hold; done, refused, too late, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import pytest

from ari_app.ari.errors import AriError, BadRequest, Gone, NotInStasis, ServerFault, TimedOut, Unreachable
from ari_app.ari.fake import Answers
from ari_app.ari.fake.state import FakeChannel
from ari_app.calls.bridge import TYPE, Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegGone, LegState
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import dial
from ari_app.calls.verbs.hangup import BUSY, NORMAL, hangup, release
from ari_app.calls.verbs.hold import hold, unhold
from ari_app.calls.verbs.music import music_start, music_stop
from ari_app.calls.verbs.play import play
from ari_app.calls.verbs.record import record
from ari_app.calls.verbs.ring import ring, ring_stop
from ari_app.calls.verbs.snoop import Snoop
from ari_app.calls.wait import together, until_one_is_gone, while_alive
from tests.unit.calls.stage import Stage, stay

Verb = Callable[[Leg], Awaitable[object]]

VERBS: dict[str, Verb] = {
    "channels.answer": answer,
    "channels.ring": ring,
    "channels.ringStop": ring_stop,
    "channels.startMoh": music_start,
    "channels.stopMoh": music_stop,
    "channels.playWithId": lambda leg: play(leg, ["sound:beep"]),
    "channels.record": lambda leg: record(leg),
    "channels.snoopChannelWithId": lambda leg: Snoop(leg, spy="both", whisper="none").open(),
    "bridges.addChannel": lambda leg: Bridge(leg.call, "bridge-1").add(leg),
    "bridges.removeChannel": lambda leg: Bridge(leg.call, "bridge-1").remove(leg),
}

each_verb = pytest.mark.parametrize("operation", list(VERBS))


async def end(stage: Stage, channel: FakeChannel) -> None:
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_answer(stage: Stage) -> None:
    call, channel = await stage.incoming()
    await answer(call.caller)
    await call.caller.until(LegState.UP)
    await answer(call.caller)
    assert len(stage.asked("channels.answer")) == 1
    assert call.answered_at is not None
    await end(stage, channel)


async def test_ring_and_music(stage: Stage) -> None:
    call, channel = await stage.incoming()
    await ring(call.caller)
    assert channel.ringing
    await ring_stop(call.caller)
    assert not channel.ringing
    await music_start(call.caller, "opus")
    assert channel.music == "opus"
    await music_stop(call.caller)
    assert channel.music is None
    await end(stage, channel)


# what every verb does


@each_verb
async def test_on_a_leg_that_is_gone(stage: Stage, operation: str) -> None:
    call, channel = await stage.incoming()
    leg = call.caller
    await end(stage, channel)
    with pytest.raises(LegGone):
        await VERBS[operation](leg)
    assert operation not in stage.asked()
    assert not stage.registry.waiters
    assert not stage.registry.helpers


@each_verb
async def test_on_a_leg_that_is_being_hung_up(stage: Stage, operation: str) -> None:
    call, channel = await stage.incoming()
    call.caller.leaving = True
    with pytest.raises(LegGone):
        await VERBS[operation](call.caller)
    assert operation not in stage.asked()
    await end(stage, channel)


@each_verb
@pytest.mark.parametrize(
    ("status", "error"), [(404, Gone), (409, NotInStasis), (422, NotInStasis), (500, ServerFault), (400, BadRequest)]
)
async def test_refused(stage: Stage, operation: str, status: int, error: type[AriError]) -> None:
    """Nothing that waits for what will not come is left behind."""
    stage.fake.faults.refuse(operation, status, "Channel not in Stasis application" if status in (409, 422) else "")
    call, channel = await stage.incoming()
    with pytest.raises(error):
        await VERBS[operation](call.caller)
    await stage.until(lambda: not stage.node._tasks)
    assert not stage.registry.waiters
    assert not stage.registry.helpers
    await end(stage, channel)


@each_verb
@pytest.mark.parametrize("carried_out", [True, False])
async def test_the_answer_is_lost(stage: Stage, operation: str, carried_out: bool) -> None:
    """What may have been begun, is ended."""
    call, channel = await stage.incoming()
    bridge = Bridge(call, "bridge-1")
    await bridge.create()
    if operation == "bridges.removeChannel":
        await bridge.add(call.caller)
    stage.fake.world.media_seconds = 1000.0
    stage.fake.faults.lose(operation, carried_out=carried_out)
    # DELETE, which may be done twice, is repeated by the HTTP client on a connection that was used before
    with nullcontext() if operation in ("channels.ringStop", "channels.stopMoh") else pytest.raises(Unreachable):
        await VERBS[operation](call.caller)
    await stage.until(lambda: not stage.node._tasks)
    await stage.until(lambda: not stage.fake.world.playbacks)
    assert [c for c in stage.fake.world.channels.values() if c.spied] == []
    assert not stage.registry.waiters
    assert not stage.registry.helpers
    await end(stage, channel)


@each_verb
async def test_cancelled_in_the_middle(stage: Stage, operation: str) -> None:
    call, channel = await stage.incoming()
    bridge = Bridge(call, "bridge-1")
    await bridge.create()
    if operation == "bridges.removeChannel":
        await bridge.add(call.caller)
    stage.fake.world.media_seconds = 1000.0
    stage.fake.faults.delay(operation, 0.1)
    doing = asyncio.ensure_future(VERBS[operation](call.caller))
    await stage.until(lambda: operation in stage.asked())
    doing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doing
    await stage.until(lambda: not stage.node._tasks)
    await stage.until(lambda: not stage.fake.world.playbacks)
    assert [c for c in stage.fake.world.channels.values() if c.spied] == []
    assert not stage.registry.helpers
    assert not channel.ended
    await end(stage, channel)


# hanging up


async def test_hangup(stage: Stage) -> None:
    call, channel = await stage.incoming()
    await hangup(call.caller, BUSY)
    await call.caller.until(LegState.GONE)
    assert (channel.cause, call.caller.cause) == (BUSY, BUSY)
    await hangup(call.caller)
    await release(call.caller)
    assert len(stage.asked("channels.hangup")) == 1
    await stage.nothing_left()


async def test_the_first_cause_counts(stage: Stage) -> None:
    """A program that wanted "busy" and could not say so: the release that follows says it."""
    stage.fake.faults.refuse("channels.hangup", 500)

    async def plan(call: Call) -> None:
        await hangup(call.caller, BUSY)

    _, channel = await stage.incoming(plan)
    await stage.nothing_left()
    assert channel.cause == BUSY


async def test_hangup_of_what_asterisk_does_not_have(stage: Stage) -> None:
    lost = stage.fake.hold(lambda event: event["type"] in ("ChannelHangupRequest", "StasisEnd"))
    call, channel = await stage.incoming()
    stage.fake.hangup_from_far_end(channel)
    await stage.quiet()
    assert call.caller.alive
    await hangup(call.caller, BUSY)
    assert (call.caller.state, call.caller.cause) == (LegState.GONE, BUSY)
    lost.events.clear()
    await stage.nothing_left()


async def test_hangup_while_asterisk_is_away(stage: Stage) -> None:
    """It is told when it is back (recovery); connected, it is an error."""
    stage.fake.faults.refuse("channels.hangup", 503, times=2)
    call, channel = await stage.incoming()
    with pytest.raises(ServerFault):
        await hangup(call.caller)
    stage.node.connected = False
    await hangup(call.caller)
    assert call.caller.leaving
    assert not call.caller.asked_to_end
    stage.node.connected = True
    await release(call.caller)
    assert channel.ended
    await stage.nothing_left()


async def test_hanging_up_is_carried_out_also_when_cancelled(stage: Stage) -> None:
    call, channel = await stage.incoming()
    hanging_up = asyncio.create_task(hangup(call.caller))
    await stage.until(lambda: call._requests)
    hanging_up.cancel()
    await call.caller.until(LegState.GONE)
    assert channel.cause == NORMAL
    await stage.nothing_left()


# bridges


async def talking(stage: Stage) -> tuple[Call, Leg, Bridge]:
    """A caller and a callee in a bridge."""
    stage.fake.endpoints["PJSIP/1001"] = Answers()
    call, _ = await stage.incoming()
    await answer(call.caller)
    callee = call.new_leg("callee", endpoint="PJSIP/1001")
    await dial(callee)
    bridge = Bridge(call)
    await bridge.create()
    await bridge.add(call.caller, callee)
    return call, callee, bridge


async def test_a_bridge(stage: Stage) -> None:
    call, callee, bridge = await talking(stage)
    there = stage.fake.world.bridges[bridge.id]
    assert there.type == TYPE
    assert there.channels == [call.caller.id, callee.id]
    assert call.caller.bridge == callee.bridge == bridge.id
    (kept,) = stage.store.records()
    assert kept.bridges == [bridge.id]
    assert [leg.bridge for leg in kept.legs] == [bridge.id, bridge.id]
    await bridge.remove(callee)
    assert callee.bridge is None
    assert there.channels == [call.caller.id]
    await bridge.destroy()
    assert call.caller.bridge is None
    assert not stage.fake.world.bridges
    assert stage.store.records()[0].bridges == []
    await end(stage, stage.fake.channel(call.caller.id))


async def test_a_bridge_that_was_made_already(stage: Stage) -> None:
    """The answer to an earlier try was lost: under our id it can only be ours."""
    call, channel = await stage.incoming()
    await Bridge(call, "bridge-1").create()
    await Bridge(call, "bridge-1").create()
    assert list(stage.fake.world.bridges) == ["bridge-1"]
    await end(stage, channel)


async def test_a_bridge_that_may_have_been_made_is_taken_down_with_the_call(stage: Stage) -> None:
    stage.fake.faults.lose("bridges.createWithId")
    call, channel = await stage.incoming()
    with pytest.raises(Unreachable):
        await Bridge(call).create()
    assert stage.fake.world.bridges
    await end(stage, channel)


async def test_a_bridge_that_is_gone(stage: Stage) -> None:
    call, channel = await stage.incoming()
    bridge = Bridge(call)
    with pytest.raises(Gone):
        await bridge.add(call.caller)
    assert call.caller.bridge is None
    await bridge.destroy()
    await end(stage, channel)


async def test_joining_times_out(stage: Stage) -> None:
    """Whether it was done is unknown: the legs are not taken for joined."""
    stage.fake.faults.delay("bridges.addChannel", 10.0)
    call, channel = await stage.incoming()
    bridge = Bridge(call)
    await bridge.create()
    with pytest.raises(TimedOut):
        await bridge.add(call.caller)
    assert call.caller.bridge is None
    assert channel.bridge == bridge.id
    await end(stage, channel)


async def test_a_bridge_that_is_not_destroyed_stays_the_call_s(stage: Stage) -> None:
    stage.fake.faults.refuse("bridges.destroy", 500)
    call, channel = await stage.incoming()
    bridge = Bridge(call)
    await bridge.create()
    await bridge.destroy()
    assert call.bridges == {bridge.id}
    stage.fake.hangup_from_far_end(channel)
    await stage.over(call)
    assert not stage.fake.world.bridges
    stage.clock.advance(60)
    await stage.nothing_left()


# hold


async def test_hold_and_unhold(stage: Stage) -> None:
    call, callee, bridge = await talking(stage)
    channel = stage.fake.channel(call.caller.id)
    await hold(call.caller, bridge, "jazz")
    assert (channel.bridge, channel.music) == (None, "jazz")
    assert stage.fake.channel(callee.id).bridge == bridge.id
    await unhold(call.caller, bridge)
    assert (channel.bridge, channel.music) == (bridge.id, None)
    await end(stage, channel)


async def test_hold_without_music_takes_him_back(stage: Stage) -> None:
    stage.fake.faults.refuse("channels.startMoh", 500)
    call, _, bridge = await talking(stage)
    channel = stage.fake.channel(call.caller.id)
    with pytest.raises(ServerFault):
        await hold(call.caller, bridge)
    assert channel.bridge == call.caller.bridge == bridge.id
    await end(stage, channel)


async def test_unhold_into_a_bridge_that_refuses_gives_him_music_again(stage: Stage) -> None:
    call, _, bridge = await talking(stage)
    channel = stage.fake.channel(call.caller.id)
    await hold(call.caller, bridge)
    stage.fake.faults.refuse("bridges.addChannel", 500)
    with pytest.raises(ServerFault):
        await unhold(call.caller, bridge, "jazz")
    assert (channel.bridge, channel.music) == (None, "jazz")
    await end(stage, channel)


async def test_hold_of_one_who_is_not_there(stage: Stage) -> None:
    call, _, bridge = await talking(stage)
    await hold(call.caller, bridge)
    with pytest.raises(AriError, match="not in this bridge"):
        await hold(call.caller, bridge)
    await end(stage, stage.fake.channel(call.caller.id))


@pytest.mark.parametrize("verb", [hold, unhold])
async def test_cancelled_nobody_is_left_between(stage: Stage, verb: Callable[[Leg, Bridge], Awaitable[None]]) -> None:
    call, _, bridge = await talking(stage)
    channel = stage.fake.channel(call.caller.id)
    if verb is unhold:
        await hold(call.caller, bridge)
    first = "bridges.removeChannel" if verb is hold else "channels.stopMoh"
    stage.fake.faults.delay(first, 0.05)
    doing = asyncio.ensure_future(verb(call.caller, bridge))
    await stage.until(lambda: first in stage.asked())
    doing.cancel()
    await stage.until(lambda: not call._requests)
    assert (channel.bridge, channel.music) == ((None, "default") if verb is hold else (bridge.id, None))
    await end(stage, channel)


# waiting


async def test_until_one_is_gone(stage: Stage) -> None:
    call, channel = await stage.incoming()
    waiting = asyncio.create_task(until_one_is_gone(stage.clock, (call.caller,), 10.0))
    await stage.until(stage.clock.due)
    stage.clock.advance(10.0)
    await waiting
    waiting = asyncio.create_task(until_one_is_gone(stage.clock, (call.caller,), 10.0))
    await stage.until(lambda: call.caller.waiters)
    stage.fake.hangup_from_far_end(channel)
    await waiting
    await until_one_is_gone(stage.clock, (call.caller,), 10.0)
    assert stage.clock.due() is None
    await stage.nothing_left()


async def test_while_alive(stage: Stage) -> None:
    call, channel = await stage.incoming()
    ended = []

    async def work(result: int | None) -> int:
        try:
            if result is None:
                await stay(call)
            return result or 0
        finally:
            ended.append(result)

    assert await while_alive(call.caller, work(7)) == 7
    await stage.until(lambda: not call.caller.waiters)
    waiting = asyncio.create_task(while_alive(call.caller, work(None)))
    await stage.until(lambda: call.caller.waiters)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert ended == [7, None]
    waiting = asyncio.create_task(while_alive(call.caller, work(None)))
    await stage.until(lambda: call.caller.waiters)
    stage.fake.hangup_from_far_end(channel)
    with pytest.raises(LegGone):
        await waiting
    assert ended == [7, None, None]
    await stage.nothing_left()


async def test_together_waits_for_all_before_it_fails() -> None:
    done = []

    async def fail() -> None:
        raise ValueError("first")

    async def work() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        done.append("work")

    with pytest.raises(ValueError, match="first"):
        await together(fail(), work())
    assert done == ["work"]
    await together()


async def test_waiting_for_a_leg_leaves_nothing_behind(stage: Stage) -> None:
    """A long call is waited for thousands of times."""
    call, channel = await stage.incoming()
    for _ in range(3):
        waiting = asyncio.create_task(call.caller.until(LegState.GONE))
        await stage.until(lambda: call.caller.waiters)
        waiting.cancel()
        await asyncio.wait({waiting})
    assert call.caller.waiters == []
    limited = asyncio.create_task(call.caller.until(LegState.UP, within=3.0))
    await stage.until(stage.clock.due)
    stage.clock.advance(3.0)
    assert await limited is LegState.DOWN
    assert call.caller.waiters == []
    assert await call.caller.until(LegState.DOWN, within=3.0) is LegState.DOWN
    assert stage.clock.due() is None
    await end(stage, channel)
