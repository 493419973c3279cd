"""Each test of the store runs on SQLite and on PostgreSQL, on tables the migrations made."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from ari_app.clock import ManualClock
from ari_app.store import migrate
from ari_app.store.database import Database
from ari_app.store.passwords import Passwords
from ari_app.store.writer import Writer
from tests.harness.postgres import Postgres, unavailable

_NUMBER = count(1)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file fresh from the migrations, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "template.sqlite"
    asyncio.run(migrate.upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgres() -> Iterator[tuple[Postgres, str]]:
    """A server, and the URL of a database fresh from the migrations, to be copied."""
    if reason := unavailable():
        pytest.skip(reason)
    with asyncio.Runner() as runner:
        server = Postgres()
        try:
            runner.run(server.start())
            url = runner.run(server.create_database())
            runner.run(migrate.upgrade(url))
            yield server, url
        finally:
            runner.run(server.stop())


async def copy_of(server: Postgres, template: str) -> str:
    """The URL of a copy of a database of this server."""
    base, _, name = template.rpartition("/")
    copy = f"copy_{next(_NUMBER)}"
    connection = await asyncpg.connect(server.url.replace("+asyncpg", ""))
    await connection.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
    await connection.close()
    return f"{base}/{copy}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_kind(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture
def store_url(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated database of the test's own."""
    if store_kind == "sqlite":
        path = tmp_path / "store.sqlite"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        return f"sqlite:///{path}"
    return asyncio.run(copy_of(*request.getfixturevalue("migrated_postgres")))


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    """Connected."""
    database = Database(store_url)
    await database.start()
    yield database
    await database.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def passwords() -> Passwords:
    """As weak as argon2 can be: what is tested is not its strength."""
    return Passwords(time_cost=1, memory_cost=8, parallelism=1)


MakeWriter = Callable[..., Awaitable[Writer]]


@pytest.fixture
async def make_writer(database: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[MakeWriter]:
    """Makes started writers, which are closed after the test. `start=False`: not started, and not closed."""
    made: list[Writer] = []

    async def make(*, start: bool = True, **options: object) -> Writer:
        writer = Writer(database, clock, tmp_path / "data", **options)  # type: ignore[arg-type]
        if start:
            await writer.start()
            made.append(writer)
        return writer

    yield make
    for writer in made:
        if not writer.closed:
            await writer.close()


@pytest.fixture
async def writer(make_writer: MakeWriter) -> Writer:
    return await make_writer()
