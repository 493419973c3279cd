"""Calls of extensions, asked for and acted on over REST, on a real Asterisk with real phones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import audio
from tests.harness.phones import Extension, PhoneBox, answers, never_answers
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.test_queue_call import MUSIC
from tests.integration.waiting import until

CALLER, AGENT, DESK = 440, 660, 880


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug", PARKING_TIMEOUT="600") as made:
        yield made


async def phone(centre: ContactCentre, number: str, *, tone: int | None = None, rings: bool = False) -> Extension:
    """A phone that is no agent's."""
    await centre.pbx.provision(number, "secret", contact=centre.world.contact(number))
    return centre.world.extension(number, never_answers() if rings else answers(tone=tone))


async def active(centre: ContactCentre, extension: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await centre.server.request("GET", "/active_calls", {"extension": extension})
    return rows


async def act(centre: ContactCentre, extension: str, action: str, **more: str) -> None:
    await centre.server.request("POST", "/extension_action", extension=extension, action=action, **more)


async def test_dial_and_hang_up_for_an_extension(centre: ContactCentre) -> None:
    """His phone rings, then the other's; both are seen in active calls. A phone that rings is declined, one that talks
    is hung up; and a queue can be dialled, also if the process dies while he waits there."""
    mine = await phone(centre, "1001", tone=CALLER)
    other = await phone(centre, "1002", tone=DESK)
    assert await active(centre, "1001") == []
    await act(centre, "1001", "dial", destination="1002")
    here, there = await mine.next_call(), await other.next_call()
    await asyncio.gather(here.wait_tones(DESK), there.wait_tones(CALLER))
    assert there.caller_number == "1001"
    (row,), (called,) = await active(centre, "1001"), await active(centre, "1002")
    assert (row["direction"], row["state"], row["connectedNumber"]) == ("outbound", "up", "1002")
    assert (called["direction"], called["callerIdNumber"]) == ("inbound", "1001")
    assert row["id"] == called["id"]
    await act(centre, "1002", "hangUp", channel=called["channel"])
    await asyncio.gather(here.ended.wait(), there.ended.wait())
    await centre.idle()

    await phone(centre, "1002", rings=True)
    await act(centre, "1001", "dial", destination="1002")
    here = await mine.next_call()

    async def rings() -> bool:
        return [row["state"] for row in await active(centre, "1002")] == ["ringing"]

    await until(rings)
    await act(centre, "1002", "hangUp")
    await here.ended.wait()
    await centre.idle()

    await centre.queue()
    await act(centre, "1001", "dial", destination="500")
    here = await mine.next_call()
    await centre.until_waiting(1)
    assert [row["queue"] for row in await active(centre, "1001")] == ["500"]
    await centre.server.kill()
    await centre.server.start()
    await centre.agent("1003", answers(tone=AGENT))
    agent = await centre.phones["1003"].next_call()
    await asyncio.gather(here.wait_tones(AGENT), agent.wait_tones(CALLER))
    await act(centre, "1003", "hangUp")
    await here.ended.wait()
    await centre.idle()
    (call,) = centre.server.rows(
        "SELECT calls.ended_by AS by, caller_number FROM queue_calls JOIN calls ON calls.id = call_id"
    )
    assert call == {"by": "agent", "caller_number": "1001"}


async def test_a_caller_is_stolen_from_the_queue(centre: ContactCentre) -> None:
    """Nobody is offered him any more, he talks to whom he was sent to, and the record says that he was stolen."""
    desk = await phone(centre, "1002", tone=DESK)
    await centre.queue()
    await centre.agent("1001", never_answers())
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    rung = await centre.phones["1001"].next_call()
    (waiting,) = await centre.until_waiting(1)
    await centre.server.request("POST", "/steal_queued_call", channel=waiting["channel"], destination="1002")
    there = await desk.next_call()
    await asyncio.gather(rung.ended.wait(), caller.wait_tones(DESK), there.wait_tones(CALLER))
    assert not rung.answered
    assert await centre.waiting() == []
    status, _ = await centre.server.attempt(
        "POST", "/steal_queued_call", channel=waiting["channel"], destination="1002"
    )
    assert status == 400
    (row,) = await active(centre, "1002")
    assert (row["id"], row["queue"], row["connectedNumber"]) == (waiting["id"], None, "0301234567")
    await caller.hang_up()
    await centre.idle()
    (row,) = centre.server.rows("SELECT outcome, went_to FROM queue_calls")
    assert row == {"outcome": "stolen", "went_to": "extension:1002"}
    log = centre.server.rows("SELECT event, data4 FROM queue_log WHERE callid = ? ORDER BY id", waiting["id"])
    assert [tuple(row.values()) for row in log] == [
        ("ENTERQUEUE", None),
        ("RINGCANCELED", None),
        ("WITHDRAW", "stolen"),
    ]
    assert (await centre.statistics())["callsAbandoned"] == 0


async def parked(centre: ContactCentre) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await centre.server.request("GET", "/parked_calls")
    return rows


async def queue_log(centre: ContactCentre, call: str) -> list[tuple[Any, ...]]:
    rows = centre.server.rows("SELECT event, data1, data2 FROM queue_log WHERE callid = ? ORDER BY id", call)
    return [tuple(row.values()) if "TRANSFER" in row["event"] else (row["event"],) for row in rows]


async def test_a_caller_of_a_queue_is_parked_and_picked_up(centre: ContactCentre) -> None:
    """The agent is free, the caller keeps his space when the process dies, also while a phone rings for him that is not
    answered; and the record says where he went."""
    await centre.queue()
    agent_phone = await centre.agent("1001", answers(tone=AGENT))
    desk = await phone(centre, "1002", tone=DESK)
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    agent = await centre.phones["1001"].next_call()
    await asyncio.gather(caller.wait_tones(AGENT), agent.wait_tones(CALLER))
    (talk,) = await active(centre, "1001")
    await act(centre, "1001", "park", channel=talk["channel"])
    await agent.ended.wait()
    await centre.until_status("1001", "available")
    (row,) = await parked(centre)
    assert (row["parkingSpace"], row["parkedBy"], row["callerIdNumber"]) == ("701", "1001", "0301234567")
    assert caller.ear is not None
    await caller.ear.wait_for(lambda ear: audio.loudness(ear.recent(0.2).samples) > MUSIC)
    await centre.server.kill()
    await centre.server.start()
    assert await parked(centre) == [row]
    # nobody answers: he stays
    rings = await phone(centre, "1003", rings=True)
    await centre.server.request("POST", "/pick_up_parked_call", channel=row["channel"], destination="1003")
    ringing = await rings.next_call()
    assert await parked(centre) == [row]
    await ringing.reject()
    await ringing.ended.wait()
    assert await parked(centre) == [row]
    await centre.server.request("POST", "/pick_up_parked_call", channel=row["channel"], destination="1002")
    there = await desk.next_call()
    await asyncio.gather(caller.wait_tones(DESK), there.wait_tones(CALLER))
    assert await parked(centre) == []
    await there.hang_up()
    await caller.ended.wait()
    await centre.idle()
    (record,) = centre.server.rows("SELECT outcome, ended_by, went_to, agent_id FROM queue_calls")
    assert record == {"outcome": "answered", "ended_by": "transfer", "went_to": "parked:701", "agent_id": agent_phone}
    assert await queue_log(centre, talk["id"]) == [
        ("ENTERQUEUE",),
        ("CONNECT",),
        ("BLINDTRANSFER", "701", "parkedcalls"),
    ]


async def test_one_who_parked_a_call_is_called_when_its_time_is_over(
    tmp_path: Path, start_asterisk: Any, world: PhoneBox
) -> None:
    """Here it is the one who called who is parked, by whom he called, and it is taken up again after a transfer."""
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug", PARKING_TIMEOUT="1") as centre:
        mine = await phone(centre, "1001", tone=CALLER)
        other = await phone(centre, "1002", tone=DESK)
        await act(centre, "1001", "dial", destination="1002")
        here, there = await mine.next_call(), await other.next_call()
        await asyncio.gather(here.wait_tones(DESK), there.wait_tones(CALLER))
        await act(centre, "1001", "park")  # the callee is the one who goes on
        await here.ended.wait()
        again = await mine.next_call()
        assert again.caller_number == "1002"
        await asyncio.gather(again.wait_tones(DESK), there.wait_tones(CALLER))
        assert await parked(centre) == []
        third = await phone(centre, "1003", tone=AGENT)
        await act(centre, "1001", "blindTransfer", destination="1003")
        away = await third.next_call()
        await asyncio.gather(again.ended.wait(), away.wait_tones(DESK), there.wait_tones(AGENT))
        assert away.caller_number == "1002"
        await centre.server.kill()
        await centre.server.start()
        await asyncio.gather(away.wait_tones(DESK), there.wait_tones(AGENT))
        await there.hang_up()
        await away.ended.wait()
        await centre.idle()


async def test_an_agent_transfers_a_caller_to_another_queue(centre: ContactCentre) -> None:
    """Each queue has him in its record, and the first agent is free at once."""
    await centre.queue()
    await centre.queue("501")
    await centre.agent("1001", answers(tone=AGENT))
    await centre.agent("1002", answers(tone=DESK), "501")
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    agent = await centre.phones["1001"].next_call()
    await asyncio.gather(caller.wait_tones(AGENT), agent.wait_tones(CALLER))
    (talk,) = await active(centre, "1001")
    await act(centre, "1001", "blindTransfer", destination="501")
    second = await centre.phones["1002"].next_call()
    await asyncio.gather(agent.ended.wait(), caller.wait_tones(DESK), second.wait_tones(CALLER))
    await centre.until_status("1001", "available")
    await caller.hang_up()
    await centre.idle()
    rows = centre.server.rows("SELECT queue, outcome, ended_by, went_to FROM queue_calls ORDER BY joined_at")
    assert [tuple(row.values()) for row in rows] == [
        ("500", "answered", "transfer", "queue:501"),
        ("501", "answered", "caller", None),
    ]
    assert [event for event, *_ in await queue_log(centre, talk["id"])] == [
        "ENTERQUEUE",
        "CONNECT",
        "BLINDTRANSFER",
        "ENTERQUEUE",
        "CONNECT",
        "COMPLETECALLER",
    ]
