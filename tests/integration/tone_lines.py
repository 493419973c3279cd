"""A tone through a real Asterisk: two ends of external media in a bridge, each says a tone to the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ari_app.ari import events
from ari_app.ari.node import Node
from ari_app.ari.protocol import Received
from ari_app.calls.registry import Registry
from ari_app.media.frames import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES, RATE, Frame
from ari_app.media.ports import MediaPorts, NearHere
from ari_app.media.transports.asterisk_socket import media_url
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.port import Direction
from tests.harness import audio
from tests.harness.patience import PATIENCE

#: Hertz. Of 20 ms it has 20.08 periods, so that a frame too many or too few turns its phase by 29 degrees.
TONE = 1004.0
#: Frames that wait to be said at a time: 4 s.
_AHEAD = 200


class ToneEar:
    """Measures a tone frame by frame, and keeps three numbers of each."""

    def __init__(self, hz: float) -> None:
        self._turn = np.exp(-2j * np.pi * hz * np.arange(FRAME_SAMPLES) / RATE) * 2 / FRAME_SAMPLES
        self._hz = hz
        #: amplitude and phase of the tone at each frame, against one that has begun with the first frame
        self.found: list[complex] = []
        self.lost = 0
        self.times: list[float] = []
        self.reason = ""
        self.more = asyncio.Event()

    def frames(self, frames: Sequence[Frame]) -> None:
        now = asyncio.get_running_loop().time()
        for frame in frames:
            if frame is None:
                self.lost += 1
            samples = np.frombuffer(frame or bytes(FRAME_BYTES), "<i2").astype(float) / 32768
            start = len(self.found) * FRAME_SAMPLES
            self.found.append(complex(samples @ self._turn * np.exp(-2j * np.pi * self._hz * start / RATE)))
            self.times.append(now)
        self.more.set()

    def ended(self, reason: str) -> None:
        self.reason = reason
        self.more.set()

    async def until(self, count: int) -> None:
        """Until so many frames have come."""
        while len(self.found) < count:
            assert not self.reason, self.reason
            self.more.clear()
            async with asyncio.timeout(PATIENCE):
                await self.more.wait()


@dataclass(frozen=True)
class Heard:
    """What one end has heard of the other's tone."""

    seconds: float
    level: float  # dBFS, of the median frame
    hertz: float
    #: frames whose level is 6 dB under that, in runs: each is a gap in the sound
    gaps: int
    silent_frames: int
    #: frames by which the phase turned between two that sound: audio left out, or said twice
    slips: int
    lost: int
    #: parts of a million by which frames came faster than the clock of this process
    drift: float


def judge(ear: ToneEar, first: int, hz: float) -> Heard:
    """What was heard from that frame on."""
    values = np.array(ear.found[first:])
    times = np.array(ear.times[first:])
    sizes = np.abs(values)
    loud = float(np.median(sizes))
    quiet = sizes < loud / 2
    gaps = int(np.sum(quiet[1:] & ~quiet[:-1]) + quiet[0])
    turns = np.angle(values[1:] * np.conj(values[:-1]))[~quiet[1:] & ~quiet[:-1]]
    steady = float(np.median(turns))
    slip = 2 * np.pi * (hz * FRAME_MS / 1000 % 1) / 2
    off = np.abs(np.angle(np.exp(1j * (turns - steady)))) > slip
    # a line through the times of arrival; frames that come in bursts are on both sides of it
    slope = float(np.polyfit(np.arange(len(times)), times, 1)[0]) if len(times) > 100 else FRAME_MS / 1000
    return Heard(
        seconds=len(values) * FRAME_MS / 1000,
        level=20 * float(np.log10(loud + 1e-9)),
        hertz=hz + steady / (2 * np.pi * FRAME_MS / 1000),
        gaps=gaps,
        silent_frames=int(quiet.sum()),
        slips=int(off.sum()),
        lost=ear.lost,
        drift=1e6 * (FRAME_MS / 1000 / slope - 1),
    )


class End:
    """One end of external media."""

    def __init__(self, registry: Registry, node: Node, ports: MediaPorts, name: str, hz: float = TONE) -> None:
        """name: of its channel."""
        #: stands between Asterisk and us: told where we listen, says where Asterisk is to send
        self.by_way_of: Callable[[str], Awaitable[str]] | None = None
        self.node, self.name, self.hz = node, name, hz
        self.ear = ToneEar(hz)
        self.near = NearHere(ports, self.ear, Direction.BOTH)
        self._registry = registry
        self._said = 0

    async def open(self) -> None:
        """Have Asterisk make the channel."""
        entered = asyncio.Event()

        def on_event(event: Received) -> None:
            if isinstance(event, events.StasisStart):
                entered.set()

        self._registry.helpers[(self.node.name, self.name)] = on_event
        how: dict[str, Any] = dict(await self.near.offer(self.name))
        if self.by_way_of is not None:
            how["external_host"] = await self.by_way_of(how["external_host"])
        channel = await self.node.channels.externalMedia(
            channelId=self.name, app=self.node.app, direction="both", **how
        )
        options = self.node.http.options
        connection = (channel.channelvars or {}).get("MEDIA_WEBSOCKET_CONNECTION_ID", "")
        await self.near.made(media_url(options.base_url, connection), options.user, options.password)
        async with asyncio.timeout(PATIENCE):
            await entered.wait()

    @property
    def transport(self) -> Attachment:
        assert self.near.transport is not None
        return self.near.transport

    async def speak(self) -> None:
        """Say the tone for as long as it is wanted, without a break."""
        while True:
            room = _AHEAD - self.transport.waiting
            samples = np.arange(self._said, self._said + room * FRAME_SAMPLES)
            sound = 10 ** (audio.TONE_LEVEL / 20) * np.sin(2 * np.pi * self.hz * samples / RATE)
            if room > 0:
                self.transport.say(audio.to_pcm(sound))
                self._said += room * FRAME_SAMPLES
            await asyncio.sleep(0.5)

    async def close(self) -> None:
        """Hang up."""
        await self.node.channels.hangup(channelId=self.name)
        self.near.close("closed")
        self._registry.helpers.pop((self.node.name, self.name), None)


@asynccontextmanager
async def a_line(first: End, second: End) -> AsyncIterator[tuple[End, End]]:
    """Two ends that hear each other and speak. Not both RTP: it is only known where to send when something has come."""
    name, node = first.name, first.node
    speaking: list[asyncio.Task[None]] = []
    bridge = f"{name}-bridge"
    await first.open()
    await second.open()
    await node.bridges.createWithId(bridgeId=bridge, type="mixing")
    await node.bridges.addChannel(bridgeId=bridge, channel=[first.name, second.name])
    try:
        speaking += [asyncio.create_task(end.speak()) for end in (first, second)]
        yield first, second
    finally:
        for task in speaking:
            task.cancel()
        await asyncio.gather(*speaking, return_exceptions=True)
        for end in (first, second):
            await end.close()
        await node.bridges.destroy(bridgeId=bridge)


async def listen(ends: Sequence[End], seconds: float, settle: float = 1.0) -> list[Heard]:
    """What each end has heard in so many seconds of audio, after it has settled (jitter buffers, who sends where)."""
    firsts = []
    for end in ends:
        await end.ear.until(1)
        firsts.append(len(end.ear.found) + round(settle * 1000 / FRAME_MS))
    count = round(seconds * 1000 / FRAME_MS)
    for end, first in zip(ends, firsts, strict=True):
        await end.ear.until(first + count)
    return [judge(end.ear, first, end.hz) for end, first in zip(ends, firsts, strict=True)]
