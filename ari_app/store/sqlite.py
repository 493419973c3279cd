"""The writer's connection to SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import structlog

from ari_app.errors import StoreUnavailable
from ari_app.store.batch import UPSERT, Batch, Operation, statement
from ari_app.store.database import pragmas, reason
from ari_app.store.port import MARK, BadRow, Mark, Park, Rejected
from ari_app.store.thread import OneThread

log = structlog.get_logger(__name__)


class SqliteConnection:
    """One connection in one thread."""

    def __init__(self, trouble: Callable[[BaseException], str]) -> None:
        self._trouble = trouble
        self._thread = OneThread("store-writer")
        self._sqlite: sqlite3.Connection | None = None

    @classmethod
    async def open(cls, path: str, trouble: Callable[[BaseException], str]) -> SqliteConnection:
        self = cls(trouble)
        try:
            await self._run(self._connect, path)
        except BaseException:
            await self.close()
            raise
        return self

    async def _run(self, function: Callable[..., Any], *args: Any) -> Any:
        try:
            return await self._thread.call(function, *args)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(self._trouble(error)) from error

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
            cursor.execute(statement(UPSERT, "spill_marks", MARK, "?"), (mark.writer, mark.batch, mark.at))
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
            await self._thread.call(shut)
        except Exception as error:
            log.debug("closing a connection", reason=reason(error))
        self._thread.stop()


def _execute(cursor: sqlite3.Connection, batch: Batch) -> None:
    for sql, rows in batch.statements("?"):
        if len(rows) == 1:
            cursor.execute(sql, rows[0])
        else:
            cursor.executemany(sql, rows)
