import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ari_app.clock import ManualClock
from ari_app.store import migrate
from ari_app.store.database import Database
from ari_app.store.writer import Writer


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file fresh from the migrations, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "template.sqlite"
    asyncio.run(migrate.upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def writer(migrated: Path, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Writer]:
    """A writer on a database of its own."""
    shutil.copy(migrated, tmp_path / "test.sqlite")
    database = Database(f"sqlite:///{tmp_path / 'test.sqlite'}")
    await database.start()
    made = Writer(database, clock, tmp_path / "data")
    await made.start()
    yield made
    await made.close()
    await database.close()
