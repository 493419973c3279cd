"""The media plane: how many channels of full-duplex audio a core carries, over each transport, analysed or not.

    python -m bench.media [--channels 600] [--seconds 10] [--transport rtp] [--write]

A process of its own (peers/media_sender.py) does Asterisk's part: 50 frames a second each way on every channel. What is
measured is this process's time on the processor (user and system) while it carries them, so many channels' worth of a
core, with the event loop that the server runs (uvloop). Analysis is voice activity and the measurement for tones,
batched over all channels (media/batch.py), as a call's is.
Frame age is from the sender's clock just before it sends to the end of the batch that the frame is analysed in, or
without analysis to the listener.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import uvloop

from ari_app.clock import SystemClock
from ari_app.media import features, memory
from ari_app.media.batch import Batch, Hear, Line
from ari_app.media.features import Features
from ari_app.media.frames import FRAME_BYTES, FRAME_MS, Frame
from ari_app.media.g711 import ulaw_encode
from ari_app.media.transports.asterisk_socket import MESSAGE, AsteriskSocket, connect_to_asterisk
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.audiosocket_server import AudioSocketServer
from ari_app.media.transports.pacing import BOX_FRAMES, PERIOD, Ticker
from ari_app.media.transports.port import Direction, Ear
from ari_app.media.transports.rtp_shared import RtpPorts
from ari_app.media.transports.tcp_reader import TcpReader
from bench.network import of_its_own
from bench.report import Row, machine, percentile, table, write

HOST = "127.0.0.1"
TRANSPORTS = ("rtp", "websocket", "audiosocket")
#: channels of a core with analysis, at least
GOALS = {"rtp": 2000.0, "websocket": 1500.0}
#: of so many channels one is looked at for the age of its frames
SAMPLE = 32
#: what is measured runs on the first, its sender on the last
_CORES = sorted(os.sched_getaffinity(0))
_SPEECH = bytes(FRAME_BYTES) * BOX_FRAMES
#: seconds after which more is given out to be said: twice of it
REFILL_EVERY = 0.5


def age(frame: bytes, *, coded: bool) -> float:
    """Seconds since a frame was sent (media_sender.digits)."""
    if coded:
        first, second, third = (code - 0x80 for code in ulaw_encode(frame[:6]))
    else:
        first, second, third = frame[0], frame[2], frame[4]
    sent = first * 10_000 + second * 100 + third
    return ((time.monotonic() * 10_000 - sent) % 1_000_000) / 10_000


class Listener:
    """Who hears a channel, and nothing more."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def frames(self, frames: Sequence[Frame]) -> None:
        """As in Ear."""

    def ended(self, reason: str) -> None:
        """As in Ear."""
        if not self.bench.over:
            raise AssertionError(f"a channel ended: {reason}")


class Watch(Listener):
    """Who hears a channel, or its analysis, and looks at the age of each frame."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._frames: deque[bytes] = deque()
        self.line = bench.line(self._measured) if bench.analysed else None

    def frames(self, frames: Sequence[Frame]) -> None:
        self._frames += [frame for frame in frames if frame is not None]
        if self.line is not None:
            self.line.frames(frames)
        else:
            while self._frames:
                self._look()

    def _measured(self, features: Features, _frame: Frame) -> None:
        if not features.lost:
            self._look()

    def _look(self) -> None:
        self.bench.ages.append(age(self._frames.popleft(), coded=self.bench.coded))


@dataclass
class Result:
    channels_a_core: float
    lost_in: int
    lost_out: int
    ages: list[float]
    sender_late: int


class Bench:
    """One transport, one run."""

    def __init__(self, transport: str, channels: int, seconds: float, *, analysed: bool) -> None:
        self.transport, self.channels, self.seconds, self.analysed = transport, channels, seconds, analysed
        self.coded = transport == "rtp"
        self.over = False
        self.ages: list[float] = []
        self.clock = SystemClock()
        self.ticker = Ticker(self.clock)
        self.batch = Batch(self.ticker, self.clock)
        self.attachments: list[Attachment] = []
        self._lines: list[Line] = []
        self._before = 0  # frames of a channel that were heard before the run
        self._close: list[Callable[[], Any]] = []

    async def run(self) -> Result:
        peer = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.peers.media_sender",
            self.transport,
            str(self.channels),
            str(self.seconds),
            str(_CORES[-1]),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert peer.stdin is not None
        assert peer.stdout is not None
        told = await self._open(peer.stdin, peer.stdout)
        peer.stdin.write(json.dumps(told).encode() + b"\n")
        stop = Ticker(self.clock, REFILL_EVERY).add(lambda _periods: self._speak())
        self._speak()
        gc.collect()
        gc.freeze()
        used = time.process_time()
        report = json.loads(await peer.stdout.readline())
        for _ in range(100):  # what the sender was ahead of us on a busy machine
            if (heard := self._heard()) >= report["sent"]:
                break
            await asyncio.sleep(0.02)
        used = time.process_time() - used
        while self.batch.ready:  # each turn measures so much of a channel at most
            self.batch.measure()
        measured = sum(line.channel.at // FRAME_MS for line in self._lines)
        if self.analysed and measured != heard + self._before:
            raise AssertionError(f"{measured} frames were measured, and {heard + self._before} heard")
        out = sum(attachment.traffic().frames_out for attachment in self.attachments)
        lost = sum(attachment.traffic().frames_lost for attachment in self.attachments)
        stop()
        self.over = True
        for attachment in self.attachments:
            attachment.close()
        for close in self._close:
            await close()
        peer.stdin.write(b"\n")
        await peer.wait()
        gc.unfreeze()
        on_their_way = MESSAGE if self.transport == "websocket" else 5
        return Result(
            channels_a_core=self.channels * self.seconds / used,
            lost_in=lost + max(0, report["sent"] - heard),
            # what was sent after the sender had counted: of 0.1 s, or a message
            lost_out=max(0, out - self.channels * on_their_way - report["received"]),
            ages=self.ages,
            sender_late=report["late"],
        )

    def line(self, hear: Hear) -> Line:
        """A channel that is analysed."""
        self._lines.append(self.batch.join(hear, Listener(self).ended))
        return self._lines[-1]

    def _ear(self) -> Ear:
        """Of the next channel."""
        if len(self.attachments) % SAMPLE == 0:
            return Watch(self)
        return self.line(lambda _features, _frame: None) if self.analysed else Listener(self)

    def _heard(self) -> int:
        """Frames in this run."""
        return sum(attachment.traffic().frames_in for attachment in self.attachments) - self._before

    def _speak(self) -> None:
        """Have something to say for all the time."""
        for attachment in self.attachments:
            attachment.say(_SPEECH[: 2 * FRAME_BYTES * round(REFILL_EVERY / PERIOD) - attachment.waiting * FRAME_BYTES])

    def _reader(self) -> TcpReader:
        """As in media/ports.py."""
        reader = TcpReader(self.clock)
        reader.after_reading = self.batch.measure
        return reader

    async def _open(self, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader) -> dict[str, Any]:
        both = Direction.BOTH
        if self.transport == "rtp":
            ports = RtpPorts(clock=self.clock, ticker=self.ticker, host=HOST)
            ports.after_reading = self.batch.measure
            for _ in range(self.channels):
                rtp = ports.open(self._ear())
                self.attachments.append(rtp)
                stdin.write(f"{rtp.address[1]}\n".encode())
                while rtp.peer is None:  # calls begin one after the other
                    await asyncio.sleep(0.001)
                    ports.read()
            self.batch.measure()
            self._before = self._heard()
            self.ages.clear()
            return {}
        if self.transport == "audiosocket":
            server = AudioSocketServer(clock=self.clock, ticker=self.ticker, reader=self._reader())
            _, port = await server.open(HOST)
            self._close.append(server.close)
            names: list[UUID] = [uuid4() for _ in range(self.channels)]
            for name in names:
                self.attachments.append(server.expect(name, self._ear(), direction=both))
            return {"port": port, "uuids": [str(name) for name in names]}
        port = json.loads(await stdout.readline())["port"]
        reader = self._reader()
        for number in range(self.channels):
            made = AsteriskSocket(self._ear(), ticker=self.ticker, direction=both, reader=reader)
            await connect_to_asterisk(made, f"ws://{HOST}:{port}/media/{number}", user="bench", password="")
            self.attachments.append(made)
        return {}


def rows_of(transport: str, plain: Result, analysed: Result) -> list[Row]:
    return [
        Row(
            f"{transport}: full duplex, VAD and tones (peer: no analysis)",
            "channels/core",
            analysed.channels_a_core,
            peer=plain.channels_a_core,
            goal=GOALS.get(transport),
        ),
        Row(
            f"{transport}: frames lost, both ways (peer: no analysis)",
            "frames",
            analysed.lost_in + analysed.lost_out,
            peer=plain.lost_in + plain.lost_out,
            goal=0.0,
        ),
        Row(
            f"{transport}: age of a frame when it is analysed, p50 (peer: heard, not analysed)",
            "ms",
            1000 * percentile(analysed.ages, 50),
            peer=1000 * percentile(plain.ages, 50),
        ),
        Row(
            f"{transport}: age of a frame when it is heard, p99",
            "ms",
            1000 * percentile(plain.ages, 99),
            goal=20.0,
        ),
        Row(
            f"{transport}: age of a frame when it is analysed, p99",
            "ms",
            1000 * percentile(analysed.ages, 99),
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--transport", choices=TRANSPORTS, action="append")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    memory.keep()
    os.sched_setaffinity(0, {_CORES[0]})
    network = "its own" if of_its_own() else "the machine's"
    rows: list[Row] = []
    late: dict[str, int] = {}
    before = machine(
        channels=given.channels,
        seconds=given.seconds,
        network=network,
        compiled=features.compiled is not None,
        load_before=round(os.getloadavg()[0], 2),
    )
    for transport in given.transport or TRANSPORTS:
        results = [
            uvloop.run(Bench(transport, given.channels, given.seconds, analysed=analysed).run())
            for analysed in (False, True)
        ]
        rows += rows_of(transport, *results)
        late[transport] = sum(result.sender_late for result in results)
    print(table(rows))
    print("milliseconds in which the sender was late by more than 5 ms:", late)
    if given.write:
        write("media", before | {"sender_late": late}, rows)


if __name__ == "__main__":
    main()
