"""Whom `random` and `wrandom` ring, of our queues and of Asterisk's own: many callers who hang up when a phone rings
for them, and how often it was whose phone.

The bounds are of chi-square with one or two degrees of freedom, where a right distribution exceeds them once in a
million runs. One that always rings the same phone, or is even where it must not be, is far beyond.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.patience import PATIENCE
from tests.harness.phones import Extension, PhoneBox, never_answers
from tests.integration.side_by_side import Bench, Scenario, Side, side_by_side, together

#: degrees of freedom -> what chi-square exceeds with a probability of 1e-6
BOUND = {1: 23.93, 2: 27.63}
#: callers of each queue; of queues that are alike, so that it does not take that long
CALLERS, QUEUES = 20, 3


def drawing(id: str, strategy: str, *penalties: int) -> list[Scenario]:
    names = "abc"[: len(penalties)]
    phones = dict.fromkeys(names, never_answers())
    levels = dict(zip(names, penalties, strict=True))
    theirs = f"strategy = {strategy}\ntimeout = 15\nretry = 1"
    return [Scenario(f"{id}{n}", {"ringStrategy": strategy}, theirs, phones, levels) for n in range(QUEUES)]


RANDOM, WRANDOM = drawing("3", "random", 0, 0, 0), drawing("5", "wrandom", 0, 3)


@pytest.fixture
async def bench(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[Bench]:
    async with side_by_side(tmp_path, start_asterisk, world, [*RANDOM, *WRANDOM]) as made:
        yield made


async def rung(side: Side) -> Counter[str]:
    """How often each phone was rung, one caller after the other."""
    for agent in side.phones:
        await side.until(agent, "available", "Not in use")
    for number in range(CALLERS):
        caller = await side.call(str(number))
        async with asyncio.timeout(PATIENCE):
            while not (rung := [agent for agent, phone in side.phones.items() if len(phone.calls) > done(phone)]):
                await asyncio.sleep(0.02)
        await caller.hang_up()
        await free_again(side, *rung)
    return Counter({agent: len(phone.calls) for agent, phone in side.phones.items()})


def done(phone: Extension) -> int:
    return sum(bool(call.ended) for call in phone.calls)


async def free_again(side: Side, agent: str) -> None:
    """Wait until a phone that has rung can be drawn again."""
    extension = side.scenario.extension(side.name, agent)
    await side.phones[agent].calls[-1].ended.wait()
    if side.name == "ours":
        await side.centre.until_status(extension, "available", side.number)
        return
    async with asyncio.timeout(PATIENCE):
        while (await side.centre.pbx.ari.get(f"/endpoints/PJSIP/{extension}"))["channel_ids"]:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)  # app_queue hears of it behind the back of ARI


def chi_square(seen: Counter[str], expected: dict[str, float]) -> float:
    """expected: the probability of each."""
    total = seen.total()
    return sum((seen[agent] - total * part) ** 2 / (total * part) for agent, part in expected.items())


async def test_random_is_even_and_wrandom_favours_small_penalties(bench: Bench) -> None:
    """wrandom draws for each agent below 1 + his penalty, and rings the least: with 0 and 3 the first is rung in seven
    of eight."""
    results = await together(*(bench.run(scenario, rung) for scenario in [*RANDOM, *WRANDOM]))
    for side in (0, 1):
        each = [result[side] for result in results]
        even, weighted = sum(each[:QUEUES], Counter[str]()), sum(each[QUEUES:], Counter[str]())
        assert even.total() == weighted.total() == CALLERS * QUEUES
        assert chi_square(even, dict.fromkeys("abc", 1 / 3)) < BOUND[2], even
        assert chi_square(weighted, {"a": 7 / 8, "b": 1 / 8}) < BOUND[1], weighted
