"""The short verbs: answer, ring, music, hang up, bridge, hold; done, refused, too late, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import pytest

from ari_app.ari.errors import AriError, BadRequest, Gone, NotInStasis, ServerFault, Unreachable
from ari_app.ari.fake.state import FakeChannel
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegGone, LegState
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.hangup import BUSY, NORMAL, hangup, release
from ari_app.calls.verbs.music import music_start, music_stop
from ari_app.calls.verbs.play import play
from ari_app.calls.verbs.record import record
from ari_app.calls.verbs.ring import ring, ring_stop
from ari_app.calls.verbs.snoop import Snoop
from tests.unit.calls.stage import Stage

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
