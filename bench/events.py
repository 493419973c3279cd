"""The stream of events: how long after an event each of 200 listeners has it.

    python -m bench.events [--short]

Server and listeners are two processes. Listeners are plain websockets that note when a message came; the limit is the
same events sent over as many bare TCP connections, by a server that does nothing else. See README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from ari_app.clock import SystemClock
from ari_app.dialects.feed import Feed
from ari_app.dialects.listening import Listening, serve
from bench.report import Row, machine, percentile, table, write
from tests.harness import net

LISTENERS = 200
#: events a second, and for how many seconds
RATE, SECONDS, SHORT = 20, 20, 5


async def stream_server(port: int) -> None:
    """Serve a feed; a line on standard input is an event."""
    feed = Feed(SystemClock())

    async def allowed() -> bool:
        return True

    async def handle(request: web.Request) -> web.StreamResponse:
        return await serve(request, Listening(feed=feed, account=1), allowed)

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async for _ in _lines():
        feed.tell(1, "Counted", {"at": time.time(), "call": "call-01JABCDEFGHJKMNPQRSTVWXYZ", "queue": "500"})
    feed.close()
    await runner.cleanup()


async def bare_server(port: int) -> None:
    """The same events to whoever is connected."""
    writers: list[asyncio.StreamWriter] = []

    def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    async for _ in _lines():
        text = json.dumps({"at": time.time(), "call": "call-01JABCDEFGHJKMNPQRSTVWXYZ", "queue": "500"}).encode()
        for writer in writers:
            writer.write(text + b"\n")
    for writer in writers:
        writer.close()
    server.close()


async def _lines() -> AsyncIterator[bytes]:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    while line := await reader.readline():
        yield line


@asynccontextmanager
async def started(kind: str, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.events", kind, str(port), stdin=-1, stdout=-1
    )
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def measure(kind: str, seconds: int) -> list[float]:
    """Milliseconds from each event to each listener. Raises RuntimeError when one did not come."""
    port, late = net.free_port(), []

    async def over_socket(http: aiohttp.ClientSession) -> None:
        async with http.ws_connect(f"http://127.0.0.1:{port}/") as socket:
            await socket.receive()  # Connected
            connected.release()
            async for message in socket:
                late.append((time.time() - json.loads(message.data)["at"]) * 1000)

    async def over_tcp(_: aiohttp.ClientSession) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        connected.release()
        while line := await reader.readline():
            late.append((time.time() - json.loads(line)["at"]) * 1000)
        writer.close()

    connected = asyncio.Semaphore(0)
    listen = over_socket if kind == "stream" else over_tcp
    connector = aiohttp.TCPConnector(limit=0)
    async with started(kind, port) as process, aiohttp.ClientSession(connector=connector) as http:
        listeners = [asyncio.create_task(listen(http)) for _ in range(LISTENERS)]
        for _ in listeners:
            await connected.acquire()
        await asyncio.sleep(0.5)  # the bare server has accepted all
        assert process.stdin is not None
        for _ in range(RATE * seconds):
            process.stdin.write(b"\n")
            await asyncio.sleep(1 / RATE)
        process.stdin.close()
        await asyncio.wait_for(asyncio.gather(*listeners), 30)
    if len(late) != LISTENERS * RATE * seconds:
        raise RuntimeError(f"{len(late)} events came, not {LISTENERS * RATE * seconds}")
    return late


async def main(*, short: bool) -> None:
    seconds = SHORT if short else SECONDS
    bare, ours = await measure("bare", seconds), await measure("stream", seconds)
    name = f"event -> each of {LISTENERS} listeners, {RATE} events/s"
    rows = [
        Row(f"{name}: p50", "ms", percentile(ours, 50), limit=percentile(bare, 50)),
        Row(f"{name}: p99", "ms", percentile(ours, 99), goal=100, limit=percentile(bare, 99)),
    ]
    print(table(rows))
    if not short:
        print(f"written to {write('events', machine(), rows)}")


if __name__ == "__main__":
    if sys.argv[1:2] in (["stream"], ["bare"]):
        asyncio.run((stream_server if sys.argv[1] == "stream" else bare_server)(int(sys.argv[2])))
    else:
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--short", action="store_true", help="fewer events; nothing is written")
        asyncio.run(main(short=parser.parse_args().short))
