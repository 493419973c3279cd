"""Events through the ARI client, against a loop that only reads the socket and decodes JSON.

    python -m bench.ari_dispatch [--calls 4000] [--rounds 5] [--write]

Another process plays Asterisk: it sends the frames of queue calls, as a real one sent them, as fast as they are taken.
Ours is the whole way of an event: websocket, decoding into structs, the picture of the node, the handler. The peers
read the same stream and call json.loads, with the same library (websockets) and with the faster one (aiohttp). What is
counted is the CPU time of the reading process, so that the sender on the other core does not matter. All of it takes
turns, and the middle of the rounds is the result.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import socket
import struct
from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha1
from statistics import median
from time import perf_counter_ns, process_time
from typing import Any

import aiohttp
import msgspec
import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ari_app.ari.connection import InboundSource, Keepalive
from ari_app.ari.http import HttpOptions, HttpPool
from ari_app.ari.node import Node
from ari_app.ari.operations import Operations
from ari_app.ari.protocol import FrameDecoder, Received
from bench.report import Row, machine, table, write

STAMP = "2026-11-21T01:47:03.463+0000"


def channel(id_: str, name: str, state: str, number: str, data: str) -> dict[str, Any]:
    """A channel as Asterisk 22.10.1 writes it."""
    return {
        "id": id_,
        "name": name,
        "state": state,
        "protocol_id": "3ac1d2c2-6a0f-4f53-8b7e-0d5d1f0d4c0e",
        "caller": {"name": "", "number": number},
        "connected": {"name": "", "number": ""},
        "accountcode": "",
        "dialplan": {
            "context": "from-trunk",
            "exten": "500",
            "priority": 1,
            "app_name": "Stasis",
            "app_data": data,
        },
        "creationtime": STAMP,
        "language": "en",
    }


def frames_of_call(number: int) -> list[bytes]:
    """What one queue call makes Asterisk say: caller in, agent dialled, both joined, caller hangs up."""
    caller_id, agent_id, bridge_id = f"pbx-1795225953.{number}", f"leg-{number:020d}", f"bridge-{number:020d}"
    trunk, phone = f"PJSIP/trunk-{number:08x}", f"PJSIP/1001-{number:08x}"

    def caller(state: str) -> dict[str, Any]:
        return channel(caller_id, trunk, state, "0301234567", "ari_app,in,500,from-trunk")

    def agent(state: str) -> dict[str, Any]:
        return channel(agent_id, phone, state, "500", f"ari_app,leg,call-{number:020d},agent")

    def bridge(*members: str) -> dict[str, Any]:
        return {
            "id": bridge_id,
            "technology": "simple_bridge",
            "bridge_type": "mixing",
            "bridge_class": "stasis",
            "creator": "Stasis",
            "name": "",
            "channels": list(members),
            "creationtime": STAMP,
            "video_mode": "talker",
        }

    def dial(state: str, status: str) -> dict[str, Any]:
        return {"type": "Dial", "peer": agent(state), "dialstring": "1001", "dialstatus": status, "forward": ""}

    gone = {"cause": 16, "cause_txt": "Normal Clearing"}
    events: list[dict[str, Any]] = [
        {"type": "StasisStart", "args": ["in", "500", "from-trunk"], "channel": caller("Ring")},
        {"type": "ChannelStateChange", "channel": caller("Up")},
        {"type": "StasisStart", "args": ["leg", f"call-{number:020d}", "agent"], "channel": agent("Down")},
        dial("Down", ""),
        {"type": "ChannelStateChange", "channel": agent("Ringing")},
        dial("Ringing", "RINGING"),
        {"type": "ChannelStateChange", "channel": agent("Up")},
        dial("Up", "ANSWER"),
        {"type": "ChannelEnteredBridge", "bridge": bridge(caller_id), "channel": caller("Up")},
        {"type": "ChannelEnteredBridge", "bridge": bridge(agent_id, caller_id), "channel": agent("Up")},
        {"type": "ChannelHangupRequest", "cause": 16, "channel": caller("Up")},
        {"type": "ChannelLeftBridge", "bridge": bridge(agent_id), "channel": caller("Up")},
        {"type": "StasisEnd", "channel": caller("Up")},
        {"type": "ChannelHangupRequest", "cause": 32, "soft": True, "channel": agent("Up")},
        {"type": "ChannelLeftBridge", "bridge": bridge(), "channel": agent("Up")},
        {"type": "StasisEnd", "channel": agent("Up")},
        {"type": "ChannelDestroyed", **gone, "channel": agent("Up")},
    ]
    common = {"timestamp": STAMP, "asterisk_id": "02:56:9f:7a:09:00", "application": "ari_app"}
    return [json.dumps(event | common, separators=(",", ":")).encode() for event in events]


def frame(payload: bytes) -> bytes:
    """A text frame from a server (RFC 6455, 5.2)."""
    if len(payload) < 126:
        return struct.pack("!BB", 0x81, len(payload)) + payload
    return struct.pack("!BBH", 0x81, 126, len(payload)) + payload


def play_asterisk(listener: socket.socket, calls: int) -> None:
    """The other process: every connection gets the same calls, then a close frame. `/rest` answers requests."""
    stream = b"".join(frame(text) for number in range(calls) for text in frames_of_call(number))
    while True:
        connection, _ = listener.accept()
        request = connection.recv(4096)
        if b"Sec-WebSocket-Key" not in request:
            _answer_requests(connection, request)
            continue
        key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")).split()[1]
        accept = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: ari\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        connection.sendall(stream + struct.pack("!BBH", 0x88, 2, 1000))
        connection.settimeout(2)
        with suppress(OSError):
            connection.recv(4096)
        connection.close()


def _answer_requests(connection: socket.socket, request: bytes) -> None:
    answer = (
        b"HTTP/1.1 204 No Content\r\nServer: Asterisk\r\nDate: Sat, 21 Nov 2026 01:50:59 GMT\r\n"
        b"Cache-Control: no-cache, no-store\r\nContent-Length: 0\r\n\r\n"
    )
    while request:
        connection.sendall(answer)
        request = connection.recv(4096)
    connection.close()


class Counting:
    """The node, with a handler that only counts, as the sink of a connection."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.events = 0
        self.over = asyncio.Event()
        node.on_event = self.count

    def count(self, event: Received) -> None:
        self.events += 1

    def opened(self) -> None:
        pass

    def frame(self, data: bytes) -> None:
        self.node.frame(data)

    def closed(self, reason: str) -> None:
        self.over.set()


async def ours(url: str) -> tuple[int, float]:
    """Events, and seconds of CPU."""
    node = Node("pbx", url="http://127.0.0.1:1/ari", user="u", password="p", app="ari_app")
    sink = Counting(node)
    source = InboundSource(url, "x", random=lambda: 0.5, keepalive=Keepalive(interval=None))
    before = process_time()
    source.start(sink)
    await sink.over.wait()
    spent = process_time() - before
    await source.close()
    if node.snapshot.channels or node.unknown_events or node.unknown_fields or node.handler_errors:
        raise RuntimeError("events were not understood")
    return sink.events, spent


async def websockets_peer(url: str) -> tuple[int, float]:
    """Reads and decodes, with the library that we use."""
    events, before = 0, process_time()
    options: Any = {"compression": None, "proxy": None, "ping_interval": None, "max_queue": None}
    async with connect(url, subprotocols=[Subprotocol("ari")], **options) as stream:
        with suppress(ConnectionClosed):
            while True:
                json.loads(await stream.recv())
                events += 1
    return events, process_time() - before


async def aiohttp_peer(url: str) -> tuple[int, float]:
    """Reads and decodes, with the faster library."""
    events, before = 0, process_time()
    async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0, protocols=["ari"]) as stream:
        async for message in stream:
            json.loads(message.data)
            events += 1
    return events, process_time() - before


async def requests(url: str, count: int) -> float:
    """Microseconds of CPU that a REST request costs."""
    pool = HttpPool(HttpOptions(base_url=url, user="u", password="p"))
    bridges = Operations(pool).bridges
    await bridges.addChannel("bridge-0", channel="leg-0")
    before = process_time()
    for number in range(count):
        await bridges.addChannel(f"bridge-{number}", channel=[f"leg-{number}", f"pbx-1795225953.{number}"])
    spent = process_time() - before
    await pool.close()
    return spent / count * 1e6


async def plain_requests(url: str, count: int) -> float:
    """The same with aiohttp as it comes."""
    login = {"Authorization": "Basic dTpw"}
    async with aiohttp.ClientSession(headers=login) as session:
        before = process_time()
        for number in range(count):
            query = {"channel": f"leg-{number},pbx-1795225953.{number}"}
            async with session.post(f"{url}/bridges/bridge-{number}/addChannel", params=query) as reply:
                await reply.read()
        return (process_time() - before) / count * 1e6


def microseconds(decode: Callable[[bytes], object], text: bytes, count: int = 20_000) -> float:
    """What decoding one frame costs."""
    before = perf_counter_ns()
    for _ in range(count):
        decode(text)
    return (perf_counter_ns() - before) / count / 1e3


def measure(calls: int, rounds: int) -> list[Row]:
    """All figures."""
    logging.getLogger("ari_app").setLevel(logging.ERROR)  # the stream of a round ends, and that is no news
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    context = multiprocessing.get_context("fork")
    sender = context.Process(target=play_asterisk, args=(listener, calls), daemon=True)
    sender.start()
    url, rest = f"ws://127.0.0.1:{port}/events", f"http://127.0.0.1:{port}/rest"
    readers: list[Callable[[str], Awaitable[tuple[int, float]]]] = [ours, websockets_peer, aiohttp_peer]
    rates: dict[str, list[float]] = {reader.__name__: [] for reader in readers}
    costs: dict[str, list[float]] = {"ours": [], "plain": []}
    try:
        for _ in range(rounds):
            for reader in readers:
                events, spent = uvloop.run(reader(url))  # type: ignore[arg-type]
                if events != calls * len(frames_of_call(0)):
                    raise RuntimeError(f"{reader.__name__} read {events} events")
                rates[reader.__name__].append(events / spent)
            costs["ours"].append(uvloop.run(requests(rest, 2000)))
            costs["plain"].append(uvloop.run(plain_requests(rest, 2000)))
    finally:
        sender.kill()
        sender.join()
        listener.close()
    own, same, fast = (median(rates[reader.__name__]) for reader in readers)
    start = frames_of_call(1)[0]
    strange = json.dumps(json.loads(start) | {"mood": "good"}).encode()
    decode, loads = FrameDecoder().decode, json.loads
    return [
        Row("events of CPU time, peer: websockets + json.loads", "events/s", own, same, goal=same / 2),
        Row("events of CPU time, peer: aiohttp + json.loads", "events/s", own, fast, goal=fast / 2),
        Row("decoding a StasisStart", "us", microseconds(decode, start), microseconds(loads, start)),
        Row("the same with an unknown field", "us", microseconds(decode, strange), microseconds(loads, strange)),
        Row("CPU of a REST request, peer: plain aiohttp", "us", median(costs["ours"]), median(costs["plain"])),
    ]


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench.ari_dispatch", description=__doc__)
    parser.add_argument("--calls", type=int, default=4000, help="calls in a round, 17 events each")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="into bench/results/ari_dispatch.json")
    options = parser.parse_args()
    rows = measure(options.calls, options.rounds)
    print(table(rows))
    if options.write:
        versions = {"aiohttp": aiohttp.__version__, "msgspec": msgspec.__version__, "uvloop": uvloop.__version__}
        print(write("ari_dispatch", machine(calls=options.calls, rounds=options.rounds, **versions), rows))


if __name__ == "__main__":
    main()
