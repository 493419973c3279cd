"""Changes over REST while the process is killed -9 at any moment, on a real PostgreSQL: each is there whole, with its
entry in the audit trail, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.harness import net
from tests.harness.patience import PATIENCE
from tests.harness.postgres import Postgres
from tests.integration.server import Server

#: so many queues are made in one request
BULK = 25
LIVES = 3


@pytest.fixture
async def server(tmp_path: Path, postgres: Postgres) -> AsyncIterator[Server]:
    """On PostgreSQL, and without an Asterisk: what is configured needs none."""
    made = Server(tmp_path, connect="inbound")
    url = await postgres.create_database()
    nowhere = f"http://127.0.0.1:{net.free_port()}/ari"
    made.configure(ari_url=nowhere, ari_user="u", ari_password="p", DATABASE_URL=url)
    await made.command("migrate")
    made.key = (await made.command("keys", "create", "test")).strip().splitlines()[-1]
    yield made
    await made.stop()


async def rows(server: Server, sql: str) -> list[dict[str, Any]]:
    url = server.environment["DATABASE_URL"].replace("+asyncpg", "")
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def bulks(server: Server, life: int, answered: list[int]) -> None:
    """Make queues by many, one request after the other, until the process dies; which were answered."""
    with contextlib.suppress(aiohttp.ClientError):
        for n in range(1000):
            number = 100_000 * (life + 1) + n * BULK
            operations = [
                {
                    "method": "POST",
                    "path": "/call_queue",
                    "data": {"extension": str(number + i), "name": f"queue {number + i}", "type": 0},
                }
                for i in range(BULK)
            ]
            await server.request("POST", "/x/bulk", operations=operations)
            answered.append(number)


async def singles(server: Server, life: int, answered: list[str]) -> None:
    """Make and rename pause codes, one request after the other, until the process dies; which names were answered."""
    with contextlib.suppress(aiohttp.ClientError):
        for n in range(1000):
            name = f"code {life}.{n}"
            code = await server.request("POST", "/pause_code", data={"name": name})
            answered.append(name)
            await server.request("PUT", f"/pause_code/{code}", data={"name": f"{name}b"})
            answered[-1] = f"{name}b"


@pytest.mark.postgres
async def test_all_or_nothing_and_the_trail_agrees(server: Server) -> None:
    draw = random.Random(20261121)
    whole: list[int] = []
    names: list[str] = []
    for life in range(LIVES):
        await server.start(healthy=False)
        before = len(whole)
        making = [
            asyncio.create_task(bulks(server, life, whole)),
            asyncio.create_task(singles(server, life, names)),
        ]
        async with asyncio.timeout(PATIENCE):
            while len(whole) < before + 2:
                await asyncio.sleep(0.005)
        await asyncio.sleep(draw.uniform(0.0, 0.15))  # somewhere in a request
        await server.kill(at_once=True)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*making)
    await queues_agree(server, whole)
    await codes_agree(server, names)
    # and the next process knows what there is
    await server.start(healthy=False)
    listed = await server.request("GET", "/call_queue", {"search": str(whole[-1])})
    assert [row["extension"] for row in listed] == [str(whole[-1])]


async def queues_agree(server: Server, answered: list[int]) -> None:
    """A bulk request has made all of its queues or none, and each has its entry; what was answered is there."""
    found = sorted(int(row["extension"]) for row in await rows(server, "SELECT extension FROM queues"))
    begun = {number - number % BULK for number in found}
    assert found == sorted(number + i for number in begun for i in range(BULK))
    assert set(answered) <= begun
    assert len(begun) <= len(answered) + LIVES  # at most the one that was under way with each kill
    told = "SELECT entity_id, request FROM audit_entries WHERE action = '{}'"
    entries = [int(row["entity_id"]) for row in await rows(server, told.format("call_queue.create"))]
    assert sorted(entries) == found
    assert len(await rows(server, told.format("x.bulk"))) == len(begun)


async def codes_agree(server: Server, answered: list[str]) -> None:
    """Each pause code has an entry for its making, and one more if it was renamed; and what was answered is there."""
    found = await rows(
        server,
        "SELECT id, name, (SELECT count(*) FROM audit_entries WHERE entity = 'pause_code'"
        " AND entity_id = CAST(pause_codes.id AS text)) AS changes FROM pause_codes",
    )
    for row in found:
        assert row["changes"] == (2 if row["name"].endswith("b") else 1), row
    by_number = {row["name"].removesuffix("b"): row["name"] for row in found}
    assert len(by_number) == len(found)
    for name in answered:
        assert by_number[name.removesuffix("b")] in (name, f"{name}b")
    entries = await rows(server, "SELECT DISTINCT entity_id FROM audit_entries WHERE entity = 'pause_code'")
    assert {int(row["entity_id"]) for row in entries} == {row["id"] for row in found}
