"""Accounts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from ari_app.clock import Clock
from ari_app.errors import NotFound
from ari_app.store.database import Database
from ari_app.store.rows import conflict, known_id, table_of
from ari_app.store.values import Account, clean
from models import Account as Model

#: the account of a plain installation; the first migration makes it
DEFAULT = 1

_TABLE = table_of(Model)
_UNIQUE = {"uq_accounts_name": ("name", "name")}


def _value(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        parent=row.parent_id,
        name=row.name,
        created_at=row.created_at,
        time_zone=row.time_zone,
        recordings_days=row.recordings_days,
    )


class Accounts:
    """The accounts of this installation."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, name: str, parent: int | None = None) -> int:
        """Make one, under another. Raises Conflict (name)."""
        values = {"name": clean(name), "parent_id": parent, "created_at": self._clock.now()}
        try:
            async with self._database.transaction() as connection:
                made = await connection.execute(insert(_TABLE).values(values).returning(_TABLE.c.id))
                return int(made.scalar_one())
        except IntegrityError as error:
            raise conflict(error, _UNIQUE) from error

    async def get(self, id: int) -> Account:
        """Raises NotFound."""
        known_id(id, "account")
        async with self._database.transaction(write=False) as connection:
            row = (await connection.execute(select(_TABLE).where(_TABLE.c.id == id))).one_or_none()
        if row is None:
            raise NotFound("no such account", id=id)
        return _value(row)

    async def set_time_zone(self, id: int, name: str) -> None:
        """name: must be one that there is; "": the installation's. Raises NotFound."""
        known_id(id, "account")
        async with self._database.transaction() as connection:
            done = await connection.execute(update(_TABLE).where(_TABLE.c.id == id).values(time_zone=name))
            if not done.rowcount:
                raise NotFound("no such account", id=id)

    async def set_recordings_days(self, id: int, days: int | None) -> None:
        """For how long its recordings are kept; 0: for ever; None: as the installation says. Raises NotFound."""
        known_id(id, "account")
        async with self._database.transaction() as connection:
            done = await connection.execute(update(_TABLE).where(_TABLE.c.id == id).values(recordings_days=days))
            if not done.rowcount:
                raise NotFound("no such account", id=id)

    async def find(self, name: str) -> Account | None:
        """By name."""
        async with self._database.transaction(write=False) as connection:
            row = (await connection.execute(select(_TABLE).where(_TABLE.c.name == clean(name)))).one_or_none()
        return None if row is None else _value(row)

    async def listing(self) -> list[Account]:
        """All of them."""
        async with self._database.transaction(write=False) as connection:
            return [_value(row) for row in await connection.execute(select(_TABLE).order_by(_TABLE.c.id))]
