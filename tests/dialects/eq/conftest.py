import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dialects.eq.world import World, open_world, template_database


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables, migrated once and copied for each test."""
    return asyncio.run(template_database(tmp_path_factory.mktemp("eq")))


@pytest.fixture
async def world(template: Path, tmp_path: Path) -> AsyncIterator[World]:
    """A running EQ API; whatever a test asks, no request leaves something half written."""
    opened = await open_world(template, tmp_path, checked=True)
    yield opened
    await opened.stop()
    await opened.database.close()
    shutil.rmtree(tmp_path, ignore_errors=True)
    assert opened.half_written is not None
    assert opened.half_written.found == []
