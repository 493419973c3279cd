"""Fetches what Asterisk has recorded, as soon as it has ended.

The way of a file, and what a crash at any of its steps leaves:

    1 Asterisk ends the recording and says so    at the start, and after each reconnect, Asterisk is asked what it has
    2 its file is fetched into ours (*.part)     Asterisk's is still there; ours is removed at the start
    3 ours gets its name, synced                 Asterisk's is still there; ours is written again
    4 the record says where it is                Asterisk's is still there; deleted at the start
    5 Asterisk's is deleted

What fails (Asterisk, the disk, the database) is tried again, less and less often, for as long as it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import quote

import aiohttp
import structlog

from ari_app.ari.errors import AriError, Gone, Unreachable, error_for
from ari_app.ari.node import Node
from ari_app.calls.call import Call
from ari_app.calls.registry import TOLD_WITHIN, Registry
from ari_app.clock import Clock
from ari_app.errors import AppError
from ari_app.recordings.files import LocalFiles
from ari_app.store.recordings import RecordingInfo, Recordings

log = structlog.get_logger(__name__)

#: files that are fetched at the same time
AT_ONCE = 2
#: seconds before the second attempt, doubled for each further one, and at most
FIRST_RETRY, LAST_RETRY = 2.0, 300.0
#: attempts after which a file that Asterisk does not have is missing: it says so before it has closed the file
MISSING_AFTER = 4
#: seconds in which the next bytes of a file come
READ_LIMIT = 30.0
_BLOCK = 256 * 1024


class Collector:
    """Of one node."""

    def __init__(self, node: Node, registry: Registry, recordings: Recordings, files: LocalFiles, clock: Clock) -> None:
        self.node = node
        self.registry = registry
        self._recordings = recordings
        self._files = files
        self._clock = clock
        #: told of each file that is stored
        self.on_stored: Callable[[str], None] = lambda name: None
        #: why the last attempt failed; "": it did not
        self.trouble = ""
        self._session: aiohttp.ClientSession | None = None
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        #: in the queue, or waiting for another attempt
        self._pending: set[str] = set()
        self._attempts: dict[str, int] = {}
        #: call -> recordings that go on, and that nobody here waits for the end of
        self._going_on: dict[str, set[str]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._sweeping: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        """Begin to work."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=READ_LIMIT, sock_read=READ_LIMIT),
            headers={"Authorization": self.node.http.options.authorization},
        )
        self._tasks = [asyncio.create_task(self._work(), name=f"fetch recordings {n}") for n in range(AT_ONCE)]
        self.registry.on_ended.append(self._call_ended)

    async def close(self) -> None:
        """Stop; what is not fetched is at the next start."""
        self._closed = True
        tasks = [*self._tasks, *([self._sweeping] if self._sweeping else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    @property
    def delayed(self) -> int:
        """Files that could not be fetched yet, and stay in Asterisk."""
        return len(self._attempts)

    def look(self, name: str) -> None:
        """A recording may have ended: have its file fetched. Nothing if that is on its way."""
        if name not in self._pending and not self._closed:
            self._pending.add(name)
            self._queue.put_nowait(name)

    def sweep(self) -> None:
        """Connected to Asterisk: compare what it has with what we have."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._sweeping = asyncio.create_task(self._sweep(), name="compare recordings")

    async def _sweep(self) -> None:
        try:
            for recording in await self._recordings.unfetched(self.node.name):
                self.look(recording.name)
            there = [stored.name for stored in await self.node.recordings.listStored()]
            for name in await self._recordings.safe(there):
                await self._delete(name)
        except AppError as error:
            self._failed(str(error))
            self._later(LAST_RETRY, self.sweep)

    def _call_ended(self, call: Call) -> None:
        for name in self._going_on.pop(call.id, ()):
            self._later(TOLD_WITHIN, partial(self.look, name))

    async def _work(self) -> None:
        while True:
            name = await self._queue.get()
            try:
                await self._collect(name)
            except (AppError, OSError, aiohttp.ClientError, TimeoutError) as error:
                self._again(name, str(error) or type(error).__name__)
            except Exception:
                log.exception("= a recording could not be fetched", recording=name)
                self._again(name, "unexpected")
            else:
                self._attempts.pop(name, None)
                self._pending.discard(name)
                self.trouble = "" if not self._attempts else self.trouble

    def _again(self, name: str, reason: str) -> None:
        attempt = self._attempts[name] = self._attempts.get(name, 0) + 1
        self._failed(reason)
        log.warning("= recording not fetched yet", recording=name, attempt=attempt, error=reason)
        delay = min(LAST_RETRY, FIRST_RETRY * 2 ** min(attempt - 1, 20))
        self._later(delay, partial(self._queue.put_nowait, name))

    def _failed(self, reason: str) -> None:
        self.trouble = reason or "unknown"

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        self._clock.call_at(self._clock.now() + seconds, lambda: None if self._closed else what())

    async def _collect(self, name: str) -> None:
        recording = await self._recordings.find(name)
        if recording is None or recording.state not in ("recording", "ended"):
            return
        if await self._goes_on(recording):
            return
        call = self.registry.calls.get(recording.call_id)
        if call is not None and name in call.held:
            self._going_on.setdefault(recording.call_id, set()).add(name)
            return
        try:
            async with self._file(name) as content:
                file = await self._files.receive(recording, content)
        except Gone:
            await self._not_there(recording)
            return
        except (AppError, OSError) as error:
            await self._recordings.troubled(recording, str(error))
            raise
        await self._recordings.stored(recording, file)
        log.info("= recording stored", recording=name, call=recording.call_id, bytes=file.size, seconds=file.length)
        self.on_stored(name)
        await self._delete(name)

    async def _goes_on(self, recording: RecordingInfo) -> bool:
        try:
            live = await self.node.recordings.getLive(recordingName=recording.name)
        except Gone:
            return False
        if live.state in ("done", "failed", "canceled"):
            return False
        self._going_on.setdefault(recording.call_id, set()).add(recording.name)
        return True

    async def _not_there(self, recording: RecordingInfo) -> None:
        if recording.outcome is None and recording.call_id in self.registry.calls:
            # It is about to begin, or its end is about to be told.
            self._going_on.setdefault(recording.call_id, set()).add(recording.name)
            return
        if self._attempts.get(recording.name, 0) + 1 < MISSING_AFTER:
            raise AppError("Asterisk has no such file")
        await self._recordings.missing(recording, "Asterisk has no such file")
        log.error("= recording is missing", recording=recording.name, call=recording.call_id, node=self.node.name)

    @asynccontextmanager
    async def _file(self, name: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """A stored file, as it comes. Over a connection of its own: it may be large, and events must not wait."""
        assert self._session is not None
        base, path = self.node.http.options.base_url, f"/recordings/stored/{quote(name, safe='')}/file"
        try:
            async with self._session.get(base + path) as reply:
                if reply.status != 200:
                    operation = "recordings.getStoredFile"
                    raise error_for(reply.status, reply.reason or "", operation=operation, method="GET", path=path)
                yield reply.content.iter_chunked(_BLOCK)
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise Unreachable(reason, operation="recordings.getStoredFile", method="GET", path=path) from None

    async def _delete(self, name: str) -> None:
        """Of what is safe; what is not deleted now is after the next reconnect."""
        try:
            await self.node.recordings.deleteStored(recordingName=name)
        except Gone:
            pass
        except AriError as error:
            log.info("> recording not deleted in Asterisk, later", recording=name, error=str(error))
