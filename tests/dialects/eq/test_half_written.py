"""What looks for changes that are half written finds them."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.dialects.eq.half_written import HalfWritten

CODE = "INSERT INTO pause_codes (account_id, name, deleted, created_at) VALUES (1, 'Lunch', 0, 1.0)"
NOWHERE = "INSERT INTO queue_bindings (account_id, queue_id, agent_id, skill) VALUES (1, 99, 99, 1)"
USER = (
    "INSERT INTO users (id, account_id, kind, username, login_key, first_name, type, password, deleted, created_at,"
    " wrong_passwords) VALUES (1, 1, 'supervisor', 'boss', 'boss', 'B', 'full', 'x', 0, 1.0, 0)"
)
GUESSED = "UPDATE users SET wrong_passwords = 3"
RENAMED = "UPDATE users SET first_name = 'C'"
ENTRY = (
    "INSERT INTO audit_entries (id, account_id, at, source, action, entity)"
    " VALUES ('a1', 1, 1.0, 'api', 'pause_code.create', 'pause_code')"
)


@pytest.fixture
def database(template: Path, tmp_path: Path) -> Path:
    path = tmp_path / "copy.sqlite"
    path.write_bytes(template.read_bytes())
    return path


async def asked(look: HalfWritten, database: Path, status: int, *statements: str) -> list[str]:
    """What is found after a request that does this."""

    async def handler(_request: web.Request) -> web.Response:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
        return web.Response(status=status)

    look.found.clear()
    await look.check(make_mocked_request("POST", "/x"), handler)
    return list(look.found)


async def test_what_is_whole_is_not_found(database: Path) -> None:
    look = HalfWritten(database)
    assert await asked(look, database, 200, CODE, ENTRY) == []
    assert await asked(look, database, 404) == []
    assert look.requests == 2


async def test_what_is_not_in_the_trail_is_found(database: Path) -> None:
    [found] = await asked(HalfWritten(database), database, 200, CODE)
    assert found == "POST /x (200): pause_codes: changed, and not in the audit trail"


async def test_what_was_refused_and_has_changed_something_is_found(database: Path) -> None:
    [found] = await asked(HalfWritten(database), database, 400, CODE, ENTRY)
    assert found == "POST /x (400): pause_codes: changed, though it was refused"


async def test_what_refers_to_nothing_is_found(database: Path) -> None:
    [found] = await asked(HalfWritten(database), database, 200, NOWHERE, ENTRY)
    assert "queue_bindings: refers to nothing" in found


async def test_a_wrong_password_may_count_though_it_is_refused(database: Path) -> None:
    look = HalfWritten(database)
    assert await asked(look, database, 200, USER, ENTRY) == []
    assert await asked(look, database, 401, GUESSED) == []
    [found] = await asked(look, database, 401, RENAMED)
    assert found.startswith("POST /x (401): users: changed")


async def test_what_a_test_does_between_two_requests_is_its_own(database: Path) -> None:
    look = HalfWritten(database)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute(CODE)
        connection.commit()
    assert await asked(look, database, 404) == []
