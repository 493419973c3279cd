"""What waiting callers are told, when, and in which language: by our queues and by Asterisk's own, with the same
options. Asterisk's log says what it played to whom."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.harness import docker
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox, answers
from tests.integration.side_by_side import Bench, Scenario, Side, side_by_side, together

#: seconds; app_queue does not allow less between two announcements
FREQUENCY = 15
#: seconds by which one may seem early or late on a busy machine: less than would let one that was left out pass
TOLERANCE = 12
#: seconds that one must have waited for his agent until app_queue tells others of a minute (30 would do it, at once)
LONG = 36
LOG = "/var/log/asterisk/told"
PLAYING = re.compile(r"^\[(.{23})\] VERBOSE.*<(\S+)> Playing '(\S+)\.\w+' \(language '(\w*)'\)", re.MULTILINE)
END = "queue-thankyou"
NEXT = ("queue-youarenext", END)


def announcing(id: str, frequency: int, hold_time: str, language: str = "") -> Scenario:
    ours = {"announceFrequency": frequency, "announcePosition": "yes", "announceHoldTime": hold_time}
    theirs = f"announce-frequency = {frequency}\nannounce-position = yes\nannounce-holdtime = {hold_time}"
    agents = {"a": answers(listen=False)}
    return Scenario(id, {"ringStrategy": "linear", **ours}, f"strategy = linear\n{theirs}", agents, language=language)


EACH_TIME, ONCE = announcing("30", FREQUENCY, "yes", "en_US"), announcing("31", FREQUENCY, "once")
NEVER = announcing("32", 0, "yes")
AGAIN = {hold_time: announcing(f"3{3 + n}", FREQUENCY, hold_time) for n, hold_time in enumerate(("yes", "once"))}


@pytest.fixture
async def bench(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[Bench]:
    scenarios = [EACH_TIME, ONCE, NEVER, *AGAIN.values()]
    async with side_by_side(tmp_path, start_asterisk, world, scenarios) as made:
        await made.centre.pbx.cli(f"logger add channel {LOG} verbose(3)")
        yield made


class Said(NamedTuple):
    """One announcement."""

    at: float
    language: str
    prompts: tuple[str, ...]


async def waits(side: Side, caller: str) -> str:
    """Somebody calls and waits; his channel."""
    before = len([line for line in await side.log() if line[0] == "ENTERQUEUE"])
    await side.call(caller)
    await side.entered(before + 1)
    (name,) = [
        channel["name"]
        for channel in await side.centre.pbx.ari.get("/channels")
        if channel["dialplan"]["exten"] == side.number and channel["caller"]["number"] == caller
    ]
    return str(name)


async def said(side: Side, channel: str, count: int) -> list[Said]:
    """All announcements on a channel, once so many have come to their last prompt. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found: list[Said] = []
        prompts: list[str] = []
        began = 0.0
        for at, name, prompt, language in PLAYING.findall(await log(side)):
            if name != channel:
                continue
            began = began if prompts else datetime.fromisoformat(f"{at}+00:00").timestamp()
            prompts.append(prompt)
            if prompt == END:
                found.append(Said(began, language, tuple(prompts)))
                prompts = []
        if len(found) >= count:
            return found
        await asyncio.sleep(0.5)
    raise TimeoutError(f"{side.name}: {channel} was told {found} and {prompts} within {PATIENCE} s")


async def log(side: Side) -> str:
    return await docker.docker("exec", side.centre.pbx.container, "cat", LOG)


async def test_what_waiting_callers_are_told_and_when(bench: Bench) -> None:
    """The first that he is next, the others where they stand, at once and again after FREQUENCY, in their language;
    nothing if that is 0. The hold time is for those who are not next.

    A deliberate difference: app_queue tells all of them the same time, we each the time for where he stands.
    """
    compared, _, *_ = await together(
        together(*(bench.run(scenario, first_and_later) for scenario in (EACH_TIME, ONCE))),
        bench.run(NEVER, nothing),
        *(again(Side("ours", scenario, bench.centre)) for scenario in AGAIN.values()),
    )
    for scenario, sides in zip((EACH_TIME, ONCE), compared, strict=True):
        (ours, hold), (theirs, their_hold) = sides
        assert {each.language for each in [*ours, *theirs]} == {scenario.language or "en"}
        assert [each.prompts for each in ours[:2]] == [each.prompts for each in theirs[:2]] == [NEXT] * 2
        for position in (2, 3):
            assert theirs[position].prompts == position_and_time(position, their_hold)
            exact = [position_and_time(position, position * (hold + part)) for part in (0, 1)]
            assert ours[position].prompts in exact
        assert ours[3].prompts != theirs[3].prompts


async def first_and_later(side: Side) -> tuple[list[Said], int]:
    """What the first is told, and the three who come when he has his agent; how long he has waited."""
    await side.pause("a")
    channel = await waits(side, "1")
    waiting = await said(side, channel, 2)
    assert [each.prompts for each in waiting] == [NEXT] * 2
    assert abs(waiting[1].at - waiting[0].at - FREQUENCY) < TOLERANCE
    await asyncio.sleep(waiting[0].at + LONG - time.time())
    await side.resume("a")
    await side.taken("1")
    await side.logged("CONNECT")
    (held,) = [int(line[1]) for line in await side.log() if line[0] == "CONNECT"]
    channels = [await waits(side, caller) for caller in "234"]
    return [waiting[0], *[(await said(side, each, 1))[0] for each in channels]], held


async def nothing(side: Side) -> None:
    await side.pause("a")
    channel = await waits(side, "1")
    await asyncio.sleep(FREQUENCY)
    assert channel not in [name for _, name, *_ in PLAYING.findall(await log(side))]


async def again(side: Side) -> None:
    """Of ours alone, as app_queue subtracts what the caller has waited: with the second announcement the time is told
    again, or not (`once`)."""
    await side.prepare()
    await side.pause("a")
    await waits(side, "0")
    await asyncio.sleep(12)
    await side.resume("a")
    await side.taken("0")
    channels = [await waits(side, str(n)) for n in range(1, 6)]
    first, second = (await said(side, channels[-1], 2))[:2]
    assert "queue-holdtime" in first.prompts  # 5 * 12 s
    once = side.scenario.ours["announceHoldTime"] == "once"
    assert second.prompts == ((*first.prompts[:3], END) if once else first.prompts)


def position_and_time(position: int, seconds: int) -> tuple[str, ...]:
    """As app_queue says it, rounded to minutes."""
    minutes = (seconds + 30) // 60
    unit = "queue-minute" if minutes == 1 else "queue-minutes"
    return (
        "queue-thereare",
        f"digits/{position}",
        "queue-callswaiting",
        "queue-holdtime",
        f"digits/{minutes}",
        unit,
        END,
    )
