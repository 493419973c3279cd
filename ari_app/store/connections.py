"""The writer's own connection: a port, and SQLite's and PostgreSQL's side of it.

Below SQLAlchemy on purpose: SQLite writes a whole batch in one hop to its thread, PostgreSQL in one pipelined
message for each kind of statement.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]
import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ari_app.errors import StoreUnavailable
from ari_app.store.batch import UPSERT, BadRow, Batch, Operation, statement
from ari_app.store.database import SERVER_STATES, Database, pragmas, reason

log = structlog.get_logger(__name__)

_MARK = ("writer", "batch", "at")


class Mark(msgspec.Struct, frozen=True):
    """Which batch of which writer a transaction brings."""

    writer: str
    batch: int
    at: float


class Rejected(msgspec.Struct, frozen=True):
    """An operation the database will not have, and why."""

    operation: Operation
    error: str


#: keeps rejected operations somewhere else; raises OSError when it cannot
Park = Callable[[list[Rejected]], None]


class BatchConnection(Protocol):
    """Writes batches, each in a transaction of its own with its mark in it.

    All raise StoreUnavailable when the database does not answer; the connection is of no more use then, and whether the
    transaction was committed is open.
    """

    async def write(self, batch: Batch, mark: Mark) -> None:
        """Write all of it. Raises BadRow, with nothing written, when a row is refused for what is in it."""

    async def write_rest(self, batch: Batch, mark: Mark, park: Park) -> int:
        """Write all that can be written and park the rest, before the commit; how many were parked."""

    async def mark_of(self, writer: str) -> int:
        """The last batch of this writer that was committed; 0: none."""

    async def forget(self, writer: str, before: float) -> None:
        """Drop the mark of this writer, and all marks older than `before`."""

    async def close(self) -> None:
        """Close. Never raises."""


async def connect(database: Database, *, patience: float = 10.0) -> BatchConnection:
    """A connection of the writer's own. Raises StoreUnavailable."""
    if database.sqlite:
        return await SqliteConnection.open(database.url.database or "", database.explain)
    return await PostgresConnection.open(database.engine, database.explain, patience)


# SQLite


class SqliteConnection:
    """One connection in one thread."""

    def __init__(self, explain: Callable[[BaseException], str]) -> None:
        self._explain = explain
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._sqlite: sqlite3.Connection | None = None

    @classmethod
    async def open(cls, path: str, explain: Callable[[BaseException], str]) -> SqliteConnection:
        self = cls(explain)
        try:
            await self._run(self._connect, path)
        except BaseException:
            await self.close()
            raise
        return self

    async def _run(self, function: Callable[..., Any], *args: Any) -> Any:
        # Shielded: a transaction that is under way in the thread goes on to its end, and `close` waits for it.
        future = asyncio.get_running_loop().run_in_executor(self._thread, function, *args)
        try:
            return await asyncio.shield(future)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(self._explain(error)) from error

    @property
    def _cursor(self) -> sqlite3.Connection:
        if self._sqlite is None:
            raise sqlite3.OperationalError("not connected")
        return self._sqlite

    def _connect(self, path: str) -> None:
        self._sqlite = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        for pragma in pragmas():
            self._sqlite.execute(pragma)

    async def write(self, batch: Batch, mark: Mark) -> None:
        await self._run(self._write, batch, mark)

    def _write(self, batch: Batch, mark: Mark) -> None:
        def body(cursor: sqlite3.Connection) -> None:
            try:
                _execute(cursor, batch)
            except sqlite3.OperationalError:
                raise
            except Exception as error:
                raise BadRow(reason(error)) from error

        self._transaction(body, mark)

    async def write_rest(self, batch: Batch, mark: Mark, park: Park) -> int:
        rejected: list[Rejected] = []

        def body(cursor: sqlite3.Connection) -> None:
            self._halve(cursor, list(batch), rejected)
            if rejected:
                park(rejected)

        await self._run(self._transaction, body, mark)
        return len(rejected)

    def _transaction(self, body: Callable[[sqlite3.Connection], None], mark: Mark) -> None:
        cursor = self._cursor
        cursor.execute("BEGIN IMMEDIATE")
        try:
            body(cursor)
            cursor.execute(statement(UPSERT, "spill_marks", _MARK, "?"), (mark.writer, mark.batch, mark.at))
            cursor.execute("COMMIT")
        except BaseException:
            # a full disk makes SQLite roll back by itself
            if cursor.in_transaction:
                cursor.execute("ROLLBACK")
            raise

    def _halve(self, cursor: sqlite3.Connection, operations: list[Operation], rejected: list[Rejected]) -> None:
        cursor.execute("SAVEPOINT part")
        try:
            _execute(cursor, Batch(operations))
        except sqlite3.OperationalError:
            raise
        except Exception as error:
            cursor.execute("ROLLBACK TO part")
            cursor.execute("RELEASE part")
            if len(operations) == 1:
                rejected.append(Rejected(operations[0], reason(error)))
                return
            middle = len(operations) // 2
            self._halve(cursor, operations[:middle], rejected)
            self._halve(cursor, operations[middle:], rejected)
            return
        cursor.execute("RELEASE part")

    async def mark_of(self, writer: str) -> int:
        def look() -> int:
            row = self._cursor.execute("SELECT batch FROM spill_marks WHERE writer = ?", (writer,)).fetchone()
            return row[0] if row else 0

        found: int = await self._run(look)
        return found

    async def forget(self, writer: str, before: float) -> None:
        def drop() -> None:
            self._cursor.execute("DELETE FROM spill_marks WHERE writer = ? OR at < ?", (writer, before))

        await self._run(drop)

    async def close(self) -> None:
        def shut() -> None:
            if self._sqlite is not None:
                self._sqlite.close()
                self._sqlite = None

        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, shut)
        except Exception as error:
            log.debug("closing a connection", reason=reason(error))
        self._thread.shutdown(wait=False)


def _execute(cursor: sqlite3.Connection, batch: Batch) -> None:
    for sql, rows in batch.statements("?"):
        if len(rows) == 1:
            cursor.execute(sql, rows[0])
        else:
            cursor.executemany(sql, rows)


# PostgreSQL


class PostgresConnection:
    """asyncpg's own connection, taken out of the pool and kept."""

    def __init__(
        self, pooled: AsyncConnection, raw: Any, explain: Callable[[BaseException], str], patience: float
    ) -> None:
        self._pooled = pooled
        self._raw = raw
        self._explain = explain
        self._patience = patience

    @classmethod
    async def open(
        cls, engine: AsyncEngine, explain: Callable[[BaseException], str], patience: float
    ) -> PostgresConnection:
        try:
            async with asyncio.timeout(patience):
                pooled = await engine.connect()
                raw = (await pooled.get_raw_connection()).driver_connection
        except Exception as error:
            raise StoreUnavailable(explain(error)) from error
        return cls(pooled, raw, explain, patience)

    async def write(self, batch: Batch, mark: Mark) -> None:
        async def body() -> None:
            try:
                await self._execute(batch)
            except Exception as error:
                if _speaks_of_server(error):
                    raise
                raise BadRow(reason(error)) from error

        await self._guard(self._transaction(body, mark))

    async def write_rest(self, batch: Batch, mark: Mark, park: Park) -> int:
        rejected: list[Rejected] = []

        async def body() -> None:
            await self._halve(list(batch), rejected)
            if rejected:
                await asyncio.to_thread(park, rejected)

        await self._guard(self._transaction(body, mark))
        return len(rejected)

    async def _guard(self, work: Any) -> Any:
        try:
            async with asyncio.timeout(self._patience):
                return await work
        except BadRow:
            raise
        except Exception as error:
            raise StoreUnavailable(self._explain(error)) from error

    async def _transaction(self, body: Callable[[], Any], mark: Mark) -> None:
        async with self._raw.transaction():
            await body()
            sql = statement(UPSERT, "spill_marks", _MARK, "$")
            await self._raw.execute(sql, mark.writer, mark.batch, mark.at)

    async def _execute(self, batch: Batch) -> None:
        for sql, rows in batch.statements("$"):
            if len(rows) == 1:
                await self._raw.execute(sql, *rows[0])
            else:
                await self._raw.executemany(sql, rows)

    async def _halve(self, operations: list[Operation], rejected: list[Rejected]) -> None:
        try:
            async with self._raw.transaction():
                await self._execute(Batch(operations))
        except Exception as error:
            if _speaks_of_server(error):
                raise
            if len(operations) == 1:
                rejected.append(Rejected(operations[0], reason(error)))
                return
            middle = len(operations) // 2
            await self._halve(operations[:middle], rejected)
            await self._halve(operations[middle:], rejected)

    async def mark_of(self, writer: str) -> int:
        found = await self._guard(self._raw.fetchval("SELECT batch FROM spill_marks WHERE writer = $1", writer))
        return found or 0

    async def forget(self, writer: str, before: float) -> None:
        await self._guard(
            self._raw.execute("DELETE FROM spill_marks WHERE writer = $1 OR at < $2", writer, before),
        )

    async def close(self) -> None:
        # Not given back to the pool: after a failure nobody knows what state it is in.
        try:
            await self._pooled.invalidate()
            await self._pooled.close()
        except Exception as error:  # it is gone either way
            log.debug("closing a connection", reason=reason(error))


def _speaks_of_server(error: BaseException) -> bool:
    """Whether the connection or the server failed, rather than a row."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "").startswith(SERVER_STATES)
    if isinstance(error, asyncpg.DataError | ValueError | TypeError | OverflowError):
        return False
    return isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError | TimeoutError)
