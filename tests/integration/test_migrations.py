"""Migrations, on both databases: up, down and up again; the tables they make are those of the models; data is kept."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Row, inspect, text

from ari_app.clock import SystemClock
from ari_app.errors import ConfigError, StoreUnavailable
from ari_app.store import migrate
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.database import Database
from ari_app.store.queues import Queues
from ari_app.store.values import QueueData
from models import Base
from tests.harness.postgres import Postgres, unavailable


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty/x.sqlite"
        return
    if reason := unavailable():
        pytest.skip(reason)
    async with Postgres() as server:
        yield await server.create_database()


async def ask(url: str, question: str) -> list[Row[tuple[object, ...]]]:
    database = Database(url)
    await database.start()
    async with database.transaction() as connection:
        answer = await connection.execute(text(question))
        rows = list(answer.all()) if answer.returns_rows else []
    await database.close()
    return rows


async def tables(url: str) -> set[str]:
    database = Database(url)
    await database.start()
    async with database.transaction() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await database.close()
    return set(names)


async def differences(url: str) -> list[object]:
    """What autogenerate would write, if it were asked."""
    found: list[object] = []

    def compare(connection: Connection) -> None:
        options = {"compare_type": True, "compare_server_default": True}
        found.extend(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))

    database = Database(url)
    await database.start()
    async with database.transaction() as connection:
        await connection.run_sync(compare)
    await database.close()
    return found


async def test_up_down_and_up_again(url: str) -> None:
    expected = {*Base.metadata.tables, "alembic_version"}
    assert not await migrate.is_current(url)
    await migrate.upgrade(url)
    assert await migrate.is_current(url)
    assert await tables(url) == expected
    await migrate.downgrade(url, "base")
    assert await tables(url) == {"alembic_version"}
    assert not await migrate.is_current(url)
    await migrate.upgrade(url)
    assert await tables(url) == expected
    assert await differences(url) == []


async def test_each_step_by_itself(url: str) -> None:
    revisions = [one.revision for one in ScriptDirectory.from_config(migrate.config()).walk_revisions()][::-1]
    for revision in revisions:
        await migrate.upgrade(url, revision)
        await migrate.downgrade(url, "-1")
        await migrate.upgrade(url, revision)
    assert await migrate.is_current(url)
    assert await differences(url) == []


async def test_a_second_time_changes_nothing(url: str) -> None:
    await migrate.upgrade(url)
    (account,) = await ask(url, "SELECT id, name, parent_id FROM accounts")
    assert tuple(account) == (DEFAULT, "default", None)
    database = Database(url)
    await database.start()
    assert await Accounts(database, SystemClock()).create("second") == 2
    await Queues(database, SystemClock()).create(DEFAULT, QueueData(extension="500", name="kept"))
    await database.close()
    await migrate.upgrade(url)
    assert [tuple(row) for row in await ask(url, "SELECT extension, name FROM queues")] == [("500", "kept")]
    assert len(await ask(url, "SELECT id FROM accounts")) == 2


async def test_many_processes_at_once(url: str) -> None:
    program = "import asyncio, sys; from ari_app.store import migrate; asyncio.run(migrate.upgrade(sys.argv[1]))"
    command, root = (sys.executable, "-c", program, url), Path(__file__).parents[2]
    processes = [await asyncio.create_subprocess_exec(*command, cwd=root) for _ in range(4)]
    assert [await process.wait() for process in processes] == [0, 0, 0, 0]
    assert len(await ask(url, "SELECT id FROM accounts")) == 1
    assert await differences(url) == []


async def test_the_indexes_that_keep_order_are_there(url: str) -> None:
    """Autogenerate does not compare what an index leaves out."""
    await migrate.upgrade(url)
    catalogue = "sqlite_master WHERE type = 'index'" if url.startswith("sqlite") else "pg_indexes"
    column, name = ("sql", "name") if url.startswith("sqlite") else ("indexdef", "indexname")
    for index in ("uq_users_login", "uq_users_email", "uq_queues_extension", "uq_queues_name", "uq_pause_codes_name"):
        where = "AND" if url.startswith("sqlite") else "WHERE"
        (row,) = await ask(url, f"SELECT {column} FROM {catalogue} {where} {name} = '{index}'")
        assert "UNIQUE" in str(row[0])
        assert "NOT deleted" in str(row[0])


async def test_it_works_from_anywhere(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    await migrate.upgrade(url)
    assert await migrate.is_current(url)


async def test_migrations_that_are_missing_are_said_to_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(migrate.models, "__file__", str(tmp_path / "models" / "__init__.py"))
    monkeypatch.setattr(migrate.sys, "prefix", str(tmp_path))
    with pytest.raises(ConfigError, match="the migrations are missing"):
        migrate.config()
    place = tmp_path / "share/ari-app/alembic"
    place.mkdir(parents=True)
    (place / "env.py").touch()
    assert isinstance(migrate.config(), Config)


async def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="set DATABASE_URL"):
        await migrate.upgrade(f"sqlite:///{tmp_path}/file/x.sqlite")
