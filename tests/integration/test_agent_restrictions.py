"""agentRestrictions of a queue, with a phone that sends its calls elsewhere (SIP 302)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.phones import PhoneBox, never_answers
from tests.integration.server import ContactCentre, contact_centre

CALLER, AGENT = 440, 660
FORWARDING = """
[forwarding]
exten => _X.,1,Dial(PJSIP/${EXTEN},60)
 same => n,Hangup(${HANGUPCAUSE})
"""


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    extra = {"extensions.conf": FORWARDING}
    template = "Local/{extension}@forwarding"
    async with contact_centre(tmp_path, start_asterisk, world, extra=extra, FORWARD_TEMPLATE=template) as made:
        yield made


async def forwarded(centre: ContactCentre, to: str) -> None:
    """The first agent's phone rings, and sends the call on."""
    phone = await centre.phones["1001"].next_call(20)
    await phone.ringing.wait(20)
    await centre.world.ari.post(f"/channels/{phone.channel}/redirect", endpoint=f"PJSIP/sip:{to}@127.0.0.1")


async def test_as_dialled_a_forward_is_followed(centre: ContactCentre) -> None:
    """0: the call goes where the agent's phone sends it; whoever answers there talks for the agent."""
    await centre.queue(ringStrategy="linear", agentTimeout=60, agentRestrictions=0)
    await centre.agent("1001", never_answers())
    await centre.pbx.provision("1009", "secret", contact=centre.world.contact("1009"))
    elsewhere = centre.world.extension("1009", never_answers())
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    await forwarded(centre, "1009")
    phone = await elsewhere.next_call(20)
    await phone.answer()
    await phone.answered.wait(20)
    await phone.listen()
    await phone.play_tone(AGENT)
    await caller.wait_tones(AGENT, within=20)
    await phone.wait_tones(CALLER, within=20)
    assert (await centre.until_status("1001", "onCall", within=20))["status"] == "onCall"
    await caller.hang_up()
    await phone.ended.wait(20)
    await centre.idle(20)
    await centre.until_status("1001", "available", within=20)


@pytest.mark.parametrize("restrictions", [1, 2])
async def test_a_forward_is_not_followed(centre: ContactCentre, restrictions: int) -> None:
    """1 and 2: nobody is rung elsewhere, and the next agent is rung at once."""
    await centre.queue(ringStrategy="linear", agentTimeout=60, agentRetryTime=60, agentRestrictions=restrictions)
    for extension in ("1001", "1002"):
        await centre.agent(extension, never_answers())
    await centre.pbx.provision("1009", "secret", contact=centre.world.contact("1009"))
    elsewhere = centre.world.extension("1009", never_answers())
    caller = await centre.world.call("500", centre.pbx)
    await forwarded(centre, "1009")
    second = await centre.phones["1002"].next_call(20)
    await second.ringing.wait(20)
    assert elsewhere.calls == []
    assert (await centre.status("1001"))["status"] == "unavailable"
    await caller.hang_up()
    await centre.idle(20)


async def test_a_phone_that_does_not_forward_is_rung_as_ever(centre: ContactCentre) -> None:
    """0, with the phone's own ringing, a ring that is taken back, and an answer: it is not on a private call."""
    await centre.queue(ringStrategy="linear", agentTimeout=60, agentRestrictions=0)
    await centre.agent("1001", never_answers())
    first = await centre.world.call("500", centre.pbx)
    phone = await centre.phones["1001"].next_call(20)
    await phone.ringing.wait(20)
    await centre.until_status("1001", "ringing", within=20)
    await first.hang_up()
    await phone.ended.wait(20)
    await centre.until_status("1001", "available", within=20)
    second = await centre.world.call("500", centre.pbx, tone=CALLER)
    phone = await centre.phones["1001"].next_call(20)
    await phone.answer()
    await phone.answered.wait(20)
    await phone.listen()
    await phone.wait_tones(CALLER, within=20)
    await centre.until_status("1001", "onCall", within=20)
    await phone.hang_up(20)
    await second.ended.wait(20)
    await centre.idle(20)
