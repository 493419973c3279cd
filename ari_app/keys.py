"""`python -m ari_app keys`: API keys from the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime

from ari_app.clock import SystemClock
from ari_app.config import Settings
from ari_app.store import riding
from ari_app.store.accounts import DEFAULT
from ari_app.store.audit import AuditTrail, on_the_command_line
from ari_app.store.database import Database
from ari_app.store.keys import EVERYTHING, Keys


@asynccontextmanager
async def _keys(settings: Settings, change: str = "", key: int | None = None, **request: object) -> AsyncIterator[Keys]:
    """change: what is done with them, for the audit trail, to which, and how."""
    clock, database = SystemClock(), Database(settings.database())
    await database.start()
    try:
        with ExitStack() as stack:
            if change:
                id = None if key is None else str(key)
                trail = AuditTrail(database, clock)
                entry = trail.change(on_the_command_line(DEFAULT), f"key.{change}", "key", id, request or None)
                stack.enter_context(riding.taking_along(entry))
            yield Keys(database, clock)
    finally:
        await database.close()


async def create(settings: Settings, name: str, scopes: Sequence[str], rate_limit: float | None = None) -> str:
    """Make a key for the default account; returned this once. No scopes: it may do everything."""
    scopes = scopes or (EVERYTHING,)
    async with _keys(settings, "create", name=name, scopes=scopes, rate_limit=rate_limit) as keys:
        _, plain = await keys.create(DEFAULT, name, scopes, rate_limit=rate_limit)
        return plain


async def rotate(settings: Settings, key: int) -> str:
    """Put a new key in the place of one; returned this once. A running server takes the old one for some seconds more.

    Raises:
        NotFound: no such key.
    """
    async with _keys(settings, "rotate", key) as keys:
        return await keys.rotate(DEFAULT, key)


async def revoke(settings: Settings, key: int) -> None:
    """Make a key useless. A running server notices at its next check of the key.

    Raises:
        NotFound: no such key.
    """
    async with _keys(settings, "revoke", key) as keys:
        await keys.revoke(DEFAULT, key)


async def limit(settings: Settings, key: int, rate_limit: float | None) -> None:
    """Say how many requests a second a key may make; 0: as many as like; None: as RATE_LIMIT says. A running server
    notices at its next look at its keys, within seconds.

    Raises:
        NotFound: no such key.
    """
    async with _keys(settings, "limit", key, rate_limit=rate_limit) as keys:
        await keys.limit(DEFAULT, key, rate_limit)


async def listing(settings: Settings) -> list[str]:
    """One line a key."""
    async with _keys(settings) as keys:
        lines = []
        for key in await keys.listing(DEFAULT):
            made = datetime.fromtimestamp(key.created_at, UTC).isoformat(timespec="seconds")
            state = "revoked" if key.revoked_at else "active"
            rate = "" if key.rate_limit is None else f"  ({key.rate_limit:g}/s)"
            lines.append(f"{key.id:>4}  {key.prefix}…  {state:8} {made}  {' '.join(key.scopes):12}  {key.name}{rate}")
        return lines
