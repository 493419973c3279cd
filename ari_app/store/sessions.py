"""User sessions."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.clock import Clock
from ari_app.errors import AlreadySignedIn, Conflict, NotFound
from ari_app.store.database import Database
from ari_app.store.rows import conflict, table_of
from ari_app.store.values import UserSession
from ari_app.store.writer import Writer
from models import UserSession as Model

ACTIVE, DEACTIVATED, DESTROYED = "active", "deactivated", "destroyed"

_TABLE = table_of(Model)
#: seconds between two pings of a session that are written down
_NOTE_EVERY = 5.0
#: a session that timed out longer ago than this many seconds does not come back
_FORGOTTEN = 30 * 86400.0


def _value(row: Row[Any]) -> UserSession:
    return UserSession(
        id=row.id,
        account=row.account_id,
        kind=row.kind,
        user=row.user_id,
        extension=row.extension,
        state=row.state,
        signed_in_at=row.signed_in_at,
        last_ping_at=row.last_ping_at,
        ended_at=row.ended_at,
        keyless=row.keyless,
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Sessions:
    """All sessions that are not destroyed, in memory; SQL follows before a change is told. One process owns them.

    A user has one active session, an extension one active user: held here, and by the database's own indexes.
    """

    def __init__(self, database: Database, clock: Clock, writer: Writer | None = None) -> None:
        self._database = database
        self._clock = clock
        self._writer = writer
        self._changing = asyncio.Lock()
        self._by_id: dict[int, UserSession] = {}
        self._by_hash: dict[str, int] = {}
        self._hash_of: dict[int, str] = {}
        #: the active ones, by (account, user) and by (account, extension)
        self._by_user: dict[tuple[int, int], int] = {}
        self._by_extension: dict[tuple[int, str], int] = {}
        self._noted: dict[int, float] = {}

    async def load(self) -> None:
        """Read them. Those that timed out a month ago are destroyed."""
        now, held = self._clock.now(), self._by_id
        old = (_TABLE.c.state == DEACTIVATED, _TABLE.c.last_ping_at < now - _FORGOTTEN)
        async with self._database.transaction() as connection:
            await connection.execute(update(_TABLE).where(*old).values(state=DESTROYED, ended_at=now))
            found = await connection.execute(select(_TABLE).where(_TABLE.c.state.in_((ACTIVE, DEACTIVATED))))
            rows = found.all()
        self._by_id, self._by_hash, self._hash_of, self._by_user, self._by_extension = {}, {}, {}, {}, {}
        for row in rows:
            session = _value(row)
            if session.id in held:
                # what we heard last may not be in the database yet
                last = max(session.last_ping_at, held[session.id].last_ping_at)
                session = replace(session, last_ping_at=last)
            self._know(session, row.token_hash)

    async def create(
        self,
        account: int,
        kind: str,
        user: int,
        extension: str | None = None,
        force: bool = False,
        *,
        keyless: bool = False,
    ) -> tuple[UserSession, str]:
        """Sign a user in; the session and its token, which is returned this once. keyless: with a password alone.

        Raises:
            AlreadySignedIn: he has an active session (unless `force`, which destroys it).
            Conflict: another user is signed in at the extension (parameter "extension").
            NotFound: no such user (parameter "user").
        """
        token, now = secrets.token_urlsafe(48), self._clock.now()
        async with self._changing:
            other = self.of_user(account, user)
            if other is not None and not force:
                raise AlreadySignedIn("the user is signed in with another session", user=user)
            self._check_extension(account, user, extension)
            values = {
                "account_id": account,
                "kind": kind,
                "user_id": user,
                "extension": extension,
                "token_hash": _hash(token),
                "state": ACTIVE,
                "signed_in_at": now,
                "last_ping_at": now,
                "keyless": keyless,
            }
            async with self._writing() as connection:
                if other is not None:
                    gone = update(_TABLE).where(_TABLE.c.id == other.id)
                    await connection.execute(gone.values(state=DESTROYED, ended_at=now))
                row = (await connection.execute(insert(_TABLE).values(values).returning(*_TABLE.c))).one()
            if other is not None:
                self._forget(other)
            session = _value(row)
            self._know(session, row.token_hash)
        return session, token

    def find(self, token: str) -> UserSession | None:
        """The session of a token, active or deactivated."""
        id = self._by_hash.get(_hash(token))
        return None if id is None else self._by_id[id]

    def get(self, account: int, id: int) -> UserSession:
        """Raises NotFound (also when destroyed)."""
        session = self._by_id.get(id)
        if session is None or session.account != account:
            raise NotFound("no such session", id=id)
        return session

    def ping(self, id: int) -> None:
        """A sign of life; none of a session that is not active counts."""
        session, now = self._by_id.get(id), self._clock.now()
        if session is None or session.state != ACTIVE:
            return
        self._by_id[id] = replace(session, last_ping_at=now)
        if self._writer is not None and abs(now - self._noted.get(id, session.signed_in_at)) >= _NOTE_EVERY:
            self._noted[id] = now
            self._writer.update(Model, {"id": id, "last_ping_at": now})

    async def reactivate(self, id: int) -> UserSession:
        """Bring a deactivated session back; an active one is pinged.

        Raises:
            NotFound: it is destroyed.
            AlreadySignedIn: the user is signed in with another session.
            Conflict: another user is signed in at the extension (parameter "extension").
        """
        async with self._changing:
            session = self._known(id)
            if session.state == ACTIVE:
                self.ping(id)
                return self._by_id[id]
            if self.of_user(session.account, session.user) is not None:
                raise AlreadySignedIn("the user is signed in with another session", user=session.user)
            self._check_extension(session.account, session.user, session.extension)
            return await self._change(session, state=ACTIVE, last_ping_at=self._clock.now())

    async def deactivate(self, id: int) -> None:
        """Time a session out; harmless when it is not active. Raises NotFound (destroyed)."""
        async with self._changing:
            session = self._known(id)
            if session.state == ACTIVE:
                await self._change(session, state=DEACTIVATED, last_ping_at=session.last_ping_at)

    async def destroy(self, id: int) -> None:
        """Sign out. Raises NotFound (destroyed already)."""
        async with self._changing:
            await self._change(self._known(id), state=DESTROYED, ended_at=self._clock.now())

    def active(self, account: int, kind: str | None = None) -> list[UserSession]:
        """Who is signed in."""
        found = (self._by_id[id] for (owner, _), id in self._by_user.items() if owner == account)
        return [session for session in found if kind is None or session.kind == kind]

    def of_user(self, account: int, user: int) -> UserSession | None:
        """The user's active session."""
        id = self._by_user.get((account, user))
        return None if id is None else self._by_id[id]

    def all_of_user(self, account: int, user: int) -> list[UserSession]:
        """The user's sessions, active and timed out. Looks at those of everybody."""
        return [session for session in self._by_id.values() if (session.account, session.user) == (account, user)]

    def at_extension(self, account: int, extension: str) -> UserSession | None:
        """The active session at an extension."""
        id = self._by_extension.get((account, extension))
        return None if id is None else self._by_id[id]

    def expired(self, before: float) -> list[UserSession]:
        """Active sessions whose last sign of life is older than `before`; of all accounts."""
        found = (self._by_id[id] for id in self._by_user.values())
        return [session for session in found if session.last_ping_at < before]

    def _check_extension(self, account: int, user: int, extension: str | None) -> None:
        there = self.at_extension(account, extension) if extension else None
        if there is not None and there.user != user:
            raise Conflict("another user is signed in at the extension", parameter="extension")

    def _known(self, id: int) -> UserSession:
        if id not in self._by_id:
            raise NotFound("no such session", id=id)
        return self._by_id[id]

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        """The database has the last word: a change in it may be another process's, or was not confirmed to us."""
        try:
            async with self._database.transaction() as connection:
                yield connection
        except IntegrityError as error:
            await self.load()
            said = conflict(error, {"uq_user_sessions_extension": ("extension", "extension")})
            if isinstance(said, Conflict):
                raise said from error
            if isinstance(conflict(error, {"uq_user_sessions_user": ("user_id", "user")}), Conflict):
                raise AlreadySignedIn("the user is signed in with another session") from error
            raise NotFound("no such user", parameter="user") from error

    async def _change(self, session: UserSession, **values: Any) -> UserSession:
        async with self._writing() as connection:
            await connection.execute(update(_TABLE).where(_TABLE.c.id == session.id).values(values))
        hashed, changed = self._hash_of[session.id], replace(session, **values)
        self._forget(session)
        if changed.state != DESTROYED:
            self._know(changed, hashed)
        return changed

    def _know(self, session: UserSession, hashed: str) -> None:
        self._by_id[session.id] = session
        self._by_hash[hashed] = session.id
        self._hash_of[session.id] = hashed
        if session.state == ACTIVE:
            self._by_user[session.account, session.user] = session.id
            if session.extension:
                self._by_extension[session.account, session.extension] = session.id

    def _forget(self, session: UserSession) -> None:
        self._by_hash.pop(self._hash_of.pop(session.id), None)
        self._by_id.pop(session.id, None)
        self._noted.pop(session.id, None)
        if session.state == ACTIVE:
            self._by_user.pop((session.account, session.user), None)
            if session.extension:
                self._by_extension.pop((session.account, session.extension), None)
