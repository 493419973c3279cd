"""The audit trail: who changed what, when, from where, and what it was before.

The row of a change is written in the transaction that makes the change: there is none without the other. A change that
takes several transactions has one row, which each of them brings up to date. What is done to calls and agents at work
changes no row of configuration; its entry goes with the journal's, through the writer.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.clock import Clock
from ari_app.errors import NotFound
from ari_app.ids import IdSource
from ari_app.store.database import Database
from ari_app.store.rows import table_of
from ari_app.store.values import MAX_INTEGER, Page, clean, clean_or_none
from ari_app.store.writer import Writer
from models import AuditEntry as Model

_TABLE = table_of(Model)
_C = _TABLE.c
#: characters of JSON that are kept of one request, or of one entity; of more, only how many there were
TEXT_MAX = 65_536
#: rows forgotten in one transaction: others want to write too
_FORGOTTEN_AT_ONCE = 1000
#: seconds that two entries are apart at least
_TICK = 1e-6


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Who changes something."""

    account: int
    #: "api" or "command"
    source: str = "api"
    key: int | None = None
    #: of the session: "supervisor" or "agent", the user's id, and the session's
    user_kind: str | None = None
    user: int | None = None
    session: int | None = None
    #: of the peer; of a command, the system's user
    address: str | None = None


def on_the_command_line(account: int) -> Who:
    """Whoever runs a command of ours on the server."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        name = str(os.getuid())
    return Who(account=account, source="command", address=name)


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change. JSON is text."""

    id: str
    at: float
    who: Who
    action: str
    entity: str
    entity_id: str | None
    request: str | None
    was: str | None
    became: str | None


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries; None: any."""

    action: str | None = None
    entity: str | None = None
    entity_id: str | None = None
    key: int | None = None
    user: int | None = None
    address: str | None = None
    #: UNIX seconds; until is not in it
    since: float | None = None
    until: float | None = None


#: looks at the entity of an id as it is now, on the transaction of who asks; None: there is none
Look = Callable[[str | None], Awaitable[object]]


class Change:
    """One change on its way into the trail; rides with the transactions that make it (riding.py)."""

    def __init__(self, values: dict[str, Any], look: Look | None) -> None:
        self._values = values
        self._look = look
        self._looked = False
        #: it changes what SQL does not have
        self.live = False
        #: it has no id, and is looked at all the same
        self.whole = False
        #: its row is in the database
        self.written = False

    async def begun(self, connection: AsyncConnection | None = None) -> None:
        """Look at what it was."""
        if not self._looked:
            self._looked = True
            self._values["was"] = await self._seen()

    async def done(self, connection: AsyncConnection) -> None:
        """Look at what it has become, and write that with it."""
        self._values["became"] = await self._seen()
        if self.written:
            changed = {name: self._values[name] for name in ("became", "entity_id")}
            await connection.execute(update(_TABLE).where(_C.id == self._values["id"]).values(changed))
        else:
            await connection.execute(insert(_TABLE).values(self._values))

    def committed(self) -> None:
        """Its row is there."""
        self.written = True

    def made(self, id: object) -> None:
        """It made an entity, under this id."""
        if self._values["entity_id"] is None:
            self._values["entity_id"] = str(id)

    async def _seen(self) -> str | None:
        id = self._values["entity_id"]
        if self._look is None or (id is None and not self.whole):
            return None
        try:
            return _json(await self._look(id))
        except NotFound:
            return None

    async def done_live(self) -> None:
        """Look at what it has become, where no transaction asks for that."""
        if self.live:
            self._values["became"] = await self._seen()

    def row(self) -> dict[str, Any]:
        """As it is now."""
        return dict(self._values)


class AuditTrail:
    """The trails of all accounts."""

    def __init__(self, database: Database, clock: Clock, writer: Writer | None = None) -> None:
        self._database = database
        self._clock = clock
        self._writer = writer
        self._ids = IdSource(clock)
        #: the last entry's time: no two of this process have the same, for it is their order
        self._last = float("-inf")

    def change(
        self,
        who: Who,
        action: str,
        entity: str,
        entity_id: str | None = None,
        request: object = None,
        look: Look | None = None,
    ) -> Change:
        """One that is about to be made. request: what was asked, without secrets."""
        self._last = max(self._clock.now(), self._last + _TICK)
        values: dict[str, Any] = {
            "id": self._ids.new("audit"),
            "account_id": who.account,
            "at": self._last,
            "source": who.source,
            "key_id": who.key,
            "user_kind": who.user_kind,
            "user_id": who.user,
            "session_id": who.session,
            "address": clean_or_none(who.address),
            "action": action,
            "entity": entity,
            "entity_id": clean_or_none(entity_id),
            "request": _json(request),
            "was": None,
            "became": None,
        }
        return Change(values, look)

    async def done(self, change: Change) -> None:
        """It was made without a transaction that it could ride with: by calls, or by agents at work. Its row goes to
        the writer, with what the queues have journalled in this moment, and survives what that survives."""
        if change.written:
            return
        await change.done_live()
        change.committed()
        if self._writer is not None:
            self._writer.insert(Model, change.row())
            return
        async with self._database.transaction() as connection:
            await connection.execute(insert(_TABLE).values(change.row()))

    async def listing(
        self, account: int, which: AuditFilter, *, descending: bool = True, limit: int = 100, offset: int = 0
    ) -> Page[AuditEntry]:
        """A page, by time. Raises StoreUnavailable."""
        if self._writer is not None and self._writer.healthy:
            await self._writer.flush()
        where = [_C.account_id == account, *_conditions(which)]
        order = (_C.at.desc(), _C.id.desc()) if descending else (_C.at, _C.id)
        rows = select(_TABLE).where(*where).order_by(*order)
        async with self._database.transaction(write=False) as connection:
            total = (await connection.execute(select(func.count()).select_from(_TABLE).where(*where))).scalar_one()
            found = await connection.execute(rows.limit(min(limit, MAX_INTEGER)).offset(min(offset, MAX_INTEGER)))
            return Page(rows=[_value(row) for row in found], total=total)

    async def forget(self, before: float) -> int:
        """Remove what is older; how many. Raises StoreUnavailable."""
        count = 0
        while True:
            old = select(_C.id).where(_C.at < before).limit(_FORGOTTEN_AT_ONCE)
            async with self._database.transaction() as connection:
                gone = (await connection.execute(delete(_TABLE).where(_C.id.in_(old)))).rowcount
            count += gone
            if gone < _FORGOTTEN_AT_ONCE:
                return count


def _conditions(which: AuditFilter) -> list[ColumnElement[bool]]:
    equal = {
        _C.action: clean_or_none(which.action),
        _C.entity: clean_or_none(which.entity),
        _C.entity_id: clean_or_none(which.entity_id),
        _C.key_id: which.key,
        _C.user_id: which.user,
        _C.address: clean_or_none(which.address),
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    if which.since is not None:
        found.append(_C.at >= which.since)
    if which.until is not None:
        found.append(_C.at < which.until)
    return found


def _value(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=row.at,
        who=Who(
            account=row.account_id,
            source=row.source,
            key=row.key_id,
            user_kind=row.user_kind,
            user=row.user_id,
            session=row.session_id,
            address=row.address,
        ),
        action=row.action,
        entity=row.entity,
        entity_id=row.entity_id,
        request=row.request,
        was=row.was,
        became=row.became,
    )


def _json(value: object) -> str | None:
    if value is None:
        return None
    text = clean(msgspec.json.encode(value).decode("utf-8", "ignore"))
    return text if len(text) <= TEXT_MAX else msgspec.json.encode({"characters": len(text)}).decode()
