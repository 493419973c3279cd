"""joinEmpty and how a call leaves, of our queues and of Asterisk's own: the same agents in the same state, the same
option, and who is let in; the same end, and what queue_log says of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.patience import PATIENCE
from tests.harness.phones import Behaviour, PhoneBox, answers, never_answers
from tests.integration.side_by_side import Bench, Scenario, Script, Side, side_by_side, together

TEMPORARY_FAILURE = 34
#: seconds for which one is watched who may stay
DECIDED = 4


def joining(id: str, join: str, behaviour: Behaviour, *, registers: bool = False) -> Scenario:
    return Scenario(
        id,
        {"ringStrategy": "linear", "joinEmpty": join},
        f"strategy = linear\ntimeout = 15\nretry = 1\njoinempty = {join}",
        {"a": behaviour},
        answer=False,
        registers=registers,
    )


#: with the only agent paused
PAUSED = {join: joining(f"3{n}", join, never_answers()) for n, join in enumerate(("yes", "loose", "no", "strict"))}
#: with the only agent's phone out of reach
UNREACHED = {
    join: joining(f"6{n}", join, answers(listen=False), registers=True)
    for n, join in enumerate(("loose", "no", "strict"))
}
#: the same, of those who wait
LEFT = {
    leave: Scenario(
        f"7{n}",
        {"ringStrategy": "linear", "leaveEmpty": leave},
        f"strategy = linear\ntimeout = 15\nretry = 1\nleavewhenempty = {leave}",
        {"a": answers(listen=False)},
        registers=True,
    )
    for n, leave in enumerate(("loose", "yes", "strict"))
}
#: with the only agent on a call
TALKING = {join: joining(f"4{n}", join, answers(listen=False)) for n, join in enumerate(("loose", "no", "strict"))}
NOBODY_ANSWERS = Scenario(
    "50",
    {"ringStrategy": "linear", "maxWaitTime": 4, "agentTimeout": 2, "agentRetryTime": 5},
    "strategy = linear\ntimeout = 2\nretry = 5",
    {"a": never_answers()},
    timeout="4",
)


@pytest.fixture
async def bench(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[Bench]:
    scenarios = [*PAUSED.values(), *UNREACHED.values(), *LEFT.values(), *TALKING.values(), NOBODY_ANSWERS]
    async with side_by_side(tmp_path, start_asterisk, world, scenarios) as made:
        yield made


async def enters(side: Side) -> bool:
    """Somebody calls; whether the queue lets him in: it answers nobody before, so its log tells."""
    caller = await side.call("9")
    async with asyncio.timeout(PATIENCE):
        while True:
            if caller.ended:
                assert not caller.answered
                assert caller.cause == TEMPORARY_FAILURE
                return False
            if any(line[0] == "ENTERQUEUE" and line[2] == "9" for line in await side.log()):
                return True
            await asyncio.sleep(0.1)


async def test_join_empty_with_a_paused_agent(bench: Bench) -> None:
    """An agent who is paused is somebody for `yes` and `loose`, and nobody for `no` and `strict`."""

    async def script(side: Side) -> bool:
        await side.pause("a")
        return await enters(side)

    results = await together(*(bench.run(scenario, script) for scenario in PAUSED.values()))
    expected = {"yes": True, "loose": True, "no": False, "strict": False}
    assert dict(zip(PAUSED, results, strict=True)) == {join: (let_in, let_in) for join, let_in in expected.items()}


async def test_joining_and_leaving_with_a_phone_out_of_reach(bench: Bench) -> None:
    """An agent whose phone is not registered is nobody for `strict` (of ours alone: app_queue lets callers stay now and
    then who are to leave), and somebody for all the others."""

    async def joins(side: Side) -> bool:
        await side.lose("a")
        return await enters(side)

    async def stays(side: Side) -> bool:
        await side.lose("a")
        caller = await side.call("1")
        await side.entered(1)
        try:
            await caller.ended.wait(PATIENCE if side.scenario is LEFT["strict"] else DECIDED)
        except TimeoutError:
            return True
        await side.logged("EXITEMPTY")
        return False

    async def alone(scenario: Scenario, script: Script) -> bool:
        side = Side("ours", scenario, bench.centre)
        await side.prepare()
        return bool(await script(side))

    compared = [bench.run(UNREACHED[join], joins) for join in ("loose", "no")]
    compared += [bench.run(LEFT[leave], stays) for leave in ("loose", "yes")]
    *both, joined, stayed = await together(*compared, alone(UNREACHED["strict"], joins), alone(LEFT["strict"], stays))
    assert both == [(True, True)] * 4
    assert (joined, stayed) == (False, False)


async def test_join_empty_with_an_agent_on_a_call(bench: Bench) -> None:
    """He will be free again: also `strict` lets callers in."""

    async def script(side: Side) -> bool:
        await side.call("1")
        await side.taken("1")
        return await enters(side)

    results = await together(*(bench.run(scenario, script) for scenario in TALKING.values()))
    assert results == [(True, True)] * len(TALKING)


async def test_differs_a_callers_time_in_the_queue_ends_exactly(bench: Bench) -> None:
    """Four seconds are up while the queue waits five between two rings of two: app_queue looks after that only. The
    lines in the log are the same, RINGNOANSWER and EXITWITHTIMEOUT."""

    async def script(side: Side) -> tuple[list[tuple[str, ...]], float]:
        caller = await side.call("1")
        came = await caller.answered.wait()
        went = await caller.ended.wait()
        await side.logged("EXITWITHTIMEOUT")
        return await side.log(), went - came

    ours, theirs = await bench.run(NOBODY_ANSWERS, script)
    for lines, _ in (ours, theirs):
        (rung,) = [int(line[1]) for line in lines if line[0] == "RINGNOANSWER"]
        assert 600 <= rung < 4900
        (exit,) = [line for line in lines if line[0] == "EXITWITHTIMEOUT"]
        assert exit[1:3] == ("1", "1")
    assert len(ours[0][-1]) == len(theirs[0][-1])
    assert 2.6 < ours[1] < 6
    assert theirs[1] > 6
