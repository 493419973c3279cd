"""Keeps what the database has not taken safe on the disk, beside the writer's queue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from ari_app.store.batch import Batch
from ari_app.store.port import Rejected
from ari_app.store.spill import UNENCODABLE, Place, RejectedFile, SpillFile, encodable, encode
from ari_app.store.thread import OneThread

log = structlog.get_logger(__name__)


class WriterStats(msgspec.Struct):
    """Counts since the start, and what there is now."""

    #: operations in sealed batches that are not in the database yet
    pending: int = 0
    #: of these, in the spill file
    spilled: int = 0
    committed: int = 0
    batches: int = 0
    #: rows the database would not have: see rejected.jsonl
    rejected: int = 0
    failures: int = 0
    last_error: str = ""


class Sealed:
    """A batch that gets no more rows."""

    __slots__ = ("batch", "number", "place", "rows", "waiters")

    def __init__(self, number: int, batch: Batch, waiters: list[asyncio.Future[None]]) -> None:
        self.number = number
        #: None: in the spill file only
        self.batch: Batch | None = batch
        self.rows = len(batch)
        self.place: Place | None = None
        self.waiters = waiters


class Spiller:
    """Writes batches of the queue to the spill file when told, and drops the file when the queue is empty.

    The files are written in a thread: syncing a disk can take longer than a call may wait.
    """

    def __init__(self, queue: deque[Sealed], stats: WriterStats, data_dir: Path, writer: str, max_rows: int) -> None:
        """max_rows: how many operations stay in memory though they are in the file."""
        self.folder = data_dir / "spill"
        self.rejected = RejectedFile(data_dir / "rejected.jsonl")
        self._queue, self._stats, self._max_rows = queue, stats, max_rows
        self._file = SpillFile(self.folder, writer)
        self._thread = OneThread("store-spill")
        self._wake = asyncio.Event()
        #: the last attempt failed: said once
        self._broken = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen to `wake`."""
        self._task = asyncio.create_task(self._run(), name="store-spill")

    def wake(self) -> None:
        """There is something to bring to the file, or the queue has become empty."""
        self._wake.set()

    @property
    def used(self) -> bool:
        """Whether there is a file."""
        return self._file.size > 0

    async def batches(self, sealed: Iterable[Sealed]) -> list[Batch]:
        """The batches themselves, those that are not in memory from the file."""
        return [
            one.batch if one.batch is not None else await self._in_thread(self._file.read, one.place)
            for one in list(sealed)
        ]

    async def update(self) -> None:
        """Bring the file up to date: add what is only in memory, or drop it when nothing is left to keep."""
        new = [sealed for sealed in self._queue if sealed.place is None]
        if new:
            try:
                places = await self._in_thread(self._append, new)
            except OSError as error:
                if not self._broken:
                    log.error("= the spill file cannot be written, rows stay in memory", reason=str(error))
                self._broken = True
                return
            self._broken = False
            for sealed, place in zip(new, places, strict=True):
                # The database may have taken it meanwhile.
                if self._queue and sealed.number >= self._queue[0].number:
                    sealed.place = place
                    self._stats.spilled += sealed.rows
        if self._stats.pending > self._max_rows:
            for sealed in self._queue:
                sealed.batch = None if sealed.place is not None else sealed.batch
        if not self._queue and self.used:
            await self._in_thread(self._file.clear)

    def park(self, rejected: list[Rejected]) -> None:
        """Put rows aside that no database will have. Blocking. Raises OSError."""
        self.rejected.park(rejected)
        self._stats.rejected += len(rejected)
        log.error("rows the database would not have", rows=len(rejected), why=rejected[0].error)

    async def close(self) -> None:
        """Save what is left, for the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.update()
        lost = sum(sealed.rows for sealed in self._queue if sealed.place is None)
        if lost:
            log.critical("rows lost: neither the database nor the disk took them", rows=lost)
        await self._in_thread(self._file.close)
        self._thread.stop()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.update()
            except Exception:
                log.exception("the spill file failed")

    def _append(self, new: list[Sealed]) -> list[Place]:
        return self._file.append([self._line(sealed) for sealed in new])

    def _line(self, sealed: Sealed) -> bytes:
        batch = sealed.batch or Batch()
        try:
            return encode(sealed.number, batch)
        except UNENCODABLE:
            good, bad = encodable(batch)
            self.park(bad)
            sealed.batch = good
            return encode(sealed.number, good)

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self._thread.call(function, *args)
