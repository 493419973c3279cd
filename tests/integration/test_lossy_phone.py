"""What an attachment hears of a phone whose packets are lost and late on their way to Asterisk."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from ari_app.calls.call import Call
from ari_app.calls.leg import LegState
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.external_media import TransportKind
from tests.harness import net
from tests.harness.bad_phone import a_bad_phone
from tests.integration.house import House
from tests.integration.test_media_transports import attached, ports
from tests.unit.calls.stage import Script

#: packets: 6 s
PACKETS = 300
LOSS, JITTER = 0.05, 0.06


async def _stays(call: Call) -> None:
    await answer(call.caller)
    await call.caller.until(LegState.GONE)


async def test_loss_and_jitter_of_a_phone_are_silence(start_asterisk: Any) -> None:
    """They are gone before Asterisk hands the audio on: no transport can mark them as lost."""
    address = net.free_address()
    house = House(await start_asterisk("lossy", environment={"TRUNK_MATCH": address}), None)  # type: ignore[arg-type]
    house.programs["300"] = Script(_stays)
    await house.start()
    try:
        async with AsyncExitStack() as stack:
            phone = await stack.enter_async_context(
                a_bad_phone(house.pbx.sip, "300", address=address, loss=LOSS, jitter=JITTER)
            )
            (call,) = house.registry.calls.values()
            attachments = {}
            for kind in TransportKind:
                made = await stack.enter_async_context(ports(house, kind))
                attachments[kind] = await stack.enter_async_context(attached(call.caller, made))
            await phone.talk(50)  # until then nothing has to be heard
            starts = {kind: len(ear.got) for kind, (_, ear) in attachments.items()}
            await phone.talk(PACKETS)
            heard = {kind: ear.got[starts[kind] :] for kind, (_, ear) in attachments.items()}
            traffic = {kind: attach.transport.traffic() for kind, (attach, _) in attachments.items()}
            await phone.hang_up()
        await house.idle()
    finally:
        await house.stop()
    assert phone.lost > 5
    for kind in TransportKind:
        assert traffic[kind].frames_lost == heard[kind].count(None) == 0
        # it goes on in real time all the same
        assert len(heard[kind]) > PACKETS / 2
        # what is lost, and of the rest what is too late: a quarter of all, where the machine does not add to it
        assert sum(not any(frame) for frame in heard[kind] if frame) > phone.lost
