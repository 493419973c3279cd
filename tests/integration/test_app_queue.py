"""Our queues against Asterisk's own, on the same Asterisk, with the same options and the same phones.

Where a test compares, both must do alike. The tests whose names begin with `test_differs` are the deliberate
differences: docs/app_queue-differences.md gives the reason for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.patience import PATIENCE
from tests.harness.phones import Moment, Phone, PhoneBox, answers, declines, is_busy, never_answers
from tests.integration.side_by_side import Bench, Scenario, Side, side_by_side, together

#: seconds by which anything may be late on a busy machine, app_queue, which looks once a second, as well
LATE = 2.9
#: seconds by which anything may seem early: where its beginning was late, and as app_queue knows whole seconds
EARLY = 1.4


def strategy(id: str, name: str, **agents: Any) -> Scenario:
    return Scenario(id, {"ringStrategy": name}, f"strategy = {name}\ntimeout = 15\nretry = 1", agents)


def three() -> dict[str, Any]:
    return {"a": answers(listen=False), "b": answers(listen=False), "c": answers(listen=False)}


SCENARIOS = {
    "linear": strategy("01", "linear", **three()),
    "rrmemory": strategy("02", "rrmemory", **three()),
    "rrordered": strategy("03", "rrordered", **three()),
    "leastrecent": strategy("04", "leastrecent", **three()),
    "fewestcalls": strategy("05", "fewestcalls", **three()),
    "random": strategy("06", "random", **three()),
    "wrandom": strategy("07", "wrandom", **three()),
    "ringall": strategy("08", "ringall", a=never_answers(), b=answers(3.0, listen=False), c=never_answers()),
    "levels": Scenario(
        "09",
        {"ringStrategy": "ringall", "agentTimeout": 2, "agentRetryTime": 1},
        "strategy = ringall\ntimeout = 2\nretry = 1",
        {"a": declines(), "b": declines(), "c": answers(listen=False)},
        {"a": 0, "b": 0, "c": 1},
    ),
    "refusals": Scenario(
        "10",
        {"ringStrategy": "linear", "agentTimeout": 5, "agentRetryTime": 1},
        "strategy = linear\ntimeout = 5\nretry = 1",
        {"a": is_busy(), "b": declines(), "c": answers(listen=False)},
    ),
    "retry": Scenario(
        "11",
        {"ringStrategy": "linear", "agentTimeout": 2, "agentRetryTime": 2},
        "strategy = linear\ntimeout = 2\nretry = 2",
        {"a": never_answers()},
    ),
    "full": Scenario(
        "12",
        {"ringStrategy": "linear", "maxCallers": 1},
        "strategy = linear\nmaxlen = 1",
        {"a": never_answers()},
        answer=False,
    ),
    "empty": Scenario(
        "13",
        {"ringStrategy": "linear", "joinEmpty": "no"},
        "strategy = linear\njoinempty = no",
        {},
        answer=False,
    ),
    "leave": Scenario(
        "14",
        {"ringStrategy": "linear", "leaveEmpty": "yes", "agentTimeout": 2},
        "strategy = linear\nleavewhenempty = yes\ntimeout = 2",
        {"a": answers(listen=False)},
    ),
    "timeout": Scenario(
        "15",
        {"ringStrategy": "linear", "maxWaitTime": 3},
        "strategy = linear",
        {"a": answers(listen=False)},
        timeout="3",
    ),
    "wrapup": Scenario(
        "16",
        {"ringStrategy": "linear", "wrapUpTime": 6},
        "strategy = linear\nwrapuptime = 6\nretry = 1",
        {"a": answers(listen=False)},
    ),
    "autopause": Scenario(
        "17",
        {"ringStrategy": "linear", "agentTimeout": 2, "agentRetryTime": 1, "autoPause": "yes"},
        "strategy = linear\ntimeout = 2\nretry = 1\nautopause = yes",
        {"a": never_answers(), "b": answers(listen=False)},
    ),
    "again": Scenario(
        "18",
        {"ringStrategy": "leastrecent", "agentTimeout": 2, "agentRetryTime": 1},
        "strategy = leastrecent\ntimeout = 2\nretry = 1",
        {"a": never_answers(), "b": never_answers()},
    ),
    "level kept": Scenario(
        "19",
        {"ringStrategy": "ringall", "agentTimeout": 2, "agentRetryTime": 1},
        "strategy = ringall\ntimeout = 2\nretry = 1",
        {"a": never_answers(), "b": answers(listen=False)},
        {"a": 0, "b": 1},
    ),
    "busy": strategy("20", "linear", a=answers(listen=False)),
    "light": strategy("21", "linear", a=answers(listen=False)),
    "heavy": Scenario("22", {}, "strategy = linear\ntimeout = 15\nretry = 1\nweight = 5", {}),
    "one": strategy("23", "linear", a=answers(listen=False)),
    "other": strategy("24", "linear"),
}


@pytest.fixture
async def bench(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[Bench]:
    async with side_by_side(tmp_path, start_asterisk, world, list(SCENARIOS.values())) as made:
        yield made


async def one_after_the_other(side: Side, callers: int) -> list[str]:
    """Who answered each. More than a second apart: app_queue knows whole seconds of an agent's last call."""
    found = []
    for number in range(callers):
        found.append(await side.served(str(number)))
        await asyncio.sleep(2)
    return found


async def test_strategies_one_caller_after_the_other(bench: Bench) -> None:
    """Who is rung. Where all are equal (nobody has had a call yet) app_queue takes its last member first, we the
    first: from then on the order is what the strategy makes of it."""
    names = ("linear", "rrmemory", "rrordered", "leastrecent", "fewestcalls", "random", "wrandom")
    runs = [bench.run(SCENARIOS[name], lambda side: one_after_the_other(side, 6)) for name in names]
    results = dict(zip(names, await together(*runs), strict=True))
    ours, theirs = results["linear"]
    assert ours == theirs == ["a"] * 6
    for name in ("rrmemory", "rrordered", "leastrecent", "fewestcalls"):
        for side in results[name]:
            assert set(side[:3]) == {"a", "b", "c"}, (name, results[name])
            assert side[3:] == side[:3] or name == "fewestcalls", (name, results[name])
            assert set(side[3:]) == {"a", "b", "c"}, (name, results[name])
    for name in ("random", "wrandom"):
        for side in results[name]:
            assert set(side) <= {"a", "b", "c"}


async def test_ringall_rings_all_and_stops_when_one_answers(bench: Bench) -> None:
    async def script(side: Side) -> tuple[set[str], list[str], float]:
        await side.call("1")
        taker = await side.taken("1")
        rings = await side.rung(3)
        together = max(ring.began for ring in rings) - min(ring.began for ring in rings)
        assert {ring.agent for ring in rings if ring.answered} == {taker}
        stopped = max(ring.ended for ring in rings) - next(ring.ended for ring in rings if ring.answered)
        assert together < LATE
        assert stopped < LATE
        return {ring.agent for ring in rings}, [taker], 0.0

    ours, theirs = await bench.run(SCENARIOS["ringall"], script)
    assert ours == theirs == ({"a", "b", "c"}, ["b"], 0.0)


async def test_refusals(bench: Bench) -> None:
    """A phone that is busy or declines: the next one is rung at once; with ringall, the next level."""

    async def script(side: Side) -> list[str]:
        await side.call("1")
        rings = await side.rung(3)
        assert rings[-1].began - rings[0].began < 4.9  # and not after the time for which a phone rings
        return [ring.agent for ring in rings]

    refusals, levels = await together(bench.run(SCENARIOS["refusals"], script), bench.run(SCENARIOS["levels"], script))
    assert refusals == (["a", "b", "c"], ["a", "b", "c"])
    assert [sorted(side[:2]) + side[2:] for side in levels] == [["a", "b", "c"]] * 2


async def test_ring_time_and_retry(bench: Bench) -> None:
    """A phone rings for `timeout`, then there is peace for `retry`."""

    async def script(side: Side) -> None:
        await side.call("1")
        first, second = await side.rung(2)
        assert first.agent == second.agent == "a"
        assert 2 - EARLY < first.seconds < 2 + LATE
        assert 2 - EARLY < second.began - first.ended < 2 + LATE

    await bench.run(SCENARIOS["retry"], script)


async def test_limits(bench: Bench) -> None:
    """Who does not get in, and who is sent away: full, nobody there, too long, nobody left."""

    async def full(side: Side) -> None:
        first = await side.call("1")
        await side.entered(1)
        second = await side.call("2")
        await second.ended.wait()
        assert not second.answered
        assert second.cause == 17  # busy
        assert not first.ended

    async def empty(side: Side) -> None:
        caller = await side.call("1")
        await caller.ended.wait()
        assert not caller.answered

    async def too_long(side: Side) -> None:
        await side.served("0")
        talking = await side.call("1")  # has the only agent
        await side.taken("1")
        caller = await side.call("2")
        began = await caller.answered.wait()
        gone = await caller.ended.wait()
        assert (3 if side.name == "ours" else 2) - EARLY < gone - began < 3 + LATE
        await talking.hang_up()

    async def nobody_left(side: Side) -> None:
        talking = await side.call("1")
        await side.taken("1")
        caller = await side.call("2")
        await side.entered(2)
        await side.pause("a")
        await talking.hang_up()
        await caller.ended.wait()
        assert [ring.caller for ring in side.rings()] == ["1"]

    await together(
        bench.run(SCENARIOS["full"], full),
        bench.run(SCENARIOS["empty"], empty),
        bench.run(SCENARIOS["timeout"], too_long),
        bench.run(SCENARIOS["leave"], nobody_left),
    )


async def test_wrap_up_and_autopause(bench: Bench) -> None:
    """No call for `wrapuptime` after a call; none at all after one that was not answered."""

    async def wrap_up(side: Side) -> None:
        first = await side.call("1")
        await side.taken("1")
        await side.call("2")
        await side.entered(2)
        await first.hang_up()
        assert first.ended.at is not None
        await side.taken("2")
        pause = side.rings()[1].began - first.ended.at
        assert 6 - EARLY < pause < 6 + 2 * LATE

    async def auto_pause(side: Side) -> list[tuple[str, str]]:
        await side.served("1")
        await side.served("2")
        return [(ring.caller, ring.agent) for ring in side.rings()]

    _, paused = await together(bench.run(SCENARIOS["wrapup"], wrap_up), bench.run(SCENARIOS["autopause"], auto_pause))
    ours, theirs = paused
    assert ours == theirs == [("1", "a"), ("1", "b"), ("2", "b")]


async def test_who_is_on_a_call_is_not_rung_and_the_log_says_the_same(bench: Bench) -> None:
    """ringinuse = no; and the same lines in queue_log for a call that is served and one that is given up."""

    async def script(side: Side) -> tuple[list[tuple[str, ...]], dict[str, tuple[float, ...]]]:
        first = await side.call("1")
        await side.taken("1")
        second = await side.call("2")
        await side.entered(2)
        await asyncio.sleep(1.5)
        assert [ring.caller for ring in side.rings()] == ["1"]
        await second.hang_up()
        await side.logged("ABANDON")
        await first.hang_up()
        await side.logged("COMPLETECALLER")
        (ring,) = side.rings()
        joined, gone, came, went = (moment.at or 0.0 for moment in moments(second, first))
        seen = {"ABANDON": (1, 1, gone - joined), "COMPLETECALLER": (ring.ended - came, went - ring.ended, 1)}
        return [line for line in await side.log() if line[0] in CALLS], seen

    (ours, _), (theirs, _) = both = await bench.run(SCENARIOS["busy"], script)
    events = ["ENTERQUEUE", "CONNECT", "ENTERQUEUE", "ABANDON", "COMPLETECALLER"]
    assert [line[0] for line in ours] == [line[0] for line in theirs] == events
    for mine, other in zip(ours, theirs, strict=True):
        assert len(mine) == len(other), (mine, other)
        if mine[0] == "ENTERQUEUE":
            assert mine == other
    for lines, seen in both:  # position and seconds, as the phones saw them
        for event, figures in seen.items():
            (logged,) = (line[1:4] for line in lines if line[0] == event)
            assert [int(figure) for figure in logged] == pytest.approx(figures, abs=2), (event, lines)


def moments(*phones: Phone) -> list[Moment]:
    """When each was answered, and when it ended."""
    return [moment for phone in phones for moment in (phone.answered, phone.ended)]


async def two_queues(side: Side, other: Scenario, weight: int) -> list[str]:
    """The agent serves another queue, too. While he talks, somebody joins the first queue, and then somebody the other:
    who gets him, in order."""
    extension = side.scenario.extension(side.name, "a")
    second = Side(side.name, other, side.centre)
    if side.name == "ours":
        await side.centre.queue(second.number, ringStrategy="linear", weight=weight)
        await side.centre.act("signIn", extension, queues=[second.number])
    else:
        await side.centre.pbx.cli(f"queue add member PJSIP/{extension} to {second.number}")
    callers = [await side.call("1")]
    await side.taken("1")
    for caller, queue in (("2", side), ("3", second)):
        callers.append(await queue.call(caller))
        await queue.entered(1 if queue is second else 2)
        await asyncio.sleep(1.2)  # app_queue looks once a second
    for caller in callers:
        if caller is callers[0] or caller is callers[int((await side.rung(2))[1].caller) - 1]:
            await caller.hang_up()
    rings = await side.rung(3)
    return [ring.caller for ring in rings]


async def test_the_heavier_queue_comes_first(bench: Bench) -> None:
    ours, theirs = await bench.run(SCENARIOS["light"], lambda side: two_queues(side, SCENARIOS["heavy"], 5))
    assert ours == theirs == ["1", "3", "2"]


CALLS = {"ENTERQUEUE", "CONNECT", "ABANDON", "COMPLETECALLER", "COMPLETEAGENT"}


# the deliberate differences


async def test_differs_who_did_not_answer_is_not_rung_again_while_others_are_free(bench: Bench) -> None:
    async def script(side: Side) -> list[str]:
        await side.call("1")
        return [ring.agent for ring in await side.rung(3)]

    ours, theirs = await bench.run(SCENARIOS["again"], script)
    assert len(set(theirs)) == 1
    assert len(set(ours[:2])) == 2


async def test_differs_a_level_that_does_not_answer_is_left_for_the_next(bench: Bench) -> None:
    async def script(side: Side) -> list[str]:
        await side.call("1")
        return [ring.agent for ring in await side.rung(2)]

    ours, theirs = await bench.run(SCENARIOS["level kept"], script)
    assert (ours, theirs) == (["a", "b"], ["a", "a"])


async def test_differs_callers_of_all_queues_stand_in_one_line(bench: Bench) -> None:
    """Of two queues that weigh the same, app_queue serves whichever happens to look first."""
    ours, theirs = await bench.run(SCENARIOS["one"], lambda side: two_queues(side, SCENARIOS["other"], 0))
    assert ours == ["1", "2", "3"]
    assert sorted(theirs) == ["1", "2", "3"]


async def test_differs_refused_callers_are_in_the_log(bench: Bench) -> None:
    async def script(side: Side) -> list[str]:
        await side.call("1")
        await side.entered(1)
        second = await side.call("2")
        await second.ended.wait()
        expected = "FULL" if side.name == "ours" else "ENTERQUEUE"
        async with asyncio.timeout(PATIENCE):
            while expected not in (lines := [line[0] for line in await side.log()]):
                await asyncio.sleep(0.1)
        return lines

    ours, theirs = await bench.run(SCENARIOS["full"], script)
    assert ours.count("FULL") == 1
    assert "FULL" not in theirs


async def test_differs_wrap_up_is_seen_and_ends_when_the_agent_says_so(bench: Bench) -> None:
    async def script(side: Side) -> float:
        first = await side.call("1")
        await side.taken("1")
        await side.call("2")
        await side.entered(2)
        await first.hang_up()
        if side.name == "ours":
            extension = side.scenario.extension("ours", "a")
            await side.centre.until_status(extension, "wrapUp", side.number)
            await side.centre.act("exitWrapUp", extension)
        await side.taken("2")
        assert first.ended.at is not None
        return side.rings()[1].began - first.ended.at

    ours, theirs = await bench.run(SCENARIOS["wrapup"], script)
    assert ours < 4 < theirs
