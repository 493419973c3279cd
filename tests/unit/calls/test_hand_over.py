"""A call goes on with another program: what ran is cancelled, and what Asterisk has follows."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.ari.fake import Answers
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import LegGone, LegState
from ari_app.calls.parking import Parked, Parking, ParkingLot
from ari_app.calls.transfers import leave
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import dial
from ari_app.errors import CommandRefused
from tests.unit.calls.stage import Script, Stage, stay


async def talk(call: Call) -> None:
    await answer(call.caller)
    callee = call.new_leg("callee", endpoint="PJSIP/1001")
    await dial(callee)
    bridge = Bridge(call)
    await bridge.create()
    await bridge.add(call.caller, callee)
    await callee.until(LegState.GONE)


async def talking(stage: Stage) -> Call:
    stage.fake.endpoints["PJSIP/1001"] = Answers()
    stage.program = lambda call: Script(talk)
    call, _ = await stage.incoming()
    await stage.until(lambda: sum(leg.bridge is not None for leg in call.legs.values()) == 2)
    return call


async def test_what_ran_is_cancelled_and_the_last_handed_over_runs(stage: Stage) -> None:
    log: list[str] = []

    async def first(call: Call) -> None:
        try:
            await stay(call)
        finally:
            log.append("cancelled")

    def named(name: str) -> Script:
        async def run(call: Call) -> None:
            log.append(name)
            await stay(call)

        return Script(run)

    stage.program = lambda call: Script(first)
    call, channel = await stage.incoming()
    await stage.until(lambda: call.running)
    await asyncio.sleep(0)
    call.hand_over(named("second"), call.caller)
    call.hand_over(named("third"), call.caller)
    await stage.until(lambda: "third" in log)
    assert log == ["cancelled", "third"]
    call.hand_over(named("fourth"), call.caller)
    await stage.until(lambda: "fourth" in log)
    # a hang-up ends it as ever
    stage.fake.hangup_from_far_end(channel)
    await stage.over(call)
    with pytest.raises(LegGone):
        call.hand_over(named("fifth"), call.caller)


async def test_one_that_ends_by_itself_at_that_moment_does_not_end_the_call(stage: Stage) -> None:
    go = asyncio.Event()
    log: list[str] = []

    async def first(call: Call) -> None:
        await go.wait()

    async def second(call: Call) -> None:
        log.append("second")
        await stay(call)

    stage.program = lambda call: Script(first)
    call, channel = await stage.incoming()
    await asyncio.sleep(0)
    go.set()
    await asyncio.sleep(0)  # it is about to return
    call.hand_over(Script(second), call.caller)
    await stage.until(lambda: log)
    stage.fake.hangup_from_far_end(channel)
    await stage.over(call)


async def test_the_callee_goes_on_and_the_call_is_his(stage: Stage) -> None:
    call = await talking(stage)
    caller, callee = call.legs.values()

    async def alone(call: Call) -> None:
        await leave(call.caller)
        await stay(call)

    call.hand_over(Script(alone), callee)
    await stage.until(lambda: callee.bridge is None)
    assert (call.caller, caller.came_in, callee.came_in) == (callee, True, False)
    stage.fake.hangup_from_far_end(stage.fake.world.channels[caller.id])
    await stage.until(lambda: caller.state is LegState.GONE)
    assert not call.closing
    stage.fake.hangup_from_far_end(stage.fake.world.channels[callee.id])
    await stage.over(call)


async def test_spaces_are_taken_by_live_calls_and_given_back(stage: Stage) -> None:
    lot = ParkingLot(stage.registry, Parking(first=701, last=702, timeout=45.0))
    calls = []
    for _ in range(2):
        parked = lot.space(1, "1001", "PJSIP/1001")
        stage.program = lambda call, parked=parked: parked  # type: ignore[misc]
        call, channel = await stage.incoming()
        calls.append((call, channel))
    assert [kept.space for _, kept in lot.calls(1)] == [701, 702]
    assert list(lot.calls(2)) == []
    with pytest.raises(CommandRefused):
        lot.space(1, "1001", "PJSIP/1001")
    assert lot.space(2, "1001", "PJSIP/1001").kept.space == 701
    stage.fake.hangup_from_far_end(calls[0][1])
    await stage.over(calls[0][0])
    assert lot.space(1, "1001", "PJSIP/1001").kept.space == 701


async def test_the_parker_is_called_in_the_end_and_again_if_he_does_not_answer(stage: Stage) -> None:
    lot = ParkingLot(stage.registry, Parking(first=701, last=701, timeout=45.0))
    parked = lot.space(1, "1001", "PJSIP/1001")
    stage.program = lambda call: parked
    call, channel = await stage.incoming()
    for _ in range(2):
        await stage.until(lambda: channel.music)
        stage.clock.advance(44.0)
        await stage.quiet()
        assert len(call.legs) == 1
        stage.clock.advance(1.0)
        callee = await stage.until(lambda: next((leg for leg in call.legs.values() if leg.role == "callee"), None))
        await stage.until(lambda callee=callee: callee.state is LegState.GONE)  # there is no such endpoint
    assert isinstance(call.program, Parked)
    stage.fake.hangup_from_far_end(channel)
    await stage.over(call)
