"""`python -m ari_app keys`: API keys from the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from ari_app.clock import SystemClock
from ari_app.config import Settings
from ari_app.store.accounts import DEFAULT
from ari_app.store.database import Database
from ari_app.store.keys import EVERYTHING, Keys


@asynccontextmanager
async def _keys(settings: Settings) -> AsyncIterator[Keys]:
    database = Database(settings.database())
    await database.start()
    try:
        yield Keys(database, SystemClock())
    finally:
        await database.close()


async def create(settings: Settings, name: str, scopes: Sequence[str]) -> str:
    """Make a key for the default account; returned this once. No scopes: it may do everything."""
    async with _keys(settings) as keys:
        _, plain = await keys.create(DEFAULT, name, scopes or (EVERYTHING,))
        return plain


async def rotate(settings: Settings, key: int) -> str:
    """Put a new key in the place of one; returned this once. A running server takes the old one for some seconds more.

    Raises:
        NotFound: no such key.
    """
    async with _keys(settings) as keys:
        return await keys.rotate(DEFAULT, key)


async def revoke(settings: Settings, key: int) -> None:
    """Make a key useless. A running server notices at its next check of the key.

    Raises:
        NotFound: no such key.
    """
    async with _keys(settings) as keys:
        await keys.revoke(DEFAULT, key)


async def listing(settings: Settings) -> list[str]:
    """One line a key."""
    async with _keys(settings) as keys:
        lines = []
        for key in await keys.listing(DEFAULT):
            made = datetime.fromtimestamp(key.created_at, UTC).isoformat(timespec="seconds")
            state = "revoked" if key.revoked_at else "active"
            lines.append(f"{key.id:>4}  {key.prefix}…  {state:8} {made}  {' '.join(key.scopes):12}  {key.name}")
        return lines
