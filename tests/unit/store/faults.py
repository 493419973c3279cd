"""A database that fails when it is told to."""

from __future__ import annotations

import asyncio

from ari_app.errors import StoreUnavailable
from ari_app.store import connections
from ari_app.store.batch import Batch
from ari_app.store.database import Database
from ari_app.store.port import BatchConnection, Mark, Park


class Faults:
    """Stands between the writer and a real database: `Writer(..., connect=faults.connect)`."""

    def __init__(self) -> None:
        #: nothing gets through, connections included
        self.down = False
        #: the next transaction is committed, and its confirmation lost
        self.lose_confirmation = False
        #: while set, a transaction waits before it begins; `waiting` is set when one does
        self.gate: asyncio.Event | None = None
        self.waiting = asyncio.Event()
        self.attempts = 0
        #: how many operations each committed transaction had, and its mark
        self.transactions: list[tuple[int, int]] = []

    async def connect(self, database: Database) -> BatchConnection:
        self.attempts += 1
        if self.down:
            raise StoreUnavailable("the database is down")
        return _Connection(self, await connections.connect(database))


class _Connection:
    def __init__(self, faults: Faults, real: BatchConnection) -> None:
        self._faults, self._real = faults, real

    async def _before(self) -> None:
        if self._faults.gate is not None:
            self._faults.waiting.set()
            await self._faults.gate.wait()
        if self._faults.down:
            raise StoreUnavailable("the database is down")

    def _after(self, batch: Batch, mark: Mark) -> None:
        self._faults.transactions.append((len(batch), mark.batch))
        if self._faults.lose_confirmation:
            self._faults.lose_confirmation = False
            raise StoreUnavailable("the connection was lost")

    async def write(self, batch: Batch, mark: Mark) -> None:
        await self._before()
        await self._real.write(batch, mark)
        self._after(batch, mark)

    async def write_rest(self, batch: Batch, mark: Mark, park: Park) -> int:
        await self._before()
        count = await self._real.write_rest(batch, mark, park)
        self._after(batch, mark)
        return count

    async def mark_of(self, writer: str) -> int:
        await self._before()
        return await self._real.mark_of(writer)

    async def forget(self, writer: str, before: float) -> None:
        await self._before()
        await self._real.forget(writer, before)

    async def close(self) -> None:
        await self._real.close()
