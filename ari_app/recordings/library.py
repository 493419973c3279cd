"""What has been recorded: to be looked at, given out, deleted, and in the end forgotten."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from ari_app.clock import Clock, Timer
from ari_app.errors import CommandRefused, NotFound, StoreUnavailable
from ari_app.recordings.conversion import CannotConvert, Source, convert
from ari_app.recordings.converted import Converted
from ari_app.recordings.files import LocalFiles, NoRoom
from ari_app.recordings.s3 import S3, S3Storage, StorageUnavailable
from ari_app.recordings.verified import Damaged, require_undamaged, verified
from ari_app.store.recordings import DAMAGED, RecordingInfo, Recordings

log = structlog.get_logger(__name__)

#: seconds between two looks at what is to be forgotten
LOOK_EVERY = 3600.0
_DAY = 86400.0
_BLOCK = 1024 * 1024
#: bytes of converted files that are kept where nothing is said
_CONVERTED = 1000 * _BLOCK


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How much is kept; 0: everything. What is older, or the oldest of what is too much, is deleted."""

    days: int = 0
    max_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """A file that is not on our disk, or may go from there at any moment."""

    #: bytes
    size: int
    #: gives so many bytes from there on, in pieces
    read: Callable[[int, int], AsyncIterator[bytes]]


class Held(CommandRefused):
    """The recording must not be deleted."""

    slug = "held"


class Library:
    """Recordings with their files. All raise StoreUnavailable."""

    def __init__(
        self,
        recordings: Recordings,
        files: LocalFiles,
        clock: Clock,
        retention: Retention | None = None,
        storage: S3Storage | None = None,
        converted: Converted | None = None,
    ) -> None:
        """storage: where files are moved to, where that is not their directory. converted: where files are that were
        asked for in another format; a directory beside that of the files if it is not given."""
        self.recordings = recordings
        self.files = files
        self._storage = storage
        self._converted = converted or Converted(files.root.parent / "converted", _CONVERTED)
        self._clock = clock
        self._retention = retention or Retention()
        #: files that were read and were not what had been stored, since the start; and who is told of each
        self.damaged = 0
        self.on_damaged: Callable[[RecordingInfo], None] = lambda recording: None
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    def where(self, recording: RecordingInfo) -> str | None:
        """The absolute path of its file, or s3://bucket/key; None: it has none (any more, or yet)."""
        if recording.state != "stored" or recording.path is None:
            return None
        if recording.storage == S3:
            return self._storage.where(recording.path) if self._storage else None
        return str(self.files.path(recording.path))

    async def file(self, recording: RecordingInfo) -> Path | Elsewhere:
        """Its file, to be read.

        Raises:
            NotFound: it has none; if it should have one, the record says from now on that it is missing.
            StorageUnavailable
        """
        if recording.state == "stored" and recording.storage == S3:
            return await self._elsewhere(recording)
        found = self.where(recording)
        if found is None:
            raise NotFound("the recording has no file", id=recording.name, state=recording.state)
        path = Path(found)
        if await asyncio.to_thread(os.access, path, os.R_OK):
            return path
        if not await self.recordings.missing(
            recording, "The file is not there"
        ):  # moved or deleted since it was looked up
            return await self.file(await self.recordings.get(recording.account_id, recording.name))
        log.error("= file of a recording is missing", recording=recording.name, path=found)
        raise NotFound("the recording's file is missing", id=recording.name, state="missing")

    async def _elsewhere(self, recording: RecordingInfo) -> Elsewhere:
        storage, key = self._storage, str(recording.path)
        if storage is None:
            raise StorageUnavailable("the recording is in S3, and S3_URL is not set")
        try:
            return Elsewhere(size=await storage.size(key), read=partial(storage.read, key))
        except NotFound:
            if await self.recordings.missing(recording, "The file is not there"):
                log.error("= file of a recording is missing", recording=recording.name, path=storage.where(key))
            raise

    async def content(self, recording: RecordingInfo) -> Elsewhere:
        """What is in its file, wherever that is when it is read: it may be moved after this was asked for. Who reads
        all of it has what was stored, or is told; a part is not looked at, but not given out of one that is known to be
        damaged.

        Raises:
            NotFound, StorageUnavailable, OSError: as `file`. Reading raises them too, and Damaged.
        """
        source = await self.file(recording)
        if isinstance(source, Elsewhere):
            size, read = source.size, source.read
        else:
            size = recording.size if recording.size is not None else (await asyncio.to_thread(source.stat)).st_size
            read = partial(self._read, recording, source)
        return Elsewhere(size=size, read=partial(self._checked, recording, size, read))

    async def _checked(
        self,
        recording: RecordingInfo,
        size: int,
        read: Callable[[int, int], AsyncIterator[bytes]],
        start: int,
        length: int,
    ) -> AsyncIterator[bytes]:
        pieces = read(start, length)
        if recording.checksum is None:
            checked = pieces
        elif start == 0 and length >= size:
            checked = verified(pieces, recording.checksum)
        elif recording.damaged:
            raise Damaged(DAMAGED, id=recording.name)
        else:
            checked = pieces
        try:
            async for piece in checked:
                yield piece
        except Damaged:
            await self._is_damaged(recording)
            raise
        if checked is not pieces and recording.damaged:
            await self.recordings.looked_at(recording, damaged=False)  # somebody has mended it

    async def _is_damaged(self, recording: RecordingInfo) -> None:
        self.damaged += 1
        log.error("= file of a recording is damaged", recording=recording.name, path=self.where(recording))
        self.on_damaged(recording)
        await self.recordings.looked_at(recording, damaged=True)

    async def _read(self, recording: RecordingInfo, path: Path, start: int, length: int) -> AsyncIterator[bytes]:
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except FileNotFoundError:
            moved = await self.file(await self.recordings.get(recording.account_id, recording.name))
            if not isinstance(moved, Elsewhere):
                raise NotFound("the recording's file is missing", id=recording.name) from None
            async for piece in moved.read(start, length):
                yield piece
            return
        with file:  # from here on it may be deleted: what is open stays
            file.seek(start)
            while length > 0 and (piece := await asyncio.to_thread(file.read, min(length, _BLOCK))):
                length -= len(piece)
                yield piece

    async def converted(self, recording: RecordingInfo, format: str, right: RecordingInfo | None = None) -> Path:
        """A file of it in one of conversion.FORMATS, to be read at once. right: another recording, which becomes the
        right channel of it; what began later of the two is that much later in it.

        Raises:
            NotFound: it has no file.
            Damaged: it is not what was stored.
            CannotConvert: it cannot be read, what the format needs is missing, or too much is to be converted.
            NoRoom, OSError: the disk is full.
            StorageUnavailable
        """
        wanted = [recording] if right is None else [recording, right]
        found = [await self.file(one) for one in wanted]
        began = min(one.started_at for one in wanted)
        name = "-".join([*(f"{one.checksum}-{round(1000 * (one.started_at - began))}" for one in wanted), format])

        async def make(target: Path) -> None:
            if self.files.free() <= 0:
                raise NoRoom(f"less than {self.files.min_free} bytes are free for {self.files.root}")
            try:
                await self._convert(wanted, found, target, format)
            except CannotConvert:
                if all([isinstance(file, Elsewhere) or await asyncio.to_thread(file.exists) for file in found]):
                    raise
                moved = [await self.file(await self.recordings.get(one.account_id, one.name)) for one in wanted]
                await self._convert(wanted, moved, target, format)

        return await self._converted.get(name, make)

    async def _convert(
        self, recordings: Sequence[RecordingInfo], files: Sequence[Path | Elsewhere], target: Path, format: str
    ) -> None:
        began = min(one.started_at for one in recordings)
        sources, fetched = [], []
        try:
            for one, file in zip(recordings, files, strict=True):
                if isinstance(file, Elsewhere):
                    path = self._converted.unfinished()
                    fetched.append(path)
                    await _fetch(file, path)
                else:
                    path = file
                await self._require_undamaged(one, path)
                sources.append(Source(path, one.format, after=one.started_at - began))
            await asyncio.to_thread(convert, sources, target, format)
        finally:
            for path in fetched:
                path.unlink(missing_ok=True)

    async def _require_undamaged(self, recording: RecordingInfo, path: Path) -> None:
        if recording.checksum is None:
            return
        try:
            await asyncio.to_thread(require_undamaged, path, recording.checksum)
        except FileNotFoundError:
            return  # moved meanwhile: who reads it says so
        except Damaged:
            await self._is_damaged(recording)
            raise
        if recording.damaged:
            await self.recordings.looked_at(recording, damaged=False)

    async def delete(self, recording: RecordingInfo, by: str) -> None:
        """Delete its file. That there was one, and who deleted it when, stays in the record. The file goes first: cut
        short in between, it is deleted again.

        Raises:
            NotFound: it has none.
            Held: it must not be deleted.
            OSError, StorageUnavailable: it cannot be deleted.
        """
        latest = await self.recordings.find(recording.name)
        if latest is not None and latest.held:  # maybe since it was looked up
            raise Held("the recording is held", id=recording.name)
        if recording.state not in ("stored", "missing") or recording.path is None:
            raise NotFound("the recording has no file", id=recording.name, state=recording.state)
        if recording.storage != S3:
            await self.files.delete(recording.path)
        elif self._storage is None:
            raise StorageUnavailable("the recording is in S3, and S3_URL is not set")
        else:
            await self._storage.delete(recording.path)
        await self._converted.forget(str(recording.checksum))
        if await self.recordings.deleted(recording, by):
            log.info("= recording deleted", recording=recording.name, call=recording.call_id, by=by)
            return
        now = await self.recordings.find(recording.name)
        if now is not None and now.state in ("stored", "missing") and now.storage != recording.storage:
            await self.delete(now, by)  # it was moved since it was looked up

    # retention

    def prepare(self) -> None:
        """Make the directory of converted files. Belongs in a thread. Raises OSError."""
        self._converted.prepare()

    def start(self) -> None:
        """Begin to forget what is not to be kept: the installation's rules, and those of accounts."""
        self._again()

    async def close(self) -> None:
        """Stop."""
        await self._converted.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _again(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._look(), name="retention of recordings")

    async def _look(self) -> None:
        try:
            await self.retain()
        except (StoreUnavailable, StorageUnavailable, OSError) as error:
            log.warning("= recordings not looked through, later", error=str(error))
        except Exception:
            log.exception("= recordings not looked through, later")
        self._timer = self._clock.call_at(self._clock.now() + LOOK_EVERY, self._again)

    async def retain(self) -> None:
        """Delete what is too old, or too much. Raises OSError."""
        accounts = await self.recordings.retention()
        for account, days in [*accounts.items(), (None, self._retention.days)]:
            before = self._clock.now() - days * _DAY
            while days and (found := await self.recordings.older(before, account=account, others_than=accounts)):
                for recording in found:
                    await self._forget(recording, "age")
        if not self._retention.max_bytes:
            return
        too_much = await self.recordings.bytes_stored() - self._retention.max_bytes
        while too_much > 0 and (found := await self.recordings.oldest()):
            for recording in found:
                if too_much <= 0:
                    return
                await self._forget(recording, "size")
                too_much -= recording.size or 0

    async def _forget(self, recording: RecordingInfo, why: str) -> None:
        with suppress(Held):  # since it was looked up
            await self.delete(recording, why)


async def _fetch(file: Elsewhere, path: Path) -> None:
    with await asyncio.to_thread(path.open, "wb") as copy:
        async for piece in file.read(0, file.size):
            await asyncio.to_thread(copy.write, piece)
