"""Wideband calls (G.722) and bots that hear and speak at 16 kHz: what is above 4 kHz arrives, both ways."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

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
from ari_app.media.transports import rtp
from ari_app.media.transports.audiosocket import Kind, Message, Parser, build
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction
from tests.harness.patience import PATIENCE
from tests.harness.phones import Phone, PhoneBox, answers
from tests.integration.house import House, a_house

#: Hz; none of them goes through a telephone line of 8 kHz
PHONE, BOT = 5000, 6000
RATE, WINDOW = 16000, 3200


def tone(hz: int, seconds: float = 1.0) -> Any:
    return 4000 * np.sin(np.arange(RATE * seconds) * 2 * np.pi * hz / RATE)


class Bot:
    """Hears, and says a tone, if it is to."""

    def __init__(self, says: int = 0) -> None:
        self.says = says
        self._heard = np.zeros(0, np.int16)
        self._more = asyncio.Event()
        self.sizes: set[int] = set()
        self.url = ""

    def take(self, audio: bytes, order: str = "<i2") -> None:
        self.sizes.add(len(audio))
        self._heard = np.concatenate([self._heard, np.frombuffer(audio, order).astype(np.int16)])[-WINDOW:]
        self._more.set()

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
async def over_websocket(bot: Bot) -> AsyncIterator[str]:
    async def serving(connection: ServerConnection) -> None:
        async for message in connection:
            if isinstance(message, bytes):
                bot.take(message)
            elif json.loads(message)["event"] == "MEDIA_START":
                assert json.loads(message)["format"] == "slin16"
                assert json.loads(message)["optimal_frame_size"] == 640
                if bot.says:
                    for _ in range(10):
                        await connection.send(tone(bot.says).astype("<i2").tobytes())

    async with serve(serving, "127.0.0.1", 0, subprotocols=["media"], compression=None) as server:  # type: ignore[list-item]
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"


@asynccontextmanager
async def over_audiosocket(bot: Bot) -> AsyncIterator[str]:
    class Connection(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            made.append(transport)
            self.transport, self.parser = transport, Parser()
            self.said = not bot.says

        def data_received(self, data: bytes) -> None:
            for message in self.parser.feed(data):
                if message.kind is Kind.AUDIO_16K:
                    bot.take(message.payload)
                    if not self.said:  # what is said before audio comes is dropped
                        self.say()

        def say(self) -> None:
            self.said = True
            audio = tone(bot.says, 10).astype("<i2").tobytes()
            for at in range(0, len(audio), 640):
                self.transport.write(build(Message(Kind.AUDIO_16K, audio[at : at + 640])))

    made: list[asyncio.Transport] = []
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    try:
        yield f"audiosocket://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for transport in made:
            transport.abort()


@asynccontextmanager
async def over_rtp(bot: Bot) -> AsyncIterator[str]:
    class Socket(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.sent = 0
            self.tone = tone(bot.says).astype(">i2").tobytes()

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.DatagramTransport, transport)

        def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
            packet = rtp.parse(data)
            if packet is None or packet.payload_type != rtp.L16_16K:
                return
            bot.take(packet.payload, ">i2")
            if bot.says:  # one for each that comes, so as fast as time goes
                at = 640 * self.sent % len(self.tone)
                answer = rtp.Packet(rtp.L16_16K, self.sent % 65536, 320 * self.sent, 1, self.tone[at : at + 640])
                self.transport.sendto(rtp.build(answer), addr)
                self.sent += 1

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Socket, ("127.0.0.1", 0))
    try:
        yield f"rtp://127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


OVER = {
    TransportKind.WEBSOCKET: over_websocket,
    TransportKind.AUDIOSOCKET: over_audiosocket,
    TransportKind.RTP: over_rtp,
}


@asynccontextmanager
async def running(bot: Bot, kind: TransportKind) -> AsyncIterator[Bot]:
    async with OVER[kind](bot) as bot.url:
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


@pytest.mark.parametrize("kind", list(TransportKind))
async def test_what_is_above_4_khz_is_heard_and_said(house: House, kind: TransportKind) -> None:
    """Between Asterisk and us, and between us and the bot, over one transport."""
    ports = MediaPorts(house.clock, Ticker(house.clock), kind)
    await ports.start()
    desk = MediaDesk(house.registry, ports, lambda _account, _extension: None, private=networks("127.0.0.1"), limit=3)
    legs, phones, over = await wide_call(house)
    await phones[0].play(house.world.wide_tone_file(PHONE))
    async with running(Bot(), kind) as near, running(Bot(says=BOT), kind) as speaker, running(Bot(), kind) as far:

        async def attach(bot: Bot, leg: Leg, **how: Any) -> str:
            request = MediaRequest(target=targets.parse(bot.url), format="slin16", **how)
            return await desk.start(leg.call.account, leg, request)

        made = await attach(near, legs[0], direction=Direction.LISTEN)
        await attach(far, legs[1], direction=Direction.LISTEN, hear=Side.OTHERS)
        await asyncio.gather(near.hears(PHONE), far.hears(PHONE))
        assert near.sizes == {640}
        await attach(speaker, legs[0], direction=Direction.BOTH, heard_by=Side.OTHERS)
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
