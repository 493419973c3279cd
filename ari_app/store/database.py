"""The database: SQLite in a file, or PostgreSQL by URL.

What a person changes goes through `transaction()`; what calls and agents do goes through the Writer, which has a
connection of its own.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ari_app.errors import ConfigError, StoreUnavailable
from ari_app.store import riding

#: milliseconds SQLite waits for another writer's lock
BUSY_TIMEOUT = 5000

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}
#: SQLSTATE classes that speak of the server or the connection, not of a row: 08 connection, 25 read-only, 28 log-in,
#: 3D no such database, 40 rolled back by the server, 42 schema or rights, 53 resources (disk full), 55 locked,
#: 57 shut down, 58 I/O, XX internal
#: (https://www.postgresql.org/docs/current/errcodes-appendix.html)
SERVER_STATES = ("08", "25", "28", "3D", "40", "42", "53", "55", "57", "58", "XX")


def parse_url(url: str) -> URL:
    """The URL with our drivers.

    Raises:
        ConfigError: it is none, or not of a database that is supported. Never says the URL: it may hold a password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("DATABASE_URL is not a database URL; such as postgresql://user:password@host/name") from None
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    if parsed.drivername not in _DRIVERS.values():
        raise ConfigError(f"DATABASE_URL names {parsed.drivername}; supported are sqlite and postgresql")
    if is_sqlite(parsed) and parsed.database in (None, "", ":memory:"):
        raise ConfigError("DATABASE_URL must name a file, sqlite:///path: one in memory has no second connection")
    return parsed


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def make_engine(url: URL, *, foreign_keys: bool = True) -> AsyncEngine:
    """An engine whose connections are set as the store needs them."""
    if not is_sqlite(url):
        return create_async_engine(url, pool_size=5, max_overflow=5, pool_pre_ping=True, pool_timeout=10)
    engine = create_async_engine(url, pool_size=3, max_overflow=2, pool_timeout=10)

    def connected(connection: Any, _record: object) -> None:
        # Python's sqlite3 begins transactions by itself, but not before a SELECT or DDL; we begin them (see `begun`).
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas(foreign_keys):
            cursor.execute(pragma)
        cursor.close()

    def begun(connection: Connection) -> None:
        # A transaction that reads first and then writes fails at once when another wrote between; one that takes the
        # write lock at its beginning waits its turn.
        write = connection.get_execution_options().get("write", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", begun)
    return engine


def pragmas(foreign_keys: bool = True) -> tuple[str, ...]:
    """What every SQLite connection is told. NORMAL with WAL: a killed process loses nothing; a power cut may lose the
    last moments, never the database (https://www.sqlite.org/pragma.html#pragma_synchronous)."""
    return (
        f"PRAGMA busy_timeout = {BUSY_TIMEOUT}",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = NORMAL",
        f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}",
    )


def is_unavailable(error: BaseException) -> bool:
    """Whether an error speaks of the database as a whole, rather than of what it was asked to store."""
    if isinstance(error, IntegrityError):
        return False
    if isinstance(error, DBAPIError):
        origin: Any = error.orig
        state = getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None)
        if state is not None:
            return str(state).startswith(SERVER_STATES)
        return error.connection_invalidated or isinstance(origin, sqlite3.OperationalError | OSError) or _closed(origin)
    # While it connects, asyncpg raises what SQLAlchemy does not know.
    if type(error).__module__.startswith("asyncpg"):
        return str(getattr(error, "sqlstate", None) or "08").startswith(SERVER_STATES)
    return isinstance(error, OSError | PoolTimeout)


def _closed(origin: object) -> bool:
    """asyncpg's InterfaceError stands both for a connection that is gone and for a value it cannot encode."""
    message = str(origin)
    return "connection is closed" in message or "connection was closed" in message


def reason(error: BaseException) -> str:
    """The error in a line, for a log or an operator."""
    origin = getattr(error, "orig", None) or error
    if isinstance(origin, OSError) and origin.errno:
        return os.strerror(origin.errno)
    lines = str(origin).strip().splitlines()
    return lines[0] if lines else type(origin).__name__


class Database:
    """A pool of connections, and whether the database answers."""

    def __init__(self, url: str) -> None:
        """
        Raises:
            ConfigError: the URL cannot be used.
        """
        self.url = parse_url(url)
        #: False from the moment it does not answer until it does again
        self.healthy = False
        self._engine: AsyncEngine | None = None

    @property
    def sqlite(self) -> bool:
        return is_sqlite(self.url)

    @property
    def name(self) -> str:
        """The file, or the URL without its password."""
        if self.sqlite:
            return str(Path(self.url.database or "").resolve())
        return self.url.render_as_string(hide_password=True).replace("+asyncpg", "")

    @property
    def engine(self) -> AsyncEngine:
        """The engine, once started."""
        if self._engine is None:
            raise StoreUnavailable("the database is not connected")
        return self._engine

    async def start(self) -> None:
        """Connect.

        Raises:
            StoreUnavailable: it does not answer. One line: what was tried and what to set, without the password.
        """
        try:
            if self.sqlite:
                folder = Path(self.name).parent
                await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            self._engine = make_engine(self.url)
            async with self._engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except Exception as error:
            await self.close()
            if not isinstance(error, SQLAlchemyError | sqlite3.Error) and not is_unavailable(error):
                raise
            raise StoreUnavailable(self.explain(error)) from None
        self.healthy = True

    def explain(self, error: BaseException) -> str:
        """What was tried, what came of it, what to set: for one who starts the application."""
        if self.sqlite:
            what = f"cannot open the database file {self.name} ({reason(error)})"
            return f"{what}; set DATABASE_URL, or DATA_DIR for its folder"
        return f"cannot reach the database {self.name} ({reason(error)}); set DATABASE_URL"

    def trouble(self, error: BaseException) -> str:
        """What is wrong with a database that worked before."""
        return f"the database {self.name} does not answer ({reason(error)})"

    async def close(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None
        self.healthy = False

    @asynccontextmanager
    async def transaction(self, *, write: bool = True) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction: committed at the end, rolled back when the block raises.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        joined = riding.shared(self)
        if joined is not None:
            async with self._part_of(joined, write) as connection:
                yield connection
            return
        rider = riding.rider() if write else None
        try:
            async with self.engine.connect() as connection:
                await connection.execution_options(write=write)
                async with connection.begin():
                    if rider is None:
                        yield connection
                    else:
                        with riding.sharing(self, connection):
                            await rider.begun(connection)
                        yield connection
                        with riding.sharing(self, connection):
                            await rider.done(connection)
            if rider is not None:
                rider.committed()
        except Exception as error:
            if not is_unavailable(error):
                raise
            self.healthy = False
            raise StoreUnavailable(self.trouble(error)) from error
        self.healthy = True

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """One transaction for all that this task asks for inside the block; each of its transactions is a part that may
        fail for itself.

        Raises:
            StoreUnavailable
        """
        async with self.transaction() as connection:
            with riding.sharing(self, connection):
                yield

    @asynccontextmanager
    async def _part_of(self, connection: AsyncConnection, write: bool) -> AsyncIterator[AsyncConnection]:
        """A part of a transaction that goes on: what it did is undone when it raises, without the rest."""
        rider = riding.rider() if write else None
        async with connection.begin_nested() if write else nullcontext():
            if rider is not None:
                await rider.begun(connection)
            yield connection
            if rider is not None:
                await rider.done(connection)
        if rider is not None:
            rider.committed()
