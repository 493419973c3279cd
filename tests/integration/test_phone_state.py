"""What an agent's phone does apart from our offers, on a real Asterisk with real phones: he is not offered calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ari_app.ari import events
from ari_app.ari.protocol import Received
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.verbs.dial import Party, dial
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox, answers, never_answers
from tests.integration.house import a_house
from tests.integration.server import ContactCentre, contact_centre


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        await made.queue()
        yield made


async def test_a_private_call_in_that_rings_then_talks(centre: ContactCentre) -> None:
    """From another extension, by way of our application."""
    await centre.agent("1001", answers(after=0.5))
    await centre.pbx.provision("1002", "secret")
    await centre.world.line("1002", "secret")
    colleague = await centre.world.call("1001", centre.pbx, line="1002")
    private = await centre.phones["1001"].next_call()
    await private.ringing.wait()
    await centre.until_status("1001", "unavailable")
    caller = await centre.world.call("500", centre.pbx)
    await centre.until_waiting(1)
    await colleague.answered.wait()
    assert (await centre.status("1001"))["status"] == "unavailable"
    assert len(centre.phones["1001"].calls) == 1
    await colleague.hang_up()
    mine = await centre.phones["1001"].next_call()
    await mine.answered.wait()
    await centre.until_status("1001", "onCall")
    await caller.hang_up()
    await centre.idle()
    misses = centre.server.rows("SELECT * FROM offers WHERE outcome != 'answered'")
    assert misses == []


async def test_a_private_call_out(centre: ContactCentre) -> None:
    await centre.agent("1001", answers(after=0.1))
    await centre.world.line("1001", "secret")
    private = await centre.world.call("100", centre.pbx, line="1001")
    await centre.until_status("1001", "unavailable")
    caller = await centre.world.call("500", centre.pbx)
    await centre.until_waiting(1)
    assert centre.phones["1001"].calls == []
    await private.hang_up()
    phone = await centre.phones["1001"].next_call()
    await phone.answered.wait()
    await caller.hang_up()
    await centre.idle()


async def test_a_call_that_does_not_pass_through_the_application(centre: ContactCentre) -> None:
    """Asterisk's own dialplan rings the phone; nothing of that call is in Stasis."""
    await centre.agent("1001", answers(listen=False))
    await centre.pbx.cli("channel originate PJSIP/1001 application Wait 600")
    private = await centre.phones["1001"].next_call()
    centre.phones["1001"].behaviour = never_answers()
    await centre.until_status("1001", "unavailable")
    await centre.world.call("500", centre.pbx)
    await centre.until_waiting(1)
    # killed in the midst of it: the new process knows it from Asterisk, before it offers anybody
    await centre.server.kill()
    await centre.server.start()
    await centre.until_waiting(1)
    assert (await centre.status("1001"))["status"] == "unavailable"
    assert len(centre.phones["1001"].calls) == 1
    # and what ended while there was none
    await centre.server.kill()
    await private.hang_up()
    await private.ended.wait()
    await centre.server.start()
    await centre.phones["1001"].next_call()


async def test_registration_comes_and_goes(centre: ContactCentre) -> None:
    await centre.agent("1001", never_answers())
    await centre.pbx.ari.delete("/asterisk/config/dynamic/res_pjsip/aor/1001")
    aor = {"max_contacts": "1", "remove_existing": "yes"}
    await centre.pbx.ari.configure("aor", "1001", aor)
    await centre.until_status("1001", "unavailable")
    await centre.world.line("1001", "secret")
    await centre.world.register("1001", centre.pbx)
    await centre.until_status("1001", "available")
    await centre.world.asterisk.cli("pjsip send unregister line-1001")
    await centre.until_status("1001", "unavailable")
    await centre.world.call("500", centre.pbx)
    await centre.until_waiting(1)
    assert centre.phones["1001"].calls == []
    await centre.world.asterisk.cli("pjsip send register line-1001")
    await centre.phones["1001"].next_call()
    assert centre.server.rows("SELECT * FROM offers WHERE outcome != ''") == []


async def test_the_phone_does_not_answer_qualify(centre: ContactCentre) -> None:
    await centre.agent("1001", never_answers())
    await centre.agent("1002", never_answers())
    await centre.pbx.ari.configure("aor", "1001", {"qualify_frequency": "1", "qualify_timeout": "0.5"})
    await centre.world.asterisk.pause()
    await centre.until_status("1001", "unavailable")
    assert (await centre.status("1002"))["status"] == "available"
    await centre.world.asterisk.unpause()
    await centre.until_status("1001", "available")


async def test_what_happened_while_the_websocket_was_cut(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    async with contact_centre(tmp_path, start_asterisk, world, connect="inbound", proxied=True) as centre:
        await centre.queue()
        await centre.agent("1001", answers(listen=False))
        await centre.proxy.cut()
        await centre.pbx.cli("channel originate PJSIP/1001 application Wait 600")
        private = await centre.phones["1001"].next_call()
        await centre.proxy.start()
        await centre.until_status("1001", "unavailable")
        await centre.proxy.cut()
        await private.hang_up()
        await private.ended.wait()
        await centre.proxy.start()
        await centre.until_status("1001", "available")


async def test_events_of_a_followed_phone_come_once(start_asterisk: Any, world: PhoneBox) -> None:
    """Asterisk sends those of a channel of ours by two ways then: a digit must not be pressed twice."""
    async with a_house(start_asterisk, world) as house:
        heard: list[Received] = []
        pass_on = house.node.on_event

        def hear(event: Received) -> None:
            heard.append(event)
            pass_on(event)

        house.node.on_event = hear
        await house.phone("1001")
        await house.node.subscribe("endpoint:PJSIP/1001")
        legs: list[Leg] = []

        async def plan(call: Call) -> None:
            legs.append(call.new_leg("callee", endpoint="PJSIP/1001"))
            await dial(legs[0], shown=Party("0301"))
            await legs[0].until(LegState.GONE)

        await house.caller(plan, listen=False)
        callee = await house.world.extensions["1001"].next_call()
        await callee.answered.wait()
        async with asyncio.timeout(PATIENCE):
            while legs[0].state is not LegState.UP:
                await asyncio.sleep(0.01)
        await callee.send_digits("12")
        async with asyncio.timeout(PATIENCE):
            while sum(isinstance(event, events.ChannelDtmfReceived) for event in heard) < 2:
                await asyncio.sleep(0.01)
        await callee.hang_up()
        await house.idle()
        await house.node._fence()
        about = [event for event in heard if getattr(getattr(event, "channel", None), "id", "") == legs[0].id]
        assert [event.digit for event in about if isinstance(event, events.ChannelDtmfReceived)] == ["1", "2"]
        assert [e.channel.state for e in about if isinstance(e, events.ChannelStateChange)] == ["Ringing", "Up"]
        assert sum(isinstance(event, events.ChannelDestroyed) for event in about) == 1
        told = [event.endpoint for event in heard if isinstance(event, events.EndpointStateChange)]
        while told and not told[0].channel_ids:  # that the endpoint is there now may be told after we subscribed
            told.pop(0)
        assert [endpoint.channel_ids for endpoint in told] == [[legs[0].id], []]


async def test_a_phone_that_rings_is_taken_off_the_hook_for_a_call_out(centre: ContactCentre) -> None:
    """The caller goes to the next agent at once, and nobody is blamed."""
    await centre.agent("1001", never_answers(), skill=1)
    await centre.agent("1002", answers(after=0.1), skill=2)
    await centre.world.line("1001", "secret")
    caller = await centre.world.call("500", centre.pbx)
    first = await centre.phones["1001"].next_call()
    await first.ringing.wait()
    private = await centre.world.call("100", centre.pbx, line="1001")
    await first.ended.wait()
    second = await centre.phones["1002"].next_call()
    await second.answered.wait()
    assert (await centre.status("1001"))["status"] == "unavailable"
    await private.hang_up()
    await centre.until_status("1001", "available")
    await caller.hang_up()
    await centre.idle()
    outcomes = centre.server.rows("SELECT outcome FROM offers ORDER BY id")
    assert [row["outcome"] for row in outcomes] == ["private_call", "answered"]
    assert centre.server.rows("SELECT * FROM queue_log WHERE event = 'RINGNOANSWER'") == []


async def test_pause_and_sign_out_during_a_call_wait_for_its_end(centre: ContactCentre) -> None:
    await centre.queue("501")
    await centre.agent("1001", answers(), "500", "501")
    caller = await centre.world.call("500", centre.pbx)
    await centre.until_status("1001", "onCall")
    await centre.act("pause", "1001", queue="500")
    await centre.act("signOut", "1001", queue="501")
    assert (await centre.status("1001"))["pendingPause"]
    assert (await centre.status("1001", "501"))["pendingSignOut"]
    # killed in the midst of it, it is not forgotten
    await centre.server.kill()
    await centre.server.start()
    assert (await centre.until_status("1001", "onCall"))["pendingPause"]
    assert (await centre.status("1001", "501"))["pendingSignOut"]
    await caller.hang_up()
    row = await centre.until_status("1001", "paused")
    assert not row["pendingPause"]
    rows = await centre.server.request("GET", "/call_queue_agent_status", {"agent": centre.agents["1001"]})
    assert [row["queue"] for row in rows] == ["500"]
    await centre.idle()
