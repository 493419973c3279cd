"""Called back instead of waiting, on a real Asterisk with real phones."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.phones import PhoneBox, answers, is_busy, never_answers
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.waiting import until

CUSTOMER, AGENT = 440, 660
NUMBER = "1009"


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        await made.pbx.provision(NUMBER, "secret", contact=world.contact(NUMBER))
        await world.line(NUMBER, "secret")
        made.phones[NUMBER] = world.extension(NUMBER, answers(after=0.3, tone=CUSTOMER))
        yield made


async def call_backs(centre: ContactCentre) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await centre.server.request("GET", "/call_backs", {"queue": "500"})
    return found


async def until_state(centre: ContactCentre, state: str) -> dict[str, Any]:
    rows = await until(lambda: call_backs(centre), lambda rows: rows and rows[0]["state"] == state)
    return rows[0]


async def test_a_caller_presses_1_and_is_called(centre: ContactCentre) -> None:
    await centre.queue(callBackKey="1")
    before = await centre.world.call("500", centre.pbx, listen=False)
    await before.answered.wait()
    waiting = await centre.world.call("500", centre.pbx, line=NUMBER)
    await waiting.answered.wait()
    behind = await centre.world.call("500", centre.pbx, listen=False)
    await behind.answered.wait()
    await centre.until_waiting(3)
    await waiting.send_digits("1")
    await waiting.ended.wait()  # after "thank you, goodbye"
    (row,) = await call_backs(centre)
    assert (row["number"], row["position"], row["state"]) == (NUMBER, 2, "waiting")
    assert [x["position"] for x in await centre.waiting()] == [1, 3]
    await before.hang_up()

    await centre.agent("1001", answers(tone=AGENT))
    agent = await centre.phones["1001"].next_call()
    customer = await centre.phones[NUMBER].next_call()
    assert agent.answered
    await customer.answered.wait()
    assert customer.answered.at > agent.answered.at
    assert (agent.caller_number, customer.caller_number) == (NUMBER, "500")
    await asyncio.gather(
        agent.wait_tones(CUSTOMER, absent=(AGENT,)),
        customer.wait_tones(AGENT, absent=(CUSTOMER,)),
    )
    assert (await call_backs(centre))[0]["state"] == "talking"
    assert (await centre.statistics())["callsWaiting"] == 1
    await customer.hang_up()
    await agent.ended.wait()
    # he has been served; the next is the one who waited behind him
    second = await centre.phones["1001"].next_call()
    await second.answered.wait()
    await centre.until_status("1001", "onCall")  # a phone that has answered is not yet an answer
    await behind.hang_up()
    await centre.idle()
    rows = centre.server.rows("SELECT call_back, outcome FROM queue_calls ORDER BY joined_at")
    assert sorted((row["call_back"], row["outcome"]) for row in rows) == [
        (0, "abandoned"),
        (0, "answered"),
        (0, "call_back"),
        (1, "answered"),
    ]


async def test_the_agent_hears_that_it_rings_and_a_busy_line_is_tried_again(centre: ContactCentre) -> None:
    await centre.queue(callBackRetry=5, callBackAttempts=2)
    centre.phones[NUMBER].behaviour = is_busy()
    await centre.agent("1001", answers(listen=False))
    request = await centre.server.request("POST", "/call_back", data={"queue": "500", "number": NUMBER})
    first = await centre.phones["1001"].next_call()
    await centre.phones[NUMBER].next_call()  # the busy one
    await first.ended.wait()
    row = await until_state(centre, "later")
    assert (row["id"], row["attempts"]) == (request, 1)
    await centre.until_status("1001", "available")
    centre.phones["1001"].behaviour = answers(tone=AGENT)
    centre.phones[NUMBER].behaviour = never_answers()  # until we have heard that it rings
    second = await centre.phones["1001"].next_call()
    customer = await centre.phones[NUMBER].next_call()
    await customer.ringing.wait()
    # the ringing tone of Asterisk's standard country: 440 and 480 Hz
    await second.wait_tones(480)
    assert not customer.answered
    await customer.answer()
    await customer.answered.wait()
    await customer.listen()
    await customer.play_tone(CUSTOMER)
    await asyncio.gather(second.wait_tones(CUSTOMER), customer.wait_tones(AGENT))
    await second.hang_up()
    await centre.idle()
    assert await call_backs(centre) == []


async def test_a_customer_who_does_not_answer_is_rung_no_longer_than_set(centre: ContactCentre) -> None:
    await centre.queue(callBackRing=5, callBackRetry=600)
    centre.phones[NUMBER].behaviour = never_answers()
    await centre.agent("1001", answers(listen=False))
    await centre.server.request("POST", "/call_back", data={"queue": "500", "number": NUMBER})
    customer = await centre.phones[NUMBER].next_call()
    rang_at = await customer.ringing.wait()
    ended_at = await customer.ended.wait()
    assert 3.5 < ended_at - rang_at < 20  # and not the 30 s that it is else
    assert (await until_state(centre, "later"))["attempts"] == 1
    await centre.until_status("1001", "available")


async def test_killed_while_the_customer_is_called(centre: ContactCentre) -> None:
    await centre.queue()
    centre.phones[NUMBER].behaviour = never_answers()
    await centre.agent("1001", answers(tone=AGENT))
    request = await centre.server.request("POST", "/call_back", data={"queue": "500", "number": NUMBER})
    lost = await centre.phones[NUMBER].next_call()
    await lost.ringing.wait()
    centre.phones[NUMBER].behaviour = answers(tone=CUSTOMER)
    await centre.server.kill()
    await centre.server.start()
    await lost.ended.wait()
    second = await centre.phones[NUMBER].next_call()
    await second.answered.wait()
    row = await until_state(centre, "talking")
    assert (row["id"], row["attempts"]) == (request, 0)
    await asyncio.gather(second.wait_tones(AGENT), centre.phones["1001"].calls[-1].wait_tones(CUSTOMER))
    await second.hang_up()
    await centre.idle()
