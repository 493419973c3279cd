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
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
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
    BadRow,
    Batch,
    TableInfo,
    Value,
)
from ari_app.store.connections import BatchConnection, Mark, Rejected
from ari_app.store.database import Database
from ari_app.store.spill import UNENCODABLE, Leftover, Place, RejectedFile, SpillFile, encodable, encode, leftovers
from models import Base

log = structlog.get_logger(__name__)

Connect = Callable[[Database], Awaitable[BatchConnection]]

#: operations written in one transaction when there is much to catch up with
TOGETHER = 2000
#: seconds before the first attempt to reach the database again, and at most between two
FIRST_RETRY, LAST_RETRY = 0.2, 10.0
#: seconds after which the mark of a writer that was killed is of no more use
MARK_LIFE = 90 * 86400.0


class WriterStats(msgspec.Struct):
    """Counts since the start."""

    #: operations that are not in the database yet
    pending: int = 0
    #: of these, in the spill file
    spilled: int = 0
    committed: int = 0
    batches: int = 0
    #: rows the database would not have: see rejected.jsonl
    rejected: int = 0
    failures: int = 0
    last_error: str = ""


class _Sealed:
    """A batch that will not change."""

    __slots__ = ("batch", "number", "place", "rows", "waiters")

    def __init__(self, number: int, batch: Batch, waiters: list[asyncio.Future[None]]) -> None:
        self.number = number
        #: None: in the spill file only
        self.batch: Batch | None = batch
        self.rows = len(batch)
        self.place: Place | None = None
        self.waiters = waiters


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
        done is put into the spill file too. max_rows: operations kept in memory when they are in the spill file."""
        self.database = database
        self.clock = clock
        self.id = IdSource(clock).new("writer")
        self.stats = WriterStats()
        #: told when the database stops answering, and when it answers again; with the reason
        self.on_health: Callable[[bool, str], None] = lambda healthy, why: None
        self._max_delay, self._safe_after, self._max_rows = max_delay, safe_after, max_rows
        self._connect, self._rng = connect, rng or random.Random()
        self._folder = data_dir / "spill"
        self._spill = SpillFile(self._folder, self.id)
        self._rejected = RejectedFile(data_dir / "rejected.jsonl")
        self._files = ThreadPoolExecutor(1, thread_name_prefix="store-spill")
        self._connection: BatchConnection | None = None
        self._open = Batch()
        self._waiters: list[asyncio.Future[None]] = []
        self._queue: deque[_Sealed] = deque()
        self._number = 0
        self._healthy = True
        #: a transaction has been under way for longer than safe_after
        self._slow = False
        self._spill_broken = False
        self._attempts = 0
        self._timer: Timer | None = None
        self._watch: Timer | None = None
        self._retry: Timer | None = None
        self._closing = False
        self._wake, self._spill_wake = asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    # what others call

    @property
    def healthy(self) -> bool:
        """Whether the database took the last batch."""
        return self._healthy

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
        try:
            await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot use {self._folder} ({error.strerror}); set DATA_DIR") from error
        self._connection = await self._connect(self.database)
        for path in await asyncio.to_thread(leftovers, self._folder):
            await self._play_back(self._connection, path)
        await self._connection.forget(self.id, self.clock.now() - MARK_LIFE)
        self._tasks = [asyncio.create_task(self._run(), name="store-writer")]
        self._tasks.append(asyncio.create_task(self._run_spill(), name="store-spill"))

    async def close(self) -> None:
        """Commit what is pending; what the database does not take goes to the spill file."""
        self._closing = True
        self._seal()
        self._wake.set()
        if self._tasks:
            flusher, spiller = self._tasks
            await flusher
            spiller.cancel()
            with suppress(asyncio.CancelledError):
                await spiller
        if self._queue:
            await self._spill_now()
        if any(sealed.place is None for sealed in self._queue):
            log.critical("rows lost: neither database nor disk took them", rows=self.stats.pending - self.stats.spilled)
        await self._in_file_thread(self._spill.close)
        await self._disconnect(forget=not self._queue)
        self._files.shutdown()
        for sealed in self._queue:
            _tell(sealed.waiters, StoreUnavailable(self.stats.last_error))

    # gathering

    def _add(self, kind: str, info: TableInfo, values: dict[str, Value]) -> None:
        if self._closing:
            raise RuntimeError("the writer is closed")
        self._open.add(kind, info, values)
        self.stats.pending += 1
        if self._timer is None:
            self._timer = self.clock.call_at(self.clock.now() + self._max_delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if not self._healthy or self._slow:
            self._seal()
        self._wake.set()

    def _seal(self) -> None:
        """Close the open batch and begin another."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._open:
            self._number += 1
            self._queue.append(_Sealed(self._number, self._open, self._waiters))
            self._open, self._waiters = Batch(), []
        if not self._healthy or self._slow:
            self._spill_wake.set()

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
        if not self._healthy:
            self._health(True, "")
        if self._spill.size:
            self._spill_wake.set()

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
        for sealed in islice(self._queue, 200):
            if count and rows + sealed.rows > TOGETHER:
                break
            count, rows = count + 1, rows + sealed.rows
        if not count:
            return
        batch = await self._gather(count)
        mark = Mark(self.id, self._queue[count - 1].number, self.clock.now())
        self._watch = self.clock.call_at(mark.at + self._safe_after, self._too_slow)
        try:
            await self._write(connection, batch, mark)
        finally:
            self._watch.cancel()
            self._slow = False
        self._done(count)
        self.stats.batches += 1

    async def _gather(self, count: int) -> Batch:
        batches = []
        for sealed in list(islice(self._queue, count)):
            batches.append(sealed.batch or await self._in_file_thread(self._spill.read, sealed.place))
        return batches[0] if count == 1 else Batch(operation for batch in batches for operation in batch)

    async def _write(self, connection: BatchConnection, batch: Batch, mark: Mark) -> None:
        try:
            await connection.write(batch, mark)
        except BadRow:
            count = await connection.write_rest(batch, mark, self._rejected.park)
            self._count_rejected(count)

    def _count_rejected(self, count: int) -> None:
        self.stats.rejected += count
        if count:
            log.error("rows the database would not have", rows=count, file=str(self._rejected.path))

    def _done(self, count: int) -> None:
        for _ in range(count):
            sealed = self._queue.popleft()
            self.stats.pending -= sealed.rows
            self.stats.committed += sealed.rows
            if sealed.place is not None:
                self.stats.spilled -= sealed.rows
            _tell(sealed.waiters, None)
        if not self._queue:
            self.stats.pending = len(self._open)

    def _too_slow(self) -> None:
        self._slow = True
        self._seal()

    async def _failed(self, error: Exception) -> None:
        self.stats.failures += 1
        self.stats.last_error = str(error)
        await self._disconnect(forget=False)
        delay = min(LAST_RETRY, FIRST_RETRY * 2 ** min(self._attempts, 10)) * self._rng.uniform(0.5, 1.5)
        self._attempts += 1
        if self._retry is not None:
            self._retry.cancel()
        self._retry = self.clock.call_at(self.clock.now() + delay, self._try_again)
        self._health(False, str(error))
        self._seal()

    def _try_again(self) -> None:
        self._retry = None
        self._wake.set()

    def _health(self, healthy: bool, why: str) -> None:
        changed, self._healthy = healthy != self._healthy, healthy
        self.database.healthy = healthy
        if healthy:
            self._attempts = 0
        if changed:
            log.info("= database is back") if healthy else log.error("= database does not answer", reason=why)
            self.on_health(healthy, why)

    async def _disconnect(self, *, forget: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if forget:
            with suppress(StoreUnavailable):
                await connection.forget(self.id, 0.0)
        await connection.close()

    # to the disk

    async def _run_spill(self) -> None:
        while True:
            await self._spill_wake.wait()
            self._spill_wake.clear()
            try:
                await self._spill_now()
            except Exception:
                log.exception("the spill file failed")

    async def _spill_now(self) -> None:
        """Bring the spill file up to date: add what is only in memory, or drop all when it is in the database."""
        new = [sealed for sealed in self._queue if sealed.place is None]
        if new:
            try:
                places = await self._in_file_thread(self._append, new)
            except OSError as error:
                if not self._spill_broken:
                    log.error("= spill file cannot be written; rows stay in memory", reason=str(error))
                self._spill_broken = True
                return
            for sealed, place in zip(new, places, strict=True):
                self._spilled(sealed, place)
            self._spill_broken = False
        if self.stats.pending > self._max_rows:
            for sealed in self._queue:
                sealed.batch = None if sealed.place is not None else sealed.batch
        if not self._queue and self._spill.size:
            await self._in_file_thread(self._spill.clear)

    def _append(self, new: list[_Sealed]) -> list[Place]:
        lines = []
        for sealed in new:
            batch = sealed.batch or Batch()
            try:
                line = encode(sealed.number, batch)
            except UNENCODABLE:
                batch, bad = encodable(batch)
                self._park(bad)
                sealed.batch = batch
                line = encode(sealed.number, batch)
            lines.append(line)
        return self._spill.append(lines)

    def _park(self, bad: list[Rejected]) -> None:
        self._rejected.park(bad)
        self._count_rejected(len(bad))

    def _spilled(self, sealed: _Sealed, place: Place) -> None:
        if sealed.number > 0 and self._queue and sealed.number >= self._queue[0].number:
            sealed.place = place
            self.stats.spilled += sealed.rows

    async def _in_file_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._files, function, *args)

    # from the disk

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
            leftover.close(remove=finished)
        await connection.forget(leftover.writer, 0.0)
        log.info("= played back what an earlier process could not write", rows=rows, torn=leftover.torn, file=path.name)


def _tell(waiters: list[asyncio.Future[None]], error: Exception | None) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_exception(error) if error is not None else waiter.set_result(None)
