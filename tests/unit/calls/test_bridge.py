"""Bridges, and hold, which takes a leg out of one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ari_app.ari.errors import AriError, Gone, ServerFault, TimedOut, Unreachable
from ari_app.ari.fake import Answers
from ari_app.ari.fake.state import FakeChannel
from ari_app.calls.bridge import TYPE, Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import dial
from ari_app.calls.verbs.hold import hold, unhold
from tests.unit.calls.stage import Stage


async def end(stage: Stage, channel: FakeChannel) -> None:
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def talking(stage: Stage, *, spare: bool = False) -> tuple[Call, Leg, Bridge]:
    """A caller and a callee in a bridge. spare: one that may be another call's afterwards."""
    stage.fake.endpoints["PJSIP/1001"] = Answers()
    call, _ = await stage.incoming()
    await answer(call.caller)
    callee = call.new_leg("callee", endpoint="PJSIP/1001")
    await dial(callee)
    bridge = Bridge(call)
    await (bridge.take() if spare else bridge.create())
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
    stage.time_out("bridges.addChannel")
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
