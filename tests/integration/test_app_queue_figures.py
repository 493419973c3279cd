"""What is counted, and a queue without music: our queues and Asterisk's own, with the same options."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import audio
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox, answers
from tests.integration.side_by_side import Bench, Scenario, Side, side_by_side

#: seconds within which a call counts as answered in time; the second caller must not take that long
IN_TIME = 10
#: dBFS; music is above -45
SILENT = -55
SILENCE = Scenario(
    "30",
    {"ringStrategy": "linear", "mohClass": "none", "serviceLevel": IN_TIME},
    f"strategy = linear\ntimeout = 15\nretry = 1\nmusicclass = none\nservicelevel = {IN_TIME}",
    {"a": answers(listen=False)},
)


@pytest.fixture
async def bench(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[Bench]:
    async with side_by_side(tmp_path, start_asterisk, world, [SILENCE]) as made:
        yield made


async def test_service_level_and_silence(bench: Bench) -> None:
    """One waits too long, in silence, and one is answered at once: half of them in time."""

    async def script(side: Side) -> float:
        await side.pause("a")
        first = await side.call("1", listen=True)
        await side.entered(1)
        await asyncio.sleep(IN_TIME + 1.5)  # app_queue knows whole seconds
        assert first.ear is not None
        heard = first.ear.recent(3)
        assert heard.seconds > 2
        assert audio.loudness(heard.samples) < SILENT
        await side.resume("a")
        await side.taken("1")
        await first.hang_up()
        await side.logged("COMPLETECALLER")
        await side.until("a", "available", "Not in use")
        await side.served("2")
        async with asyncio.timeout(PATIENCE):
            while (level := await service_level(side)) in (None, 0.0):
                await asyncio.sleep(0.1)
        assert level is not None
        return level

    assert await bench.run(SILENCE, script) == (50.0, 50.0)


async def service_level(side: Side) -> float | None:
    """Per cent of the calls that are over; None: there is none."""
    if side.name == "ours":
        found: float | None = (await side.centre.statistics(side.number))["serviceLevel"]
        return found
    shown = await side.centre.pbx.cli(f"queue show {side.number}")
    figures = re.search(r"C:(\d+), A:\d+, SL:([\d.]+)%", shown)
    assert figures is not None, shown
    return float(figures[2]) if int(figures[1]) else None
