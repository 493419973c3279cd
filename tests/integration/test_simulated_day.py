"""A day of real calls, a compressed one, is recorded and simulated: the simulator says what happened."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from tests.harness import net, sipp
from tests.harness.phones import PhoneBox
from tests.integration.server import contact_centre
from tests.integration.test_load import staff

#: half more calls than the agents can take: who abandons is then decided by the queue, not by chance near its limit
CALLS, RATE, AGENTS = 120, 3, 3
PATIENCE, TALK = [3.0, 60.0], [1.0, 1.5, 2.5]
#: share of the calls by which the simulated numbers of answered and abandoned callers may differ from the real ones
COUNTS = 0.08
#: mean wait: share of the real one (chance makes 0.06 of difference, in the mean of squares), and seconds for what
#: signalling takes
WAIT, SIGNALLING = 0.35, 0.5


@pytest.mark.slow
@pytest.mark.alone
async def test_a_recorded_day_comes_out_as_it_was(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    async with contact_centre(tmp_path, start_asterisk, world) as centre:
        phones = net.free_address()
        await centre.queue(ringStrategy="leastrecent", agentTimeout=10, agentRetryTime=1)
        for index in range(AGENTS):
            await staff(centre, f"{2000 + index}", phones)
        async with (
            sipp.agents(phones, answer_after=[0.2, 0.4], talk=TALK),
            sipp.callers(
                centre.pbx.sip, "500", address=world.trunk_address, calls=CALLS, rate=RATE, patience=PATIENCE
            ) as callers,
        ):
            await callers.finished(within=CALLS / RATE + 200)
            await centre.idle(within=60)
        rows = centre.server.rows("SELECT queue, joined_at, outcome, wait, talk, ring FROM queue_calls")
    assert len(rows) == CALLS
    answered = [row for row in rows if row["outcome"] == "answered"]
    abandoned = [row for row in rows if row["outcome"] == "abandoned"]
    assert len(answered) + len(abandoned) == CALLS
    assert min(len(answered), len(abandoned)) > CALLS * 0.1  # else there is little to foretell
    recording = tmp_path / "calls.csv"
    with recording.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    day = {
        "queue": [
            {
                "extension": "500",
                "strategy": "leastrecent",
                "agent_timeout": 10,
                "retry": 1,
                "handling": {"distribution": "empirical", "seconds": [row["talk"] for row in answered]},
                "patience": {"distribution": "empirical", "seconds": PATIENCE},
            }
        ],
        "agents": [{"name": "all", "count": AGENTS, "queues": ["500"]}],
        "answer_delay": {"distribution": "empirical", "seconds": [row["ring"] for row in answered]},
    }
    described, result = tmp_path / "day.json", tmp_path / "result.json"
    described.write_text(json.dumps(day))
    await centre.server.command("simulate", f"{described}", "--recorded", f"{recording}", "--json", f"{result}")
    (scenario,) = json.loads(result.read_text())["scenarios"]
    # means of days: there are two of them if the calls went on over midnight
    found = {name: (figure or 0.0) * scenario["days"] for name, figure in scenario["day"].items()}
    real_wait, wait = mean(row["wait"] for row in answered), scenario["day"]["average_speed_of_answer"]
    assert found["offered"] == CALLS
    assert found["answered"] == pytest.approx(len(answered), abs=COUNTS * CALLS)
    assert found["abandoned"] == pytest.approx(len(abandoned), abs=COUNTS * CALLS)
    assert wait == pytest.approx(real_wait, rel=WAIT, abs=SIGNALLING)
