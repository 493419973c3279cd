"""The throwaway PostgreSQL server."""

import asyncpg
import pytest

from tests.harness.postgres import Postgres

pytestmark = pytest.mark.postgres


async def test_two_empty_databases(postgres: Postgres) -> None:
    urls = [await postgres.create_database() for _ in range(2)]
    for url in urls:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            await connection.execute("CREATE TABLE nothing (id int)")
            assert await connection.fetchval("SELECT count(*) FROM nothing") == 0
        finally:
            await connection.close()
