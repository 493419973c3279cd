"""Which agents are bound to which queues."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.errors import NotFound
from ari_app.store.database import Database
from ari_app.store.rows import known_id, table_of
from ari_app.store.values import Binding, clean
from models import Queue, QueueBinding, User

_TABLE = table_of(QueueBinding)
_QUEUES = table_of(Queue)
_USERS = table_of(User)


class Bindings:
    """The bindings of all accounts; those of deleted agents and queues are kept, but not seen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bind(self, account: int, queue: str, agent: int, skill: int = 3) -> None:
        """Bind, or change the skill (1 is called first, 5 last). Raises NotFound (parameter: queue, agent)."""
        known_id(agent, "agent")
        async with self._database.transaction() as connection:
            queue_id = await self._queue(connection, account, queue)
            found = await connection.execute(
                select(_USERS.c.id).where(
                    _USERS.c.account_id == account,
                    _USERS.c.id == agent,
                    _USERS.c.kind == "agent",
                    _USERS.c.deleted.is_(False),
                )
            )
            if found.one_or_none() is None:
                raise NotFound("no such agent", parameter="agent")
            here = (_TABLE.c.queue_id == queue_id, _TABLE.c.agent_id == agent)
            done = await connection.execute(update(_TABLE).where(*here).values(skill=skill))
            if not done.rowcount:
                values = {"queue_id": queue_id, "agent_id": agent, "account_id": account, "skill": skill}
                await connection.execute(insert(_TABLE).values(values))

    async def unbind(self, account: int, queue: str, agent: int) -> None:
        """Take a binding back; harmless when there is none. Raises NotFound (parameter: queue)."""
        known_id(agent, "agent")
        async with self._database.transaction() as connection:
            queue_id = await self._queue(connection, account, queue)
            await connection.execute(
                delete(_TABLE).where(
                    _TABLE.c.account_id == account, _TABLE.c.queue_id == queue_id, _TABLE.c.agent_id == agent
                )
            )

    async def of_agent(self, account: int, agent: int) -> dict[str, int]:
        """An agent's queues and his skill in each."""
        known_id(agent, "agent")
        return {row.queue: row.skill for row in await self._rows(_seen(account).where(_TABLE.c.agent_id == agent))}

    async def of_queue(self, account: int, queue: str) -> dict[int, int]:
        """A queue's agents and their skill in it."""
        query = _seen(account).where(_QUEUES.c.extension == clean(queue))
        return {row.agent: row.skill for row in await self._rows(query)}

    async def of_account(self, account: int) -> list[Binding]:
        """All of them."""
        return await self._rows(_seen(account))

    async def _queue(self, connection: AsyncConnection, account: int, queue: str) -> int:
        found = await connection.execute(
            select(_QUEUES.c.id).where(
                _QUEUES.c.account_id == account, _QUEUES.c.extension == clean(queue), _QUEUES.c.deleted.is_(False)
            )
        )
        row = found.one_or_none()
        if row is None:
            raise NotFound("no such queue", parameter="queue")
        return int(row.id)

    async def _rows(self, query: Select[Any]) -> list[Binding]:
        async with self._database.transaction(write=False) as connection:
            found = await connection.execute(query)
            return [Binding(queue=row.extension, agent=row.agent_id, skill=row.skill) for row in found]


def _seen(account: int) -> Select[Any]:
    joined = _TABLE.join(_QUEUES, _TABLE.c.queue_id == _QUEUES.c.id).join(_USERS, _TABLE.c.agent_id == _USERS.c.id)
    return (
        select(_QUEUES.c.extension, _TABLE.c.agent_id, _TABLE.c.skill)
        .select_from(joined)
        .where(_TABLE.c.account_id == account, _QUEUES.c.deleted.is_(False), _USERS.c.deleted.is_(False))
        .order_by(_QUEUES.c.extension, _TABLE.c.agent_id)
    )
