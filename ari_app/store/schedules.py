"""What agents are scheduled for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.errors import NotFound
from ari_app.store.adherence import Activity, ActivityKind
from ari_app.store.database import Database
from ari_app.store.rows import table_of
from models import PauseCode, ScheduleActivity, User

_TABLE = table_of(ScheduleActivity)
_USERS = table_of(User)
_CODES = table_of(PauseCode)
#: ids in one question: databases take so many parameters at least
_AT_ONCE = 500


class Schedules:
    """Of all accounts; what belongs to deleted agents is kept, and seen in reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(
        self, account: int, since: float, until: float, agent: int | None = None
    ) -> dict[int, list[Activity]]:
        """What falls into a span of time, whole, in order; agents with nothing in it are not there."""
        where = [_TABLE.c.account_id == account, _TABLE.c.ends_at > since, _TABLE.c.begins_at < until]
        if agent is not None:
            where.append(_TABLE.c.agent_id == agent)
        query = select(_TABLE).where(*where).order_by(_TABLE.c.agent_id, _TABLE.c.begins_at)
        found: dict[int, list[Activity]] = {}
        async with self._database.transaction(write=False) as connection:
            for row in await connection.execute(query):
                found.setdefault(row.agent_id, []).append(_activity(row))
        return found

    async def set(self, account: int, since: float, until: float, schedules: Mapping[int, Sequence[Activity]]) -> None:
        """All that these agents are scheduled for in a span of time; what is outside of it stays, what reaches into it
        is cut off there. schedules: in order, without overlaps, and within the span.

        Raises NotFound, with context "agent" or "pause_code"; nothing has changed.
        """
        async with self._database.transaction() as connection:
            await self._agents(connection, account, schedules)
            codes = {one.pause_code for activities in schedules.values() for one in activities}
            await self._codes(connection, account, codes - {None})
            for agent, activities in schedules.items():
                await self._replace(connection, account, agent, since, until, activities)

    async def _replace(
        self,
        connection: AsyncConnection,
        account: int,
        agent: int,
        since: float,
        until: float,
        activities: Sequence[Activity],
    ) -> None:
        here = (_TABLE.c.agent_id == agent, _TABLE.c.ends_at > since, _TABLE.c.begins_at < until)
        old = [_activity(row) for row in await connection.execute(select(_TABLE).where(*here))]
        kept = [msgspec.structs.replace(one, until=since) for one in old if one.since < since]
        kept += [msgspec.structs.replace(one, since=until) for one in old if one.until > until]
        await connection.execute(delete(_TABLE).where(*here))
        if rows := [_row(account, agent, one) for one in (*kept, *activities)]:
            await connection.execute(insert(_TABLE), rows)

    async def _agents(self, connection: AsyncConnection, account: int, agents: Iterable[int]) -> None:
        wanted, known = sorted(agents), set[int]()
        mine = (_USERS.c.account_id == account, _USERS.c.kind == "agent", _USERS.c.deleted.is_(False))
        for at in range(0, len(wanted), _AT_ONCE):
            query = select(_USERS.c.id).where(*mine, _USERS.c.id.in_(wanted[at : at + _AT_ONCE]))
            known.update((await connection.execute(query)).scalars())
        for agent in wanted:
            if agent not in known:
                raise NotFound("no such agent", agent=agent)

    async def _codes(self, connection: AsyncConnection, account: int, codes: Iterable[int | None]) -> None:
        query = select(_CODES.c.id).where(_CODES.c.account_id == account, _CODES.c.deleted.is_(False))
        known = set((await connection.execute(query)).scalars())
        for code in codes:
            if code not in known:
                raise NotFound("no such pause code", pause_code=code)


def _activity(row: Row[Any]) -> Activity:
    return Activity(since=row.begins_at, until=row.ends_at, kind=ActivityKind(row.kind), pause_code=row.pause_code_id)


def _row(account: int, agent: int, activity: Activity) -> dict[str, Any]:
    return {
        "agent_id": agent,
        "begins_at": activity.since,
        "ends_at": activity.until,
        "account_id": account,
        "kind": activity.kind.value,
        "pause_code_id": activity.pause_code,
    }
