"""What agents can, and by what queues choose among them."""

from __future__ import annotations

import msgspec
from sqlalchemy import Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.acd.skills import Routing
from ari_app.errors import NotFound
from ari_app.store.database import Database
from ari_app.store.rows import known_id, queue_id, table_of
from models import AgentSkill, Queue, QueueRouting, User

_SKILLS = table_of(AgentSkill)
_ROUTING = table_of(QueueRouting)
_QUEUES = table_of(Queue)
_USERS = table_of(User)


class Skills:
    """Of all accounts; what belongs to deleted agents and queues is kept, but not seen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_agent(self, account: int, agent: int) -> dict[str, int]:
        """An agent's skills: name -> level, by name. Raises NotFound."""
        known_id(agent, "agent")
        async with self._database.transaction(write=False) as connection:
            await self._agent(connection, account, agent)
            query = select(_SKILLS.c.name, _SKILLS.c.level).where(_SKILLS.c.agent_id == agent).order_by(_SKILLS.c.name)
            return {row.name: row.level for row in await connection.execute(query)}

    async def of_account(self, account: int) -> dict[int, dict[str, int]]:
        """Of all agents who have any."""
        joined = _SKILLS.join(_USERS, _SKILLS.c.agent_id == _USERS.c.id)
        query = (
            select(_SKILLS.c.agent_id, _SKILLS.c.name, _SKILLS.c.level)
            .select_from(joined)
            .where(_SKILLS.c.account_id == account, _USERS.c.deleted.is_(False))
            .order_by(_SKILLS.c.agent_id, _SKILLS.c.name)
        )
        found: dict[int, dict[str, int]] = {}
        async with self._database.transaction(write=False) as connection:
            for row in await connection.execute(query):
                found.setdefault(row.agent_id, {})[row.name] = row.level
        return found

    async def set_agent(self, account: int, agent: int, skills: dict[str, int]) -> None:
        """All that an agent can. Raises NotFound."""
        known_id(agent, "agent")
        async with self._database.transaction() as connection:
            await self._agent(connection, account, agent)
            await connection.execute(delete(_SKILLS).where(_SKILLS.c.agent_id == agent))
            if skills:
                rows = [
                    {"agent_id": agent, "name": name, "account_id": account, "level": level}
                    for name, level in skills.items()
                ]
                await connection.execute(insert(_SKILLS), rows)

    async def routing(self, account: int, queue: str) -> Routing:
        """By what a queue chooses agents. Raises NotFound."""
        async with self._database.transaction(write=False) as connection:
            id = await queue_id(connection, account, queue)
            found = await connection.execute(select(_ROUTING).where(_ROUTING.c.queue_id == id))
            row = found.one_or_none()
        return Routing() if row is None else _routing(row.rule, row.wanted)

    async def routings(self, account: int) -> dict[str, Routing]:
        """Of all queues for which it was ever set, by their extensions."""
        query: Select[tuple[str, str, str]] = (
            select(_QUEUES.c.extension, _ROUTING.c.rule, _ROUTING.c.wanted)
            .select_from(_ROUTING.join(_QUEUES, _ROUTING.c.queue_id == _QUEUES.c.id))
            .where(_ROUTING.c.account_id == account, _QUEUES.c.deleted.is_(False))
        )
        async with self._database.transaction(write=False) as connection:
            return {row.extension: _routing(row.rule, row.wanted) for row in await connection.execute(query)}

    async def set_routing(self, account: int, queue: str, routing: Routing) -> None:
        """By what a queue is to choose agents; the rule must be valid. Raises NotFound."""
        async with self._database.transaction() as connection:
            id = await queue_id(connection, account, queue)
            await connection.execute(delete(_ROUTING).where(_ROUTING.c.queue_id == id))
            values = {
                "queue_id": id,
                "account_id": account,
                "rule": routing.rule,
                "wanted": msgspec.json.encode(routing.wanted).decode(),
            }
            await connection.execute(insert(_ROUTING).values(values))

    async def _agent(self, connection: AsyncConnection, account: int, agent: int) -> None:
        here = (_USERS.c.id == agent, _USERS.c.account_id == account)
        query = select(_USERS.c.id).where(*here, _USERS.c.kind == "agent", _USERS.c.deleted.is_(False))
        if (await connection.execute(query)).one_or_none() is None:
            raise NotFound("no such agent", id=agent)


def _routing(rule: str, wanted: str) -> Routing:
    return Routing(rule=rule, wanted=msgspec.json.decode(wanted, type=dict[str, int]))
