"""What an attachment hears of a phone whose packets are lost and late on their way to Asterisk."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from ari_app.calls.call import Call
from ari_app.calls.leg import LegState
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.external_media import TransportKind
from ari_app.media.transports.port import Traffic
from tests.harness import net
from tests.harness.bad_phone import BadPhone, a_bad_phone
from tests.integration.house import House
from tests.integration.test_media_transports import Recorder, attached, ports
from tests.unit.calls.stage import Script

#: packets: 6 s
PACKETS = 300
LOSS, JITTER = 0.05, 0.06


@dataclass
class Hearing:
    """A phone, and who listens to it."""

    phone: BadPhone
    ears: dict[TransportKind, Recorder]
    traffic: dict[TransportKind, Traffic]

    @property
    def silent(self) -> dict[TransportKind, int]:
        """Frames in which there is nothing at all, of those that came."""
        return {kind: sum(frame is not None and not any(frame) for frame in ear.got) for kind, ear in self.ears.items()}


async def test_loss_and_jitter_of_a_phone_are_silence(start_asterisk: Any) -> None:
    """They are gone before Asterisk hands the audio on: no transport can mark them as lost. Most are late and not lost,
    and come in time where the leg has a jitter buffer."""
    address = net.free_address()
    house = House(await start_asterisk("lossy", environment={"TRUNK_MATCH": address}), None)  # type: ignore[arg-type]

    async def stays(call: Call) -> None:
        await answer(call.caller)
        if call.number == "301":
            # as its dialplan would, before Stasis
            name = "JITTERBUFFER(adaptive)"
            await house.node.channels.setChannelVar(channelId=call.caller.id, variable=name, value="default")
        await call.caller.until(LegState.GONE)

    house.programs |= {number: Script(stays) for number in ("300", "301")}
    await house.start()
    try:
        async with AsyncExitStack() as stack:
            made = [await stack.enter_async_context(ports(house, kind)) for kind in TransportKind]

            async def one(number: str) -> Hearing:
                phone = await stack.enter_async_context(
                    a_bad_phone(house.pbx.sip, number, address=address, loss=LOSS, jitter=JITTER)
                )
                (call,) = (call for call in house.registry.calls.values() if call.number == number)
                ears, attaches = {}, {}
                for each in made:
                    attaches[each.kind], ears[each.kind] = await stack.enter_async_context(attached(call.caller, each))
                await phone.talk(50)  # until then nothing has to be heard
                for ear in ears.values():
                    ear.got.clear()
                await phone.talk(PACKETS)
                traffic = {kind: attach.transport.traffic() for kind, attach in attaches.items()}
                return Hearing(phone, ears, traffic)

            plain, buffered = await asyncio.gather(one("300"), one("301"))
            for hearing in (plain, buffered):
                await hearing.phone.hang_up()
        await house.idle()
    finally:
        await house.stop()
    for hearing in (plain, buffered):
        assert hearing.phone.lost > 5
        for kind, traffic in hearing.traffic.items():
            assert traffic.frames_lost == 0
            # it goes on in real time all the same
            assert len(hearing.ears[kind].got) > PACKETS / 2
    for kind in TransportKind:
        # about a quarter of them; a machine that stands still makes more of both
        assert plain.silent[kind] - buffered.silent[kind] > 20, (plain.silent, buffered.silent)
