"""The writer's way to the database, whichever it is.

Below SQLAlchemy on purpose: this is the hot path. SQLite writes a batch in one hop to its thread, PostgreSQL in one
message there and one back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from ari_app.store.batch import Batch, Operation

#: columns of a mark
MARK = ("writer", "batch", "at")


class BadRow(Exception):
    """The database refuses a row for what is in it; other rows may pass."""


class Mark(msgspec.Struct, frozen=True):
    """Which batch of which writer a transaction brings."""

    writer: str
    batch: int
    at: float


class Rejected(msgspec.Struct, frozen=True):
    """An operation the database will not have, and why."""

    operation: Operation
    error: str


#: keeps rejected operations somewhere else; raises OSError when it cannot
Park = Callable[[list[Rejected]], None]


class BatchConnection(Protocol):
    """Writes batches, each in a transaction of its own with its mark in it.

    All raise StoreUnavailable when the database does not answer; the connection is of no more use then, and whether the
    transaction was committed is open.
    """

    async def write(self, batch: Batch, mark: Mark) -> None:
        """Write all of it. Raises BadRow, with nothing written, when a row is refused for what is in it."""

    async def write_rest(self, batch: Batch, mark: Mark, park: Park) -> int:
        """Write all that can be written and park the rest, before the commit; how many were parked."""

    async def mark_of(self, writer: str) -> int:
        """The last batch of this writer that was committed; 0: none."""

    async def forget(self, writer: str, before: float) -> None:
        """Drop the mark of this writer, and all marks older than `before`."""

    async def close(self) -> None:
        """Close. Never raises."""
