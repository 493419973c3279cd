"""Nothing is lost: the process killed, Asterisk restarted, the websocket cut, while calls wait and talk."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.phones import Phone, PhoneBox, answers
from tests.integration.server import ContactCentre, contact_centre

CALLER, AGENT = 440, 660
TALKING, WAITING, NEW = 10, 20, 6
DOWN = 5.0


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        yield made


async def call(centre: ContactCentre, number: str, **options: Any) -> Phone:
    """A caller with a number of his own."""
    return await centre.world.call("500", centre.pbx, caller=number, **{"listen": False, **options})


Callers = dict[str, Phone]


async def busy_hour(centre: ContactCentre, talk: int, wait: int) -> tuple[Callers, Callers]:
    """So many talk and so many wait; the callers of each by number, in order."""
    await centre.queue(ringStrategy="leastrecent", agentTimeout=20)
    for index in range(talk):
        first = index == 0
        await centre.agent(f"{1001 + index}", answers(tone=AGENT if first else None, listen=first))
    talking, waiting = {}, {}
    for index in range(talk):
        caller = await call(centre, f"01701{index:03}", tone=CALLER if index == 0 else None, listen=index == 0)
        await caller.answered.wait()
        talking[f"01701{index:03}"] = caller
        await centre.until_status(f"{1001 + index}", "onCall")
    for index in range(wait):
        caller = waiting[f"01702{index:03}"] = await call(centre, f"01702{index:03}")
        await caller.answered.wait()
    await centre.until_waiting(wait)
    return talking, waiting


async def serve_everybody(centre: ContactCentre, callers: Callers) -> list[str]:
    """Every caller hangs up when an agent has him; their numbers in the order in which agents got them."""
    left = dict(callers)
    order: list[str] = []
    async with asyncio.timeout(300):
        while left:
            # a phone that has answered is not yet an answer: that is when the queue knows of it
            waiting = {row["callerIdNumber"] for row in await centre.waiting()}
            answered = [
                phone.caller_number for line in centre.phones.values() for phone in line.calls if phone.answered
            ]
            for number in answered:
                if number in left and number not in waiting:
                    order.append(number)
                    await left.pop(number).hang_up()
    return order


@pytest.mark.slow
async def test_killed_while_calls_wait_and_talk(centre: ContactCentre) -> None:
    talking, waiting = await busy_hour(centre, TALKING, WAITING)
    before = await centre.waiting()
    await centre.server.kill()
    # while it is down: new callers dial in, one who waited gives up, one who talked hangs up
    since = asyncio.get_running_loop().time()
    new = {f"01703{index:03}": await call(centre, f"01703{index:03}") for index in range(NEW)}
    gave_up = waiting.pop("01702003")
    await gave_up.hang_up()
    done = talking.pop("01701009")
    await done.hang_up()
    await asyncio.sleep(max(0.0, DOWN - (asyncio.get_running_loop().time() - since)))
    await centre.server.start()

    # the agent who was left alone serves the first who waits; the order and the times of the others are kept
    after = await centre.until_waiting(WAITING - 2 + NEW)
    kept = [row for row in before if row["callerIdNumber"] not in ("01702000", "01702003")]
    assert [(row["id"], row["enterTime"]) for row in after[: len(kept)]] == [
        (row["id"], row["enterTime"]) for row in kept
    ]
    assert {row["callerIdNumber"] for row in after[len(kept) :]} == set(new)
    assert [row["enterTime"] for row in after] == sorted(row["enterTime"] for row in after)
    for extension in centre.agents:
        await centre.until_status(extension, "onCall")
    # those who talked still hear each other
    agent = centre.phones["1001"].calls[0]
    await asyncio.gather(agent.wait_tones(CALLER), talking["01701000"].wait_tones(AGENT))
    alive = {**talking, **waiting, **new}
    assert [number for number, phone in alive.items() if phone.ended] == []

    # everybody is served, in order, and every call is recorded once
    for phone in talking.values():
        await phone.hang_up()
    order = await serve_everybody(centre, {**waiting, **new})
    assert sorted(order) == sorted({**waiting, **new})
    await centre.idle()
    entries = centre.server.rows("SELECT * FROM queue_calls")
    calls = {row["caller_number"]: row for row in centre.server.rows("SELECT * FROM calls")}
    total = TALKING + WAITING + NEW
    assert len(entries) == len({row["call_id"] for row in entries}) == len(calls) == total
    assert centre.server.rows("SELECT COUNT(*) AS n FROM calls")[0]["n"] == total
    assert [row for row in calls.values() if row["ended_at"] is None] == []
    outcome = {row["call_id"]: row["outcome"] for row in entries}
    assert outcome[calls["01702003"]["id"]] == "abandoned"
    assert sorted(outcome.values()).count("answered") == total - 1
    # what happened while nobody looked is recorded when it happened
    for number, phone in (("01702003", gave_up), ("01701009", done)):
        assert calls[number]["ended_at"] == pytest.approx(phone.ended.at, abs=3.0)
    statistics = await centre.statistics()
    assert (statistics["callsAnswered"], statistics["callsAbandoned"]) == (total - 1, 1)
    assert centre.server.rows("SELECT * FROM live_calls") == []


@pytest.mark.slow
async def test_asterisk_restarts_under_the_application(centre: ContactCentre) -> None:
    await centre.queue()
    await centre.agent("1001", answers())
    first = await call(centre, "1")
    await first.answered.wait()
    await centre.until_status("1001", "onCall")
    await call(centre, "2")
    await centre.until_waiting(1)
    await centre.pbx.stored("ps_endpoints/endpoint/1001")
    await centre.pbx.restart()
    # it notices, closes what is gone, and goes on
    await centre.until_waiting(0)
    await centre.until_status("1001", "available")
    third = await call(centre, "3")
    agent = await phone_of(centre, "1001", "3")
    await agent.answered.wait()
    await third.hang_up()
    await centre.until_status("1001", "available")
    await centre.idle()
    rows = {row["caller_number"]: row for row in centre.server.rows("SELECT * FROM calls")}
    assert len(rows) == 3
    assert all(row["ended_at"] is not None for row in rows.values())


async def phone_of(centre: ContactCentre, extension: str, caller: str) -> Phone:
    """The call of an extension that comes from this caller; one whose PBX has died does not know that it is over."""
    while True:
        phone = await centre.phones[extension].next_call()
        if phone.caller_number == caller:
            return phone


@pytest.mark.slow
@pytest.mark.parametrize("connect", ["outbound", "inbound"])
async def test_the_websocket_is_cut_during_50_calls(
    tmp_path: Path, start_asterisk: Any, world: PhoneBox, connect: str
) -> None:
    async with contact_centre(tmp_path, start_asterisk, world, connect=connect, proxied=True) as centre:
        talking, waiting = await busy_hour(centre, 25, 25)
        await centre.proxy.cut()
        since = asyncio.get_running_loop().time()
        gone = {number: waiting.pop(number) for number in ("01702001", "01702024")}
        gone |= {number: talking.pop(number) for number in ("01701003", "01701004")}
        for phone in gone.values():
            await phone.hang_up()
        await asyncio.sleep(max(0.0, DOWN - (asyncio.get_running_loop().time() - since)))
        await centre.proxy.start()
        # the two agents who got free serve the first two who still wait
        await centre.until_waiting(25 - 2 - 2)
        assert [number for number, phone in {**talking, **waiting}.items() if phone.ended] == []
        for phone in talking.values():
            await phone.hang_up()
        assert sorted(await serve_everybody(centre, waiting)) == sorted(waiting)
        await centre.idle()
        calls = {row["caller_number"]: row for row in centre.server.rows("SELECT * FROM calls")}
        assert len(calls) == centre.server.rows("SELECT COUNT(*) AS n FROM calls")[0]["n"] == 50
        assert [row for row in calls.values() if row["ended_at"] is None] == []
        outcomes = [row["outcome"] for row in centre.server.rows("SELECT outcome FROM queue_calls")]
        assert (outcomes.count("answered"), outcomes.count("abandoned")) == (48, 2)
