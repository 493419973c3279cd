"""Pause codes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from ari_app.clock import Clock
from ari_app.errors import NotFound
from ari_app.store import riding
from ari_app.store.database import Database
from ari_app.store.rows import conflict, known_id, page, table_of
from ari_app.store.values import Page, PauseCode, clean
from models import PauseCode as Model

_TABLE = table_of(Model)
_UNIQUE = {"uq_pause_codes_name": ("name", "name")}


def _value(row: Row[Any]) -> PauseCode:
    return PauseCode(id=row.id, account=row.account_id, name=row.name, deleted=row.deleted)


class PauseCodes:
    """The pause codes of all accounts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, account: int, name: str) -> int:
        """Make one; its id. Raises Conflict (name)."""
        values = {"account_id": account, "name": clean(name), "deleted": False, "created_at": self._clock.now()}
        try:
            async with self._database.transaction() as connection:
                made = await connection.execute(insert(_TABLE).values(values).returning(_TABLE.c.id))
                id = int(made.scalar_one())
                riding.made(id)
                return id
        except IntegrityError as error:
            raise conflict(error, _UNIQUE) from error

    async def get(self, account: int, id: int) -> PauseCode:
        """One, deleted or not. Raises NotFound."""
        known_id(id, "pause code")
        async with self._database.transaction(write=False) as connection:
            query = select(_TABLE).where(_TABLE.c.account_id == account, _TABLE.c.id == id)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound("no such pause code", id=id)
        return _value(row)

    async def find(self, account: int, id: int) -> PauseCode | None:
        """One that is not deleted."""
        try:
            code = await self.get(account, id)
        except NotFound:
            return None
        return None if code.deleted else code

    async def update(self, account: int, id: int, name: str) -> None:
        """Rename. Raises NotFound (also when deleted), Conflict (name)."""
        await self._change(account, id, {"name": clean(name)}, living=True)

    async def set_deleted(self, account: int, id: int, deleted: bool) -> None:
        """Delete or undelete; either twice is once. Raises NotFound, Conflict (the name is another's by now)."""
        await self._change(account, id, {"deleted": deleted}, living=False)

    async def listing(
        self,
        account: int,
        *,
        deleted: bool | None = False,
        search: str = "",
        order: str = "id",
        descending: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> Page[PauseCode]:
        """A page of them. Raises ValueError (order)."""
        return await page(
            self._database,
            _TABLE,
            _value,
            [_TABLE.c.account_id == account],
            deleted=deleted,
            search=search,
            search_in=("name",),
            order=order,
            descending=descending,
            limit=limit,
            offset=offset,
        )

    async def _change(self, account: int, id: int, values: dict[str, Any], *, living: bool) -> None:
        known_id(id, "pause code")
        change = update(_TABLE).where(_TABLE.c.account_id == account, _TABLE.c.id == id)
        if living:
            change = change.where(_TABLE.c.deleted.is_(False))
        try:
            async with self._database.transaction() as connection:
                done = await connection.execute(change.values(values))
                if not done.rowcount:
                    raise NotFound("no such pause code", id=id)
        except IntegrityError as error:
            raise conflict(error, _UNIQUE) from error
