"""Messages of mailboxes. A message is there for as long as the file of its recording is. Rows are begun by call
control, over the Writer (calls.py)."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, case, delete, func, or_, select, update

from ari_app.clock import Clock
from ari_app.errors import NotFound, StoreUnavailable
from ari_app.store.database import Database
from ari_app.store.rows import table_of
from ari_app.store.values import MAX_INTEGER, Page, clean
from ari_app.store.writer import Writer
from models import Recording, VoicemailMessage

_TABLE, _RECORDINGS = table_of(VoicemailMessage), table_of(Recording)
_C, _R = _TABLE.c, _RECORDINGS.c
_JOINED = _TABLE.join(_RECORDINGS, and_(_R.call_id == _C.call_id, _R.name == _C.recording))
_THERE = and_(_C.arrived_at.is_not(None), _R.file_state == "stored")


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message in a mailbox."""

    #: the name of its recording
    id: str
    account: int
    #: extension
    mailbox: str
    call: str
    caller_number: str
    caller_name: str
    left_at: float
    urgent: bool
    #: None: it is new
    heard_at: float | None
    #: seconds
    length: float
    #: bytes
    size: int


class MessageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages; None: whatever it is. since, until: when they were left, the end is not in it."""

    mailbox: str | None = None
    new: bool | None = None
    urgent: bool | None = None
    caller: str | None = None
    since: float | None = None
    until: float | None = None


class Counts(NamedTuple):
    """How many messages wait, and how many were heard."""

    new: int = 0
    old: int = 0
    #: of the new ones
    urgent: int = 0


class Messages:
    """Of all accounts. All raise StoreUnavailable."""

    def __init__(self, database: Database, clock: Clock, writer: Writer | None = None) -> None:
        """writer: what calls tell goes through it; without it nothing arrives here."""
        self._database = database
        self._clock = clock
        self._writer = writer

    # arriving

    async def coming(self) -> list[str]:
        """Names of those that are not in their mailbox yet, the oldest first."""
        await self._told()
        query = select(_C.recording).where(_C.arrived_at.is_(None)).order_by(_C.left_at)
        async with self._database.transaction(write=False) as connection:
            return [str(name) for name in (await connection.execute(query)).scalars()]

    async def fate(self, id: str) -> tuple[Message, str | None] | None:
        """One that may not have arrived yet, with what became of its file (as models/recording.py has it); None: there
        is none, or it is in its mailbox."""
        await self._told()
        query = _select().add_columns(_R.file_state).where(_C.recording == clean(id), _C.arrived_at.is_(None))
        async with self._database.transaction(write=False) as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else (_message(row), row.file_state)

    def arrived(self, id: str) -> None:
        """It is in its mailbox. Committed with what else is told in this moment."""
        assert self._writer is not None
        self._writer.update(VoicemailMessage, {"recording": id, "arrived_at": self._clock.now()})

    async def told(self) -> None:
        """What was said of messages is committed."""
        await self._told()

    # what there is

    async def listing(
        self,
        account: int,
        which: MessageFilter,
        *,
        descending: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> Page[Message]:
        """A page, by the time at which they were left."""
        where = [_C.account_id == account, _THERE, *_conditions(which)]
        order = (_C.left_at.desc(), _C.recording.desc()) if descending else (_C.left_at, _C.recording)
        async with self._database.transaction(write=False) as connection:
            count = select(func.count()).select_from(_JOINED).where(*where)
            total = (await connection.execute(count)).scalar_one()
            query = _select().where(*where).order_by(*order)
            rows = await connection.execute(query.limit(min(limit, MAX_INTEGER)).offset(min(offset, MAX_INTEGER)))
            return Page(rows=[_message(row) for row in rows], total=total)

    async def get(self, account: int, id: str) -> Message:
        """One. Raises NotFound."""
        query = _select().where(_C.account_id == account, _C.recording == clean(id), _THERE)
        async with self._database.transaction(write=False) as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound("no such message", id=id)
        return _message(row)

    async def counts(self, account: int | None = None) -> dict[tuple[int, str], Counts]:
        """By account and mailbox, of one account or of all; mailboxes with nothing in them are not there."""
        query = (
            select(
                _C.account_id,
                _C.mailbox,
                func.count().label("all"),
                func.count(_C.heard_at).label("old"),
                func.sum(case((and_(_C.heard_at.is_(None), _C.urgent.is_(True)), 1), else_=0)).label("urgent"),
            )
            .select_from(_JOINED)
            .where(_THERE, *([] if account is None else [_C.account_id == account]))
            .group_by(_C.account_id, _C.mailbox)
        )
        async with self._database.transaction(write=False) as connection:
            return {
                (row.account_id, row.mailbox): Counts(row.all - row.old, row.old, int(row.urgent or 0))
                for row in await connection.execute(query)
            }

    # what is done

    async def mark(self, account: int, id: str, *, new: bool | None = None, urgent: bool | None = None) -> Message:
        """Change what it is; None: as before. Raises NotFound."""
        found = await self.get(account, id)
        values: dict[str, Any] = {}
        if new is not None and new != (found.heard_at is None):
            values["heard_at"] = None if new else self._clock.now()
        if urgent is not None:
            values["urgent"] = urgent
        if values:
            async with self._database.transaction() as connection:
                await connection.execute(update(_TABLE).where(_C.recording == found.id).values(values))
        return await self.get(account, id)

    async def remove(self, id: str) -> None:
        """It is in no mailbox any more; nothing if there is none."""
        async with self._database.transaction() as connection:
            await connection.execute(delete(_TABLE).where(_C.recording == clean(id)))

    async def _told(self) -> None:
        if self._writer is None:
            return
        if not self._writer.healthy:
            raise StoreUnavailable(self._writer.stats.last_error)
        await self._writer.flush()


def _select() -> Select[Any]:
    return select(_TABLE, _R.length, _R.size).select_from(_JOINED)


def _conditions(which: MessageFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if which.mailbox is not None:
        found.append(_C.mailbox == clean(which.mailbox))
    if which.caller is not None:
        caller = clean(which.caller)
        found.append(or_(_C.caller_number == caller, _C.caller_name == caller))
    if which.new is not None:
        found.append(_C.heard_at.is_(None) if which.new else _C.heard_at.is_not(None))
    if which.urgent is not None:
        found.append(_C.urgent.is_(which.urgent))
    if which.since is not None:
        found.append(_C.left_at >= which.since)
    if which.until is not None:
        found.append(_C.left_at < which.until)
    return found


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.recording,
        account=row.account_id,
        mailbox=row.mailbox,
        call=row.call_id,
        caller_number=row.caller_number,
        caller_name=row.caller_name,
        left_at=row.left_at,
        urgent=row.urgent,
        heard_at=row.heard_at,
        length=row.length or 0.0,
        size=row.size or 0,
    )
