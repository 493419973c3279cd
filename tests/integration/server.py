"""The application as its users run it: a process of its own, reached over REST, killed and started again by tests."""

import asyncio
import contextlib
import io
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.harness import faults, net
from tests.harness.asterisk import HTTP_PORT, Asterisk
from tests.harness.docker import ROOT
from tests.harness.patience import PATIENCE
from tests.harness.phones import Behaviour, Extension, PhoneBox
from tests.integration.proxy import Proxy
from tests.integration.waiting import until

APP_PASSWORD = "app-password"  # of a loopback address that lives for one test
BASE = "/eq/api/2.0"
#: How long a start may take, in seconds.
START_LIMIT = 90.0
#: the embedded database of an installation that nobody has used yet, and its key
_installed: dict[str, bytes] = {}


class Server:
    """One installation: a data directory, an Asterisk, and the process while it runs."""

    def __init__(self, directory: Path, *, connect: str = "outbound") -> None:
        self.directory = directory
        self.connect = connect
        self.http_port = net.free_port()
        self.ari_port = net.free_port()
        self.key = ""
        self.process: asyncio.subprocess.Process | None = None
        self.environment: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None

    def app_uri(self, port: int) -> str:
        """Where Asterisk connects to: our port, or a proxy's."""
        return f"ws://127.0.0.1:{port}/ari/main"

    def configure(self, *, ari_url: str, ari_user: str, ari_password: str, **settings: str) -> None:
        """Set the environment that its commands run in."""
        self.environment = {
            **os.environ,
            "ARI_URL": ari_url,
            "ARI_USER": ari_user,
            "ARI_PASSWORD": ari_password,
            "ARI_CONNECT": self.connect,
            "ARI_LISTEN": f"127.0.0.1:{self.ari_port}",
            "ARI_WS_USER": "asterisk",
            "ARI_WS_PASSWORD": APP_PASSWORD,
            "HTTP_LISTEN": f"127.0.0.1:{self.http_port}",
            "DATA_DIR": str(self.directory),
            "LOG_FORMAT": "json",
            **settings,
        }

    async def install(self, pbx: Asterisk, **settings: str) -> None:
        """Configure, migrate, and make an API key: by its commands the first time, from then on by a copy."""
        self.configure(
            **{"ari_url": pbx.ari_url, "ari_user": pbx.ari_user, "ari_password": pbx.ari_password, **settings}
        )
        database = self.directory / "ari_app.sqlite"
        if _installed and not self.environment.get("DATABASE_URL"):
            database.write_bytes(_installed["database"])
            self.key = _installed["key"].decode()
            return
        await self.command("migrate")
        self.key = (await self.command("keys", "create", "test")).strip().splitlines()[-1]
        if not self.environment.get("DATABASE_URL"):
            _installed.update(database=database.read_bytes(), key=self.key.encode())

    async def command(self, *arguments: str) -> str:
        """Run `python -m ari_app ...`; what it printed. Fails when that did not work."""
        status, printed = await self.attempt_command(*arguments)
        assert status == 0, f"{arguments}: {printed}"
        return printed

    async def attempt_command(self, *arguments: str) -> tuple[int | None, str]:
        """Run `python -m ari_app ...`: its exit code, and what it printed: errors, if it failed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ari_app",
            *arguments,
            cwd=ROOT,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode, (err if process.returncode else out).decode()

    @property
    def log_path(self) -> Path:
        return self.directory / "server.log"

    async def start(self, *, healthy: bool = True) -> None:
        """Start the process and wait until it serves and (healthy) is connected to Asterisk."""
        with self.log_path.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "ari_app", "serve", cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            assert self.process.returncode is None, f"the server ended:\n{self.log_path.read_text()[-1000:]}"
            with contextlib.suppress(aiohttp.ClientError):
                status, _ = await self.get_json("/health")
                if status == 200 or not healthy:
                    return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"not healthy after {START_LIMIT} s:\n{self.log_path.read_text()[-5000:]}")

    async def logged(self, text: str, within: float = PATIENCE) -> str:
        """Wait for a log line with this text; the line. Raises TimeoutError."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            for line in self.log_path.read_text().splitlines():
                if text in line:
                    return line
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{text!r} is not in the log after {within} s")

    async def written(self) -> None:
        """Wait until all that it has told so far is in its database, out of a crash's reach. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while (await self.live())["unwritten_rows"]:
                await asyncio.sleep(0.02)

    async def live(self) -> dict[str, float]:
        """What the process holds: calls, legs, tasks, ... by name."""
        text = await self.get_text("/metrics")
        return {
            family.name.removeprefix("ariapp_live_"): family.samples[0].value
            for family in text_string_to_metric_families(text)
            if family.name.startswith("ariapp_live_")
        }

    async def kill(self, *, at_once: bool = False) -> None:
        """End it as a crash would. What it has told is in its database, so that a test knows what is left; at_once: it
        may not be."""
        assert self.process is not None
        if not at_once:
            await self.written()
        if self.connect == "outbound":
            faults.risk(faults.BROKEN_WEBSOCKET)
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> None:
        """End it as an operator would."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), 60)
            except TimeoutError:
                await self.kill(at_once=True)
                raise

    # REST

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        return self._session

    async def get_json(self, path: str) -> tuple[int, Any]:
        async with self._client().get(f"http://127.0.0.1:{self.http_port}{path}") as reply:
            return reply.status, await reply.json(content_type=None)

    async def get_text(self, path: str) -> str:
        async with self._client().get(f"http://127.0.0.1:{self.http_port}{path}") as reply:
            return await reply.text()

    async def request(self, method: str, path: str, query: dict[str, Any] | None = None, **form: Any) -> Any:
        """One request of the EQ API; what it answered. Fails when that is not 200."""
        status, body = await self.attempt(method, path, query, **form)
        assert status == 200, f"{method} {path} {form}: {status} {body}"
        return body

    async def attempt(
        self, method: str, path: str, query: dict[str, Any] | None = None, **form: Any
    ) -> tuple[int, Any]:
        """One request of the EQ API: status and body."""
        fields = {
            name: json.dumps(value) if isinstance(value, dict | list) else str(value) for name, value in form.items()
        }
        async with self._client().request(
            method,
            f"http://127.0.0.1:{self.http_port}{BASE}{path}",
            params={"auth_key": self.key, **{name: str(value) for name, value in (query or {}).items()}},
            data=fields or None,
        ) as reply:
            return reply.status, await reply.json(content_type=None)

    async def download(self, path: str, **headers: str) -> tuple[int, bytes]:
        """A file of the EQ API: status and what came."""
        url = f"http://127.0.0.1:{self.http_port}{BASE}{path}"
        async with self._client().get(url, params={"auth_key": self.key}, headers=headers) as reply:
            return reply.status, await reply.read()

    async def upload(self, path: str, data: bytes, kind: str, **query: str) -> None:
        """Send a file to the EQ API. Fails when that is not 200."""
        url = f"http://127.0.0.1:{self.http_port}{BASE}{path}"
        given = {"params": {"auth_key": self.key, **query}, "headers": {"Content-Type": kind}}
        async with self._client().put(url, data=io.BytesIO(data), **given) as reply:
            assert reply.status == 200, await reply.text()

    async def until_recording(self, state: str, within: float = 60) -> dict[str, Any]:
        """Wait until the only recording is in that state; the recording. Raises TimeoutError."""
        found = await until(
            lambda: self.request("GET", "/x/recordings"),
            lambda found: [row["state"] for row in found] == [state],
            within=within,
        )
        return dict(found[0])

    # the record

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """Rows of the embedded database."""
        with contextlib.closing(
            sqlite3.connect(f"file:{self.directory}/ari_app.sqlite?mode=ro", uri=True, timeout=30)
        ) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(sql, parameters)]


class ContactCentre:
    """A server with a queue and agents whose phones are in the outside world."""

    def __init__(self, server: Server, pbx: Asterisk, world: PhoneBox, proxy: Proxy) -> None:
        self.proxy = proxy
        self.server = server
        self.pbx = pbx
        self.world = world
        #: extension -> user id
        self.agents: dict[str, int] = {}
        self.phones: dict[str, Extension] = {}

    async def queue(self, extension: str = "500", **settings: Any) -> None:
        """Make a queue."""
        data = {"extension": extension, "name": f"queue {extension}", "type": 0, **settings}
        await self.server.request("POST", "/call_queue", data=data)

    async def phone(self, extension: str, behaviour: Behaviour | None = None, *, registers: bool = False) -> Extension:
        """A phone with an extension; whose address is known, or which registers."""
        await self.pbx.provision(extension, "secret", contact=None if registers else self.world.contact(extension))
        phone = self.world.extension(extension, behaviour)
        if registers:
            await self.world.line(extension, "secret")
            await self.world.register(extension, self.pbx)
        return phone

    async def agent(
        self,
        extension: str,
        behaviour: Behaviour | None = None,
        *queues: str,
        skill: int = 3,
        registers: bool = False,
    ) -> int:
        """An agent with a phone, signed in at it and to the queues (500 if none is named)."""
        self.phones[extension] = await self.phone(extension, behaviour, registers=registers)
        agent: int = await self.server.request(
            "POST",
            "/agent",
            data={"number": extension, "firstName": "Agent", "lastName": extension, "password": "1234"},
        )
        self.agents[extension] = agent
        await self.server.request("POST", "/agent_session", user=agent, extension=extension)
        await self.act("signIn", extension, queues=list(queues or ("500",)), skills=[skill] * len(queues or ("500",)))
        return agent

    async def act(self, action: str, extension: str, **options: Any) -> None:
        """An agent action."""
        await self.server.request(
            "POST", "/call_queue_agent_action", action=action, options={"agent": self.agents[extension], **options}
        )

    async def status(self, extension: str, queue: str = "500") -> dict[str, Any]:
        """What an agent is in a queue."""
        rows = await self.server.request("GET", "/call_queue_agent_status", {"agent": self.agents[extension]})
        found: dict[str, Any] = next(row for row in rows if row["queue"] == queue)
        return found

    async def until_status(
        self, extension: str, status: str, queue: str = "500", within: float = PATIENCE
    ) -> dict[str, Any]:
        """Wait until an agent is that. Raises TimeoutError that says what he is."""
        return await until(lambda: self.status(extension, queue), lambda row: row["status"] == status, within=within)

    async def statistics(self, queue: str = "500") -> dict[str, Any]:
        found: dict[str, Any] = await self.server.request("GET", "/call_queue_statistics", {"queue": queue})
        return found

    async def waiting(self, queue: str = "500") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.server.request("GET", "/queued_calls", {"queue": queue})
        return found

    async def until_waiting(self, count: int, queue: str = "500", within: float = PATIENCE) -> list[dict[str, Any]]:
        """Wait until that many wait. Raises TimeoutError that says who does."""
        return await until(lambda: self.waiting(queue), lambda calls: len(calls) == count, within=within)

    async def live(self) -> dict[str, float]:
        """What the process holds: calls, legs, tasks, ... by name."""
        return await self.server.live()

    async def tasks(self) -> int:
        """Tasks of the whole process, when nothing happens."""
        return int((await self.live())["tasks"])

    async def idle(self, within: float = PATIENCE) -> None:
        """Wait until nothing is left over, in Asterisk or in the process."""
        await self.pbx.wait_idle(within)
        end = time.monotonic() + within
        while time.monotonic() < end:
            live = await self.live()
            if not any(count for name, count in live.items() if name not in ("tasks", "repeated_events")):
                return
            await asyncio.sleep(0.02)
        raise TimeoutError(f"left over in the process after {within} s: {live}")


#: seconds that the figures of today must not begin anew within a test
ONE_DAY = 60


async def clear_of_midnight() -> None:
    """Wait until the day (of an account without a time zone of its own: UTC's) has begun, where it is about to."""
    left = 86400 - time.time() % 86400
    if left < ONE_DAY:
        await asyncio.sleep(left + 0.1)


@contextlib.asynccontextmanager
async def contact_centre(
    directory: Path,
    start_asterisk: Any,
    world: PhoneBox,
    *,
    connect: str = "outbound",
    proxied: bool = False,
    extra: dict[str, str] | None = None,
    environment: dict[str, str] | None = None,
    **settings: str,
) -> AsyncIterator[ContactCentre]:
    """A contact centre of its own, gone afterwards. proxied: the websocket (inbound: REST too) can be cut. extra: text
    appended to Asterisk's files, by file name. environment: more settings of its Asterisk."""
    await clear_of_midnight()
    server = Server(directory, connect=connect)
    proxy = Proxy("127.0.0.1", server.ari_port)
    if proxied and connect == "outbound":
        await proxy.start()
    pbx = await start_asterisk(
        "main",
        app_uri=server.app_uri(proxy.port or server.ari_port) if connect == "outbound" else None,
        app_password=APP_PASSWORD,
        environment={"TRUNK_MATCH": world.trunk_address, **(environment or {})},
        extra=extra,
    )
    if proxied and connect == "inbound":
        proxy = Proxy(pbx.address, HTTP_PORT)
        await proxy.start()
        settings["ari_url"] = f"http://127.0.0.1:{proxy.port}/ari"
    try:
        await server.install(pbx, **settings)
        await server.start()
        yield ContactCentre(server, pbx, world, proxy)
    finally:
        await server.stop()
        await proxy.cut()
