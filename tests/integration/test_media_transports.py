"""External media on a live call, over each transport: what is heard and what is said, measured at both ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from ari_app.calls.leg import Leg
from ari_app.calls.verbs.attach import Attach, Side
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.clock import SystemClock
from ari_app.media.frames import FRAME_BYTES, Frame
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction
from tests.harness import audio
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox
from tests.integration.house import CALLEE, CALLER, House, a_house, talking

KHZ = 1000
#: what we say goes to a phone as G.711 and through two Asterisks: within a decibel, and a hertz
LEVEL, PITCH = 1.0, 1.0


class Recorder:
    """An ear that keeps what came."""

    def __init__(self) -> None:
        self.got: list[Frame] = []
        self.reasons: list[str] = []
        self._wanted = 0
        self._enough = asyncio.Event()
        self.over = asyncio.Event()

    def frames(self, frames: Sequence[Frame]) -> None:
        self.got += frames
        if len(self.got) >= self._wanted:
            self._enough.set()

    def ended(self, reason: str) -> None:
        self.reasons.append(reason)
        self.over.set()

    async def next(self, seconds: float) -> audio.Samples:
        """What comes from now on, so many seconds of it."""
        first, count = len(self.got), round(seconds * 50)
        self._wanted = first + count
        self._enough.clear()
        async with asyncio.timeout(30):
            while len(self.got) < self._wanted:
                await self._enough.wait()
                self._enough.clear()
        return audio.from_pcm(b"".join(frame or bytes(FRAME_BYTES) for frame in self.got[first : first + count]))


def pitch(samples: audio.Samples) -> float:
    """The strongest frequency near KHZ: what most pieces of the sound have, as a packet that is late breaks one."""
    return float(np.median([_pitch(piece) for piece in audio.hops(samples, 0.4, 0.2)]))


def _pitch(samples: audio.Samples, near: float = KHZ) -> float:
    """The strongest frequency within 100 Hz of one, by the peak of the spectrum and its neighbours."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    low = round((near - 100) * len(samples) / audio.RATE)
    high = round((near + 100) * len(samples) / audio.RATE)
    top = low + int(np.argmax(spectrum[low:high]))
    left, peak, right = np.log(spectrum[top - 1 : top + 2] + 1e-12)
    shift = (left - right) / (2 * (left - 2 * peak + right))
    return float((top + shift) * audio.RATE / len(samples))


@pytest.fixture
async def house(start_asterisk: Any, world: PhoneBox) -> AsyncIterator[House]:
    async with a_house(start_asterisk, world) as made:
        yield made


@asynccontextmanager
async def ports(house: House, kind: TransportKind) -> AsyncIterator[MediaPorts]:
    made = MediaPorts(house.clock, Ticker(house.clock), kind)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def attached(leg: Leg, made: MediaPorts, **how: Any) -> AsyncIterator[tuple[Attach, Recorder]]:
    ear = Recorder()
    attach = Attach(leg, made, ear, **how)
    await attach.open()
    try:
        yield attach, ear
    finally:
        await attach.close()


async def speak(attach: Attach, hz: float, seconds: float) -> None:
    """Say a tone: all that fits at once, and the rest when there is room."""
    data = audio.to_pcm(audio.sine(hz, seconds))
    while data:
        data = data[attach.transport.say(data) :]
        await asyncio.sleep(0.1)


async def measure(house: House, made: MediaPorts) -> None:
    talk, caller, callee = await talking(house)
    async with attached(talk.call.caller, made) as (attach, ear):
        await caller.play_tone(KHZ)
        await ear.next(0.5)
        heard = await ear.next(2)
        assert abs(pitch(heard) - KHZ) < PITCH
        assert abs(audio.mean_level(heard, KHZ) - audio.TONE_LEVEL) < LEVEL
        await caller.silence()
        speaking = asyncio.create_task(speak(attach, KHZ, 30))
        await caller.wait_tones(KHZ)
        assert caller.ear is not None
        start = caller.ear.heard().seconds
        await caller.ear.wait_for(lambda it: it.heard().seconds > start + 2, within=PATIENCE)
        at_phone = caller.ear.recent(1.6)
        assert abs(pitch(at_phone.samples) - KHZ) < PITCH
        assert abs(at_phone.level(KHZ) - audio.TONE_LEVEL) < LEVEL
        assert callee.ear is not None
        assert not callee.ear.recent(0.4).hears(KHZ)  # he whispers: to the caller alone
        speaking.cancel()
        attach.transport.hush()
        await caller.wait_tones(CALLEE, absent=(KHZ,))
        traffic = attach.transport.traffic()
        assert traffic.frames_out > 50
        assert traffic.frames_lost == traffic.refused == 0
    await asyncio.wait_for(ear.over.wait(), PATIENCE)
    # the call itself has not noticed
    await asyncio.gather(caller.play_tone(CALLER), callee.play_tone(CALLEE))
    await asyncio.gather(caller.wait_tones(CALLEE), callee.wait_tones(CALLER))
    await caller.hang_up()
    await house.idle()
    assert len(made.ticker) == 0


@pytest.mark.parametrize("kind", list(TransportKind))
async def test_one_kilohertz_in_and_out(house: House, kind: TransportKind) -> None:
    async with ports(house, kind) as made:
        await measure(house, made)


async def test_one_kilohertz_where_asterisk_connects_to_us(start_asterisk: Any, world: PhoneBox) -> None:
    """And whoever else connects there, or shows another password, is turned away."""
    made = MediaPorts(
        SystemClock(),
        Ticker(SystemClock()),
        websocket_at=("127.0.0.1", 0),
        websocket_user="asterisk",
        websocket_password="asterisk-password",
    )
    await made.start()
    assert made.websocket_at is not None
    assert made.websocket is not None
    uri = f"ws://127.0.0.1:{made.websocket_at[1]}"
    try:
        async with a_house(start_asterisk, world, MEDIA_WS_URI=uri) as house:
            await measure(house, made)
            assert made.websocket.refused == 0
        for user, status in (("asterisk:asterisk-password", 404), ("asterisk:another", 401)):
            host = uri.replace("ws://", f"ws://{user}@")
            with pytest.raises(InvalidStatus) as caught:
                await connect(f"{host}/?attachment=media-1", proxy=None)
            assert caught.value.response.status_code == status
    finally:
        await made.close()


async def test_listening_and_speaking_to_sides(house: House) -> None:
    """hear: the others, as the party hears them; heard by both."""
    async with ports(house, TransportKind.WEBSOCKET) as made:
        talk, caller, callee = await talking(house)
        async with attached(talk.call.caller, made, direction=Direction.LISTEN, hear=Side.OTHERS) as (_, ear):
            await ear.next(0.3)
            heard = await ear.next(1)
            assert (audio.hears(heard, CALLEE), audio.hears(heard, CALLER)) == (True, False)
        async with attached(talk.call.caller, made, direction=Direction.SPEAK, heard_by=Side.BOTH) as (attach, ear):
            speaking = asyncio.create_task(speak(attach, KHZ, 30))
            await asyncio.gather(caller.wait_tones(KHZ, CALLEE), callee.wait_tones(KHZ, CALLER))
            speaking.cancel()
            assert ear.got == []
        await caller.hang_up()
        await house.idle()


async def test_it_ends_with_its_call(house: House) -> None:
    async with ports(house, TransportKind.WEBSOCKET) as made:
        talk, caller, _ = await talking(house)
        ear = Recorder()
        attach = Attach(talk.call.caller, made, ear)
        await attach.open()
        await ear.next(0.2)
        await caller.hang_up()
        await asyncio.wait_for(attach.until_over(), PATIENCE)
        await attach.close()
        await house.idle()
        assert len(ear.reasons) == 1
