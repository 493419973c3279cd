"""Frames of attachments while the server has other things to do: in its own process, and in a media process.

    python -m bench.media_processes [--links 40] [--seconds 10] [--write]

Frames go from RTP, as Asterisk sends it, through a link (ari_app/media/link.py) to an AudioSocket server of a user.
Both ends are one process (peers/media_echo.py), which says how old each frame is when it arrives. Meanwhile
the server synthesises long texts (flite) without a break, and answers a large request every 0.2 s: 60 ms in which its
event loop does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import uvloop

from ari_app.clock import SystemClock
from ari_app.media import memory, targets
from ari_app.media.link import Link, LinkHere, LinkRequest
from ari_app.media.ports import MediaPorts, TransportKind
from ari_app.media.targets import Place
from ari_app.media.transports.pacing import Ticker
from ari_app.media.tts.engine import FLITE
from ari_app.media.workers.pool import MediaPool
from bench.report import Row, machine, percentile, table, write

HOST = "127.0.0.1"
TEXT = "Thank you for calling. All of our agents are busy at the moment, and your call is important to us. " * 20
#: seconds of one large request, and between two of them
REQUEST, EVERY = 0.06, 0.2
Plane = Callable[[LinkRequest, Callable[[str], None]], Link]


async def synthesise(done: list[int]) -> None:
    while True:
        await FLITE.speak(TEXT, "slt")
        done.append(1)


async def serve() -> None:
    while True:
        await asyncio.sleep(EVERY)
        end = time.monotonic() + REQUEST
        while time.monotonic() < end:
            json.dumps(list(range(2000)))


async def run(plane: Plane, links: int, seconds: float) -> tuple[list[float], int, int]:
    """The ages of frames, how many were lost, and how many texts were synthesised."""
    peer = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.peers.media_echo",
        str(links),
        str(seconds),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=64 << 20,
    )
    assert peer.stdin is not None
    assert peer.stdout is not None
    port = int(await peer.stdout.readline())
    target = targets.parse(f"audiosocket://{HOST}:{port}")
    made: list[Link] = []
    places: list[int] = []
    for number in range(links):
        link = plane(LinkRequest(target, Place(HOST, port), uuid4()), lambda _event: None)
        await link.connect()
        offer = await link.near.offer(f"media-{number}")
        link.join()
        made.append(link)
        places.append(int(offer["external_host"].rpartition(":")[2]))
    texts: list[int] = []
    busy = [asyncio.create_task(synthesise(texts)), asyncio.create_task(serve())]
    peer.stdin.write(json.dumps(places).encode() + b"\n")
    told = json.loads(await peer.stdout.readline())
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)
    for link in made:
        link.end("over")
        link.close()
    await peer.wait()
    return told["ages"], told["sent"] - len(told["ages"]), len(texts)


async def measure(links: int, seconds: float) -> list[Row]:
    clock = SystemClock()
    ports = MediaPorts(clock, Ticker(clock), TransportKind.RTP, HOST)
    await ports.start()
    here, lost_here, texts_here = await run(partial(LinkHere, ports), links, seconds)
    await ports.close()
    pool = MediaPool(1, TransportKind.RTP, HOST, clock)
    there, lost_there, texts = await run(pool, links, seconds)
    await pool.close()
    what = "while the server synthesises and serves"
    return [
        Row(
            f"age of a frame {what}, p50 (peer: carried by the server itself)",
            "ms",
            1000 * percentile(there, 50),
            peer=1000 * percentile(here, 50),
        ),
        Row(
            f"age of a frame {what}, p99 (peer: as before)",
            "ms",
            1000 * percentile(there, 99),
            peer=1000 * percentile(here, 99),
            goal=20.0,
        ),
        Row("frames lost (peer: as before)", "frames", float(lost_there), peer=float(lost_here), goal=0.0),
        Row("long texts synthesised meanwhile (peer: as before)", "texts", float(texts), peer=float(texts_here)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--links", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    memory.keep()
    before = machine(links=given.links, seconds=given.seconds, load_before=round(os.getloadavg()[0], 2))
    rows = uvloop.run(measure(given.links, given.seconds))
    print(table(rows))
    if given.write:
        write("media_processes", before, rows)


if __name__ == "__main__":
    main()
