"""A stage for each test: an Asterisk that obeys, and call control on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.unit.calls.stage import Stage, a_stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        yield made


@pytest.fixture
async def endpoint() -> AsyncIterator[str]:
    """URL of a user's endpoint that takes whatever it is sent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"audiosocket://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
