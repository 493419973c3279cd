"""What goes with the transactions of one task: a rider writes its own rows with each, and blocks may share one.

Both belong to the task that began them. A task that is started meanwhile inherits the context, but it may still be at
work when the request that started it is answered: its transactions are its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection


class Rider(Protocol):
    """Goes with every transaction that writes, of the task that took it along."""

    async def begun(self, connection: AsyncConnection) -> None:
        """It has begun, and nothing has been written yet."""

    async def done(self, connection: AsyncConnection) -> None:
        """All is written, and is about to be committed."""

    def committed(self) -> None:
        """It is."""

    def made(self, id: object) -> None:
        """A row was made under this id."""


_Task = asyncio.Task[object]

_RIDER: ContextVar[tuple[_Task | None, Rider] | None] = ContextVar("rider", default=None)
_SHARED: ContextVar[tuple[_Task | None, object, AsyncConnection] | None] = ContextVar("shared", default=None)


@contextmanager
def taking_along(rider: Rider) -> Iterator[None]:
    """What this task writes inside the block is written with the rider."""
    token = _RIDER.set((asyncio.current_task(), rider))
    try:
        yield
    finally:
        _RIDER.reset(token)


@contextmanager
def apart() -> Iterator[None]:
    """What this task writes inside the block is written by itself."""
    riding, shared_ = _RIDER.set(None), _SHARED.set(None)
    try:
        yield
    finally:
        _RIDER.reset(riding)
        _SHARED.reset(shared_)


def rider() -> Rider | None:
    """Who rides with this task."""
    found = _RIDER.get()
    return found[1] if found is not None and found[0] is asyncio.current_task() else None


def made(id: object) -> None:
    """Say under which id a row was made, for whoever rides along."""
    riding = rider()
    if riding is not None:
        riding.made(id)


@contextmanager
def sharing(database: object, connection: AsyncConnection) -> Iterator[None]:
    """What this task asks this database for inside the block is asked on this connection, in its transaction."""
    token = _SHARED.set((asyncio.current_task(), database, connection))
    try:
        yield
    finally:
        _SHARED.reset(token)


def shared(database: object) -> AsyncConnection | None:
    """The connection that this task shares."""
    found = _SHARED.get()
    if found is None or found[0] is not asyncio.current_task() or found[1] is not database:
        return None
    return found[2]
