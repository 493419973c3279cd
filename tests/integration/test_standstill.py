"""The process stands still for longer than the queue's timers while calls go on: stopped, swapped out, suspended."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

from tests.harness.phones import PhoneBox, answers, never_answers
from tests.integration.server import contact_centre

CALLER, AGENT = 440, 660
#: seconds of standstill, and for how long an agent's phone rings
STANDSTILL = float(os.environ.get("STANDSTILL", "9"))
AGENT_TIMEOUT = 6


async def test_nobody_is_timed_out_who_answered_meanwhile(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    async with contact_centre(tmp_path, start_asterisk, world) as centre:
        await centre.queue(
            agentTimeout=AGENT_TIMEOUT, agentRetryTime=1, wrapUpTime=0, ringStrategy="linear", autoPause="yes"
        )
        await centre.agent("1001", answers(tone=AGENT))
        talking = await centre.world.call("500", centre.pbx, tone=CALLER)
        await talking.wait_tones(AGENT)
        late = ["1002", "1003", "1004"]
        for extension in late:
            await centre.agent(extension, never_answers())
        callers = [await centre.world.call("500", centre.pbx, listen=False) for _ in late]
        phones = [await centre.phones[extension].next_call() for extension in late]
        for phone in phones:
            await phone.ringing.wait()
        impatient = await centre.world.call("500", centre.pbx, listen=False)
        await centre.until_waiting(4)

        assert centre.server.process is not None
        centre.server.process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        for phone in phones:
            await phone.answer()
            await phone.answered.wait()
        await impatient.hang_up()
        left = await impatient.ended.wait()
        assert time.monotonic() - stopped < STANDSTILL
        await asyncio.sleep(stopped + STANDSTILL - time.monotonic())
        centre.server.process.send_signal(signal.SIGCONT)

        for extension in ("1001", *late):
            await centre.until_status(extension, "onCall")
        assert {len(centre.phones[extension].calls) for extension in late} == {1}
        await talking.wait_tones(AGENT)
        assert talking.gaps(AGENT, stopped_at(talking, STANDSTILL)) == []
        for caller in (talking, *callers):
            await caller.hang_up()
        await centre.idle()

        offers = centre.server.rows("SELECT * FROM offers")
        assert sorted(offer["outcome"] for offer in offers) == ["answered"] * 4
        calls = centre.server.rows("SELECT * FROM queue_calls")
        assert sorted(call["outcome"] for call in calls) == ["abandoned"] + ["answered"] * 4
        (gone,) = [call for call in calls if call["outcome"] == "abandoned"]
        # when it happened, as Asterisk has it, and not when we heard of it
        assert abs(gone["ended_at"] - left) < 3
        for call in calls:
            assert min(call["wait"], call["ring"] or 0.0, call["talk"] or 0.0) >= 0
            assert call["joined_at"] <= (call["answered_at"] or call["ended_at"]) <= call["ended_at"]
        for offer in offers:
            assert 0 <= offer["ring"] < AGENT_TIMEOUT
        states = centre.server.rows("SELECT * FROM agent_states WHERE queue = '' ORDER BY agent_id, at, n")
        assert not any(row["state"] == "paused" for row in states)


def stopped_at(phone: Any, seconds: float) -> float:
    """Somewhat before the standstill, by the clock of what a phone heard."""
    answered: float = phone.answered.at
    return max(answered + 1.0, time.time() - seconds - 1.0)
