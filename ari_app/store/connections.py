"""Which connection a database gets."""

from __future__ import annotations

from ari_app.store.database import Database
from ari_app.store.port import BatchConnection
from ari_app.store.postgres import PostgresConnection
from ari_app.store.sqlite import SqliteConnection


async def connect(database: Database) -> BatchConnection:
    """A connection of the writer's own. Raises StoreUnavailable."""
    if database.sqlite:
        return await SqliteConnection.open(database.name, database.trouble)
    return await PostgresConnection.open(database.engine, database.trouble)
