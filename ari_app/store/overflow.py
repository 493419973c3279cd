"""Where callers go whom queues do not serve."""

from __future__ import annotations

import msgspec
from sqlalchemy import Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.acd.destination import Overflow
from ari_app.store.database import Database
from ari_app.store.rows import queue_id, table_of
from models import Queue, QueueOverflow

OVERFLOW = table_of(QueueOverflow)
_QUEUES = table_of(Queue)
_Rules = tuple[Overflow, ...]


class Overflows:
    """The rules of all accounts' queues; those of deleted queues are kept, but not seen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, account: int, queue: str) -> _Rules:
        """In order of precedence. Raises NotFound."""
        async with self._database.transaction(write=False) as connection:
            id = await queue_id(connection, account, queue)
            query = select(OVERFLOW.c.rules).where(OVERFLOW.c.queue_id == id)
            row = (await connection.execute(query)).one_or_none()
        return () if row is None else _rules(row.rules)

    async def of_account(self, account: int) -> dict[str, _Rules]:
        """Of all queues that have any, by their extensions."""
        async with self._database.transaction(write=False) as connection:
            return await overflow_of(connection, account)

    async def set(self, account: int, queue: str, rules: _Rules) -> None:
        """All of them. Raises NotFound."""
        async with self._database.transaction() as connection:
            id = await queue_id(connection, account, queue)
            await connection.execute(delete(OVERFLOW).where(OVERFLOW.c.queue_id == id))
            if rules:
                text = msgspec.json.encode(rules).decode()
                await connection.execute(insert(OVERFLOW).values(queue_id=id, account_id=account, rules=text))


def _rules(text: str) -> _Rules:
    return msgspec.json.decode(text, type=_Rules)


async def overflow_of(connection: AsyncConnection, account: int) -> dict[str, _Rules]:
    """The rules of all queues that have any, by their extensions."""
    query: Select[tuple[str, str]] = (
        select(_QUEUES.c.extension, OVERFLOW.c.rules)
        .select_from(OVERFLOW.join(_QUEUES, OVERFLOW.c.queue_id == _QUEUES.c.id))
        .where(OVERFLOW.c.account_id == account, _QUEUES.c.deleted.is_(False))
    )
    return {row.extension: _rules(row.rules) for row in await connection.execute(query)}
