"""What agents do today, and whether they keep to their schedules, on a real Asterisk with real phones."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.phones import PhoneBox, answers
from tests.integration.server import ContactCentre, contact_centre


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug") as made:
        yield made


async def today(centre: ContactCentre, extension: str) -> dict[str, Any]:
    rows = await centre.server.request("GET", "/x/agent_statistics", {"agent": centre.agents[extension]})
    (found,) = rows
    return dict(found)


async def adherence(centre: ContactCentre, extension: str) -> tuple[str, bool]:
    (row,) = await centre.server.request("GET", "/x/adherence", {"agent": centre.agents[extension]})
    return row["scheduled"]["activity"], row["adherent"]


async def test_todays_figures_outlive_a_crash_and_are_those_of_a_report(centre: ContactCentre) -> None:
    await centre.queue(wrapUpTime=1)
    agent = await centre.agent("1001", answers(after=0.2))
    now = int(time.time())
    schedule = {"agent": agent, "activities": [{"from": now, "to": now + 3600, "activity": "onQueue"}]}
    span = {"from": now - 3600, "to": now + 7200, "timeZone": "UTC"}
    await centre.server.request("PUT", "/x/schedules", data={**span, "schedules": [schedule]})
    for number in range(2):
        caller = await centre.world.call("500", centre.pbx, caller=str(number))
        await centre.until_status("1001", "onCall")
        assert await adherence(centre, "1001") == ("onQueue", True)
        if number == 0:
            await caller.hang_up()
            await centre.until_status("1001", "available")
            await centre.idle()  # what is not written yet is lost with the process, and happens again
            before = await today(centre, "1001")
            assert (before["status"], before["offered"], before["answered"], before["handled"]) == (
                "available",
                1,
                1,
                1,
            )
            assert 0.9 <= before["wrapUpTime"] < 6
            await centre.server.kill()
            await centre.server.start()
            await centre.until_status("1001", "available")
            after = await today(centre, "1001")
            kept = (
                "from",
                "offered",
                "handled",
                "talkTime",
                "wrapUpTime",
                "onCallTime",
                "afterCallTime",
                "ringingTime",
            )
            assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
            assert after["availableTime"] >= before["availableTime"]
        else:
            await caller.hang_up()
    await centre.until_status("1001", "available")
    await centre.act("pause", "1001")
    assert await adherence(centre, "1001") == ("onQueue", False)
    await centre.idle()
    live = await today(centre, "1001")
    query = {"from": live["from"], "to": live["to"] + 1, "time_zone": "UTC", "agent": agent}
    (report,) = await centre.server.request("GET", "/reports/agents", query)
    assert live["handled"] == 2
    for name in (
        "offered",
        "answered",
        "handled",
        "talkTime",
        "wrapUpTime",
        "onCallTime",
        "afterCallTime",
        "ringingTime",
    ):
        assert report[name] == live[name], name
    assert report["scheduledOnQueueTime"] > 0
    assert 0 < report["adherence"] <= 100
