"""Call-backs carried out on live calls: agent first, customer next; failures; a key pressed; a crash at every stage."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ari_app.acd import commands, events
from ari_app.acd.views import CallBackView
from ari_app.ari.fake import Answers, Behaviour, Busy, NeverAnswers
from ari_app.calls.leg import Leg
from tests.unit.calls.hall import Hall, a_hall

NUMBER = "0301234567"


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with a_hall() as made:
        made.queue(call_back_key="1", call_back_retry=60.0, name="Sales")
        yield made


def view(hall: Hall) -> CallBackView:
    (found,) = hall.engine.call_backs(None)
    return found


async def customer(hall: Hall, behaviour: Behaviour | None = None) -> str:
    """Somebody asks to be called back, and has that phone."""
    hall.fake.endpoints[f"PJSIP/{NUMBER}"] = behaviour or NeverAnswers()
    return hall.centre.call_back(1, "500", NUMBER, "Ada", 0)


async def rings(hall: Hall) -> Leg:
    """The customer's phone."""

    def leg() -> Leg | None:
        found = [x for x in hall.stage.registry.legs.values() if x.role == "customer" and x.state.name == "RINGING"]
        return found[0] if found else None

    found: Leg = await hall.stage.until(leg)
    return found


async def dialled(hall: Hall) -> Leg:
    """The agent has answered, the customer's phone rings."""
    hall.agent(1)
    await customer(hall)
    agent = await hall.ringing(1)
    assert not [x for x in hall.stage.asked("channels.create") if NUMBER in x["endpoint"]]
    hall.fake.answer(agent.id)
    return await rings(hall)


async def test_agent_first_then_customer(hall: Hall) -> None:
    leg = await dialled(hall)
    asked_agent, asked_customer = hall.stage.asked("channels.create")
    assert asked_agent["variables"]["CONNECTEDLINE(num,i)"] == NUMBER
    assert asked_customer["variables"]["CONNECTEDLINE(num,i)"] == "500"
    assert asked_customer["variables"]["CONNECTEDLINE(name,i)"] == "Sales"
    assert view(hall).state == "calling"
    assert hall.status(1) == "onCall"
    (agent,) = hall.legs_of(1)
    hall.clock.advance(8.0)
    hall.fake.answer(leg.id)
    await hall.stage.until(lambda: view(hall).state == "talking")
    (bridge,) = hall.fake.world.bridges.values()
    assert sorted(bridge.channels) == sorted([leg.id, agent.id])
    (served,) = hall.store.facts_of(commands.CallerServed)
    assert (served.wait, served.call_back) == (8.0, True)
    call = leg.call
    hall.clock.advance(20.0)
    hall.fake.hangup_from_far_end(agent.id)
    await hall.stage.over(call)
    (completed,) = hall.store.facts_of(commands.CallCompleted)
    assert (completed.talk, completed.by) == (20.0, "agent")
    await hall.nothing_left()


async def test_the_customer_hangs_up(hall: Hall) -> None:
    leg = await dialled(hall)
    call = leg.call
    hall.fake.answer(leg.id)
    await hall.stage.until(lambda: view(hall).state == "talking")
    hall.fake.hangup_from_far_end(leg.id)
    await hall.stage.over(call)
    (completed,) = hall.store.facts_of(commands.CallCompleted)
    assert completed.by == "caller"
    assert hall.status(1) == "available"
    await hall.nothing_left()


async def test_busy_then_reached(hall: Hall) -> None:
    hall.agent(1, phone=Answers())
    await customer(hall, Busy())
    await hall.stage.until(lambda: view(hall).state == "later")
    await hall.stage.until(lambda: not hall.stage.registry.calls)
    assert hall.status(1) == "available"
    assert view(hall).failures == 1
    hall.fake.endpoints[f"PJSIP/{NUMBER}"] = Answers()
    hall.clock.advance(60.0)
    await hall.stage.until(lambda: view(hall).state == "talking")
    (call,) = hall.stage.registry.calls.values()
    assert call.id == f"{view(hall).request}-2"
    hall.fake.hangup_from_far_end(hall.legs_of(1)[0].id)
    await hall.stage.over(call)
    await hall.nothing_left()


async def test_the_customer_does_not_answer(hall: Hall) -> None:
    """His phone rings as long as the queue says."""
    hall.queue(call_back_retry=60.0, call_back_ring=20.0)
    leg = await dialled(hall)
    hall.clock.advance(19.9)
    await hall.stage.until(lambda: view(hall).state == "calling")
    hall.clock.advance(0.1)
    await hall.stage.over(leg.call)
    assert (view(hall).state, view(hall).failures) == ("later", 1)
    assert hall.status(1) == "available"


async def test_the_agent_goes_while_the_customer_is_called(hall: Hall) -> None:
    leg = await dialled(hall)
    call = leg.call
    hall.agent(2)
    hall.apply(events.Paused(agent=1))
    hall.fake.hangup_from_far_end(hall.legs_of(1)[0].id)
    await hall.stage.over(call)  # the customer's phone stops
    agent = await hall.ringing(2)
    assert view(hall).failures == 0
    hall.fake.answer(agent.id)
    second = await rings(hall)
    hall.fake.answer(second.id)
    await hall.stage.until(lambda: view(hall).state == "talking")
    hall.fake.hangup_from_far_end(second.id)
    await hall.stage.over(second.call)
    await hall.nothing_left()


async def test_taken_back_while_an_agent_is_rung(hall: Hall) -> None:
    hall.agent(1)
    entry = await customer(hall)
    agent = await hall.ringing(1)
    hall.apply(events.CallBackCancelled(entry=entry))
    await hall.stage.over(agent.call)
    assert hall.engine.call_backs(None) == []
    await hall.nothing_left()


async def test_a_waiting_caller_presses_the_key(hall: Hall) -> None:
    call, channel = await hall.call(caller=NUMBER)
    await hall.stage.until(lambda: channel.music)
    hall.clock.advance(30.0)
    hall.fake.dtmf(channel, "2")
    hall.fake.dtmf(channel, "1")
    await hall.stage.over(call)
    assert [x["media"] for x in hall.stage.asked("channels.playWithId")] == [
        ["sound:auth-thankyou", "sound:vm-goodbye"]
    ]
    found = view(hall)
    assert (found.number, found.position, found.request[:9]) == (NUMBER, 1, "callback-")
    (exited,) = [x for x in hall.store.facts_of(commands.CallerExited) if not x.call_back]
    assert (exited.outcome, exited.wait) == ("call_back", 30.0)


async def test_without_a_number_nobody_can_be_called(hall: Hall) -> None:
    call, channel = await hall.call(caller="anonymous")
    await hall.stage.until(lambda: channel.music)
    hall.fake.dtmf(channel, "1")
    await hall.stage.quiet()
    assert hall.waiting() == [call.id]
    hall.fake.hangup_from_far_end(channel)
    await hall.stage.over(call)
    await hall.nothing_left()


@pytest.mark.parametrize("stage", ["waiting", "ringing", "calling"])
async def test_a_crash_before_he_is_reached_loses_nothing(hall: Hall, stage: str) -> None:
    if stage == "waiting":
        await customer(hall)
        await hall.stage.quiet()
    elif stage == "ringing":
        hall.agent(1)
        await customer(hall)
        await hall.ringing(1)
    else:
        await dialled(hall)
    request = view(hall).request
    await hall.crash()
    async with hall.next_process() as after:
        if stage == "waiting":
            after.agent(1)
        await after.stage.until(lambda: len(after.stage.registry.calls) == 1)  # that of the lost attempt has ended
        agent = await after.ringing(1)
        assert (view(after).request, view(after).failures) == (request, 0)
        after.fake.answer(agent.id)
        leg = await rings(after)
        # nothing of the first attempt is left in Asterisk
        assert sorted(after.fake.world.channels) == sorted([agent.id, leg.id])
        after.fake.answer(leg.id)
        await after.stage.until(lambda: view(after).state == "talking")
        after.fake.hangup_from_far_end(leg.id)
        await after.stage.over(leg.call)
        await after.nothing_left()


@pytest.mark.parametrize("ends", ["agent", "customer", "while nobody looks"])
async def test_a_crash_while_they_talk(hall: Hall, ends: str) -> None:
    leg = await dialled(hall)
    (agent,) = hall.legs_of(1)
    hall.fake.answer(leg.id)
    await hall.stage.until(lambda: view(hall).state == "talking" and leg.bridge)
    await hall.stage.quiet()
    await hall.crash()
    if ends == "while nobody looks":
        hall.fake.hangup_from_far_end(leg.id)
    async with hall.next_process() as after:
        if ends != "while nobody looks":
            assert view(after).state == "talking"
            assert after.status(1) == "onCall"
            after.fake.hangup_from_far_end(agent.id if ends == "agent" else leg.id)
        await after.stage.until(lambda: not after.stage.registry.calls)
        assert after.engine.call_backs(None) == []
        (completed,) = after.store.facts_of(commands.CallCompleted)
        assert completed.by == ("agent" if ends == "agent" else "caller")
        await after.nothing_left()
