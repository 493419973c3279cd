"""A tone through a real Asterisk for ten minutes, over each transport at once, both ways and at both ends.

    python -m bench.media_endurance [--seconds 600] [--write]

Each line is two ends of external media in a bridge; one is of the transport that is looked at, the other a websocket.
Each says a tone of 1004 Hz, and measures the other's frame by frame: level, frequency, gaps, frames too many or too few
(by the phase), and how fast they come against this machine's clock.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from contextlib import AsyncExitStack

from ari_app.clock import SystemClock
from ari_app.media import memory
from ari_app.media.ports import MediaPorts, TransportKind
from ari_app.media.transports.pacing import Ticker
from bench.report import Row, machine, table, write
from tests.harness import audio
from tests.harness.asterisk import Asterisk
from tests.integration.house import House
from tests.integration.tone_lines import TONE, End, Heard, a_line, listen

#: where Asterisk connects to us, as its websocket_client.conf is told
PASSWORD = "asterisk-password"
WE, THEY = "websocket, we connect", "websocket, Asterisk connects"


def rows_of(name: str, to_us: Heard, to_asterisk: Heard) -> list[Row]:
    both = (to_us, to_asterisk)
    return [
        Row(f"{name}: level off, dB", "dB", max(abs(heard.level - audio.TONE_LEVEL) for heard in both), goal=0.5),
        Row(f"{name}: frequency off, Hz", "Hz", max(abs(heard.hertz - TONE) for heard in both), goal=0.5),
        Row(f"{name}: gaps, both ways", "gaps", float(sum(heard.gaps for heard in both)), goal=0.0),
        Row(f"{name}: frames too many or too few, both ways", "frames", float(sum(h.slips for h in both)), goal=0.0),
        Row(f"{name}: frames lost", "frames", float(sum(heard.lost for heard in both)), goal=0.0),
        Row(f"{name}: drift against the clock", "ppm", max(abs(heard.drift) for heard in both), goal=200.0),
    ]


async def measure(seconds: float) -> list[Row]:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        plain = {kind: MediaPorts(clock, Ticker(clock), kind) for kind in TransportKind}
        theirs = MediaPorts(
            clock, Ticker(clock), websocket_at=("127.0.0.1", 0), websocket_user="asterisk", websocket_password=PASSWORD
        )
        for ports in (*plain.values(), theirs):
            await ports.start()
            stack.push_async_callback(ports.close)
        assert theirs.websocket_at is not None
        uri = f"ws://127.0.0.1:{theirs.websocket_at[1]}"
        pbx = await stack.enter_async_context(Asterisk("media", environment={"MEDIA_WS_URI": uri}))
        house = House(pbx, None)  # type: ignore[arg-type]  # nobody calls
        await house.start()
        stack.push_async_callback(house.stop)
        wanted = {
            WE: plain[TransportKind.WEBSOCKET],
            THEY: theirs,
            "rtp": plain[TransportKind.RTP],
            "audiosocket": plain[TransportKind.AUDIOSOCKET],
        }

        async def one(number: int, ports: MediaPorts) -> list[Heard]:
            first = End(house.registry, house.node, ports, f"line{number}-1")
            second = End(house.registry, house.node, plain[TransportKind.WEBSOCKET], f"line{number}-2")
            async with a_line(first, second):
                return await listen((first, second), seconds)

        found = await asyncio.gather(*(one(number, ports) for number, ports in enumerate(wanted.values())))
        return [row for name, both in zip(wanted, found, strict=True) for row in rows_of(name, *both)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    memory.keep()
    before = machine(seconds=given.seconds, load_before=round(os.getloadavg()[0], 2))
    rows = asyncio.run(measure(given.seconds))
    print(table(rows))
    if given.write:
        write("media_endurance", before | {"load_after": round(os.getloadavg()[0], 2)}, rows)


if __name__ == "__main__":
    main()
