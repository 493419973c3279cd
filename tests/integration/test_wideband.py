"""Wideband calls (G.722) and bots that hear and speak at 16 kHz: what is above 4 kHz arrives, both ways."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve

from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.media import MediaDesk, MediaRequest
from ari_app.calls.verbs.attach import Side
from ari_app.calls.verbs.dial import DialOutcome, Party, dial
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.config import networks
from ari_app.media import targets
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction
from tests.harness.patience import PATIENCE
from tests.harness.phones import Phone, PhoneBox, answers
from tests.integration.house import House, a_house

#: Hz; none of them goes through a telephone line of 8 kHz
PHONE, BOT = 5000, 6000
RATE, WINDOW = 16000, 3200


class Bot:
    """Hears, and says a tone, if it is to."""

    def __init__(self, says: int = 0) -> None:
        self._says = says
        self._heard = np.zeros(0, np.int16)
        self._more = asyncio.Event()
        self.sizes: set[int] = set()
        self.url = ""

    async def serve(self, connection: ServerConnection) -> None:
        async for message in connection:
            if isinstance(message, bytes):
                self.sizes.add(len(message))
                self._heard = np.concatenate([self._heard, np.frombuffer(message, "<i2")])[-WINDOW:]
                self._more.set()
            elif json.loads(message)["event"] == "MEDIA_START":
                assert json.loads(message)["format"] == "slin16"
                assert json.loads(message)["optimal_frame_size"] == 640
                if self._says:
                    tone = 4000 * np.sin(np.arange(RATE) * 2 * np.pi * self._says / RATE)
                    for _ in range(10):
                        await connection.send(tone.astype("<i2").tobytes())

    async def hears(self, *tones: int) -> None:
        """Wait until these are what there is above 4 kHz, in two tenths of a second. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while True:
                await self._more.wait()
                self._more.clear()
                if len(self._heard) < WINDOW:
                    continue
                power = np.abs(np.fft.rfft(self._heard * np.hanning(WINDOW))) / (WINDOW / 4)
                peaks = []
                for place in (hz * WINDOW // RATE for hz in tones):
                    peaks.append(power[place])
                    power[place - 5 : place + 6] = 0
                if min(peaks) > 1000 and power[4200 * WINDOW // RATE :].max() < min(peaks) / 4:
                    return


@asynccontextmanager
async def running(bot: Bot) -> AsyncIterator[Bot]:
    async with serve(bot.serve, "127.0.0.1", 0, subprotocols=["media"], compression=None) as server:  # type: ignore[list-item]
        bot.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"
        yield bot


@pytest.fixture
async def house(start_asterisk: Any, world: PhoneBox) -> AsyncIterator[House]:
    async with a_house(start_asterisk, world) as made:
        yield made


async def wide_call(house: House) -> tuple[list[Leg], list[Phone], asyncio.Event]:
    """Two phones that speak G.722 talk to each other; their legs."""
    ready: asyncio.Future[list[Leg]] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()
    extensions = []
    for number in ("1001", "1002"):
        await house.pbx.provision(number, "secret", contact=house.world.contact(number), allow="g722")
        extensions.append(house.world.extension(number, answers(listen=False)))

    async def plan(call: Call) -> None:
        legs = [call.new_leg("callee", endpoint=f"PJSIP/{number}") for number in ("1001", "1002")]
        for leg in legs:
            assert await dial(leg, shown=Party("0301")) is DialOutcome.ANSWERED
        bridge = Bridge(call)
        await bridge.create()
        await bridge.add(*legs)
        ready.set_result(legs)
        await over.wait()

    await house.caller(plan, listen=False)
    legs = await asyncio.wait_for(ready, PATIENCE)
    return legs, [await extension.next_call() for extension in extensions], over


async def test_what_is_above_4_khz_is_heard_and_said(house: House) -> None:
    ports = MediaPorts(house.clock, Ticker(house.clock), TransportKind.WEBSOCKET)
    await ports.start()
    desk = MediaDesk(house.registry, ports, lambda _account, _extension: None, private=networks("127.0.0.1"), limit=3)
    legs, phones, over = await wide_call(house)
    await phones[0].play(house.world.wide_tone_file(PHONE))
    async with running(Bot()) as near, running(Bot(says=BOT)) as speaker, running(Bot()) as far:

        async def attach(bot: Bot, leg: Leg, **how: Any) -> str:
            request = MediaRequest(target=targets.parse(bot.url), format="slin16", **how)
            return await desk.start(leg.call.account, leg, request)

        made = await attach(near, legs[0], direction=Direction.LISTEN)
        await attach(far, legs[1], direction=Direction.LISTEN, hear=Side.OTHERS)
        await asyncio.gather(near.hears(PHONE), far.hears(PHONE))
        assert near.sizes == {640}
        await attach(speaker, legs[0], direction=Direction.SPEAK, heard_by=Side.OTHERS)
        await far.hears(PHONE, BOT)
        view = desk.view(legs[0].call.account, made)
        assert view.from_call is not None
        assert view.started_at is not None
        # frames of 20 ms, not of 10
        assert 0 < view.from_call.frames_in <= 60 * (house.clock.now() - view.started_at + 1)
    over.set()
    assert all(leg.state is not LegState.GONE or leg.cause for leg in legs)
    await house.idle()
    await ports.close()
