"""What calls and agents do, on its way to SQL: gathered in memory, committed in batches, never waited for.

    insert, upsert, ... -> open batch --50 ms--> queue of sealed batches --one transaction each--> database
                                                        |
                                                        +-- when the database does not answer, or is slow --> spill file

What holds at any moment: a batch that is not in the database 50 ms after its first row, because the database failed, or
a second after it was sent there, because the database is slow, is on the disk in the spill file, and is written to the
database in its order, once, when that answers again: in this process or at the next start. Every transaction carries
its batch's number (spill_marks), so a commit that was not confirmed is looked up, not guessed.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

import structlog

from ari_app.clock import Clock, Timer
from ari_app.errors import ConfigError, StoreUnavailable
from ari_app.ids import IdSource
from ari_app.store import connections
from ari_app.store.batch import (
    BY_MODEL,
    COVERED,
    DELETE,
    INSERT,
    PRUNE,
    UPDATE,
    UPSERT,
    Batch,
    TableInfo,
    Value,
)
from ari_app.store.database import Database
from ari_app.store.port import BadRow, BatchConnection, Mark, Rejected
from ari_app.store.spill import Leftover, leftovers
from ari_app.store.spiller import Sealed, Spiller, WriterStats
from models import Base

log = structlog.get_logger(__name__)

Connect = Callable[[Database], Awaitable[BatchConnection]]

#: operations, and batches, written in one transaction when there is much to catch up with
TOGETHER, TOGETHER_BATCHES = 2000, 200
#: seconds before the first attempt to reach the database again, and at most between two
FIRST_RETRY, LAST_RETRY = 0.2, 10.0
#: seconds after which the mark of a writer that was killed is of no more use
MARK_LIFE = 90 * 86400.0


class Writer:
    """The batch writer. Rows are given to it on the event loop's thread, and never wait."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        data_dir: Path,
        *,
        max_delay: float = 0.05,
        safe_after: float = 1.0,
        max_rows: int = 10_000,
        connect: Connect = connections.connect,
        rng: random.Random | None = None,
    ) -> None:
        """max_delay: seconds a row waits for others at most. safe_after: seconds after which a transaction that is not
        done is put into the spill file too. max_rows: so many operations waiting for a transaction go to the spill file
        at once, and above it those there are not kept in memory."""
        self.database = database
        self.clock = clock
        self.id = IdSource(clock).new("writer")
        self.stats = WriterStats()
        #: told when the database stops answering, and when it answers again; with the reason
        self.on_health: Callable[[bool, str], None] = lambda healthy, why: None
        #: called when the open batch gets no more rows, for those who complete theirs at the last moment
        self.before_seal: list[Callable[[], None]] = []
        self._max_delay, self._safe_after, self._max_rows = max_delay, safe_after, max_rows
        self._connect, self._rng = connect, rng or random.Random()
        self._open = Batch()
        self._waiters: list[asyncio.Future[None]] = []
        self._queue: deque[Sealed] = deque()
        self._spiller = Spiller(self._queue, self.stats, data_dir, self.id, max_rows)
        self._connection: BatchConnection | None = None
        #: of the last batch sealed
        self._number = 0
        self._healthy = True
        #: a transaction has been under way for too long
        self._slow = False
        self._attempts = 0
        #: the open batch is due; the transaction takes too long; the database is to be tried again
        self._timer: Timer | None = None
        self._watch: Timer | None = None
        self._retry: Timer | None = None
        self._closing = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def healthy(self) -> bool:
        """Whether the database took the last batch."""
        return self._healthy

    @property
    def unwritten(self) -> int:
        """Rows that are not in the database yet, those of the batch being gathered included."""
        return self.stats.pending + len(self._open)

    def insert(self, model: type[Base], values: dict[str, Value]) -> None:
        """Add a row; one with the same primary key stays as it is. The dict is kept."""
        self._add(INSERT, BY_MODEL[model], values)

    def upsert(self, model: type[Base], values: dict[str, Value]) -> None:
        """Add a row, or change the given columns of the one with the same primary key. The dict is kept."""
        self._add(UPSERT, BY_MODEL[model], values)

    def update(self, model: type[Base], values: dict[str, Value]) -> None:
        """Change the given columns of the row with this primary key, if there is one. The dict is kept."""
        self._add(UPDATE, BY_MODEL[model], values)

    def delete(self, model: type[Base], key: dict[str, Value]) -> None:
        """Remove the row with this primary key, if there is one."""
        self._add(DELETE, BY_MODEL[model], key)

    def prune_journal(self, account: int) -> None:
        """Remove the account's journal as far as the snapshot in the database covers it."""
        self._add(PRUNE, COVERED, {"account_id": account})

    async def committed(self) -> None:
        """Wait until all that was added before is in the database, however long that takes.

        Raises:
            StoreUnavailable: the writer was closed while the database did not answer.
        """
        if not self._open and not self._queue:
            return
        waiter = asyncio.get_running_loop().create_future()
        (self._waiters if self._open else self._queue[-1].waiters).append(waiter)
        await waiter

    @property
    def closed(self) -> bool:
        """Whether it takes no more."""
        return self._closing

    async def flush(self) -> None:
        """Commit now what was added before, and wait for it. Raises as `committed` does."""
        if self._open:
            self._seal()
            self._wake.set()
        await self.committed()

    async def start(self) -> None:
        """Connect, and write what an earlier process could not.

        Raises:
            StoreUnavailable: the database does not answer.
            ConfigError: the data directory cannot be used.
        """
        folder = self._spiller.folder
        try:
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot use {folder} ({error.strerror}); set DATA_DIR") from error
        self._connection = await self._connect(self.database)
        for path in await asyncio.to_thread(leftovers, folder):
            await self._play_back(self._connection, path)
        await self._connection.forget(self.id, self.clock.now() - MARK_LIFE)
        self._task = asyncio.create_task(self._run(), name="store-writer")
        self._spiller.start()

    async def close(self) -> None:
        """Commit what is pending; what the database does not take goes to the spill file."""
        self._closing = True
        self._seal()
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._spiller.close()
        await self._disconnect(forget=not self._queue)
        if self._retry is not None:
            self._retry.cancel()
        for sealed in self._queue:
            _tell(sealed.waiters, StoreUnavailable(self.stats.last_error))

    # gathering

    def _add(self, kind: str, info: TableInfo, values: dict[str, Value]) -> None:
        if self._closing:
            raise RuntimeError("the writer is closed")
        self._open.add(kind, info, values)
        if self._timer is None:
            self._timer = self.clock.call_at(self.clock.now() + self._max_delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._watch is not None and len(self._open) > self._max_rows:
            self._slow = True
        if self._slow or not self._healthy:
            self._seal()
        self._wake.set()

    def _seal(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._open:
            for complete in self.before_seal:
                complete()
            self._number += 1
            sealed = Sealed(self._number, self._open, self._waiters)
            self._queue.append(sealed)
            self.stats.pending += sealed.rows
            self._open, self._waiters = Batch(), []
        if self._slow or not self._healthy:
            self._spiller.wake()

    # to the database

    async def _run(self) -> None:
        while not self._closing:
            await self._wake.wait()
            self._wake.clear()
            self._seal()
            if self._retry is None or self._closing:
                await self._drain()

    async def _drain(self) -> None:
        try:
            while self._queue:
                await self._write_next(await self._connected())
        except Exception as error:
            if not isinstance(error, StoreUnavailable):
                log.exception("the batch writer failed")
            await self._failed(error)
            return
        self._tell_health(True, "")
        if self._spiller.used:
            self._spiller.wake()

    async def _connected(self) -> BatchConnection:
        if self._connection is None:
            self._connection = await self._connect(self.database)
            # Whether the last transaction was committed nobody could tell when the connection went; now one can.
            mark = await self._connection.mark_of(self.id)
            while self._queue and self._queue[0].number <= mark:
                self._done(1)
        return self._connection

    async def _write_next(self, connection: BatchConnection) -> None:
        count, rows = 0, 0
        for sealed in islice(self._queue, TOGETHER_BATCHES):
            if count and rows + sealed.rows > TOGETHER:
                break
            count, rows = count + 1, rows + sealed.rows
        if not count:
            return
        batches = await self._spiller.batches(islice(self._queue, count))
        batch = batches[0] if count == 1 else Batch(operation for one in batches for operation in one)
        mark = Mark(self.id, self._queue[count - 1].number, self.clock.now())
        self._watch = self.clock.call_at(mark.at + self._safe_after, self._takes_too_long)
        try:
            await self._write(connection, batch, mark)
        finally:
            self._watch.cancel()
            self._watch, self._slow = None, False
        self._done(count)

    async def _write(self, connection: BatchConnection, batch: Batch, mark: Mark) -> None:
        def park(rejected: list[Rejected]) -> None:
            try:
                self._spiller.park(rejected)
            except OSError as error:
                raise StoreUnavailable(f"cannot write {self._spiller.rejected.path} ({error.strerror})") from error

        try:
            await connection.write(batch, mark)
        except BadRow:
            await connection.write_rest(batch, mark, park)
        self.stats.batches += 1

    def _done(self, count: int) -> None:
        for _ in range(count):
            sealed = self._queue.popleft()
            self.stats.pending -= sealed.rows
            self.stats.committed += sealed.rows
            if sealed.place is not None:
                self.stats.spilled -= sealed.rows
            _tell(sealed.waiters, None)

    def _takes_too_long(self) -> None:
        self._slow = True
        self._seal()

    async def _failed(self, error: Exception) -> None:
        self.stats.failures += 1
        self.stats.last_error = str(error)
        self._tell_health(False, str(error))
        self._seal()
        delay = min(LAST_RETRY, FIRST_RETRY * 2 ** min(self._attempts, 10)) * self._rng.uniform(0.5, 1.5)
        self._attempts += 1
        self._retry = self.clock.call_at(self.clock.now() + delay, self._try_again)
        await self._disconnect(forget=False)

    def _try_again(self) -> None:
        self._retry = None
        self._wake.set()

    def _tell_health(self, healthy: bool, why: str) -> None:
        self.database.healthy = healthy
        if healthy:
            self._attempts = 0
        if healthy == self._healthy:
            return
        self._healthy = healthy
        if healthy:
            log.info("= the database is back")
        else:
            log.error("= the database does not answer", reason=why, pending=self.stats.pending)
        try:
            self.on_health(healthy, why)
        except Exception:
            log.exception("who is told of the database's health failed")

    async def _disconnect(self, *, forget: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if forget:
            with suppress(StoreUnavailable):
                await connection.forget(self.id, 0.0)
        await connection.close()

    # from an earlier process

    async def _play_back(self, connection: BatchConnection, path: Path) -> None:
        leftover = await asyncio.to_thread(Leftover.take, path)
        if leftover is None:
            return
        rows, finished = 0, False
        try:
            done = await connection.mark_of(leftover.writer)
            for number, batch in leftover.batches(done, TOGETHER):
                await self._write(connection, batch, Mark(leftover.writer, number, self.clock.now()))
                rows += len(batch)
            finished = True
        finally:
            leftover.close(finished=finished)
        await connection.forget(leftover.writer, 0.0)
        log.info("= played back what an earlier process could not write", rows=rows, file=path.name)


def _tell(waiters: list[asyncio.Future[None]], error: Exception | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
