"""How well a phone was heard: what Asterisk says of a stream that a phone loses and delays, in the record."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ari_app.calls import facts
from ari_app.calls.call import Call
from ari_app.calls.leg import LegState
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.music import music_start
from tests.harness import net
from tests.harness.bad_phone import a_bad_phone
from tests.harness.patience import PATIENCE
from tests.integration.house import House
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
    (told,) = house.store.of(facts.LegMeasured)
    (started,) = house.store.of(facts.LegStarted)
    kinds = [type(fact) for fact in house.store.facts]
    assert kinds.index(facts.LegMeasured) < kinds.index(facts.LegEnded)
    assert (told.leg, told.call, told.account) == (started.leg, started.call, 1)
    received, sent, rtt = told.quality.received, told.quality.sent, told.quality.rtt
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
