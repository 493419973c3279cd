"""Overflow on a real Asterisk with real phones: callers whom a queue does not serve are served elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.phones import PhoneBox, answers, never_answers
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.test_queue_options import ALIKE, likeness, prompt

CALLER, AGENT, DESK = 440, 660, 880


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug") as made:
        yield made


def rule(when: str, type: str, to: str, limit: float | None = None) -> dict[str, Any]:
    return {"when": when, "limit": limit, "destination": {"type": type, "to": to}}


async def overflow(centre: ContactCentre, *rules: dict[str, Any], queue: str = "500") -> None:
    await centre.server.request("PUT", f"/x/call_queue/{queue}/overflow", data={"rules": list(rules)})


async def test_one_who_has_waited_long_enough_is_served_by_another_queue(centre: ContactCentre) -> None:
    """Also when the process dies while he waits there; the record and the queue log tell of both queues."""
    await centre.queue()
    await centre.queue("501")
    await overflow(centre, rule("wait", "queue", "501", 1))
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    (waiting,) = await centre.until_waiting(1, "501")
    assert waiting["position"] == 1
    await centre.server.kill()
    await centre.server.start()
    await centre.agent("1001", answers(tone=AGENT), "501")
    agent = await centre.phones["1001"].next_call()
    await asyncio.gather(caller.wait_tones(AGENT), agent.wait_tones(CALLER))
    await caller.hang_up()
    await centre.idle()
    rows = centre.server.rows("SELECT * FROM queue_calls ORDER BY joined_at")
    assert [(row["queue"], row["outcome"], row["went_to"]) for row in rows] == [
        ("500", "overflow", "queue:501"),
        ("501", "answered", None),
    ]
    log = centre.server.rows("SELECT queuename, event FROM queue_log WHERE callid = ? ORDER BY id", waiting["id"])
    assert [tuple(row.values()) for row in log] == [
        ("500", "ENTERQUEUE"),
        ("500", "EXITWITHTIMEOUT"),
        ("501", "ENTERQUEUE"),
        ("501", "CONNECT"),
        ("501", "COMPLETECALLER"),
    ]


async def test_a_full_queue_sends_to_an_extension_and_an_empty_one_to_a_message(centre: ContactCentre) -> None:
    await centre.queue(maxCallers=1)
    await overflow(centre, rule("full", "extension", "1002"), rule("timeout", "message", "queue-thankyou"))
    await centre.agent("1001", never_answers())
    await centre.pbx.provision("1002", "secret", contact=centre.world.contact("1002"))
    desk = centre.world.extension("1002", answers(tone=DESK))
    first = await centre.world.call("500", centre.pbx)
    await centre.until_waiting(1)
    second = await centre.world.call("500", centre.pbx, tone=CALLER)
    phone = await desk.next_call()
    await asyncio.gather(second.wait_tones(DESK), phone.wait_tones(CALLER))
    # what goes on there is not the queue's any more, also after a crash
    await centre.server.kill()
    await centre.server.start()
    await asyncio.gather(second.wait_tones(DESK), phone.wait_tones(CALLER))
    assert [row["position"] for row in await centre.waiting()] == [1]
    await phone.hang_up()
    await second.ended.wait()
    # the message is heard, and the call is over
    await centre.server.request("PUT", "/call_queue/500", data={"name": "queue 500", "type": 0, "maxWaitTime": 1})
    await first.ended.wait()
    assert likeness(first.heard.samples, await prompt(centre, "queue-thankyou")) > ALIKE
    await centre.idle()
