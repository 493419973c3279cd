"""The EQ API under load: what agents do, and mixed requests while the queues are at work.

    python -m bench.eq [--short]

The server is the application as users run it, a process of its own with SQLite, without an Asterisk: calls are events
of the queues' engine, written to the journal and the record as those of real calls are. 500 agents are signed in to 50
queues. The client is another process, which measures from the request to the last byte of the answer.

The limit of the first figures is a bare aiohttp handler that answers the same bytes, in a process of its own too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from bench.report import Row, machine, percentile, table, write
from tests.harness.net import free_port

QUEUES, AGENTS = 50, 500
#: requests for the agents' status, one after the other
STATUS, STATUS_SHORT = 1500, 200
#: mixed requests a second, calls a second, and for how many seconds
REQUESTS, CALLS, SECONDS, SHORT = 200, 20, 20, 5
#: of a call, seconds from the answer to its end
TALK = 2.0


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
        #: seconds that the event loop was late for a call's event
        self.late: list[float] = []
        self.answered = 0
        self._tasks: set[asyncio.Task[None]] = set()

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

    async def calls(self, seconds: float) -> None:
        """Callers who come, CALLS a second, and go when they have waited a moment."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number in range(int(CALLS * seconds)):
            due = begun + number / CALLS
            await asyncio.sleep(max(0.0, due - loop.time()))
            self.late.append(loop.time() - due)
            task = asyncio.create_task(self._call(number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await asyncio.gather(*self._tasks)

    async def _call(self, number: int) -> None:
        loop, centre, call = asyncio.get_running_loop(), self.application.centre, f"call-{number:020d}"
        centre.apply(DEFAULT, events.CallerJoined(call=call, queue=str(500 + number % QUEUES)))
        due = loop.time() + TALK
        await asyncio.sleep(TALK)
        self.late.append(loop.time() - due)
        with contextlib.suppress(Exception):  # nobody could be rung, and he may have been released
            centre.apply(DEFAULT, events.CallerLeft(call=call))


async def serve_ours(port: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), port)
        print(json.dumps({"key": await server.start()}), flush=True)
        async for line in _lines():
            await server.calls(float(line))
            late = sorted(server.late)
            print(json.dumps({"p99": percentile(late, 99) * 1000, "worst": late[-1] * 1000}), flush=True)
            server.late.clear()
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


class Client:
    """Asks one server."""

    def __init__(self, http: aiohttp.ClientSession, port: int, process: asyncio.subprocess.Process) -> None:
        self._http = http
        self._root = f"http://127.0.0.1:{port}{eq.PREFIX}"
        self.process = process
        self.key = ""

    async def say(self) -> dict[str, float | str]:
        """What the server says next."""
        assert self.process.stdout is not None
        found: dict[str, float | str] = json.loads(await self.process.stdout.readline())
        return found

    async def ask(self, method: str, path: str, **given: str) -> tuple[float, bytes]:
        """Milliseconds, and the answer. Raises RuntimeError: it is none."""
        sent, reads = {"auth_key": self.key, **given}, method == "GET"
        params, data = (sent, None) if reads else (None, sent)
        begun = time.perf_counter()
        async with self._http.request(method, self._root + path, params=params, data=data) as response:
            body = await response.read()
        taken = (time.perf_counter() - begun) * 1000
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {body[:200]!r}")
        return taken, body


@asynccontextmanager
async def started(kind: str) -> AsyncIterator[Client]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.eq", kind, str(port), stdin=-1, stdout=-1, limit=2**20
    )
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as http:
            client = Client(http, port, process)
            client.key = str((await client.say()).get("key", "-"))
            yield client
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


async def mixed(client: Client, seconds: float) -> list[float]:
    """REQUESTS a second for so long: reads, and agents who pause and go on."""
    rng, taken = random.Random(1), list[float]()
    loop = asyncio.get_running_loop()
    begun, tasks = loop.time(), list[asyncio.Task[None]]()

    async def one(number: int) -> None:
        match number % 10:
            case 0 | 1:
                agent, action = 1 + (number // 10) % AGENTS, "pause" if number % 10 == 0 else "resume"
                options = json.dumps({"agent": agent})
                found = await client.ask("POST", "/call_queue_agent_action", action=action, options=options)
            case 2 | 3 | 4:
                found = await client.ask("GET", "/call_queue_agent_status", queue=str(500 + rng.randrange(QUEUES)))
            case 5 | 6:
                found = await client.ask("GET", "/call_queue_statistics", queue=str(500 + rng.randrange(QUEUES)))
            case 7 | 8:
                found = await client.ask("GET", f"/agent/{rng.randrange(AGENTS) + 1}")
            case _:
                found = await client.ask("GET", "/queued_calls")
        taken.append(found[0])

    for number in range(int(REQUESTS * seconds)):
        await asyncio.sleep(max(0.0, begun + number / REQUESTS - loop.time()))
        tasks.append(asyncio.create_task(one(number)))
    await asyncio.gather(*tasks)
    return taken


async def main(*, short: bool) -> None:
    count, seconds = (STATUS_SHORT, SHORT) if short else (STATUS, SECONDS)
    async with started("ours") as client:
        ours, body = await status(client, count)
        assert client.process.stdin is not None
        client.process.stdin.write(f"{seconds}\n".encode())
        alone = await client.say()
        client.process.stdin.write(f"{seconds}\n".encode())
        requests = await mixed(client, seconds)
        beside = await client.say()
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        os.environ["BENCH_BODY"] = file.name
        async with started("bare") as client:
            bare, _ = await status(client, count)
    name = f"status of {AGENTS} agents in {QUEUES} queues ({len(body) // 1000} kB)"
    load = f"{REQUESTS} mixed requests/s during {CALLS} calls/s"
    rows = [
        Row(f"{name}: p50", "ms", percentile(ours, 50), limit=percentile(bare, 50)),
        Row(f"{name}: p99", "ms", percentile(ours, 99), goal=15, limit=percentile(bare, 99)),
        Row(f"{name}: p50 over that of a bare handler", "times", percentile(ours, 50) / percentile(bare, 50), goal=2),
        Row(f"{load}: p50", "ms", percentile(requests, 50)),
        Row(f"{load}: p99", "ms", percentile(requests, 99)),
        Row(f"{load}: events of calls late by, p99", "ms", float(beside["p99"]), limit=float(alone["p99"])),
    ]
    print(table(rows))
    if not short:
        print(f"written to {write('eq', machine(load_before=os.getloadavg()[0]), rows)}")


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
        uvloop.run(main(short=parser.parse_args().short))
