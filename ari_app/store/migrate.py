"""Brings the tables to what this version of the code needs. The migrations themselves are in alembic/versions."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

import models
from alembic import command
from ari_app.errors import ConfigError, StoreUnavailable
from ari_app.store.database import Database, is_sqlite, make_engine, parse_url


def script_location() -> Path:
    """The folder of the migrations: beside models/ in a checkout, under share/ where a wheel was installed.

    Raises:
        ConfigError: it is in neither place.
    """
    # An installed wheel cannot have it beside models/: there site-packages/alembic is the library.
    places = (Path(models.__file__).resolve().parent.parent / "alembic", Path(sys.prefix) / "share/ari-app/alembic")
    for place in places:
        if (place / "env.py").is_file():
            return place
    raise ConfigError(f"the migrations are missing: looked in {' and '.join(map(str, places))}")


def config() -> Config:
    """Alembic's configuration, made rather than read: alembic.ini is for its command line only."""
    made = Config()
    made.set_main_option("script_location", str(script_location()).replace("%", "%%"))
    return made


async def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database to `revision`; nothing is done when it is there.

    Raises:
        StoreUnavailable: the database does not answer.
        ConfigError: the URL cannot be used.
    """
    await _run(database_url, lambda made: command.upgrade(made, revision))


async def downgrade(database_url: str, revision: str) -> None:
    """Take migrations back to `revision` ("base": all of them). Raises as `upgrade` does."""
    await _run(database_url, lambda made: command.downgrade(made, revision))


async def is_current(database_url: str) -> bool:
    """Whether the tables are those of this version. Raises as `upgrade` does."""
    heads = set(ScriptDirectory.from_config(config()).get_heads())
    found: set[str] = set()

    def look(connection: Connection) -> None:
        found.update(MigrationContext.configure(connection).get_current_heads())

    await _with_connection(database_url, look)
    return found == heads


async def _run(database_url: str, run: Any) -> None:
    def migrate(connection: Connection) -> None:
        made = config()
        made.attributes["connection"] = connection
        run(made)

    await _with_connection(database_url, migrate)


async def _with_connection(database_url: str, use: Any) -> None:
    database = Database(database_url)
    await database.start()
    await database.close()
    # SQLite changes a column by making the table anew, which its foreign keys would take for a deletion.
    engine = make_engine(parse_url(database_url), foreign_keys=False)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(use)
    except (SQLAlchemyError, OSError, sqlite3.Error) as error:
        if not is_sqlite(engine.url) and not isinstance(error, OSError):
            raise
        raise StoreUnavailable(database.explain(error)) from error
    finally:
        await engine.dispose()
