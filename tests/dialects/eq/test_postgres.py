"""The golden cases again, on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from ari_app.clock import ManualClock
from ari_app.store import migrate
from ari_app.store.database import Database
from models import Base
from tests.dialects.eq import golden
from tests.dialects.eq.test_golden import FOLDERS
from tests.dialects.eq.world import World
from tests.harness import postgres

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.skipif(postgres.unavailable() is not None, reason=str(postgres.unavailable())),
]

TABLES = ", ".join(table.name for table in Base.metadata.sorted_tables)


async def test_cases(tmp_path: Path) -> None:
    async with postgres.Postgres() as server:
        await migrate.upgrade(server.url)
        failed = []
        for folder in FOLDERS:
            database = Database(server.url)
            await database.start()
            async with database.transaction() as connection:
                await connection.execute(text(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE"))
                await connection.execute(text("INSERT INTO accounts (name, created_at) VALUES ('default', 0)"))
            world = World(database, ManualClock(), tmp_path / folder.name)
            await world.start()
            try:
                await golden.run(world, folder)
            except golden.Mismatch as mismatch:
                failed.append(str(mismatch))
            finally:
                await world.stop()
                await database.close()
        assert failed == []
