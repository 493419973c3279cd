"""The writer's connection to PostgreSQL.

A batch is one statement: each kind of operation it has is one `WITH` clause that takes its rows out of one JSON
parameter. So it costs one message there and one back, however many tables it touches and however far the server is,
and it is a transaction by itself. The clauses are those of all operations seen so far, those without rows included:
after the first calls the statement is always the same one, prepared and planned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]
import msgspec
import structlog
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ari_app.errors import StoreUnavailable
from ari_app.store.batch import DELETE, PRUNE, TABLES, UPDATE, UPSERT, Batch, Operation, Shape, on_conflict, statement
from ari_app.store.database import SERVER_STATES, reason
from ari_app.store.port import MARK, BadRow, Mark, Park, Rejected
from models import Base

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: clauses in the one statement at most; a batch that needs others is written statement by statement
CLAUSES = 40
#: seconds a transaction, or connecting, may take
PATIENCE = 10.0
#: The rows of a batch are few, and found by primary key. The planner does not know, and a plan it made while a table
#: was small would be kept when it has grown.
_PLANS = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off"


class PostgresConnection:
    """asyncpg's own connection, taken out of the pool and kept."""

    def __init__(self, pooled: AsyncConnection, raw: Any, trouble: Callable[[BaseException], str]) -> None:
        self._pooled = pooled
        self._raw = raw
        self._trouble = trouble
        #: the clauses of the one statement, and their names in its parameter
        self._clauses: dict[Shape, str] = {}

    @classmethod
    async def open(cls, engine: AsyncEngine, trouble: Callable[[BaseException], str]) -> PostgresConnection:
        try:
            async with asyncio.timeout(PATIENCE):
                pooled = await engine.connect()
                raw: Any = (await pooled.get_raw_connection()).driver_connection
                await raw.execute(_PLANS)
        except Exception as error:
            raise StoreUnavailable(trouble(error)) from error
        return cls(pooled, raw, trouble)

    async def write(self, batch: Batch, mark: Mark) -> None:
        async def work() -> None:
            try:
                await self._write(batch, mark)
            except Exception as error:
                if _speaks_of_server(error):
                    raise
                raise BadRow(reason(error)) from error

        await self._guard(work())

    async def _write(self, batch: Batch, mark: Mark) -> None:
        first, *more = batch.groups()
        if not more and self._has_clauses(first):
            rows = {self._clauses[shape]: values for shape, values in first.items()}
            payload = msgspec.json.encode(rows).decode()
            sql = together(tuple(self._clauses))
            await self._raw.execute(sql, payload, mark.writer, mark.batch, mark.at)
            return
        async with self._raw.transaction():
            await self._write_apart(batch)
            await self._write_mark(mark)

    def _has_clauses(self, groups: dict[Shape, list[dict[str, Any]]]) -> bool:
        for shape in groups:
            if shape in self._clauses:
                continue
            # A clause sees the tables as they were before the statement, and so not the snapshot that PRUNE asks for.
            if shape[0] == PRUNE or len(self._clauses) >= CLAUSES:
                return False
            self._clauses[shape] = str(len(self._clauses))
        return True

    async def _write_apart(self, batch: Batch) -> None:
        for sql, rows in batch.statements("$"):
            await self._raw.executemany(sql, rows)

    async def _write_mark(self, mark: Mark) -> None:
        await self._raw.execute(statement(UPSERT, "spill_marks", MARK, "$"), mark.writer, mark.batch, mark.at)

    async def write_rest(self, batch: Batch, mark: Mark, park: Park) -> int:
        rejected: list[Rejected] = []

        async def work() -> None:
            async with self._raw.transaction():
                await self._halve(list(batch), rejected)
                if rejected:
                    await asyncio.to_thread(park, rejected)
                await self._write_mark(mark)

        await self._guard(work())
        return len(rejected)

    async def _halve(self, operations: list[Operation], rejected: list[Rejected]) -> None:
        try:
            async with self._raw.transaction():
                await self._write_apart(Batch(operations))
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
        await self._guard(self._raw.execute("DELETE FROM spill_marks WHERE writer = $1 OR at < $2", writer, before))

    async def close(self) -> None:
        # Not given back to the pool: its settings are ours, and after a failure nobody knows what state it is in.
        try:
            await self._pooled.invalidate()
            await self._pooled.close()
        except Exception as error:
            log.debug("closing a connection", reason=reason(error))

    async def _guard(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(PATIENCE):
                return await work
        except (BadRow, StoreUnavailable):
            raise
        except Exception as error:
            raise StoreUnavailable(self._trouble(error)) from error


@lru_cache(64)
def together(shapes: tuple[Shape, ...]) -> str:
    """One statement for operations of all these shapes: its parameters are their rows as JSON, by the shape's number,
    and the mark."""
    clauses = [f"w{number} AS ({_clause(shape, number)})" for number, shape in enumerate(shapes)]
    mark = statement(UPSERT, "spill_marks", MARK, "$")
    for number in (3, 2, 1):
        mark = mark.replace(f"${number}", f"${number + 1}")
    return f"WITH {', '.join(clauses)} {mark}" if clauses else mark


def _clause(shape: Shape, number: int) -> str:
    kind, table, columns = shape
    key = TABLES[table].key_names
    types = ", ".join(f'"{name}" {_type(table, name)}' for name in columns)
    rows = f"jsonb_to_recordset($1::jsonb -> '{number}') AS r({types})"
    here = " AND ".join(f't."{name}" = r."{name}"' for name in key)
    if kind == DELETE:
        return f'DELETE FROM "{table}" AS t USING {rows} WHERE {here}'
    if kind == UPDATE:
        changes = ", ".join(f'"{name}" = r."{name}"' for name in columns if name not in key)
        return f'UPDATE "{table}" AS t SET {changes} FROM {rows} WHERE {here}'
    names = ", ".join(f'"{name}"' for name in columns)
    chosen = ", ".join(f'r."{name}"' for name in columns)
    return f'INSERT INTO "{table}" ({names}) SELECT {chosen} FROM {rows} {on_conflict(kind, table, columns)}'


def _type(table: str, column: str) -> str:
    return Base.metadata.tables[table].c[column].type.compile(postgresql.dialect())  # type: ignore[no-untyped-call]


def _speaks_of_server(error: BaseException) -> bool:
    """Whether the connection or the server failed, rather than a row."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "").startswith(SERVER_STATES)
    if isinstance(error, StoreUnavailable):
        return True
    if isinstance(error, ValueError | TypeError | OverflowError | msgspec.MsgspecError):
        return False
    return isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError)
