"""A stage for each test: an Asterisk that obeys, and call control on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.calls.stage import Stage, a_stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        yield made
