"""Connecting, and what an operator is told when it fails."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ari_app.errors import ConfigError, StoreUnavailable
from ari_app.store import migrate
from ari_app.store.database import Database
from tests.harness import net


def accounts(names: str) -> str:
    return f"INSERT INTO accounts (name, created_at) VALUES {names}"


async def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    assert database.healthy

    async def fails(*then: str) -> None:
        async with database.transaction() as connection:
            await connection.execute(text(accounts("('a', 1)")))
            for statement in then:
                await connection.execute(text(statement))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    with pytest.raises(IntegrityError):
        await fails(accounts("('default', 1)"))
    async with database.transaction() as connection:
        await connection.execute(text(accounts("('b', 1)")))
    async with database.transaction(write=False) as connection:
        names = (await connection.execute(text("SELECT name FROM accounts ORDER BY name"))).scalars().all()
    assert names == ["b", "default"]
    assert database.healthy


async def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.transaction() as connection:
            await connection.execute(
                text("INSERT INTO pause_codes (account_id, name, deleted, created_at) VALUES (77, 'x', FALSE, 1)")
            )


async def test_many_writers_at_once_wait_their_turn(database: Database) -> None:
    async def count_up(number: int) -> None:
        async with database.transaction() as connection:
            (await connection.execute(text("SELECT max(id) FROM accounts"))).scalar_one()
            await connection.execute(text(accounts(f"('n{number}', 1)")))

    await asyncio.gather(*map(count_up, range(30)))
    async with database.transaction(write=False) as connection:
        assert (await connection.execute(text("SELECT count(*) FROM accounts"))).scalar_one() == 31


async def test_sqlite_is_set_up_for_many_readers_and_a_kill(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/deep/down/x.sqlite")
    await database.start()
    async with database.transaction() as connection:
        found = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        ]
    await database.close()
    assert found == ["wal", 1, 5000, 1]


async def test_a_server_that_does_not_answer_is_one_clear_line() -> None:
    database = Database(f"postgresql://maria:top-secret@127.0.0.1:{net.free_port()}/calls")
    with pytest.raises(StoreUnavailable) as caught:
        await database.start()
    said = str(caught.value)
    assert "postgresql://maria:***@127.0.0.1:" in said
    assert "refused" in said
    assert said.endswith("set DATABASE_URL")
    assert "top-secret" not in said
    assert "\n" not in said
    assert not database.healthy
    with pytest.raises(StoreUnavailable):
        async with database.transaction():
            pass


@pytest.mark.postgres
@pytest.mark.parametrize("store_kind", ["postgres"])
async def test_a_database_that_is_not_there_is_one_clear_line(store_url: str) -> None:
    database = Database(store_url.rpartition("/")[0] + "/nowhere")
    with pytest.raises(StoreUnavailable, match=r'"nowhere" does not exist\); set DATABASE_URL$'):
        await database.start()
    with pytest.raises(StoreUnavailable, match=r"set DATABASE_URL$"):
        await migrate.upgrade(store_url.rpartition("/")[0] + "/nowhere")


async def test_a_file_that_cannot_be_opened_is_one_clear_line(tmp_path: Path) -> None:
    folder = tmp_path / "x.sqlite"
    folder.mkdir(stat.S_IRWXU)
    with pytest.raises(StoreUnavailable, match=r"cannot open the database file .*x\.sqlite \(unable to open"):
        await Database(f"sqlite:///{folder}").start()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="set DATABASE_URL, or DATA_DIR"):
        await Database(f"sqlite:///{tmp_path}/file/x.sqlite").start()
    (tmp_path / "noise.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreUnavailable, match="file is not a database"):
        await Database(f"sqlite:///{tmp_path}/noise.sqlite").start()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://u:secret@h/x", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL") as caught:
        Database(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://h/x", "postgresql+asyncpg"),
        ("postgres://h/x", "postgresql+asyncpg"),
        ("postgresql+asyncpg://h/x", "postgresql+asyncpg"),
        ("sqlite:///x", "sqlite+aiosqlite"),
    ],
)
def test_our_drivers_are_put_in(url: str, driver: str) -> None:
    assert Database(url).url.drivername == driver


@pytest.mark.postgres
@pytest.mark.parametrize("store_kind", ["postgres"])
async def test_a_server_that_goes_away_is_told_apart_from_a_bad_row(database: Database) -> None:
    with pytest.raises(StoreUnavailable):
        async with database.transaction() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert not database.healthy
    async with database.transaction() as connection:
        await connection.execute(text("SELECT 1"))
    assert database.healthy


@pytest.mark.postgres
@pytest.mark.parametrize("store_kind", ["postgres"])
async def test_a_server_that_takes_no_connections_does_not_answer(database: Database, store_url: str) -> None:
    """It refuses with an error of its own, not with a closed port."""
    other = Database(store_url.rpartition("/")[0] + "/postgres")
    await other.start()
    name = store_url.rpartition("/")[2]
    async with other.transaction() as connection:
        await connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        await connection.execute(
            text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        )
    with pytest.raises(StoreUnavailable, match="not currently accepting connections"):
        async with database.transaction() as connection:
            await connection.execute(text("SELECT 1"))
    await other.close()
