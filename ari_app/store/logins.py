"""Signing in with a password, and how guessing is slowed down.

After FREE_GUESSES wrong passwords in a row a user is locked for FIRST_LOCK seconds, and each further one doubles it, up
to LAST_LOCK. Whoever is locked is refused without a look at what he gave, so guessing on is of no use, and costs us
nothing. The count is kept with the user, so a restart does not begin it anew; of users whom there are not it is kept in
memory, for they must not be told from those whom there are.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import Row, select, update

from ari_app.clock import Clock
from ari_app.errors import AppError, NotFound
from ari_app.store import riding
from ari_app.store.database import Database
from ari_app.store.passwords import Passwords
from ari_app.store.rows import known_id, table_of
from ari_app.store.users import user_of
from ari_app.store.values import User, clean
from models import User as Model

_TABLE = table_of(Model)
_C = _TABLE.c

#: wrong passwords in a row that have no consequence
FREE_GUESSES = 4
#: seconds for which a user is locked then, doubled with each further one, and at most
FIRST_LOCK, LAST_LOCK = 30.0, 3600.0
#: users whom there are not, and of whom the count is remembered
_NOBODIES = 10_000

#: account, kind, login, realm
_Login = tuple[int, str, str, str]


class WrongPassword(AppError):
    """There is no such user, or the password is not his: nobody is told which."""

    slug = "wrong_password"


class Locked(AppError):
    """Too many wrong passwords in a row."""

    slug = "locked"

    def __init__(self, wait: float) -> None:
        super().__init__("too many wrong passwords")
        #: seconds until the next may be tried
        self.wait = wait


def lock_after(wrong: int) -> float:
    """Seconds for which a user is locked after so many wrong passwords in a row."""
    return 0.0 if wrong <= FREE_GUESSES else float(min(LAST_LOCK, FIRST_LOCK * 2 ** min(wrong - FREE_GUESSES - 1, 20)))


class Logins:
    """Passwords of all users. Needs no session."""

    def __init__(self, database: Database, passwords: Passwords, clock: Clock) -> None:
        self._database = database
        self.passwords = passwords
        self._clock = clock
        #: whom there is not -> (wrong passwords, locked until)
        self._nobodies: OrderedDict[_Login, tuple[int, float]] = OrderedDict()
        #: guesses at one user are looked at one after the other, or many at once would count as one
        self._locks: WeakValueDictionary[_Login, asyncio.Lock] = WeakValueDictionary()

    async def check(self, account: int, kind: str, login: str, password: str, *, realm: str = "") -> User:
        """The user who signs in. login: an agent's number, a supervisor's username. realm: of accounts that there are
        not, which one was meant: its users are locked as others are.

        Raises:
            WrongPassword, Locked, StoreUnavailable
        """
        who = (account, kind, clean(login).casefold(), realm)
        lock = self._locks.setdefault(who, asyncio.Lock())
        async with lock:
            row = await self._row(who)
            wrong, locked_until = self._count(who, row)
            wait = (locked_until or 0.0) - self._clock.now()
            if wait > 0:
                raise Locked(min(wait, LAST_LOCK))
            right = await self.passwords.check(password, None if row is None else row.password)
            if row is None or not right:
                await self._was_wrong(who, row, wrong + 1)
                raise WrongPassword
            if wrong:
                await self._set(row.id, 0, None)
            return user_of(row)

    async def set(self, account: int, user: int, password: str) -> None:
        """Give a user a password; he is not locked any more. Raises NotFound (also when deleted), StoreUnavailable."""
        known_id(user, "user")
        hashed = await self.passwords.hash(password)
        change = update(_TABLE).where(_C.account_id == account, _C.id == user, _C.deleted.is_(False))
        async with self._database.transaction() as connection:
            done = await connection.execute(change.values(password=hashed, wrong_passwords=0, locked_until=None))
            if not done.rowcount:
                raise NotFound("no such user", id=user)

    async def find(self, account: int, user: int) -> User:
        """A user of either kind who is not deleted. Raises NotFound, StoreUnavailable."""
        known_id(user, "user")
        query = select(_TABLE).where(_C.account_id == account, _C.id == user, _C.deleted.is_(False))
        async with self._database.transaction(write=False) as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound("no such user", id=user)
        return user_of(row)

    async def _row(self, who: _Login) -> Row[Any] | None:
        account, kind, login, _ = who
        query = select(_TABLE).where(
            _C.account_id == account, _C.kind == kind, _C.login_key == login, _C.deleted.is_(False)
        )
        async with self._database.transaction(write=False) as connection:
            return (await connection.execute(query)).one_or_none()

    def _count(self, who: _Login, row: Row[Any] | None) -> tuple[int, float | None]:
        return self._nobodies.get(who, (0, None)) if row is None else (row.wrong_passwords, row.locked_until)

    async def _was_wrong(self, who: _Login, row: Row[Any] | None, wrong: int) -> None:
        seconds = lock_after(wrong)
        until = self._clock.now() + seconds if seconds else None
        if row is not None:
            # It is not what the request was for, and stays when that is refused.
            with riding.apart():
                await self._set(row.id, wrong, until)
            return
        self._nobodies[who] = (wrong, until or 0.0)
        self._nobodies.move_to_end(who)
        if len(self._nobodies) > _NOBODIES:
            self._nobodies.popitem(last=False)

    async def _set(self, user: int, wrong: int, until: float | None) -> None:
        change = update(_TABLE).where(_C.id == user).values(wrong_passwords=wrong, locked_until=until)
        async with self._database.transaction() as connection:
            await connection.execute(change)
