"""Supervisors and agents."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from ari_app.clock import Clock
from ari_app.errors import NotFound
from ari_app.store import riding
from ari_app.store.database import Database
from ari_app.store.passwords import Passwords, shared_passwords
from ari_app.store.rows import conflict, known_id, page, table_of
from ari_app.store.values import Page, User, UserData, clean, clean_or_none
from models import User as Model

_TABLE = table_of(Model)


def user_of(row: Row[Any]) -> User:
    """A row of the table."""
    return User(
        id=row.id,
        account=row.account_id,
        kind=row.kind,
        username=row.username,
        number=row.number,
        first_name=row.first_name,
        last_name=row.last_name,
        email=row.email,
        language=row.language,
        type=row.type,
        deleted=row.deleted,
        created_at=row.created_at,
    )


def _unique(kind: str) -> dict[str, tuple[str, str]]:
    login = "number" if kind == "agent" else "username"
    return {"uq_users_login": ("login_key", login), "uq_users_email": ("email_key", "emailAddress")}


class Users:
    """The users of all accounts. `kind` is "supervisor" or "agent"; one kind does not see the other."""

    def __init__(self, database: Database, clock: Clock, passwords: Passwords | None = None) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords or shared_passwords()

    async def create(self, account: int, kind: str, data: UserData) -> int:
        """Make one; its id. Raises Conflict (username, number, emailAddress)."""
        values = await self._values(kind, data)
        values |= {"account_id": account, "kind": kind, "deleted": False, "created_at": self._clock.now()}
        try:
            async with self._database.transaction() as connection:
                made = await connection.execute(insert(_TABLE).values(values).returning(_TABLE.c.id))
                id = int(made.scalar_one())
                riding.made(id)
                return id
        except IntegrityError as error:
            raise conflict(error, _unique(kind)) from error

    async def get(self, account: int, kind: str, id: int) -> User:
        """One, deleted or not. Raises NotFound."""
        known_id(id, kind)
        row = await self._one(_whose(account, kind).where(_TABLE.c.id == id))
        if row is None:
            raise NotFound(f"no such {kind}", id=id)
        return user_of(row)

    async def update(self, account: int, kind: str, id: int, data: UserData) -> None:
        """Change all of it; the password only when one is given. Raises NotFound (also when deleted), Conflict."""
        known_id(id, kind)
        await self._change(account, kind, id, await self._values(kind, data), deleted=False)

    async def set_deleted(self, account: int, kind: str, id: int, deleted: bool) -> None:
        """Delete or undelete; either twice is once. Raises NotFound, Conflict (what is unique is another's by now)."""
        known_id(id, kind)
        await self._change(account, kind, id, {"deleted": deleted}, deleted=None)

    async def mobile(self, account: int, id: int) -> str | None:
        """Where text messages to a supervisor go. Raises NotFound (also when deleted)."""
        known_id(id, "supervisor")
        row = await self._one(_whose(account, "supervisor").where(_TABLE.c.id == id, _TABLE.c.deleted.is_(False)))
        if row is None:
            raise NotFound("no such supervisor", id=id)
        number: str | None = row.mobile
        return number

    async def set_mobile(self, account: int, id: int, number: str | None) -> None:
        """Say where they go; None: nowhere. Raises NotFound (also when deleted)."""
        known_id(id, "supervisor")
        await self._change(account, "supervisor", id, {"mobile": number}, deleted=False)

    async def find_login(self, account: int, kind: str, login: str) -> User | None:
        """By username or number; not the deleted."""
        row = await self._one(self._login(account, kind, login))
        return None if row is None else user_of(row)

    async def check_password(self, account: int, kind: str, login: str, password: str) -> User | None:
        """The user, if the password is his. Takes as long for a user who does not exist."""
        row = await self._one(self._login(account, kind, login))
        if await self._passwords.check(password, None if row is None else row.password):
            return None if row is None else user_of(row)
        return None

    async def listing(
        self,
        account: int,
        kind: str,
        *,
        deleted: bool | None = False,
        search: str = "",
        order: str = "id",
        descending: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> Page[User]:
        """A page of them; `search` looks into names, number, username and e-mail address. Raises ValueError (order)."""
        return await page(
            self._database,
            _TABLE,
            user_of,
            [_TABLE.c.account_id == account, _TABLE.c.kind == kind],
            deleted=deleted,
            search=search,
            search_in=("username", "number", "first_name", "last_name", "email"),
            order=order,
            descending=descending,
            limit=limit,
            offset=offset,
        )

    async def _values(self, kind: str, data: UserData) -> dict[str, Any]:
        login = data.number if kind == "agent" else data.username
        email = clean_or_none(data.email) or None
        values: dict[str, Any] = {
            "username": clean_or_none(data.username) if kind != "agent" else None,
            "number": clean_or_none(data.number) if kind == "agent" else None,
            "login_key": clean(login or "").casefold(),
            "first_name": clean(data.first_name),
            "last_name": clean_or_none(data.last_name),
            "email": email,
            "email_key": email and email.casefold(),
            "language": clean_or_none(data.language),
            "type": clean_or_none(data.type),
        }
        if data.password is not None:
            values["password"] = await self._passwords.hash(data.password)
        return values

    async def _change(self, account: int, kind: str, id: int, values: dict[str, Any], *, deleted: bool | None) -> None:
        change = update(_TABLE).where(_TABLE.c.account_id == account, _TABLE.c.kind == kind, _TABLE.c.id == id)
        if deleted is not None:
            change = change.where(_TABLE.c.deleted.is_(deleted))
        try:
            async with self._database.transaction() as connection:
                done = await connection.execute(change.values(values))
                if not done.rowcount:
                    raise NotFound(f"no such {kind}", id=id)
        except IntegrityError as error:
            raise conflict(error, _unique(kind)) from error

    def _login(self, account: int, kind: str, login: str) -> Select[Any]:
        key = clean(login).casefold()
        return _whose(account, kind).where(_TABLE.c.login_key == key, _TABLE.c.deleted.is_(False))

    async def _one(self, query: Select[Any]) -> Row[Any] | None:
        async with self._database.transaction(write=False) as connection:
            return (await connection.execute(query)).one_or_none()


def _whose(account: int, kind: str) -> Select[Any]:
    return select(_TABLE).where(_TABLE.c.account_id == account, _TABLE.c.kind == kind)
