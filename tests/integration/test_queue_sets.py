"""Wrap-up of one queue or all, and the strictest of joinEmpty's sets, on a real Asterisk with real phones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.phones import PhoneBox, answers
from tests.integration.server import ContactCentre, contact_centre


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        yield made


@pytest.mark.parametrize("everywhere", [True, False])
async def test_wrap_up_holds_in_all_queues_or_in_its_own(centre: ContactCentre, everywhere: bool) -> None:
    await centre.queue("500", wrapUpTime=300, wrapUpAllQueues=everywhere)
    await centre.queue("501")
    await centre.agent("1001", answers(listen=False), "500", "501")
    first = await centre.world.call("500", centre.pbx, listen=False)
    await centre.until_status("1001", "onCall", "500", within=20)
    await first.hang_up(20)
    await centre.until_status("1001", "wrapUp", "500", within=20)
    if everywhere:
        await centre.until_status("1001", "wrapUp", "501", within=20)
        waiting = await centre.world.call("501", centre.pbx, listen=False)
        await centre.until_waiting(1, "501", within=20)
        assert len(centre.phones["1001"].calls) == 1
        await centre.act("exitWrapUp", "1001", queue="500")
    else:
        await centre.until_status("1001", "available", "501", within=20)
        waiting = await centre.world.call("501", centre.pbx, listen=False)
    await centre.until_status("1001", "onCall", "501", within=20)
    assert len(centre.phones["1001"].calls) == 2
    await waiting.hang_up(20)
    await centre.idle(20)


async def test_ultrastrict_lets_in_only_who_can_be_served_now(centre: ContactCentre) -> None:
    """An agent on a call is somebody for `strict`, and nobody for `ultrastrict`."""
    for queue, join in (("500", "ultrastrict"), ("501", "strict")):
        await centre.queue(queue, joinEmpty=join)
    await centre.agent("1001", answers(listen=False), "500", "501")
    talking = await centre.world.call("500", centre.pbx, listen=False)
    await centre.until_status("1001", "onCall", "500", within=20)
    refused = await centre.world.call("500", centre.pbx, listen=False)
    await refused.ended.wait(20)
    assert (refused.cause, bool(refused.answered)) == (34, False)
    waiting = await centre.world.call("501", centre.pbx, listen=False)
    await centre.until_waiting(1, "501", within=20)
    for phone in (waiting, talking):
        await phone.hang_up(20)
    await centre.idle(20)


async def test_ultrastrict_lets_nobody_stay_who_cannot_be_served_now(centre: ContactCentre) -> None:
    """The only agent is on a call: who waits is sent away at once, and stays with `strict`."""
    for queue, leave in (("500", "ultrastrict"), ("501", "strict")):
        await centre.queue(queue, leaveEmpty=leave)
    await centre.agent("1001", answers(listen=False), "500", "501")
    talking = await centre.world.call("500", centre.pbx, listen=False)
    await centre.until_status("1001", "onCall", "500")
    stays = await centre.world.call("501", centre.pbx, listen=False)
    await centre.until_waiting(1, "501")
    goes = await centre.world.call("500", centre.pbx, listen=False)
    await goes.ended.wait()
    assert not stays.ended
    for phone in (stays, talking):
        await phone.hang_up()
    await centre.idle()
