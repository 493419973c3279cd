"""Where callers stand, changed while they wait, on a real Asterisk with real phones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.phones import PhoneBox, answers, never_answers
from tests.integration.server import ContactCentre, contact_centre

CALLERS, AGENT = (350, 440, 540), 660


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        yield made


async def test_a_priority_that_is_changed_decides_who_is_served_next(centre: ContactCentre) -> None:
    """Also after a restart of the process: the third caller comes first, then the two others as they came."""
    await centre.queue()
    callers = []
    for tone in CALLERS:
        callers.append(await centre.world.call("500", centre.pbx, tone=tone))
        await centre.until_waiting(len(callers))
    waiting = [row["id"] for row in await centre.waiting()]
    await centre.server.request("PUT", f"/x/queued_call/{waiting[2]}", data={"priority": 5})
    moved = [waiting[2], waiting[0], waiting[1]]
    assert [row["id"] for row in await centre.waiting()] == moved
    await centre.server.kill()
    await centre.server.start()
    assert [(row["id"], row["priority"]) for row in await centre.until_waiting(3)] == [
        (moved[0], 5),
        (moved[1], 0),
        (moved[2], 0),
    ]
    await centre.agent("1001", answers(tone=AGENT))
    for served in (2, 0, 1):
        phone = await centre.phones["1001"].next_call()
        await phone.wait_tones(CALLERS[served], absent=(AGENT,))
        status, _ = await centre.server.attempt("PUT", f"/x/queued_call/{waiting[served]}", data={"priority": 1})
        assert status == 404
        await callers[served].hang_up()
        await phone.ended.wait()
    await asyncio.gather(*(caller.ended.wait() for caller in callers))
    await centre.idle()


async def test_one_who_is_sent_to_another_queue_is_served_there(centre: ContactCentre) -> None:
    """With his priority before one who waits there already; the phone that rang for him stops, and misses nothing."""
    await centre.queue()
    await centre.queue("501")
    await centre.agent("1001", never_answers())
    caller = await centre.world.call("500", centre.pbx, tone=CALLERS[0])
    phone = await centre.phones["1001"].next_call()
    await phone.ringing.wait()
    await centre.world.call("501", centre.pbx, tone=CALLERS[1])
    (before,) = await centre.until_waiting(1, "501")
    (waiting,) = await centre.waiting()
    await centre.server.request("PUT", f"/x/queued_call/{waiting['id']}", data={"queue": "501", "priority": 2})
    rows = await centre.until_waiting(2, "501")
    assert [(row["id"], row["priority"]) for row in rows] == [(waiting["id"], 2), (before["id"], 0)]
    await phone.ended.wait()
    await centre.until_status("1001", "available")
    await centre.agent("1002", answers(tone=AGENT), "501")
    agent = await centre.phones["1002"].next_call()
    await asyncio.gather(caller.wait_tones(AGENT), agent.wait_tones(CALLERS[0], absent=(CALLERS[1],)))
    await caller.hang_up()
    record = centre.server.rows("SELECT * FROM queue_calls WHERE call_id = ? ORDER BY joined_at", waiting["id"])
    assert [(row["queue"], row["outcome"], row["went_to"]) for row in record[:1]] == [("500", "sent", "queue:501")]
    assert [row["outcome"] for row in centre.server.rows("SELECT * FROM offers WHERE queue = '500'")] == ["caller_left"]


async def test_one_who_is_cut_off_and_rings_back_has_his_place_again(centre: ContactCentre) -> None:
    """Also when the process was killed meanwhile; another number goes to the end."""
    await centre.queue(keepPlace=120)
    numbers = ["0301111", "0302222", "0303333"]
    callers = {}
    for number in numbers:
        callers[number] = await centre.world.call("500", centre.pbx, caller=number)
        await centre.until_waiting(len(callers))
    await callers["0301111"].hang_up()
    await centre.until_waiting(2)
    await centre.server.kill()
    await centre.server.start()
    await centre.until_waiting(2)
    await centre.world.call("500", centre.pbx, caller="0304444")
    await centre.until_waiting(3)
    await centre.world.call("500", centre.pbx, caller="0301111")
    rows = await centre.until_waiting(4)
    assert [row["callerIdNumber"] for row in rows] == ["0301111", "0302222", "0303333", "0304444"]
    await centre.agent("1001", never_answers())
    phone = await centre.phones["1001"].next_call()
    assert phone.caller_number == "0301111"
