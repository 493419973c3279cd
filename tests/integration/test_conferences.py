"""Conferences, on a real Asterisk with real phones: who hears whom is measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import audio
from tests.harness.phones import Phone, PhoneBox
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.test_call_control import phone, until
from tests.integration.test_phone_transfers import refer_to, served
from tests.integration.test_queue_call import MUSIC

ONE, TWO, THREE = 440, 660, 880


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug") as made:
        yield made


async def make(centre: ContactCentre, number: str = "800", **settings: Any) -> None:
    await centre.server.request("POST", "/x/conference", data={"number": number, "name": "Weekly", **settings})


async def act(centre: ContactCentre, action: str, **more: str) -> None:
    await centre.server.request("POST", "/x/conference_action", conference="800", action=action, **more)


async def going_on(centre: ContactCentre) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await centre.server.request("GET", "/active_conferences")
    return rows


async def members(centre: ContactCentre, count: int) -> list[dict[str, Any]]:
    """Wait until so many are in; who."""

    async def there() -> list[dict[str, Any]] | None:
        rows = await going_on(centre)
        found = rows[0]["participants"] if rows else []
        return found if len(found) == count else None

    found: list[dict[str, Any]] = await until(there)
    return found


async def three(centre: ContactCentre) -> tuple[Phone, Phone, Phone]:
    """An extension calls in, one comes over the trunk, one is called; each hears the two others."""
    desk = await phone(centre, "1003", tone=THREE)
    await phone(centre, "1001")
    await centre.world.line("1001", "secret")
    one = await centre.world.call("800", centre.pbx, line="1001", tone=ONE)
    await members(centre, 1)
    assert one.ear is not None
    await one.ear.wait_for(lambda ear: audio.loudness(ear.recent(0.2).samples) > MUSIC)
    two = await centre.world.call("800", centre.pbx, caller="0305550100", tone=TWO)
    await members(centre, 2)
    await act(centre, "invite", destination="1003")
    called = await desk.next_call()
    await members(centre, 3)
    assert called.caller_number == "800"
    await all_hear(one, two, called)
    return one, two, called


async def all_hear(one: Phone, two: Phone, called: Phone) -> None:
    await asyncio.gather(
        one.wait_tones(TWO, THREE, absent=(ONE,)),
        two.wait_tones(ONE, THREE, absent=(TWO,)),
        called.wait_tones(ONE, TWO, absent=(THREE,)),
    )


async def test_three_hear_each_other_one_is_muted_and_one_put_out(centre: ContactCentre) -> None:
    """And the record says who was in, from when to when."""
    await make(centre)
    one, two, called = await three(centre)
    found = await members(centre, 3)
    assert [row["callerIdNumber"] for row in found] == ["1001", "0305550100", "1003"]
    await act(centre, "mute", channel=found[1]["channel"])
    await asyncio.gather(
        one.wait_tones(THREE, absent=(TWO,)),
        called.wait_tones(ONE, absent=(TWO,)),
        two.wait_tones(ONE, THREE),
    )
    assert [row["muted"] for row in await members(centre, 3)] == [False, True, False]
    await act(centre, "unmute", channel=found[1]["uniqueId"])
    await all_hear(one, two, called)
    await act(centre, "kick", channel=found[0]["channel"])
    await one.ended.wait()
    await asyncio.gather(two.wait_tones(THREE, absent=(ONE,)), called.wait_tones(TWO, absent=(ONE,)))
    await act(centre, "end")
    await asyncio.gather(two.ended.wait(), called.ended.wait())
    await centre.idle()
    assert await going_on(centre) == []
    stays = await centre.server.request("GET", "/x/conference_stays", {"conference": "800"})
    assert [(row["callerIdNumber"], row["outcome"]) for row in reversed(stays)] == [
        ("1001", "kicked"),
        ("0305550100", "ended"),
        ("1003", "ended"),
    ]
    for row in stays:
        assert row["joinTime"] <= row["leaveTime"]
    assert len({row["conference"] for row in stays}) == 1
    first, second = sorted(stays, key=lambda row: float(row["joinTime"]))[:2]
    assert first["leaveTime"] <= second["leaveTime"]


async def test_kill_9_the_conference_goes_on_and_is_known(centre: ContactCentre) -> None:
    """Muted is muted and locked is locked afterwards; who hung up meanwhile is out; and it can be ended."""
    await make(centre)
    one, two, called = await three(centre)
    found = await members(centre, 3)
    await act(centre, "mute", channel=found[0]["channel"])
    await act(centre, "lock")
    await two.wait_tones(THREE, absent=(ONE,))
    (before,) = await going_on(centre)
    await centre.server.kill()
    await asyncio.gather(two.wait_tones(THREE, absent=(ONE,)), called.wait_tones(TWO, absent=(ONE,)))
    await two.hang_up()
    await centre.server.start()
    await members(centre, 2)
    (after,) = await going_on(centre)
    assert (after["id"], after["startTime"], after["locked"]) == (before["id"], before["startTime"], True)
    assert after["participants"] == [before["participants"][0], before["participants"][2]]
    await one.wait_tones(THREE, absent=(TWO,))
    await act(centre, "unmute", channel=found[0]["channel"])
    await asyncio.gather(one.wait_tones(THREE), called.wait_tones(ONE))
    late = await centre.world.call("800", centre.pbx, tone=TWO)
    await late.ended.wait()
    await act(centre, "unlock")
    again = await centre.world.call("800", centre.pbx, tone=TWO)
    await all_hear(one, again, called)
    await act(centre, "end")
    await asyncio.gather(one.ended.wait(), called.ended.wait(), again.ended.wait())
    await centre.idle()
    rows = centre.server.rows("SELECT outcome, left_at FROM conference_stays ORDER BY joined_at")
    assert [row["outcome"] for row in rows] == ["ended", "left", "ended", "ended"]
    assert all(row["left_at"] for row in rows)


async def test_the_pin_is_asked_for(centre: ContactCentre) -> None:
    """Who gives a wrong one stays outside, who gives the admin's is one; and who is alone has music."""
    await make(centre, pin="1234", adminPin="9876")
    caller = await centre.world.call("800", centre.pbx)
    await caller.answered.wait()
    # Each time it is asked for, what it said before has been heard: no key is pressed into the void.
    for _ in range(3):
        await asked(caller)
        await caller.send_digits("77#")
    await caller.ended.wait()
    assert await going_on(centre) == []
    admin = await centre.world.call("800", centre.pbx)
    await admin.answered.wait()
    await asked(admin)
    await admin.send_digits("9876#")
    (row,) = await members(centre, 1)
    assert row["admin"] is True
    await admin.hang_up()
    await centre.idle()


async def asked(caller: Phone) -> None:
    """Something is being said to him."""
    assert caller.ear is not None
    await caller.ear.wait_for(lambda ear: audio.loudness(ear.recent(0.2).samples) > MUSIC)


@pytest.mark.refer
async def test_an_agent_brings_his_caller_into_a_conference(centre: ContactCentre) -> None:
    """He calls it with his phone's second line, and transfers attended."""
    await make(centre)
    caller, agent, _ = await served(centre)
    await centre.world.line("1001", "secret")
    member = await centre.world.call("800", centre.pbx, caller="0305550100", tone=THREE)
    await members(centre, 1)
    consult = await centre.world.call("800", centre.pbx, line="1001", tone=TWO)
    await members(centre, 2)
    await asyncio.gather(consult.wait_tones(THREE), member.wait_tones(TWO))
    await refer_to(centre, agent, consult, "800")
    await asyncio.gather(agent.ended.wait(), consult.ended.wait())
    await asyncio.gather(caller.wait_tones(THREE), member.wait_tones(ONE, absent=(TWO,)))
    assert [row["callerIdNumber"] for row in await members(centre, 2)] == ["0305550100", "0301234567"]
    await centre.until_status("1001", "available")
    await act(centre, "end")
    await asyncio.gather(caller.ended.wait(), member.ended.wait())
    await centre.idle()
    (row,) = centre.server.rows("SELECT outcome, ended_by, went_to FROM queue_calls")
    assert row == {"outcome": "answered", "ended_by": "transfer", "went_to": "extension:800"}
