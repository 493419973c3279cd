"""Opening hours on a real Asterisk with real callers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ari_app.acd.hours import WEEKDAYS
from tests.harness.phones import PhoneBox, never_answers
from tests.integration.server import ContactCentre, contact_centre

NEVER: dict[str, list[str]] = {}
#: seconds that a caller must have waited before closing time
ENOUGH = 15


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug") as made:
        yield made


async def set_hours(centre: ContactCentre, **data: Any) -> None:
    await centre.server.request("PUT", "/x/call_queue/500/hours", data=data)


def logged(centre: ContactCentre) -> list[str]:
    sql = "SELECT event FROM queue_log WHERE queuename = '500' AND event != 'ADDMEMBER' ORDER BY id"
    return [row["event"] for row in centre.server.rows(sql)]


async def test_a_closed_queue_tells_its_callers_and_hangs_up(centre: ContactCentre) -> None:
    """Also one that comes after a crash; and when it opens, it is open at once."""
    await centre.queue()
    await centre.agent("1001", never_answers())
    await set_hours(centre, weekly=NEVER, message="vm-goodbye")
    told = await centre.world.call("500", centre.pbx)
    await told.ended.wait()
    assert (bool(told.answered), told.cause) == (True, 16)
    await centre.server.kill()
    await centre.server.start()
    assert not (await centre.server.request("GET", "/x/call_queue/500/hours"))["open"]
    told = await centre.world.call("500", centre.pbx)
    await told.ended.wait()
    assert told.answered
    await set_hours(centre, weekly=NEVER)
    turned_away = await centre.world.call("500", centre.pbx)
    await turned_away.ended.wait()
    assert not turned_away.answered
    await centre.idle()
    rows = centre.server.rows("SELECT outcome, position, wait FROM queue_calls")
    assert rows == [{"outcome": "closed", "position": None, "wait": 0.0}] * 3
    assert logged(centre).count("CLOSED") == 3
    await set_hours(centre, weekly={day: ["00:00-24:00"] for day in WEEKDAYS})
    await centre.world.call("500", centre.pbx)
    phone = await centre.phones["1001"].next_call()
    await phone.ringing.wait()


@pytest.mark.slow
async def test_closing_time_comes_while_a_caller_waits(centre: ContactCentre) -> None:
    """At the minute, by the clock on the wall."""
    await centre.queue()
    closing = (time.time() // 60 + 1) * 60
    if closing - time.time() < ENOUGH:
        closing += 60
    closes, opened = (datetime.fromtimestamp(at, UTC) for at in (closing, closing - 3600))
    hours = {f"{opened:%A}".lower(): [f"{opened:%H:%M}-{closes:%H:%M}"]}
    await set_hours(centre, timeZone="UTC", weekly=hours, atClosing="leave", message="vm-goodbye")
    answered = await centre.server.request("GET", "/x/call_queue/500/hours")
    assert (answered["open"], answered["nextChange"]) == (True, closing)
    waits = await centre.world.call("500", centre.pbx)
    await centre.until_waiting(1)
    ended = await waits.ended.wait(within=120)
    assert ended >= closing
    await centre.idle()
    (row,) = centre.server.rows("SELECT outcome, ended_at FROM queue_calls")
    assert row["outcome"] == "closed"
    assert 0 <= row["ended_at"] - closing < 5
    assert logged(centre) == ["ENTERQUEUE", "WITHDRAW"]
    assert not (await centre.server.request("GET", "/x/call_queue/500/hours"))["open"]
