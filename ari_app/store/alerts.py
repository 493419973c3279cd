"""What supervisors want to be told of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, insert, not_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.acd.alerts import Kind, Rule
from ari_app.clock import Clock
from ari_app.errors import NotFound
from ari_app.store import riding
from ari_app.store.database import Database
from ari_app.store.rows import conflict, known_id, queue_id, table_of
from ari_app.store.values import MAX_INTEGER, Page, clean
from ari_app.store.writer import Writer
from models import Alert as Model
from models import Queue, User

_TABLE = table_of(Model)
_QUEUES = table_of(Queue)
_USERS = table_of(User)
_UNIQUE = {"uq_alerts_name": ("name", "name"), "uq_alerts_system_name": ("name", "name")}
_DAY = 1440
#: its queue and its user are, where it has them
_LIVING = and_(
    or_(_TABLE.c.queue_id.is_(None), _QUEUES.c.deleted.is_(False)),
    or_(_TABLE.c.user_id.is_(None), _USERS.c.deleted.is_(False)),
)


class AlertData(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    name: str
    kind: Kind
    #: extension
    queue: str | None = None
    threshold: int | None = None
    #: "realtime", "email", "sms", "custom"
    notification: str
    #: "#RRGGBB"
    color: str | None = None
    #: minutes
    interval: int | None = None
    #: 0 is Sunday
    days: tuple[int, ...]
    #: minutes since midnight; both 0: the whole day
    from_minute: int
    to_minute: int


class Alert(AlertData, frozen=True, kw_only=True):
    """An alert."""

    id: int
    #: None: of the whole account
    user: int | None
    told_at: float | None
    #: those who are notified know that it is raised
    known: bool

    def rule(self) -> Rule:
        """For acd/alerts.py."""
        begin, end = divmod(self.from_minute, 60), divmod(self.to_minute or _DAY, 60)
        return Rule(
            id=self.id,
            kind=self.kind,
            queue=self.queue or "",
            threshold=self.threshold or 0,
            interval=60.0 * (self.interval or 0),
            days=self.days,
            hours=f"{begin[0]:02}:{begin[1]:02}-{end[0]:02}:{end[1]:02}",
        )


class Alerts:
    """The alerts of all accounts."""

    def __init__(self, database: Database, clock: Clock, writer: Writer | None = None) -> None:
        """writer: needed for `told` only."""
        self._database = database
        self._clock = clock
        self._writer = writer

    async def create(self, account: int, user: int | None, data: AlertData) -> int:
        """Make one; its id. Raises NotFound (context "user" or "extension"), Conflict (name)."""
        try:
            async with self._database.transaction() as connection:
                if user is not None:
                    await self._supervisor(connection, account, user)
                values = await self._values(connection, account, data)
                values |= {"account_id": account, "user_id": user, "created_at": self._clock.now(), "known": False}
                made = await connection.execute(insert(_TABLE).values(values).returning(_TABLE.c.id))
                id = int(made.scalar_one())
                riding.made(id)
                return id
        except IntegrityError as error:
            raise conflict(error, _UNIQUE) from error

    async def get(self, account: int, id: int) -> Alert:
        """One. Raises NotFound."""
        known_id(id, "alert")
        async with self._database.transaction(write=False) as connection:
            query = _query(account).where(_TABLE.c.id == id)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound("no such alert", id=id)
        return _alert(row)

    async def update(self, account: int, id: int, data: AlertData) -> None:
        """Set all but the user. Raises NotFound (context "id" or "extension"), Conflict (name)."""
        known_id(id, "alert")
        try:
            async with self._database.transaction() as connection:
                values = await self._values(connection, account, data)
                change = update(_TABLE).where(_TABLE.c.account_id == account, _TABLE.c.id == id).values(values)
                done = await connection.execute(change)
                if not done.rowcount:
                    raise NotFound("no such alert", id=id)
        except IntegrityError as error:
            raise conflict(error, _UNIQUE) from error

    async def delete(self, account: int, id: int) -> None:
        """For good. Raises NotFound."""
        known_id(id, "alert")
        async with self._database.transaction() as connection:
            change = delete(_TABLE).where(_TABLE.c.account_id == account, _TABLE.c.id == id)
            done = await connection.execute(change)
            if not done.rowcount:
                raise NotFound("no such alert", id=id)

    async def listing(
        self,
        account: int,
        *,
        user: int | None = None,
        search: str = "",
        order: str = "id",
        descending: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> Page[Alert]:
        """A page of them; of one user, or of all and of none."""
        where = [_TABLE.c.account_id == account]
        if user is not None:
            where.append(_TABLE.c.user_id == min(user, MAX_INTEGER))
        if search:
            where.append(_TABLE.c.name.icontains(clean(search), autoescape=True))
        column = _TABLE.c[order]
        rows = _query(account).where(*where).order_by(column.desc() if descending else column, _TABLE.c.id)
        async with self._database.transaction(write=False) as connection:
            total = (await connection.execute(select(func.count()).select_from(_TABLE).where(*where))).scalar_one()
            found = await connection.execute(rows.limit(min(limit, MAX_INTEGER)).offset(min(offset, MAX_INTEGER)))
            return Page(rows=[_alert(row) for row in found], total=total)

    def told(self, id: int, at: float) -> None:
        """Somebody was notified that it is raised; written down in a moment."""
        if self._writer is not None:
            self._writer.update(Model, {"id": id, "told_at": at, "known": True})

    def cleared(self, id: int) -> None:
        """Those who were notified are told that it is over; written down in a moment."""
        if self._writer is not None:
            self._writer.update(Model, {"id": id, "known": False})

    async def accounts(self) -> list[int]:
        """Those that have any."""
        query = select(_TABLE.c.account_id).distinct().order_by(_TABLE.c.account_id)
        async with self._database.transaction(write=False) as connection:
            return list((await connection.execute(query)).scalars())

    async def living(self, account: int) -> Sequence[Alert]:
        """Those that can be raised: neither their queue nor their user is deleted."""
        return await self._which(account, _LIVING)

    async def orphans(self, account: int) -> Sequence[Alert]:
        """Those that were told to be raised, and whose queue or user is deleted."""
        return await self._which(account, not_(_LIVING), _TABLE.c.known)

    async def _which(self, account: int, *where: ColumnElement[bool]) -> Sequence[Alert]:
        query = _query(account).where(*where).order_by(_TABLE.c.id)
        async with self._database.transaction(write=False) as connection:
            return [_alert(row) for row in await connection.execute(query)]

    async def _supervisor(self, connection: AsyncConnection, account: int, user: int) -> None:
        mine = (_USERS.c.account_id == account, _USERS.c.kind == "supervisor", _USERS.c.deleted.is_(False))
        found = await connection.execute(select(_USERS.c.id).where(*mine, _USERS.c.id == min(user, MAX_INTEGER)))
        if found.one_or_none() is None:
            raise NotFound("no such supervisor", user=user)

    async def _values(self, connection: AsyncConnection, account: int, data: AlertData) -> dict[str, Any]:
        return {
            "name": clean(data.name),
            "kind": data.kind.value,
            "queue_id": None if data.queue is None else await queue_id(connection, account, data.queue),
            "threshold": data.threshold,
            "notification": data.notification,
            "color": data.color,
            "interval": data.interval,
            "days": msgspec.json.encode(data.days).decode(),
            "from_minute": data.from_minute,
            "to_minute": data.to_minute,
        }


def _query(account: int) -> Select[Any]:
    joined = _TABLE.outerjoin(_QUEUES, _TABLE.c.queue_id == _QUEUES.c.id).outerjoin(
        _USERS, _TABLE.c.user_id == _USERS.c.id
    )
    return select(_TABLE, _QUEUES.c.extension).select_from(joined).where(_TABLE.c.account_id == account)


def _alert(row: Row[Any]) -> Alert:
    return Alert(
        id=row.id,
        user=row.user_id,
        name=row.name,
        kind=Kind(row.kind),
        queue=row.extension,
        threshold=row.threshold,
        notification=row.notification,
        color=row.color,
        interval=row.interval,
        days=msgspec.json.decode(row.days, type=tuple[int, ...]),
        from_minute=row.from_minute,
        to_minute=row.to_minute,
        told_at=row.told_at,
        known=row.known,
    )
