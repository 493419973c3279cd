"""Looks at the database after each request: what it has changed is whole, and is in the audit trail.

Triggers note which tables a request has changed. After each one:

* nothing refers to what there is not;
* what was refused has changed nothing;
* what has changed something has an entry in the audit trail.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy import Table

from models import Base

_TRAIL = "audit_entries"
#: what changes though a request is refused, or only looks: wrong passwords, signs of life of sessions, missing files
_NOT_CONFIGURED = {("users", "wrong_passwords"), ("users", "locked_until"), ("api_keys", "last_used_at")}
_NOT_CONFIGURED |= {("user_sessions", column) for column in ("state", "last_ping_at", "ended_at")}
_NOT_CONFIGURED |= {("recordings", column) for column in ("file_state", "error", "ended_at", "outcome")}
_NOTES = "fuzz_changes"


class HalfWritten:
    """Put `check` into the application as its middleware, one request at a time."""

    def __init__(self, database: Path) -> None:
        self._database = database
        #: what was found wrong
        self.found: list[str] = []
        #: looked at
        self.requests = 0
        #: of those being answered; and ever
        self._open = self._started = 0
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.executescript("".join(_triggers()))
            connection.commit()

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """After the request, and before it is answered. Of requests at the same time nobody knows which did what."""
        self._open += 1
        self._started += 1
        mine, alone = self._started, self._open == 1
        with contextlib.closing(sqlite3.connect(self._database)) as connection:
            # What a test did itself, between two requests, is its own.
            [noted] = connection.execute(f"SELECT coalesce(max(id), 0) FROM {_NOTES}").fetchone()
            status: int | None = None  # an answer that went on while others asked; or the client has gone away
            try:
                response = await handler(request)
                status = response.status if isinstance(response, web.Response) else None
            except web.HTTPException as error:
                status = error.status
                raise
            finally:
                self._open -= 1
                if status is not None and alone and mine == self._started:
                    self._look(connection, noted, f"{request.method} {request.path}", status)
        return response

    def _look(self, connection: sqlite3.Connection, noted: int, request: str, status: int) -> None:
        self.requests += 1
        changed = {row[0] for row in connection.execute(f"SELECT DISTINCT name FROM {_NOTES} WHERE id > ?", (noted,))}
        if not changed:
            return
        said = f"{request} ({status}): {', '.join(sorted(changed - {_TRAIL}))}"
        dangling = [str(row) for row in connection.execute("PRAGMA foreign_key_check")]
        if dangling:
            self.found.append(f"{said}: refers to nothing: {'; '.join(dangling)}")
        if status != 200:
            self.found.append(f"{said}: changed, though it was refused")
        elif _TRAIL not in changed:
            self.found.append(f"{said}: changed, and not in the audit trail")


def _triggers() -> list[str]:
    statements = [f"CREATE TABLE {_NOTES} (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"]
    for table in Base.metadata.sorted_tables:
        assert isinstance(table, Table)
        columns = [f'"{column.name}"' for column in table.columns if (table.name, column.name) not in _NOT_CONFIGURED]
        note = f"BEGIN INSERT INTO {_NOTES} (name) VALUES ('{table.name}'); END;"
        for when in ("INSERT", "DELETE", f"UPDATE OF {', '.join(columns)}"):
            name = f"fuzz_{table.name}_{when.split()[0].lower()}"
            statements.append(f"CREATE TRIGGER {name} AFTER {when} ON {table.name} {note}\n")
    return statements
