"""Recordings as people ask for them, and where their files are.

Rows are begun by call control, over the Writer (calls.py). What becomes of the file is written here, and committed on
return: nothing is deleted anywhere before the place of its copy is in the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, and_, func, or_, select, update

from ari_app.clock import Clock
from ari_app.errors import NotFound, StoreUnavailable
from ari_app.store.database import Database
from ari_app.store.rows import table_of
from ari_app.store.values import MAX_INTEGER, Page, clean
from ari_app.store.writer import Writer
from models import Account, Leg, Recording

_TABLE, _LEGS, _ACCOUNTS = table_of(Recording), table_of(Leg), table_of(Account)
_C = _TABLE.c
#: the error of one whose file, when it was read, was not what had been stored
DAMAGED = "The file is not what was stored: it has another SHA-256"
#: names in one question: databases take so many parameters at least
_AT_ONCE = 500

#: what a recording can be, and which rows are
STATES: dict[str, ColumnElement[bool]] = {
    "recording": and_(_C.file_state.is_(None), _C.outcome.is_(None)),
    "ended": and_(_C.file_state.is_(None), _C.outcome.in_(("finished", "unknown"))),
    "failed": and_(_C.outcome == "failed", or_(_C.file_state.is_(None), _C.file_state == "none")),
    "cancelled": and_(_C.outcome == "cancelled", or_(_C.file_state.is_(None), _C.file_state == "none")),
    "stored": _C.file_state == "stored",
    "missing": _C.file_state == "missing",
    "deleted": _C.file_state == "deleted",
}
#: of which Asterisk has, or may have, a file that we have not
_UNFETCHED = and_(_C.file_state.is_(None), or_(_C.outcome.is_(None), _C.outcome.in_(("finished", "unknown"))))


class RecordingInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One recording. Names as in models/recording.py."""

    call_id: str
    name: str
    account_id: int
    format: str
    started_at: float
    ended_at: float | None
    duration: float | None
    node: str
    kind: str
    leg_id: str | None
    queue: str | None
    agent_id: int | None
    caller_number: str
    called_number: str
    outcome: str | None
    file_state: str | None
    storage: str | None
    path: str | None
    size: int | None
    checksum: str | None
    length: float | None
    error: str | None
    deleted_at: float | None
    deleted_by: str | None
    #: neither age, nor size, nor anybody deletes it
    held: bool = False

    @property
    def damaged(self) -> bool:
        """Its file was not what had been stored, when it was last read."""
        return self.state == "stored" and self.error == DAMAGED

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.file_state in ("stored", "missing", "deleted"):
            return self.file_state
        if self.outcome is None:
            return "recording"
        return self.outcome if self.outcome in ("failed", "cancelled") else "ended"


class RecordingFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which recordings; None: whatever it is. since, until: when they began, the end is not in it."""

    call: str | None = None
    leg: str | None = None
    queue: str | None = None
    agent: int | None = None
    #: a number that calls or is called
    number: str | None = None
    kind: str | None = None
    state: str | None = None
    since: float | None = None
    until: float | None = None


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is safe in a storage."""

    storage: str
    path: str
    size: int
    checksum: str
    #: seconds
    length: float


class Recordings:
    """All raise StoreUnavailable."""

    def __init__(self, database: Database, clock: Clock, writer: Writer | None = None) -> None:
        """writer: what calls tell goes through it, and is waited for before anything is decided about a file."""
        self._writer = writer
        self._database = database
        self._clock = clock

    async def listing(
        self, account: int, which: RecordingFilter, *, descending: bool = False, limit: int = 100, offset: int = 0
    ) -> Page[RecordingInfo]:
        """A page, by the time at which they began."""
        where = [_C.account_id == account, *_conditions(which)]
        order = (_C.started_at.desc(), _C.name.desc()) if descending else (_C.started_at, _C.name)
        async with self._database.transaction(write=False) as connection:
            total = (await connection.execute(select(func.count()).select_from(_TABLE).where(*where))).scalar_one()
            query = select(_TABLE).where(*where).order_by(*order)
            rows = await connection.execute(query.limit(min(limit, MAX_INTEGER)).offset(min(offset, MAX_INTEGER)))
            return Page(rows=[_info(row) for row in rows], total=total)

    async def get(self, account: int, name: str) -> RecordingInfo:
        """One by its name. Raises NotFound."""
        found = await self.find(name)
        if found is None or found.account_id != account:
            raise NotFound("no such recording", id=name)
        return found

    async def find(self, name: str) -> RecordingInfo | None:
        """One of any account. What was told of it so far is in it."""
        await self._told()
        query = select(_TABLE).where(_C.name == clean(name)).order_by(_C.started_at.desc()).limit(1)
        async with self._database.transaction(write=False) as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _info(row)

    async def call_of(self, account: int, leg: str) -> str | None:
        """The id of the call that a leg, by its channel's id, is or was of."""
        query = select(_LEGS.c.call_id).where(_LEGS.c.account_id == account, _LEGS.c.id == clean(leg)).limit(1)
        async with self._database.transaction(write=False) as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    # files

    async def unfetched(self, node: str) -> list[RecordingInfo]:
        """What Asterisk may have a file of that we have not, the oldest first. Those of which there never was one are
        closed."""
        await self._told()
        without = and_(_C.file_state.is_(None), _C.outcome.in_(("failed", "cancelled")))
        query = select(_TABLE).where(_UNFETCHED, _C.node == node).order_by(_C.started_at)
        async with self._database.transaction() as connection:
            await connection.execute(update(_TABLE).where(without).values(file_state="none"))
            return [_info(row) for row in await connection.execute(query)]

    async def safe(self, names: Iterable[str]) -> list[str]:
        """Those of the names whose file needs not be in Asterisk any more: it is stored, or was thrown away."""
        wanted, found = list(names), list[str]()
        async with self._database.transaction(write=False) as connection:
            for at in range(0, len(wanted), _AT_ONCE):
                here = _C.name.in_(wanted[at : at + _AT_ONCE])
                query = select(_C.name).where(here, _C.file_state.in_(("stored", "deleted", "none")))
                found += (await connection.execute(query)).scalars()
        return found

    async def stored_of(self, kind: str) -> list[str]:
        """Names of those of a kind that are stored, the oldest first."""
        query = select(_C.name).where(_C.kind == kind, _C.file_state == "stored").order_by(_C.started_at)
        async with self._database.transaction(write=False) as connection:
            return [str(name) for name in (await connection.execute(query)).scalars()]

    async def stored(self, recording: RecordingInfo, file: StoredFile) -> None:
        """Its file is safe there. One whose end was never told has ended when the file did."""
        await self._set(
            recording,
            file_state="stored",
            error=None,
            ended_at=func.coalesce(_C.ended_at, _C.started_at + file.length),
            outcome=func.coalesce(_C.outcome, "finished"),
            **msgspec.structs.asdict(file),
        )

    async def in_storage(self, storage: str) -> list[str]:
        """Names of those whose files are in a storage, the oldest first."""
        query = select(_C.name).where(_C.file_state == "stored", _C.storage == storage).order_by(_C.started_at)
        async with self._database.transaction(write=False) as connection:
            return [str(name) for name in (await connection.execute(query)).scalars()]

    async def moved(self, recording: RecordingInfo, storage: str) -> bool:
        """Its file is safe in another storage, at the same path. False: it has been deleted meanwhile."""
        here = (_C.call_id == recording.call_id, _C.name == recording.name, _C.file_state == "stored")
        query = update(_TABLE).where(*here).values(storage=storage, error=None)
        async with self._database.transaction() as connection:
            return (await connection.execute(query)).rowcount > 0

    async def missing(self, recording: RecordingInfo, error: str) -> bool:
        """There is no file where one should be. False: it should not be there by now, for it was moved or deleted."""
        query = (
            update(_TABLE)
            .where(*_there(recording), _C.file_state.is_not_distinct_from(recording.file_state))
            .values(
                file_state="missing",
                error=clean(error),
                ended_at=func.coalesce(_C.ended_at, _C.started_at),
                outcome=func.coalesce(_C.outcome, "unknown"),
            )
        )
        async with self._database.transaction() as connection:
            return (await connection.execute(query)).rowcount > 0

    async def looked_at(self, recording: RecordingInfo, *, damaged: bool) -> None:
        """Its file was read: whether it is what was stored."""
        error = DAMAGED if damaged else None
        here = (*_there(recording), _C.file_state == "stored")
        async with self._database.transaction() as connection:
            await connection.execute(update(_TABLE).where(*here).values(error=error))

    async def troubled(self, recording: RecordingInfo, error: str) -> None:
        """Its file could not be stored yet."""
        await self._set(recording, error=clean(error))

    async def deleted(self, recording: RecordingInfo, by: str) -> bool:
        """Its file is not to be had any more; by: see models/recording.py. False: it was not by now, or was moved."""
        here = (*_there(recording), _C.file_state.in_(("stored", "missing")))
        values = {"file_state": "deleted", "deleted_at": self._clock.now(), "deleted_by": clean(by)}
        async with self._database.transaction() as connection:
            return (await connection.execute(update(_TABLE).where(*here).values(values))).rowcount > 0

    async def older(
        self, before: float, *, account: int | None = None, others_than: Iterable[int] = (), limit: int = 100
    ) -> list[RecordingInfo]:
        """Stored ones that began before then and are not held, the oldest first. account: of this one; None: of all but
        others_than."""
        whose = _C.account_id.not_in(list(others_than)) if account is None else _C.account_id == account
        return await self._stored(limit, _C.started_at < before, _C.held.is_(False), whose)

    async def oldest(self, limit: int = 100) -> list[RecordingInfo]:
        """Stored ones that are not held, the oldest first."""
        return await self._stored(limit, _C.held.is_(False))

    async def retention(self) -> dict[int, int]:
        """For how many days accounts keep their recordings, that do not leave that to the installation; 0: for ever."""
        query = select(_ACCOUNTS.c.id, _ACCOUNTS.c.recordings_days).where(_ACCOUNTS.c.recordings_days.is_not(None))
        async with self._database.transaction(write=False) as connection:
            return {row.id: row.recordings_days for row in await connection.execute(query)}

    async def hold(self, recording: RecordingInfo, held: bool) -> None:
        """Whether it must not be deleted."""
        await self._set(recording, held=held)

    async def bytes_stored(self) -> int:
        """The size of all files that are stored."""
        query = select(func.coalesce(func.sum(_C.size), 0)).where(_C.file_state == "stored")
        async with self._database.transaction(write=False) as connection:
            return int((await connection.execute(query)).scalar_one())

    async def _stored(self, limit: int, *where: ColumnElement[bool]) -> list[RecordingInfo]:
        query = select(_TABLE).where(_C.file_state == "stored", *where).order_by(_C.started_at).limit(limit)
        async with self._database.transaction(write=False) as connection:
            return [_info(row) for row in await connection.execute(query)]

    async def _set(self, recording: RecordingInfo, **values: Any) -> None:
        query = update(_TABLE).where(_C.call_id == recording.call_id, _C.name == recording.name).values(values)
        async with self._database.transaction() as connection:
            await connection.execute(query)

    async def _told(self) -> None:
        """What calls have told is in the database."""
        if self._writer is None:
            return
        if not self._writer.healthy:
            raise StoreUnavailable(self._writer.stats.last_error)
        await self._writer.flush()


def _there(recording: RecordingInfo) -> tuple[ColumnElement[bool], ...]:
    """Its row, as long as its file is where it was."""
    storage = _C.storage.is_not_distinct_from(recording.storage)
    return (_C.call_id == recording.call_id, _C.name == recording.name, storage)


def _conditions(which: RecordingFilter) -> list[ColumnElement[bool]]:
    exact = (
        (_C.call_id, which.call),
        (_C.leg_id, which.leg),
        (_C.queue, which.queue),
        (_C.agent_id, which.agent),
        (_C.kind, which.kind),
    )
    found = [column == (clean(v) if isinstance(v, str) else v) for column, v in exact if v is not None]
    if which.state is not None:
        found.append(STATES[which.state])
    if which.number is not None:
        number = clean(which.number)
        found.append(or_(_C.caller_number == number, _C.called_number == number))
    if which.since is not None:
        found.append(_C.started_at >= which.since)
    if which.until is not None:
        found.append(_C.started_at < which.until)
    return found


def _info(row: Row[Any]) -> RecordingInfo:
    return RecordingInfo(**{name: getattr(row, name) for name in RecordingInfo.__struct_fields__})
