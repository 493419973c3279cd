"""How well a phone was heard: what Asterisk says of a stream that a phone loses and delays, in the record."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ari_app.calls import facts
from ari_app.calls.call import Call
from ari_app.calls.leg import LegState
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.music import music_start
from tests.harness import net
from tests.harness.bad_phone import a_bad_phone
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox
from tests.integration.house import CALLER, House, until_loud
from tests.integration.server import BASE, contact_centre
from tests.integration.test_events import told
from tests.integration.waiting import until
from tests.unit.calls.stage import Script

#: packets: 6 s, in which Asterisk sends a report (each 5 s)
PACKETS = 320
LOSS, JITTER, CLAIMED, CLAIMED_JITTER = 0.05, 0.06, 0.02, 0.005


async def _plays(call: Call) -> None:
    await answer(call.caller)
    await music_start(call.caller)
    await call.caller.until(LegState.GONE)


@pytest.mark.parametrize("who", ["the phone", "we"])
async def test_loss_and_jitter_of_a_phone_are_in_the_record(start_asterisk: Any, who: str) -> None:
    """It loses one packet in twenty, delays all by up to 60 ms, and reports that of ours one in fifty was lost."""
    address = net.free_address()
    house = House(await start_asterisk("quality", environment={"TRUNK_MATCH": address}), None)  # type: ignore[arg-type]
    house.programs["300"] = Script(_plays)
    await house.start()
    try:
        async with a_bad_phone(
            house.pbx.sip,
            "300",
            address=address,
            loss=LOSS,
            jitter=JITTER,
            claims=CLAIMED,
            claims_jitter=CLAIMED_JITTER,
        ) as phone:
            await phone.talk(PACKETS)
            async with asyncio.timeout(PATIENCE):
                await phone.reported.wait()
            (call,) = house.registry.calls.values()
            # a report must have been taken in: what comes after it on the same way
            await house.node.channels.rtpstatistics(channelId=call.caller.id)
            if who == "we":
                await house.node.channels.hangup(channelId=call.caller.id)
                async with asyncio.timeout(PATIENCE):
                    await phone.ended.wait()
            else:
                await phone.hang_up()
            await house.idle()
    finally:
        await house.stop()
    (measured,) = house.store.of(facts.LegMeasured)
    (started,) = house.store.of(facts.LegStarted)
    kinds = [type(fact) for fact in house.store.facts]
    assert kinds.index(facts.LegMeasured) < kinds.index(facts.LegEnded)
    assert (measured.leg, measured.call, measured.account) == (started.leg, started.call, 1)
    received, sent, rtt = measured.quality.received, measured.quality.sent, measured.quality.rtt
    assert received is not None
    # Asterisk goes by the packet that came last, and not all of the first have to count
    assert received.packets - received.lost == phone.sent - phone.lost
    assert received.lost == pytest.approx(phone.lost, abs=5)
    assert received.lost > 5
    # evenly spread, two in a row differ by a third of the most; a machine that is behind adds to it
    assert 0.005 < received.jitter < 0.2
    assert received.mos < 4.2
    assert sent is not None
    assert (sent.lost, sent.jitter) == (phone.claimed, CLAIMED_JITTER)
    assert sent.packets >= phone.heard
    assert rtt is not None
    assert 0 < rtt < 5


async def test_users_are_told(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    """By an event, by the record of the call, and by figures of all calls."""
    async with contact_centre(tmp_path, start_asterisk, world, CALL_QUALITY="1") as centre:
        server = centre.server
        await centre.queue()
        async with aiohttp.ClientSession() as http:
            url = f"http://127.0.0.1:{server.http_port}{BASE}/x/events?auth_key={server.key}"
            async with http.get(url) as stream:
                assert (await told(stream))["type"] == "Connected"
                caller = await world.call("500", centre.pbx, tone=CALLER)
                (waiting,) = await centre.until_waiting(1)
                await until_loud(caller)  # music
                await caller.hang_up()
                async with asyncio.timeout(PATIENCE):
                    while (event := await told(stream))["type"] != "LegMeasured":
                        pass
        assert event["call"] == waiting["id"]
        assert event["received"]["packets"] > 0
        row = await until(lambda: server.request("GET", f"/x/call/{waiting['id']}"), lambda row: row["endTime"])
        (leg,) = row["legs"]
        assert (leg["uniqueId"], leg["quality"]["received"]) == (event["leg"], event["received"])
        assert 'ariapp_leg_mos_count{direction="received"} 1.0' in await server.get_text("/metrics")
        await centre.idle()
