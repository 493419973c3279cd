"""The EQ API under load: the status of many agents, and mixed requests during calls.

    python -m bench.eq [--short] [--without-calls]

For the status the server is the application as users run it, a process of its own with SQLite, without an Asterisk: 500
agents are signed in to 50 queues. The client is another process, which measures from the request to the last byte of
the answer; the limit is a bare aiohttp handler that answers the same bytes, in a process of its own too. The status is
asked for while nothing happens, and while agents change all the time.

The calls are real ones on a real Asterisk: eq_calls.py.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import structlog
import uvloop
from aiohttp import web

from ari_app.acd import events
from ari_app.app import Application
from ari_app.config import Settings
from ari_app.dialects import eq
from ari_app.store import migrate
from ari_app.store.accounts import DEFAULT
from ari_app.store.values import QueueData, UserData
from bench import eq_calls
from bench.eq_load import Client
from bench.report import Row, machine, percentile, table, write
from tests.harness.net import free_port

QUEUES, AGENTS = 50, 500
#: requests for the agents' status, one after the other
STATUS, STATUS_SHORT = 1500, 200
#: changes of agents a second, and for how many seconds
CHANGES, SECONDS, SHORT = 100, 10, 3


class Server:
    """The application, with agents at work."""

    def __init__(self, folder: Path, port: int) -> None:
        self.application = Application(
            Settings(
                data_dir=folder,
                ari_url=f"http://127.0.0.1:{free_port()}/ari",
                ari_connect="inbound",
                http_listen=f"127.0.0.1:{port}",
            )
        )

    async def start(self) -> str:
        """The API key."""
        application = self.application
        await migrate.upgrade(application.settings.database())
        await application.start()
        for number in range(QUEUES):
            data = QueueData(extension=str(500 + number), name=f"Queue {number}")
            await application.queues.create(DEFAULT, data)
            settings = (await application.queues.get(DEFAULT, data.extension)).to_settings()
            application.centre.apply(DEFAULT, events.QueueConfigured(queue=settings))
        for number in range(AGENTS):
            user = await application.users.create(
                DEFAULT, "agent", UserData(number=str(1000 + number), first_name=f"Agent {number}")
            )
            queue = str(500 + number % QUEUES)
            await application.bindings.bind(DEFAULT, queue, user, 1)
            await application.sessions.create(DEFAULT, "agent", user, str(1000 + number))
            for event in (
                events.AgentConfigured(agent=user, bindings={queue: 1}),
                events.AgentSignedIn(agent=user, extension=str(1000 + number)),
                events.QueueSignedIn(agent=user, queues=(queue,)),
            ):
                application.centre.apply(DEFAULT, event)
        _, key = await application.keys.create(DEFAULT, "bench")
        return key

    async def changes(self, seconds: float) -> None:
        """Agents who pause and go on, CHANGES a second."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number in range(int(CHANGES * seconds)):
            await asyncio.sleep(max(0.0, begun + number / CHANGES - loop.time()))
            agent = 1 + (number // 2) % AGENTS
            event = events.Resumed(agent=agent) if number % 2 else events.Paused(agent=agent)
            self.application.centre.apply(DEFAULT, event)


async def serve_ours(port: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), port)
        print(json.dumps({"key": await server.start()}), flush=True)
        async for line in _lines():
            await server.changes(float(line))
            print("{}", flush=True)
        await server.application.stop()


async def serve_bare(port: int, body: bytes) -> None:

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get(f"{eq.PREFIX}/call_queue_agent_status", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("{}", flush=True)
    async for _ in _lines():
        pass
    await runner.cleanup()


async def _lines() -> AsyncIterator[bytes]:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line


@dataclass
class Started:
    """A server in a process of its own, and who asks it."""

    process: asyncio.subprocess.Process
    client: Client

    async def change(self, seconds: float) -> None:
        """Have agents pause and go on for so long; returns at once."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n".encode())
        await self.process.stdin.drain()


@asynccontextmanager
async def started(kind: str) -> AsyncIterator[Started]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.eq", kind, str(port), stdin=-1, stdout=-1, limit=2**20
    )
    try:
        assert process.stdout is not None
        said: dict[str, str] = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as http:
            yield Started(process, Client(http, f"http://127.0.0.1:{port}{eq.PREFIX}", said.get("key", "-")))
    finally:
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 20)
        if process.returncode is None:
            process.kill()


async def status(client: Client, count: int) -> tuple[list[float], bytes]:
    """How long requests for the status of all agents take."""
    body = b""
    for _ in range(50):
        _, body = await client.ask("GET", "/call_queue_agent_status")
    return [(await client.ask("GET", "/call_queue_agent_status"))[0] for _ in range(count)], body


async def status_while_changing(server: Started, seconds: float) -> list[float]:
    """The same, a hundred times a second, while agents change."""
    await server.change(seconds + 2)
    loop, taken = asyncio.get_running_loop(), list[float]()
    begun = loop.time()
    for number in range(int(100 * seconds)):
        await asyncio.sleep(max(0.0, begun + number / 100 - loop.time()))
        taken.append((await server.client.ask("GET", "/call_queue_agent_status"))[0])
    return taken


async def statuses(*, short: bool) -> list[Row]:
    count, seconds = (STATUS_SHORT, SHORT) if short else (STATUS, SECONDS)
    async with started("ours") as server:
        ours, body = await status(server.client, count)
        changing = await status_while_changing(server, seconds)
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        os.environ["BENCH_BODY"] = file.name
        async with started("bare") as server:
            bare, _ = await status(server.client, count)
    name = f"status of {AGENTS} agents in {QUEUES} queues ({len(body) // 1000} kB)"
    changed = f"{name}, {CHANGES} changes/s"
    limits = percentile(bare, 50), percentile(bare, 99)
    return [
        Row(f"{name}: p50", "ms", percentile(ours, 50), limit=limits[0]),
        Row(f"{name}: p99", "ms", percentile(ours, 99), goal=15, limit=limits[1]),
        Row(f"{name}: p50 over that of a bare handler", "times", percentile(ours, 50) / limits[0], goal=2),
        Row(f"{changed}: p50", "ms", percentile(changing, 50), limit=limits[0]),
        Row(f"{changed}: p99", "ms", percentile(changing, 99), goal=15, limit=limits[1]),
    ]


async def main(*, short: bool, calls: bool) -> None:
    load_before = os.getloadavg()[0]
    rows = await statuses(short=short)
    if calls:
        rows += await eq_calls.measure(short=short)
    print(table(rows))
    if calls and not short:
        print(f"written to {write('eq', machine(load_before=load_before), rows)}")


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["bare"]):
        port_given = int(sys.argv[2])
        uvloop.run(
            serve_ours(port_given)
            if sys.argv[1] == "ours"
            else serve_bare(port_given, Path(os.environ["BENCH_BODY"]).read_bytes())
        )
    else:
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--short", action="store_true", help="fewer requests; nothing is written")
        parser.add_argument("--without-calls", action="store_true", help="no Asterisk is needed; nothing is written")
        arguments = parser.parse_args()
        uvloop.run(main(short=arguments.short, calls=not arguments.without_calls))
