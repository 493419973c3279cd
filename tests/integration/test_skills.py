"""Skills-based routing on a real Asterisk with real phones."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.phones import PhoneBox, answers, never_answers
from tests.integration.server import ContactCentre, contact_centre

#: seconds after which the rule lets anybody have the call
RELAXED = 3


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug") as made:
        yield made


async def test_phones_ring_by_skills_and_the_rule_relaxes(centre: ContactCentre) -> None:
    """The first in order rings only when he fits: by the queue's rule, by what the dialplan says the caller wants, and
    by the time the caller has waited; also after a crash in between."""
    await centre.queue(ringStrategy="linear", agentTimeout=60)
    for extension in ("1001", "1002"):
        await centre.agent(extension, never_answers())
    await skills(centre, "1001", english=2)
    await skills(centre, "1002", english=80, french=1)
    request = centre.server.request
    await request("PUT", "/x/call_queue/500/routing", data={"rule": f"wanted and english >= 3 or wait >= {RELAXED}"})
    fits = await centre.world.call("500", centre.pbx, caller="1")
    first = await centre.phones["1002"].next_call()
    await first.ringing.wait()
    assert (await centre.status("1001"))["status"] == "available"
    joined_at = time.time()
    relaxes = await centre.world.call("500", centre.pbx, caller="2")
    await centre.until_waiting(2)
    await centre.server.kill()
    await centre.server.start()
    second = await centre.phones["1001"].next_call()
    rang_at = await second.ringing.wait()
    assert rang_at - joined_at >= RELAXED
    for call in (fits, relaxes):
        await call.hang_up()
    await centre.idle()
    # without any rule: what the dialplan says
    await request("PUT", "/x/call_queue/500/routing", data={})
    await centre.pbx.cli("dialplan set global QUEUE_SKILLS french&english=50")
    await centre.world.call("500", centre.pbx, caller="3")
    third = await centre.phones["1002"].next_call()
    await third.ringing.wait()
    assert (await centre.status("1001"))["status"] == "available"


async def test_who_waits_for_a_skill_leaves_when_nobody_has_it_any_more(centre: ContactCentre) -> None:
    """leaveEmpty counts those who would be offered him."""
    await centre.queue(ringStrategy="linear", leaveEmpty="yes")
    for extension, language in (("1001", "english"), ("1002", "french")):
        await centre.agent(extension, answers(listen=False))
        await skills(centre, extension, **{language: 50})
    waiting = {}
    for n, language in enumerate(("english", "french")):
        await centre.pbx.cli(f"dialplan set global QUEUE_SKILLS {language}")
        await centre.world.call("500", centre.pbx, caller=f"1{n}", listen=False)
        await centre.until_status(f"100{n + 1}", "onCall")
        waiting[language] = await centre.world.call("500", centre.pbx, caller=f"2{n}", listen=False)
        await centre.until_waiting(n + 1)
    await centre.act("pause", "1002")
    await waiting["french"].ended.wait()
    await centre.until_waiting(1)
    assert not waiting["english"].ended
    await centre.act("pause", "1001")
    await waiting["english"].ended.wait()


async def skills(centre: ContactCentre, extension: str, **levels: int) -> None:
    agent = centre.agents[extension]
    await centre.server.request("PUT", f"/x/agent/{agent}/skills", data={"skills": levels})
