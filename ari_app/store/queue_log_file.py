"""The file queue_log, for tools that read a file: it follows the table.

The table is the truth, written in the transaction of what it speaks of; the file gets each row once, in order, after
its commit. How far it got is kept beside the data (a cursor: the row's id, and which file that was and how long). A
process that is killed between a line and the cursor finds, beyond the length the cursor knows, the beginning of exactly
the text it would write next, and goes on behind it, even within a line.

Whoever rotates logs may move the file at any time: it is opened for each batch of lines.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog
from sqlalchemy import select

from ari_app.clock import Clock, Timer
from ari_app.errors import StoreUnavailable
from ari_app.store.rows import table_of
from ari_app.store.writer import Writer
from models import QueueLogEntry

log = structlog.get_logger(__name__)

_LOG = table_of(QueueLogEntry)
#: rows read and written at once
PAGE = 1000
#: seconds after which a file or database that failed is tried again
RETRY = 5.0
#: seconds after which a new row is in the file at the latest
FOLLOW = 1.0
#: seconds that the end of the process waits for the last lines; what is missing then is written at the next start
PATIENCE = 2.0


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far the file has got."""

    #: of the last row written
    id: int = 0
    #: the file it is in, and that file's length behind it
    inode: int = 0
    size: int = 0


def line(row: Any) -> str:
    """A row of the table as a line of the file: `epoch|callid|queue|agent|EVENT|data...`."""
    at = int(datetime.fromisoformat(row.time).replace(tzinfo=UTC).timestamp())
    data = (row.data1, row.data2, row.data3, row.data4, row.data5)
    fields = (str(at), row.callid, row.queuename, row.agent, row.event, *(text for text in data if text is not None))
    return "|".join(fields) + "\n"


class QueueLogFile:
    """Keeps the file of one account at the table's heels."""

    def __init__(self, writer: Writer, clock: Clock, path: Path, cursor: Path, account: int) -> None:
        self._writer = writer
        self._clock = clock
        self._path = path
        self._cursor_path = cursor
        self._account = account
        self._cursor = Cursor()
        #: the file may be longer than the cursor says
        self._unsure = True
        self._complained = False
        self._wake = asyncio.Event()
        self._retry: Timer | None = None
        self._soon: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Write what is missing, and follow."""
        self._cursor = await asyncio.to_thread(self._read_cursor)
        self.wake()
        self._task = asyncio.create_task(self._run(), name="queue-log-file")

    def follow(self) -> None:
        """There are new rows: they are in the file within FOLLOW seconds, with those that come meanwhile. A look for
        each of the writer's batches would cost as much as the batches."""
        if self._soon is None:
            self._soon = self._clock.call_at(self._clock.now() + FOLLOW, self.wake)

    def wake(self) -> None:
        """Write now what is there: at the start, or because the file was moved."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        self._wake.set()

    async def close(self) -> None:
        """Write the last lines, if that is quickly done."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        for timer in (self._retry, self._soon):
            if timer is not None:
                timer.cancel()
        with suppress(StoreUnavailable, OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._writer.flush()
                await self.catch_up()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._writer.committed()
                await self.catch_up()
            except (StoreUnavailable, OSError) as error:
                self._failed(error)
            else:
                self._complained = False

    def _failed(self, error: Exception) -> None:
        self._unsure = True
        if not self._complained:
            log.error("= queue_log is not written; what is missing follows later", reason=str(error))
            self._complained = True
        self._retry = self._clock.call_at(self._clock.now() + RETRY, self.wake)

    async def catch_up(self) -> None:
        """Write all rows that are committed. Raises StoreUnavailable, OSError."""
        while True:
            query = select(_LOG).where(_LOG.c.account_id == self._account, _LOG.c.id > self._cursor.id)
            async with self._writer.database.transaction(write=False) as connection:
                rows = (await connection.execute(query.order_by(_LOG.c.id).limit(PAGE))).all()
            if not rows:
                return
            writing = asyncio.to_thread(self._write, "".join(map(line, rows)).encode(), rows[-1].id)
            # A thread cannot be cancelled: whoever comes after it must not meet it.
            await _finished(writing)

    # in a thread

    def _write(self, text: bytes, last: int) -> None:
        path, done = self._found() if self._unsure else (self._path, b"")
        self._unsure = True
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            state = os.fstat(file.fileno())
            if done and text.startswith(done):
                text = text[len(done) :]
            elif (state.st_ino, state.st_size) != (self._cursor.inode, self._cursor.size):
                # another file than last time, or somebody else wrote to it: that has to be known before the first byte
                self._keep(Cursor(id=self._cursor.id, inode=state.st_ino, size=state.st_size))
            rest = memoryview(text)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
            state = os.fstat(file.fileno())
        self._keep(Cursor(id=last, inode=state.st_ino, size=state.st_size))
        self._unsure = False

    def _found(self) -> tuple[Path, bytes]:
        """The file the cursor speaks of, wherever it was moved to, and what is in it that the cursor does not know."""
        with suppress(OSError):
            for path in (self._path, *self._path.parent.iterdir()):
                with suppress(OSError):
                    state = path.stat()
                    if state.st_ino == self._cursor.inode and state.st_size >= self._cursor.size:
                        with path.open("rb") as file:
                            file.seek(self._cursor.size)
                            more = file.read()
                        return (path, more) if more else (self._path, b"")
        return self._path, b""

    def _read_cursor(self) -> Cursor:
        try:
            return msgspec.json.decode(self._cursor_path.read_bytes(), type=Cursor)
        except (FileNotFoundError, msgspec.DecodeError):
            return Cursor()

    def _keep(self, cursor: Cursor) -> None:
        new = self._cursor_path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(cursor))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._cursor_path)
        self._cursor = cursor


async def _finished(work: Any) -> None:
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
