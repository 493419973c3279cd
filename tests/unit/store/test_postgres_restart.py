"""PostgreSQL killed and started again while rows are written: each is there once, in order, and nobody waited."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ari_app.acd.events import AgentSignedOut
from ari_app.clock import SystemClock
from ari_app.errors import StoreUnavailable
from ari_app.store import migrate
from ari_app.store.database import Database
from ari_app.store.journal import Journal
from ari_app.store.writer import Writer
from tests.harness.postgres import Postgres, unavailable

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


#: seconds; telling takes microseconds
SLOW = 0.01


async def kill(server: Postgres) -> None:
    assert server._process is not None
    # SIGQUIT: all of it at once, without a farewell to clients (postgres(1)).
    server._process.send_signal(signal.SIGQUIT)
    await server._process.wait()


async def start_again(server: Postgres) -> None:
    data = server._directory / "data"
    settings = [f"--port={server.port}", "--listen_addresses=127.0.0.1", f"--unix_socket_directories={data}"]
    with (server._directory / "log").open("wb") as log:
        command = server._command("postgres", "-D", str(data), *settings)
        server._process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, cwd=data.parent)
    await server._ready(server._process)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


class Telling:
    """Events told all the while, each numbered."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.told = 0
        #: seconds
        self.slowest = 0.0
        #: how often it took longer than SLOW
        self.slow = 0
        self.stopped = False

    async def run(self) -> None:
        while not self.stopped:
            for _ in range(10):
                self.told += 1
                began = time.perf_counter()
                self.journal.event(1, float(self.told), AgentSignedOut(agent=self.told))
                seconds = time.perf_counter() - began
                self.slowest = max(self.slowest, seconds)
                self.slow += seconds > SLOW
            await asyncio.sleep(0.005)


async def test_rows_outlive_the_server(tmp_path: Path) -> None:
    if reason := unavailable():
        pytest.skip(reason)
    async with Postgres() as server:
        url = await server.create_database()
        await migrate.upgrade(url)
        database = Database(url)
        await database.start()
        writer = Writer(database, SystemClock(), tmp_path)
        await writer.start()
        telling = Telling(Journal(writer))
        task = asyncio.create_task(telling.run())
        for _ in range(2):
            await until(lambda: writer.stats.pending == 0 and writer.stats.committed > 0)
            await kill(server)
            await until(lambda: writer.stats.spilled > 0 and not writer.healthy)
            with pytest.raises(StoreUnavailable, match="set DATABASE_URL"):
                await database.start()
            await start_again(server)
            await database.start()
            await until(lambda: writer.healthy)
        telling.stopped = True
        await task
        await writer.flush()
        (loaded,) = await Journal(writer).load()
        assert [event.agent for _, event in loaded.events] == list(range(1, telling.told + 1))  # type: ignore[union-attr]
        assert writer.stats.failures >= 2
        assert writer.stats.rejected == 0
        # now and then a machine lets a process stand still; who waited for the database would do so all the while
        assert telling.slow < 1 + telling.told / 100
        assert telling.slowest < 5
        await writer.close()
        assert not list((tmp_path / "spill").iterdir())
        await database.close()
