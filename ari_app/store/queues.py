"""Call queues."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.acd.settings import QueueSettings
from ari_app.clock import Clock
from ari_app.errors import Conflict, NotFound
from ari_app.store import riding
from ari_app.store.conferences import no_conference
from ari_app.store.database import Database
from ari_app.store.rows import conflict, page, table_of
from ari_app.store.values import Page, Queue, QueueData, clean
from models import Extension
from models import Queue as Model

_TABLE = table_of(Model)
_EXTENSIONS = table_of(Extension)
_FIELDS = QueueData.__struct_fields__
_UNIQUE = {"uq_queues_extension": ("extension", "extension"), "uq_queues_name": ("name", "name")}


def _value(row: Row[Any]) -> Queue:
    held = row._mapping
    return Queue(
        id=row.id,
        account=row.account_id,
        deleted=row.deleted,
        created_at=row.created_at,
        **{name: held[name] for name in _FIELDS},
    )


def _values(data: QueueData) -> dict[str, Any]:
    # A Queue is a QueueData too: only what may be changed is taken from it.
    held = msgspec.structs.asdict(data)
    return {name: clean(held[name]) if isinstance(held[name], str) else held[name] for name in _FIELDS}


async def _free(connection: AsyncConnection, account: int, extension: str) -> None:
    query = select(_EXTENSIONS.c.id).where(_EXTENSIONS.c.extension == clean(extension))
    if (await connection.execute(query)).first() is not None:
        raise Conflict("extension is taken", parameter="extension")
    await no_conference(connection, extension, account)


class Queues:
    """The queues of all accounts. A queue is named by its extension: the living one that has it, else the one that was
    deleted last."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, account: int, data: QueueData) -> str:
        """Make one; its extension. Raises Conflict (extension: also that of a phone or a conference; name)."""
        values = _values(data) | {"account_id": account, "deleted": False, "created_at": self._clock.now()}
        try:
            async with self._database.transaction() as connection:
                await _free(connection, account, data.extension)
                await connection.execute(insert(_TABLE).values(values))
                riding.made(data.extension)
        except IntegrityError as error:
            raise conflict(error, _UNIQUE) from error
        return data.extension

    async def get(self, account: int, extension: str) -> Queue:
        """One, deleted or not. Raises NotFound."""
        query = select(_TABLE).where(_TABLE.c.account_id == account, _TABLE.c.extension == clean(extension))
        async with self._database.transaction(write=False) as connection:
            found = await connection.execute(query.order_by(_TABLE.c.deleted, _TABLE.c.id.desc()).limit(1))
            row = found.one_or_none()
        if row is None:
            raise NotFound("no such queue", extension=extension)
        return _value(row)

    async def find(self, account: int, extension: str) -> Queue | None:
        """One that is not deleted."""
        try:
            queue = await self.get(account, extension)
        except NotFound:
            return None
        return None if queue.deleted else queue

    async def update(self, account: int, extension: str, data: QueueData) -> None:
        """Change all of it but the extension. Raises NotFound (also when deleted), Conflict (name)."""
        queue = await self.get(account, extension)
        values = _values(data) | {"extension": queue.extension}
        await self._change(queue.id, values, living=True)

    async def set_deleted(self, account: int, extension: str, deleted: bool) -> None:
        """Delete or undelete; either twice is once. Raises NotFound, Conflict (what is unique is another's by now)."""
        queue = await self.get(account, extension)
        if not deleted:
            async with self._database.transaction(write=False) as connection:
                await _free(connection, account, queue.extension)
        await self._change(queue.id, {"deleted": deleted}, living=False)

    async def accounts(self) -> list[int]:
        """The accounts that have queues."""
        query = select(_TABLE.c.account_id).where(_TABLE.c.deleted.is_(False)).distinct().order_by(_TABLE.c.account_id)
        async with self._database.transaction(write=False) as connection:
            return list((await connection.execute(query)).scalars())

    async def all_settings(self, account: int) -> list[QueueSettings]:
        """What the queue engine is to know of an account's living queues."""
        query = select(_TABLE).where(_TABLE.c.account_id == account, _TABLE.c.deleted.is_(False))
        async with self._database.transaction(write=False) as connection:
            rows = await connection.execute(query.order_by(_TABLE.c.extension))
            return [_value(row).to_settings() for row in rows]

    async def listing(
        self,
        account: int,
        *,
        deleted: bool | None = False,
        search: str = "",
        order: str = "extension",
        descending: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> Page[Queue]:
        """A page of them; `search` looks into extension and name. Raises ValueError (order)."""
        return await page(
            self._database,
            _TABLE,
            _value,
            [_TABLE.c.account_id == account],
            deleted=deleted,
            search=search,
            search_in=("extension", "name"),
            order=order,
            descending=descending,
            limit=limit,
            offset=offset,
        )

    async def _change(self, id: int, values: dict[str, Any], *, living: bool) -> None:
        change = update(_TABLE).where(_TABLE.c.id == id)
        if living:
            change = change.where(_TABLE.c.deleted.is_(False))
        try:
            async with self._database.transaction() as connection:
                done = await connection.execute(change.values(values))
                if not done.rowcount:
                    raise NotFound("no such queue", id=id)
        except IntegrityError as error:
            raise conflict(error, _UNIQUE) from error
