"""API keys."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

import structlog
from msgspec.structs import replace
from sqlalchemy import Row, insert, select, update

from ari_app.clock import Clock
from ari_app.errors import NotFound, StoreUnavailable
from ari_app.store import riding
from ari_app.store.database import Database
from ari_app.store.rows import known_id, table_of
from ari_app.store.values import ApiKey, clean
from ari_app.store.writer import Writer
from models import ApiKey as Model

log = structlog.get_logger(__name__)

_TABLE = table_of(Model)
#: what a key may be allowed
EVERYTHING, MEDIA = "*", "media"
SCOPES = {
    EVERYTHING: "everything",
    "read": "look at everything",
    "write": "do and change things, also live calls",
    "import": "import from other systems",
    MEDIA: "hear and speak on live calls",
}
#: characters of a key that are kept to tell it from others
_PREFIX = 8
#: seconds between two notes that a key was used
_NOTE_EVERY = 60.0


def _value(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        account=row.account_id,
        name=row.name,
        prefix=row.prefix,
        scopes=tuple(row.scopes.split()),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        rate_limit=row.rate_limit,
    )


def _hash(plain: str) -> str:
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


class Keys:
    """All keys that hold, in memory: a check asks SQL for nothing. What another process changed is seen within
    `refresh` seconds; a key it made, within one."""

    def __init__(
        self, database: Database, clock: Clock, writer: Writer | None = None, *, refresh: float = 10.0
    ) -> None:
        self._database = database
        self._clock = clock
        self._writer = writer
        self._refresh = refresh
        #: by hash; the look-up's time tells nothing about a key, only about its hash
        self._keys: dict[str, ApiKey] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        #: counts our own changes
        self._version = 0
        self._noted: dict[int, float] = {}

    async def create(
        self, account: int, name: str, scopes: Iterable[str] = ("*",), *, rate_limit: float | None = None
    ) -> tuple[ApiKey, str]:
        """Make one. The key itself is returned this once, and kept nowhere. Raises ValueError: no such scope."""
        scopes = list(dict.fromkeys(scopes))
        if unknown := sorted(set(scopes) - set(SCOPES)):
            raise ValueError(f"no such scope: {', '.join(unknown)}")
        plain = _new()
        values = {
            "account_id": account,
            "name": clean(name),
            "scopes": " ".join(scopes),
            "created_at": self._clock.now(),
            "rate_limit": rate_limit,
            **_known_by(plain),
        }
        async with self._database.transaction() as connection:
            row = (await connection.execute(insert(_TABLE).values(values).returning(*_TABLE.c))).one()
            riding.made(row.id)
        key = self._keys[_hash(plain)] = _value(row)
        self._version += 1
        return key, plain

    async def check(self, plain: str) -> ApiKey | None:
        """The key, if it holds. A database that does not answer leaves the keys as they were last seen."""
        hashed, now = _hash(plain), self._clock.now()
        key = self._keys.get(hashed)
        # Who has a known key does not wait while another looks.
        if self._is_stale(key, now) and (key is None or not self._reading.locked()):
            async with self._reading:
                if self._is_stale(self._keys.get(hashed), now):
                    await self._read(now)
            key = self._keys.get(hashed)
        if key is not None:
            self._note(key.id, now)
        return key

    async def revoke(self, account: int, id: int) -> None:
        """Make a key useless, at once. Raises NotFound."""
        await self._change(account, id, {"revoked_at": self._clock.now()})

    async def rotate(self, account: int, id: int) -> str:
        """Put a new key in the place of one, which is useless at once; returned this once. Raises NotFound."""
        plain = _new()
        await self._change(account, id, _known_by(plain))
        return plain

    async def limit(self, account: int, id: int, rate_limit: float | None) -> None:
        """Say how many requests a second it may make: 0: as many as like; None: as the setting says. Raises
        NotFound."""
        await self._change(account, id, {"rate_limit": rate_limit})

    async def listing(self, account: int) -> list[ApiKey]:
        """All of an account's, the revoked ones too."""
        query = select(_TABLE).where(_TABLE.c.account_id == account).order_by(_TABLE.c.id)
        async with self._database.transaction(write=False) as connection:
            keys = [_value(row) for row in await connection.execute(query)]
        return [replace(key, last_used_at=self._noted.get(key.id, key.last_used_at)) for key in keys]

    async def _change(self, account: int, id: int, values: dict[str, Any]) -> None:
        known_id(id, "key")
        change = update(_TABLE).where(_TABLE.c.account_id == account, _TABLE.c.id == id, _TABLE.c.revoked_at.is_(None))
        async with self._database.transaction() as connection:
            row = (await connection.execute(change.values(values).returning(*_TABLE.c))).one_or_none()
            if row is None:
                raise NotFound("no such key", id=id)
        self._version += 1
        self._keys = {hashed: key for hashed, key in self._keys.items() if key.id != id}
        if row.revoked_at is None:
            self._keys[row.hash] = _value(row)

    def _is_stale(self, key: ApiKey | None, now: float) -> bool:
        # A wrong key makes us look again, in case another process has just made it: once a second, whoever asks.
        return not -1.0 < now - self._read_at < (self._refresh if key is not None else 1.0)

    async def _read(self, now: float) -> None:
        query, version = select(_TABLE).where(_TABLE.c.revoked_at.is_(None)), -1
        try:
            # What we read while we made a change ourselves may be older than the change.
            while version != self._version:
                version = self._version
                async with self._database.transaction(write=False) as connection:
                    rows = (await connection.execute(query)).all()
        except StoreUnavailable as error:
            if self._read_at == float("-inf"):
                raise
            log.warning("keys as last seen: the database does not answer", reason=str(error))
        else:
            self._keys = {row.hash: _value(row) for row in rows}
        # Only now: until the first answer is there, nobody's key is wrong.
        self._read_at = now

    def _note(self, id: int, now: float) -> None:
        if now - self._noted.get(id, float("-inf")) < _NOTE_EVERY:
            return
        self._noted[id] = now
        if self._writer is not None:
            self._writer.update(Model, {"id": id, "last_used_at": now})


def _new() -> str:
    return f"eq_{secrets.token_urlsafe(32)}"


def _known_by(plain: str) -> dict[str, str]:
    return {"hash": _hash(plain), "prefix": plain[:_PREFIX]}
