"""What callers hear, what agents' phones show, whom penalties leave out, who has to leave: our queues and Asterisk's
own, with the same options."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import audio
from tests.harness.phones import PhoneBox, answers, never_answers
from tests.integration.side_by_side import Bench, Scenario, Side, side_by_side, together

#: seconds for which one is watched who may stay
DECIDED = 4
#: dBFS; a silent line is below -60
MUSIC_LEVEL = -45
STRATEGIES = ("linear", "rrmemory", "rrordered", "leastrecent", "fewestcalls", "random")

RINGING = Scenario(
    "52",
    {"ringStrategy": "linear", "ringingMoh": True},
    "strategy = linear\nretry = 1",
    {"a": answers(listen=False)},
    options="r",
    answer=False,
)
MUSIC = Scenario("53", {"ringStrategy": "linear"}, "strategy = linear\nmusicclass = default", {"a": never_answers()})
NAMED = Scenario(
    "54",
    {"ringStrategy": "ringall", "cidNamePrefix": "Sales: "},
    "strategy = ringall",
    {"a": never_answers()},
    before="Set(CALLERID(name)=Sales: ${CALLERID(name)})",
)
PENALTIES = {
    name: Scenario(
        f"6{n}",
        {"ringStrategy": name},
        f"strategy = {name}\ntimeout = 15\nretry = 1",
        {"a": answers(listen=False), "b": answers(listen=False)},
        {"a": 1, "b": 0},
    )
    for n, name in enumerate(STRATEGIES)
}
LEAVING = {
    (leave, paused): Scenario(
        f"{7 + paused}{n}",
        {"ringStrategy": "linear", "leaveEmpty": leave},
        f"strategy = linear\ntimeout = 15\nretry = 1\nleavewhenempty = {leave}",
        {"a": answers(listen=False)},
    )
    for n, leave in enumerate(("no", "loose", "yes", "strict"))
    for paused in (True, False)
}


@pytest.fixture
async def bench(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[Bench]:
    scenarios = [RINGING, MUSIC, NAMED, *PENALTIES.values(), *LEAVING.values()]
    async with side_by_side(tmp_path, start_asterisk, world, scenarios) as made:
        yield made


async def test_ringing_instead_of_music(bench: Bench) -> None:
    """The caller's own phone rings, and he is answered (and pays) when an agent has him; else he is answered and hears
    music."""

    async def ringing(side: Side) -> None:
        await side.pause("a")
        caller = await side.call("1")
        await caller.ringing.wait(20)
        await asyncio.sleep(1)
        assert not caller.answered
        await side.resume("a")
        await side.taken("1")
        await caller.answered.wait(20)

    async def music(side: Side) -> None:
        caller = await side.call("1", listen=True)
        await caller.answered.wait(20)
        assert caller.ear is not None
        await caller.ear.wait_for(lambda ear: audio.loudness(ear.recent(0.2).samples) > MUSIC_LEVEL, within=20)

    await together(bench.run(RINGING, ringing), bench.run(MUSIC, music))


async def test_the_prefix_before_the_callers_name(bench: Bench) -> None:
    """As FreePBX sets it before app_queue. A deliberate difference: one without a name is shown with his number behind
    it, for a prefix alone says of nobody who it is."""

    async def script(side: Side) -> tuple[str, str]:
        shown = []
        for name in ("Anna", ""):
            caller = await side.call("1", name=name)
            phone = await side.phones["a"].next_call(20)
            shown.append(phone.caller_name)
            await caller.hang_up()
            await phone.ended.wait(20)
        return shown[0], shown[1].strip()

    ours, theirs = await bench.run(NAMED, script)
    assert ours == ("Sales: Anna", "Sales: 1")
    assert theirs == ("Sales: Anna", "Sales:")


async def test_penalties_under_every_strategy(bench: Bench) -> None:
    """The agent of the lower penalty gets every call while he is free, and the other one when he is not."""

    async def script(side: Side) -> list[str]:
        first = await side.call("1")
        served = [await side.taken("1")]
        served.append(await side.served("2"))
        await first.hang_up()
        await side.until("b", "available", "Not in use")
        served.append(await side.served("3"))
        return served

    results = await together(*(bench.run(scenario, script) for scenario in PENALTIES.values()))
    assert dict(zip(PENALTIES, results, strict=True)) == {name: (["b", "a", "b"],) * 2 for name in STRATEGIES}


async def test_leave_empty_sets(bench: Bench) -> None:
    """The only agent is on a call: he will be back, so nobody is sent away. He is paused: `yes` and `strict` send those
    away who wait, `no` and `loose` do not."""

    expected = {(leave, paused): paused and leave in ("yes", "strict") for leave, paused in LEAVING}

    async def script(side: Side, paused: bool, goes: bool) -> bool:
        await side.call("1")
        await side.taken("1")
        waiting = await side.call("2")
        await waiting.answered.wait(20)
        if paused:
            await side.pause("a")
        try:
            await waiting.ended.wait(20 if goes else DECIDED)
        except TimeoutError:
            return False
        return True

    def run(scenario: Scenario, paused: bool, goes: bool) -> Any:
        return bench.run(scenario, lambda side: script(side, paused, goes))

    results = await together(*(run(scenario, key[1], expected[key]) for key, scenario in LEAVING.items()))
    assert dict(zip(LEAVING, results, strict=True)) == {key: (gone, gone) for key, gone in expected.items()}
