"""Transfers that phones ask for with REFER, on a real Asterisk with real phones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.harness.phones import Phone, PhoneBox, answers
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.test_call_control import active, parked, phone, queue_log

CALLER, AGENT, DESK = 440, 660, 880

pytestmark = pytest.mark.refer


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug") as made:
        yield made


async def served(centre: ContactCentre) -> tuple[Phone, Phone, str]:
    """A caller and an agent who talk; the call's id."""
    await centre.queue()
    await centre.agent("1001", answers(tone=AGENT))
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    agent = await centre.phones["1001"].next_call()
    await asyncio.gather(caller.wait_tones(AGENT), agent.wait_tones(CALLER))
    (row,) = await active(centre, "1001")
    return caller, agent, row["id"]


async def refer(agent: Phone, target: str) -> None:
    """Sends a REFER. (A tone that is played would be played to its end before.)"""
    await agent.silence()
    await agent.transfer_to(target)


async def refer_to(centre: ContactCentre, agent: Phone, consult: Phone, number: str) -> None:
    """Sends a REFER with Replaces: the other one is to take the place of the phone in its second call."""
    replaces = ";".join(
        [
            await variable(centre, consult, "CHANNEL(pjsip,call-id)"),
            "to-tag=" + await variable(centre, consult, "CHANNEL(pjsip,remote_tag)"),
            "from-tag=" + await variable(centre, consult, "CHANNEL(pjsip,local_tag)"),
        ]
    )
    await refer(agent, f"sip:{number}@{centre.pbx.sip}?Replaces={quote(replaces, safe='')}")


async def variable(centre: ContactCentre, phone: Phone, name: str) -> str:
    got = await centre.world.ari.get(f"/channels/{phone.channel}/variable", variable=name)
    return str(got["value"])


async def test_an_agent_transfers_blind_by_his_phone(centre: ContactCentre) -> None:
    """The record says where to, the agent is free; and a transfer to nowhere leaves the two as they are."""
    caller, agent, call = await served(centre)
    desk = await phone(centre, "1002", tone=DESK)
    await refer(agent, f"sip:nowhere@{centre.pbx.sip}")
    await centre.server.logged("= transfer declined")
    await agent.play_tone(AGENT)
    await asyncio.gather(caller.wait_tones(AGENT), agent.wait_tones(CALLER))
    await refer(agent, f"sip:1002@{centre.pbx.sip}")
    there = await desk.next_call()
    await asyncio.gather(agent.ended.wait(), caller.wait_tones(DESK), there.wait_tones(CALLER))
    await centre.until_status("1001", "available")
    await caller.hang_up()
    await centre.idle()
    (row,) = centre.server.rows("SELECT outcome, ended_by, went_to FROM queue_calls")
    assert row == {"outcome": "answered", "ended_by": "transfer", "went_to": "extension:1002"}
    assert await queue_log(centre, call) == [("ENTERQUEUE",), ("CONNECT",), ("BLINDTRANSFER", "1002", "from-internal")]
    assert centre.server.log_path.read_text().count("= transfer declined") == 1  # though Asterisk tells it twice


async def test_an_agent_asks_a_colleague_and_transfers_attended(centre: ContactCentre) -> None:
    """He calls him with his phone's second line, and lets the two talk; they do so also after a crash of ours."""
    caller, agent, call = await served(centre)
    desk = await phone(centre, "1002", tone=DESK)
    await centre.world.line("1001", "secret")
    consult = await centre.world.call("1002", centre.pbx, line="1001", tone=AGENT)
    there = await desk.next_call()
    await asyncio.gather(consult.wait_tones(DESK), there.wait_tones(AGENT))
    await refer_to(centre, agent, consult, "1002")
    await asyncio.gather(caller.wait_tones(DESK), there.wait_tones(CALLER, absent=(AGENT,)))
    await asyncio.gather(agent.ended.wait(), consult.ended.wait())
    await centre.until_status("1001", "available")
    await centre.server.kill()
    await centre.server.start()
    await asyncio.gather(caller.wait_tones(DESK), there.wait_tones(CALLER))
    await there.hang_up()
    await caller.ended.wait()
    await centre.idle()
    (row,) = centre.server.rows("SELECT outcome, ended_by, went_to FROM queue_calls")
    assert row == {"outcome": "answered", "ended_by": "attended_transfer", "went_to": "extension:1002"}
    assert await queue_log(centre, call) == [("ENTERQUEUE",), ("CONNECT",), ("ATTENDEDTRANSFER", "BRIDGE", "1002")]


async def test_an_agent_transfers_while_it_rings(centre: ContactCentre) -> None:
    """Semi-attended: the colleague has not answered yet. He goes on being rung, for the caller, who hears it ring."""
    caller, agent, call = await served(centre)
    desk = await phone(centre, "1002", rings=True)
    await centre.world.line("1001", "secret")
    consult = await centre.world.call("1002", centre.pbx, line="1001", tone=AGENT)
    first = await desk.next_call()
    await consult.ringing.wait()
    await refer_to(centre, agent, consult, "1002")
    there = await desk.next_call()
    await asyncio.gather(agent.ended.wait(), consult.ended.wait(), first.ended.wait())
    assert (first.caller_number, there.caller_number) == ("1001", "0301234567")
    assert not first.answered
    await centre.until_status("1001", "available")
    await there.answer()
    await there.listen()
    await there.play_tone(DESK)
    await asyncio.gather(caller.wait_tones(DESK), there.wait_tones(CALLER))
    await there.hang_up()
    await caller.ended.wait()
    await centre.idle()
    (row,) = centre.server.rows("SELECT outcome, ended_by, went_to FROM queue_calls")
    assert row == {"outcome": "answered", "ended_by": "transfer", "went_to": "extension:1002"}
    assert await queue_log(centre, call) == [("ENTERQUEUE",), ("CONNECT",), ("BLINDTRANSFER", "1002", "from-internal")]


async def test_a_phone_parks_blind_and_another_dials_the_space(centre: ContactCentre) -> None:
    """The caller keeps his space over a crash of ours; a second one who dials it is told that nobody is there."""
    caller, agent, call = await served(centre)
    await phone(centre, "1002")
    await centre.world.line("1002", "secret")
    await refer(agent, f"sip:700@{centre.pbx.sip}")
    await agent.ended.wait()
    await centre.until_status("1001", "available")
    (row,) = await parked(centre)
    assert (row["parkingSpace"], row["parkedBy"], row["callerIdNumber"]) == ("701", "1001", "0301234567")
    await centre.server.kill()
    await centre.server.start()
    assert await parked(centre) == [row]
    empty = await centre.world.call("702", centre.pbx, line="1002")
    await empty.ended.wait()
    assert empty.answered
    desk = await centre.world.call("701", centre.pbx, line="1002", tone=DESK)
    await asyncio.gather(desk.wait_tones(CALLER), caller.wait_tones(DESK))
    assert await parked(centre) == []
    await centre.server.kill()
    await centre.server.start()
    await asyncio.gather(desk.wait_tones(CALLER), caller.wait_tones(DESK))
    await desk.hang_up()
    await caller.ended.wait()
    await centre.idle()
    (row,) = centre.server.rows("SELECT outcome, ended_by, went_to FROM queue_calls")
    assert row == {"outcome": "answered", "ended_by": "transfer", "went_to": "parked:701"}
    assert await queue_log(centre, call) == [("ENTERQUEUE",), ("CONNECT",), ("BLINDTRANSFER", "701", "parkedcalls")]


async def test_a_phone_parks_attended_and_knows_the_space(centre: ContactCentre) -> None:
    """It dials the lot with its second line, is told the space, and the caller takes its place there."""
    caller, agent, call = await served(centre)
    await phone(centre, "1002")
    for line in ("1001", "1002"):
        await centre.world.line(line, "secret")
    consult = await centre.world.call("700", centre.pbx, line="1001")
    await consult.answered.wait()
    (row,) = await parked(centre)
    assert (row["parkingSpace"], row["parkedBy"], row["callerIdNumber"]) == ("701", "1001", "1001")
    await refer_to(centre, agent, consult, "700")
    await asyncio.gather(agent.ended.wait(), consult.ended.wait())
    (row,) = await parked(centre)
    assert (row["parkingSpace"], row["parkedBy"], row["callerIdNumber"]) == ("701", "1001", "0301234567")
    desk = await centre.world.call("701", centre.pbx, line="1002", tone=DESK)
    await asyncio.gather(desk.wait_tones(CALLER), caller.wait_tones(DESK))
    await caller.hang_up()
    await desk.ended.wait()
    await centre.idle()
    (row,) = centre.server.rows("SELECT outcome, ended_by, went_to FROM queue_calls")
    assert row == {"outcome": "answered", "ended_by": "attended_transfer", "went_to": "parked:701"}
    assert [event for event, *_ in await queue_log(centre, call)] == ["ENTERQUEUE", "CONNECT", "ATTENDEDTRANSFER"]
