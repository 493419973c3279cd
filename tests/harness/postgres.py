"""A PostgreSQL server for tests, from the machine's own packages: started on a free port, gone with the test.

async with Postgres() as postgres:
    postgres.url                              # postgresql+asyncpg://...
    url = await postgres.create_database()    # an empty one beside it
"""

import asyncio
import contextlib
import itertools
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness import net

USER = "ari_app"


class PostgresError(Exception):
    """A program of PostgreSQL failed; the text has what it printed."""


def programs() -> Path | None:
    """Directory with initdb and postgres, of the newest version that is installed, or None."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    candidates = [*reversed(versions), *(Path(d) for d in os.environ.get("PATH", "").split(":") if d)]
    return next((d for d in candidates if (d / "initdb").exists() and (d / "postgres").exists()), None)


def unavailable() -> str | None:
    """Why no server can be started here, or None when one can."""
    if programs() is None:
        return "PostgreSQL is not installed (scripts/test-tools installs Debian's postgresql)"
    if os.geteuid() == 0 and _account() is None:
        return "PostgreSQL refuses to run as root, and there is no account postgres"
    return None


def _account() -> str | None:
    """The account to run as: PostgreSQL refuses root."""
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


class Postgres:
    """One server with its own data directory. Durability is off: nothing here outlives the test."""

    def __init__(self) -> None:
        self.port = net.free_port()
        self._directory = Path(tempfile.mkdtemp(prefix="ari-app-postgres-"))
        self._process: asyncio.subprocess.Process | None = None
        self._names = (f"test_{number}" for number in itertools.count(1))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, _: type | None, error: BaseException | None, __: TracebackType | None) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return self._url("postgres")

    def _url(self, database: str) -> str:
        return f"postgresql+asyncpg://{USER}@127.0.0.1:{self.port}/{database}"

    async def start(self) -> None:
        """Returns when the server accepts connections. Raises PostgresError."""
        if os.geteuid() == 0:
            shutil.chown(self._directory, _account())
        data = str(self._directory / "data")
        await self._run("initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        await self.start_again()

    async def crash(self) -> None:
        """Ends the server as a power cut would; what was committed stays for `start_again`."""
        await self._signal_immediate_stop()

    async def start_again(self) -> None:
        """Returns when the server accepts connections, on the same port with the same data. Raises PostgresError."""
        data = self._directory / "data"
        settings = {"listen_addresses": "127.0.0.1", "port": str(self.port), "fsync": "off", "max_connections": "200"}
        # synchronous_commit stays on: what was committed survives `crash`.
        settings |= {"full_page_writes": "off", "unix_socket_directories": str(data)}
        arguments = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        with (self._directory / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command("postgres", "-D", str(data), *arguments), stdout=log, stderr=log, cwd=self._directory
            )
        await self._ready(self._process)

    async def _ready(self, process: asyncio.subprocess.Process) -> None:
        for _ in range(1200):
            if process.returncode is not None:
                break
            if "ready to accept connections" in self.log():
                return
            await asyncio.sleep(0.05)
        raise PostgresError(f"PostgreSQL does not start:\n{self.log()}")

    def log(self) -> str:
        return (self._directory / "log").read_text(errors="replace")

    async def create_database(self) -> str:
        """An empty database; returns its URL."""
        name = next(self._names)
        await self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, name)
        return self._url(name)

    async def stop(self) -> None:
        """Ends the server at once and removes its data."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            # SIGTERM waits for clients to leave; nobody here needs a farewell.
            try:
                await asyncio.wait_for(self._process.wait(), 2)
            except TimeoutError:
                await self._signal_immediate_stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    async def _signal_immediate_stop(self) -> None:
        assert self._process is not None
        await self._run("pg_ctl", "-D", str(self._directory / "data"), "-m", "immediate", "stop")
        await self._process.wait()

    def _command(self, program: str, *arguments: str) -> list[str]:
        directory = programs()
        if directory is None:
            raise PostgresError(unavailable())
        # It must not outlive a killed test run: then it gets the signal for an immediate shutdown.
        ids = ["--pdeathsig", "QUIT"]
        if os.geteuid() == 0:
            account = pwd.getpwnam(_account() or "")
            ids += ["--reuid", str(account.pw_uid), "--regid", str(account.pw_gid), "--clear-groups"]
        return ["setpriv", *ids, str(directory / program), *arguments]

    async def _run(self, program: str, *arguments: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command(program, *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self._directory,
            env={**os.environ, "LC_ALL": "C"},
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise PostgresError(f"{program}: {output.decode(errors='replace')}")
