"""Moves files of recordings into a storage elsewhere, one after the other, for as long as that takes.

The job is in the record: what is stored locally is to be moved, so a restart goes on where it was. A file of ours goes
when the storage has said that it has all of it, and the record says that it is there; cut short in between, the file is
copied again, or deleted at the start.
"""

from __future__ import annotations

import asyncio

import structlog

from ari_app.clock import Clock, pause
from ari_app.errors import AppError
from ari_app.recordings.files import LOCAL, LocalFiles
from ari_app.recordings.s3 import S3, S3Storage
from ari_app.store.recordings import Recordings

log = structlog.get_logger(__name__)

#: seconds before the second attempt, doubled for each further one, and at most
FIRST_RETRY, LAST_RETRY = 2.0, 300.0


class Uploader:
    """Into one storage."""

    def __init__(self, recordings: Recordings, files: LocalFiles, storage: S3Storage, clock: Clock) -> None:
        self._recordings = recordings
        self._files = files
        self._storage = storage
        self._clock = clock
        #: why the last attempt failed; "": it did not
        self.trouble = ""
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what an earlier process could not move."""
        self._task = asyncio.create_task(self._work(), name="upload recordings")

    async def close(self) -> None:
        """Stop; what is not moved is after the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def look(self, name: str) -> None:
        """A recording has been stored locally."""
        self._queue.put_nowait(name)

    async def _work(self) -> None:
        attempt, known = 0, False
        while True:
            name = ""
            try:
                if not known:
                    for left in await self._recordings.in_storage(LOCAL):
                        self._queue.put_nowait(left)
                    known = True
                name = await self._queue.get()
                await self._move(name)
            except (AppError, OSError) as error:
                attempt += 1
                self.trouble = str(error) or type(error).__name__
                log.warning("= recording not uploaded yet", recording=name, attempt=attempt, error=self.trouble)
                if name:
                    self._queue.put_nowait(name)  # behind the others, which may not share its trouble
                await pause(self._clock, min(LAST_RETRY, FIRST_RETRY * 2 ** min(attempt - 1, 20)))
            else:
                attempt, self.trouble = 0, ""

    async def _move(self, name: str) -> None:
        recording = await self._recordings.find(name)
        if recording is None or recording.state != "stored" or recording.storage != LOCAL:
            return
        key = str(recording.path)
        path = self._files.path(key)
        try:
            await self._storage.put(path, key, recording.size or 0, recording.checksum or "")
        except FileNotFoundError:
            if await self._recordings.missing(recording, "The file is not there"):
                log.error("= file of a recording is missing", recording=name, path=str(path))
            return
        if not await self._recordings.moved(recording, S3):
            await self._storage.delete(key)
            log.info("= recording deleted while it was uploaded", recording=name)
            return
        await self._files.delete(key)
        log.info("= recording uploaded", recording=name, call=recording.call_id, to=self._storage.where(key))
