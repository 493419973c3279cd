"""When queues are open, and the calendars they share."""

from __future__ import annotations

import msgspec
from sqlalchemy import Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.acd.hours import Hours, Special
from ari_app.errors import Conflict, NotFound
from ari_app.store.database import Database
from ari_app.store.rows import queue_id, table_of
from models import Calendar, Queue, QueueHours

_HOURS = table_of(QueueHours)
_CALENDARS = table_of(Calendar)
_QUEUES = table_of(Queue)


class KeptHours(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of a queue as they were given."""

    own: Hours
    #: names of calendars, whose exceptions come after its own
    calendars: tuple[str, ...] = ()


class OpeningHours:
    """Of all accounts; what belongs to deleted queues is kept, but not seen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, account: int, queue: str) -> KeptHours | None:
        """None: it is always open. Raises NotFound."""
        async with self._database.transaction(write=False) as connection:
            id = await queue_id(connection, account, queue)
            found = await connection.execute(select(_HOURS.c.hours).where(_HOURS.c.queue_id == id))
            row = found.one_or_none()
        return None if row is None else msgspec.json.decode(row.hours, type=KeptHours)

    async def set(self, account: int, queue: str, hours: KeptHours | None) -> None:
        """None: it is to be always open. Raises NotFound: queue; or, with context "calendar", a calendar."""
        async with self._database.transaction() as connection:
            id = await queue_id(connection, account, queue)
            if hours is not None:
                known = await self._calendars(connection, account)
                for name in hours.calendars:
                    if name not in known:
                        raise NotFound("no such calendar", calendar=name)
            await connection.execute(delete(_HOURS).where(_HOURS.c.queue_id == id))
            if hours is not None:
                text = msgspec.json.encode(hours).decode()
                await connection.execute(insert(_HOURS).values(queue_id=id, account_id=account, hours=text))

    async def of_account(self, account: int) -> dict[str, Hours]:
        """Of all queues that have any, by their extensions: with the exceptions of their calendars."""
        async with self._database.transaction(write=False) as connection:
            calendars = await self._calendars(connection, account)
            kept = await self._kept(connection, account)
        return {queue: _whole(hours, calendars) for queue, hours in kept.items()}

    async def calendars(self, account: int) -> dict[str, list[Special]]:
        """By name."""
        async with self._database.transaction(write=False) as connection:
            return await self._calendars(connection, account)

    async def set_calendar(self, account: int, name: str, exceptions: list[Special]) -> None:
        """Make or change one."""
        text = msgspec.json.encode(exceptions).decode()
        async with self._database.transaction() as connection:
            await self._drop(connection, account, name)
            await connection.execute(insert(_CALENDARS).values(account_id=account, name=name, exceptions=text))

    async def delete_calendar(self, account: int, name: str) -> None:
        """Raises NotFound; Conflict: queues use it; its text says which."""
        async with self._database.transaction() as connection:
            if name not in await self._calendars(connection, account):
                raise NotFound("no such calendar", name=name)
            kept = await self._kept(connection, account)
            users = [queue for queue, hours in kept.items() if name in hours.calendars]
            if users:
                raise Conflict(", ".join(users[:10]), parameter="name")
            await self._drop(connection, account, name)

    async def _drop(self, connection: AsyncConnection, account: int, name: str) -> None:
        here = (_CALENDARS.c.account_id == account, _CALENDARS.c.name == name)
        await connection.execute(delete(_CALENDARS).where(*here))

    async def _calendars(self, connection: AsyncConnection, account: int) -> dict[str, list[Special]]:
        columns = (_CALENDARS.c.name, _CALENDARS.c.exceptions)
        query: Select[tuple[str, str]] = select(*columns).where(_CALENDARS.c.account_id == account)
        rows = await connection.execute(query.order_by(_CALENDARS.c.name))
        return {row.name: msgspec.json.decode(row.exceptions, type=list[Special]) for row in rows}

    async def _kept(self, connection: AsyncConnection, account: int) -> dict[str, KeptHours]:
        query: Select[tuple[str, str]] = (
            select(_QUEUES.c.extension, _HOURS.c.hours)
            .select_from(_HOURS.join(_QUEUES, _HOURS.c.queue_id == _QUEUES.c.id))
            .where(_HOURS.c.account_id == account, _QUEUES.c.deleted.is_(False))
        )
        rows = await connection.execute(query.order_by(_QUEUES.c.extension))
        return {row.extension: msgspec.json.decode(row.hours, type=KeptHours) for row in rows}


def _whole(kept: KeptHours, calendars: dict[str, list[Special]]) -> Hours:
    # A calendar is there: one that hours name is not deleted. A queue that was undeleted may name one that is gone.
    shared = [special for name in kept.calendars for special in calendars.get(name, [])]
    return msgspec.structs.replace(kept.own, exceptions=(*kept.own.exceptions, *shared))
