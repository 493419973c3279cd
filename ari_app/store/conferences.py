"""Conferences: the numbers that lead to them, and who was in them."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.calls.conference_room import ConferenceSettings
from ari_app.clock import Clock
from ari_app.errors import Conflict, NotFound
from ari_app.store import riding
from ari_app.store.database import Database
from ari_app.store.passwords import Passwords, shared_passwords
from ari_app.store.rows import table_of
from ari_app.store.values import Page, clean
from models import Conference as Model
from models import ConferenceStay, Extension, Queue

_TABLE = table_of(Model)
_STAYS = table_of(ConferenceStay)
_QUEUES = table_of(Queue)
_EXTENSIONS = table_of(Extension)
_TAKEN = "a number that is somebody else's"


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody was in a conference. Names as in models/conference.py."""

    id: str
    conference_id: str
    number: str
    call_id: str
    leg_id: str
    caller_number: str
    caller_name: str
    admin: bool
    joined_at: float
    left_at: float | None
    outcome: str | None


async def no_conference(connection: AsyncConnection, number: str, account: int | None = None) -> None:
    """Raises Conflict (extension): the number leads to a conference. account: None: of any account."""
    query = select(_TABLE.c.number).where(_TABLE.c.number == clean(number))
    if account is not None:
        query = query.where(_TABLE.c.account_id == account)
    if (await connection.execute(query)).first() is not None:
        raise Conflict("extension is taken", parameter="extension")


class ConferenceNumbers:
    """Of all accounts. PINs come as hashes. All raise StoreUnavailable."""

    def __init__(self, database: Database, clock: Clock, passwords: Passwords | None = None) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords or shared_passwords()

    async def hashed(self, pin: str | None) -> str | None:
        """A PIN as it is kept. It takes a moment, in which no transaction may be open."""
        return None if pin is None else await self._passwords.hash(pin)

    async def is_pin(self, pin: str, hashed: str) -> bool:
        """Whether it is that PIN."""
        return await self._passwords.check(pin, hashed)

    async def all(self) -> list[tuple[int, ConferenceSettings]]:
        """Of every account: account, settings."""
        async with self._database.transaction(write=False) as connection:
            return [(row.account_id, _settings(row)) for row in await connection.execute(select(_TABLE))]

    async def of_account(self, account: int) -> list[ConferenceSettings]:
        """By number."""
        query = select(_TABLE).where(_TABLE.c.account_id == account).order_by(_TABLE.c.number)
        async with self._database.transaction(write=False) as connection:
            return [_settings(row) for row in await connection.execute(query)]

    async def get(self, account: int, number: str) -> ConferenceSettings:
        """One. Raises NotFound."""
        async with self._database.transaction(write=False) as connection:
            row = (await connection.execute(select(_TABLE).where(*_key(account, number)))).one_or_none()
        if row is None:
            raise NotFound("no such conference", number=number)
        return _settings(row)

    async def create(self, account: int, settings: ConferenceSettings) -> str:
        """Make one; its number. Raises Conflict (number: also a queue's, or a phone's)."""
        queue = select(_QUEUES.c.id).where(
            _QUEUES.c.account_id == account,
            _QUEUES.c.extension == clean(settings.number),
            _QUEUES.c.deleted.is_(False),
        )
        phone = select(_EXTENSIONS.c.id).where(_EXTENSIONS.c.extension == clean(settings.number))
        values = _values(settings) | {"account_id": account, "created_at": self._clock.now()}
        try:
            async with self._database.transaction() as connection:
                for taken in (queue, phone):
                    if (await connection.execute(taken)).first() is not None:
                        raise Conflict(_TAKEN, parameter="number")
                await connection.execute(insert(_TABLE).values(values))
                riding.made(settings.number)
        except IntegrityError as error:
            raise Conflict(_TAKEN, parameter="number") from error
        return settings.number

    async def update(self, account: int, settings: ConferenceSettings) -> None:
        """Change all of it but the number. Raises NotFound."""
        change = update(_TABLE).where(*_key(account, settings.number)).values(_values(settings))
        async with self._database.transaction() as connection:
            if not (await connection.execute(change)).rowcount:
                raise NotFound("no such conference", number=settings.number)

    async def delete(self, account: int, number: str) -> None:
        """Raises NotFound."""
        async with self._database.transaction() as connection:
            if not (await connection.execute(delete(_TABLE).where(*_key(account, number)))).rowcount:
                raise NotFound("no such conference", number=number)

    async def stays(
        self,
        account: int,
        *,
        number: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> Page[Stay]:
        """Who was in conferences, the newest first. since, until: who came then or later, and before then."""
        where: list[ColumnElement[bool]] = [_STAYS.c.account_id == account]
        if number is not None:
            where.append(_STAYS.c.number == clean(number))
        if since is not None:
            where.append(_STAYS.c.joined_at >= since)
        if until is not None:
            where.append(_STAYS.c.joined_at < until)
        rows = select(_STAYS).where(*where).order_by(_STAYS.c.joined_at.desc(), _STAYS.c.id.desc())
        async with self._database.transaction(write=False) as connection:
            total = (await connection.execute(select(func.count()).select_from(_STAYS).where(*where))).scalar_one()
            found = await connection.execute(rows.limit(limit).offset(offset))
            return Page(rows=[_stay(row) for row in found], total=total)


def _key(account: int, number: str) -> tuple[ColumnElement[bool], ...]:
    return _TABLE.c.account_id == account, _TABLE.c.number == clean(number)


def _values(settings: ConferenceSettings) -> dict[str, Any]:
    held = msgspec.structs.asdict(settings)
    return {name: clean(value) if isinstance(value, str) else value for name, value in held.items()}


def _settings(row: Row[Any]) -> ConferenceSettings:
    return ConferenceSettings(**{name: getattr(row, name) for name in ConferenceSettings.__struct_fields__})


def _stay(row: Row[Any]) -> Stay:
    return Stay(**{name: getattr(row, name) for name in Stay.__struct_fields__})
