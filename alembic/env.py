"""What alembic runs: with the connection it is given (ari_app/store/migrate.py), or, on its own command line, with
one to DATABASE_URL."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, text

from alembic import context
from ari_app.config import load
from ari_app.store.database import make_engine, parse_url
from models import Base

#: any number, so long as it is the same in every process: only one migrates at a time
LOCK = 72_401_955


def run(connection: Connection) -> None:
    """Run the migrations in the transaction the connection is in."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run() -> None:
    """On alembic's own command line."""
    engine = make_engine(parse_url(load().database()), foreign_keys=False)
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(connect_and_run())
