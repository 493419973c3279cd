"""Agents whose phones are on private calls, ring for one, or are not registered are not offered calls."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ari_app.acd import events
from ari_app.acd.phones import phone_state
from ari_app.ari.fake import Answers, NeverAnswers, Offline
from ari_app.ari.models import Endpoint
from tests.unit.calls.hall import Hall, a_hall

PHONE = "PJSIP/1001"


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with a_hall() as made:
        made.queue()
        yield made


async def followed(hall: Hall, agent: int = 1) -> str:
    """An agent is signed in, and his phone's state is known."""
    endpoint = hall.agent(agent)
    await known(hall, endpoint)
    return endpoint


async def known(hall: Hall, endpoint: str = PHONE) -> None:
    await hall.stage.until(lambda: endpoint in hall.stage.node.snapshot.endpoints)


async def is_(hall: Hall, state: str, extension: str = "1001") -> None:
    await hall.stage.until(lambda: hall.engine.phone(extension) == state)


@pytest.mark.parametrize(
    ("state", "channels", "expected"),
    [
        ("online", [], "idle"),
        ("unknown", [], "idle"),
        (None, [], "idle"),
        ("offline", [], "unavailable"),
        ("offline", ["1700000000.1"], "unavailable"),
        ("online", ["1700000000.1"], "busy"),
        ("online", ["callee-01hf3k2m9q7w8e5r6t4y"], "busy"),
        ("online", ["agent-01hf3k2m9q7w8e5r6t4y"], "idle"),
        ("online", ["agent-01hf3k2m9q7w8e5r6t4y", "1700000000.1"], "busy"),
    ],
)
def test_what_an_endpoint_says(state: str | None, channels: list[str], expected: str) -> None:
    endpoint = Endpoint(technology="PJSIP", resource="1001", state=state, channel_ids=channels)
    assert phone_state(endpoint) == expected


@pytest.mark.parametrize(("others", "expected"), [(0, "idle"), (1, "idle"), (2, "busy")])
def test_a_phone_that_the_dialplan_rings_for_us_is_not_on_a_private_call(others: int, expected: str) -> None:
    channels = [f"1700000000.{n}" for n in range(others)]
    endpoint = Endpoint(technology="PJSIP", resource="1001", state="online", channel_ids=channels)
    assert phone_state(endpoint, forwarded=1) == expected


@pytest.mark.parametrize("state", ["Down", "Ringing", "Up"])
async def test_a_private_call_keeps_queues_away_until_it_ends(hall: Hall, state: str) -> None:
    await followed(hall)
    private = hall.fake.private_call(PHONE, state)
    await is_(hall, "busy")
    assert hall.status(1) == "unavailable"
    call, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    assert hall.waiting() == [call.id]
    assert hall.legs_of(1) == []
    hall.fake.hangup_from_far_end(private)
    await hall.talk(1, channel)
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_the_phone_is_unplugged_and_comes_back(hall: Hall) -> None:
    await followed(hall)
    hall.fake.phone(PHONE, Offline())
    await is_(hall, "unavailable")
    _, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    assert "channels.create" not in hall.stage.asked()
    hall.fake.phone(PHONE, NeverAnswers())
    await hall.talk(1, channel)
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_our_own_offers_are_no_private_calls(hall: Hall) -> None:
    """Ringing, talking, withdrawn: each of them is a channel of the phone, and told as such. And a call costs nothing:
    there is no request about endpoints."""
    await followed(hall)
    asked = hall.stage.asked()
    before = {name: asked.count(name) for name in ("applications.subscribe", "endpoints.get", "endpoints.list")}
    for _ in range(2):
        _, channel = await hall.call()
        await hall.talk(1, channel)
        hall.fake.hangup_from_far_end(channel)
        await hall.stage.until(lambda: not hall.legs_of(1))
    _, channel = await hall.call()
    await hall.ringing(1)
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()
    await hall.stage.quiet()
    told = [e for _, e in hall.fake.world.told if e["type"] == "EndpointStateChange"]
    assert len([e for e in told if e["endpoint"]["channel_ids"]]) == 3
    assert hall.store.journalled(events.PhoneStateChanged) == []
    asked = hall.stage.asked()
    assert before == {name: asked.count(name) for name in before}


async def test_a_private_call_during_a_call_of_the_queue_and_after(hall: Hall) -> None:
    await followed(hall)
    _, first = await hall.call()
    await hall.talk(1, first)
    private = hall.fake.private_call(PHONE, "Ringing")
    await is_(hall, "busy")
    assert hall.status(1) == "onCall"
    hall.fake.hangup_from_far_end(first)
    _, second = await hall.call()
    await hall.stage.until(lambda: second.music)
    assert hall.status(1) == "unavailable"
    hall.fake.hangup_from_far_end(private)
    await hall.talk(1, second)
    hall.fake.hangup_from_far_end(second)
    await hall.nothing_left()


async def test_he_signs_in_at_a_phone_that_is_busy(hall: Hall) -> None:
    hall.fake.endpoints[PHONE] = Answers()
    private = hall.fake.private_call(PHONE)
    await followed(hall)
    await is_(hall, "busy")
    hall.fake.hangup_from_far_end(private)
    await is_(hall, "idle")


@pytest.mark.parametrize("busy", [False, True])
async def test_nobody_is_there_any_more(hall: Hall, busy: bool) -> None:
    """The subscription ends with the session, but not before the ends of the channels that it told of."""
    await followed(hall)
    private = hall.fake.private_call(PHONE) if busy else None
    await is_(hall, "busy" if busy else "idle")
    hall.apply(events.AgentSignedOut(agent=1))
    if private is not None:
        hall.fake.hangup_from_far_end(private)
    await hall.stage.until(lambda: "applications.unsubscribe" in hall.stage.asked())
    await hall.stage.until(lambda: PHONE not in hall.stage.node.snapshot.endpoints)
    assert hall.fake.world.apps["ari_app"].sources == set()
    assert hall.stage.node.snapshot.channels == {}
    await is_(hall, "idle")
    hall.apply(events.AgentSignedIn(agent=1, extension="1001"))
    await known(hall)
    hall.fake.phone(PHONE, Offline())
    await is_(hall, "unavailable")


async def test_an_extension_of_another_kind(hall: Hall) -> None:
    """Of a Local channel, or of a name that is none, nobody knows a state: its agent is offered calls."""
    hall.fake.endpoints["Local/1001@agents"] = NeverAnswers()
    hall.centre._dial_template = "Local/{extension}@agents"
    hall.apply(events.AgentConfigured(agent=1))
    hall.apply(events.AgentSignedIn(agent=1, extension="1001"))
    hall.apply(events.QueueSignedIn(agent=1, queues=("500",)))
    del hall.fake.endpoints["Local/1001@agents"]
    await hall.stage.until(lambda: "applications.subscribe" in hall.stage.asked())
    await hall.stage.until(lambda: not hall.centre.phones._settling)
    assert hall.stage.node.subscriptions.wanted == set()
    assert hall.status(1) == "available"
    hall.apply(events.AgentSignedOut(agent=1))
    await hall.stage.until(lambda: not hall.centre.phones._followed and not hall.centre.phones._settling)


@pytest.mark.parametrize("away", ["unplugged", "private", "free"])
async def test_what_the_phone_did_while_the_websocket_was_cut(hall: Hall, away: str) -> None:
    await followed(hall)
    private = hall.fake.private_call(PHONE)
    await is_(hall, "busy")
    hall.fake.drop_socket()
    if away == "unplugged":
        hall.fake.hangup_from_far_end(private)
        hall.fake.phone(PHONE, Offline())
    elif away == "free":
        hall.fake.hangup_from_far_end(private)
    await hall.stage.until(lambda: hall.stage.node.resyncs == 2)
    await is_(hall, {"unplugged": "unavailable", "private": "busy", "free": "idle"}[away])


@pytest.mark.parametrize("away", ["unplugged", "private", "free", "deleted"])
async def test_what_the_phone_did_while_no_process_was_there(hall: Hall, away: str) -> None:
    """The journal has what it did before, the resync what it does now; that is known before anybody is offered."""
    await followed(hall)
    private = hall.fake.private_call(PHONE)
    await is_(hall, "busy")
    _, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    await hall.crash()
    if away != "private":
        hall.fake.hangup_from_far_end(private)
    if away == "unplugged":
        hall.fake.phone(PHONE, Offline())
    elif away == "deleted":
        behaviour = hall.fake.endpoints.pop(PHONE)
    async with hall.next_process() as after:
        if away == "deleted":
            hall.fake.endpoints[PHONE] = behaviour
        if away in ("free", "deleted"):
            assert after.engine.phone("1001") == "idle"
            await after.talk(1, channel)
        else:
            assert after.engine.phone("1001") == {"unplugged": "unavailable", "private": "busy"}[away]
            assert after.legs_of(1) == []
        hall.fake.hangup_from_far_end(channel)
        if away == "private":
            hall.fake.hangup_from_far_end(private)
        await after.nothing_left()


async def test_asterisk_does_not_answer_when_he_signs_in(hall: Hall) -> None:
    """It is asked again: without an end, but not without a pause."""
    hall.fake.faults.refuse("applications.subscribe", 500)
    hall.agent(1)
    await hall.stage.until(lambda: "applications.subscribe" in hall.stage.asked())
    await hall.stage.until(lambda: PHONE in hall.stage.node.snapshot.endpoints, pace=0.1)


async def test_an_event_overtakes_the_answer(hall: Hall) -> None:
    """What the endpoint was when it was asked is older than what it told meanwhile."""
    hall.fake.faults.answer_delay = 0.05
    hall.agent(1)
    await hall.stage.until(lambda: "endpoints.get" in hall.stage.asked())
    hall.fake.private_call(PHONE)
    await is_(hall, "busy")
    await hall.stage.until(lambda: not hall.centre.phones._settling)
    assert hall.engine.phone("1001") == "busy"


async def test_another_accounts_agent_at_the_same_phone(hall: Hall) -> None:
    await followed(hall)
    hall.fake.private_call(PHONE)
    await is_(hall, "busy")
    hall.centre.apply(2, events.AgentConfigured(agent=7))
    hall.centre.apply(2, events.AgentSignedIn(agent=7, extension="1001"))
    assert hall.centre.dispatcher(2).engine.phone("1001") == "busy"
