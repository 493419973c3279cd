"""Waiting: for legs, for several things, and leaving nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.ari.fake.state import FakeChannel
from ari_app.calls.leg import LegGone, LegState
from ari_app.calls.wait import together, until_one_is_gone, while_alive
from tests.unit.calls.stage import Stage, stay


async def end(stage: Stage, channel: FakeChannel) -> None:
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


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
