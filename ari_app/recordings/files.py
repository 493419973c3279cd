"""Files of recordings in a directory of ours: whole or not there, whatever happens."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import structlog

from ari_app.errors import AppError
from ari_app.recordings.sound import finish
from ari_app.store.recordings import RecordingInfo, StoredFile

log = structlog.get_logger(__name__)

#: name of this storage in the record
LOCAL = "local"
#: of a file that is still being written
_UNFINISHED = ".part"
_BLOCK = 1024 * 1024


class NoRoom(AppError):
    """The disk of the recordings is full."""

    slug = "no_room"


def key_of(recording: RecordingInfo) -> str:
    """Where the file of a recording is, in any storage: account, day (UTC), name. A path relative to the root."""
    day = datetime.fromtimestamp(recording.started_at, UTC)
    name = quote(recording.name, safe="")
    return f"{recording.account_id}/{day:%Y/%m/%d}/{name}.{quote(recording.format, safe='')}"


class LocalFiles:
    """A directory. min_free: bytes of its disk that are left to others."""

    def __init__(self, root: Path, min_free: int = 0) -> None:
        self.root = root.absolute()
        self.min_free = min_free

    def prepare(self) -> None:
        """Make the directory; remove what was not finished. Belongs in a thread. Raises OSError."""
        self.root.mkdir(parents=True, exist_ok=True)
        for path in self.root.rglob(f"*{_UNFINISHED}"):
            path.unlink(missing_ok=True)

    def free(self) -> int:
        """Bytes that may still be written. Raises OSError."""
        return shutil.disk_usage(self.root).free - self.min_free

    def path(self, key: str) -> Path:
        """Where a file is.

        Raises:
            ValueError: it would not be in our directory.
        """
        path = Path(os.path.normpath(self.root / key))
        if not path.is_relative_to(self.root) or path == self.root:
            raise ValueError(f"{key!r} is not in the directory of recordings")
        return path

    async def receive(self, recording: RecordingInfo, content: AsyncIterable[bytes]) -> StoredFile:
        """Write a file. It is on the disk, under its name, on return; if that fails nothing is left.

        Raises:
            NoRoom, OSError, and what the content raises.
        """
        key = key_of(recording)
        path = self.path(key)
        unfinished = path.with_name(path.name + _UNFINISHED)
        await asyncio.to_thread(self._begin, path)
        try:
            with await asyncio.to_thread(unfinished.open, "wb") as file:
                async for block in content:
                    await asyncio.to_thread(file.write, block)
                await asyncio.to_thread(file.flush)
            return await asyncio.to_thread(self._end, unfinished, path, recording.format, key)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise

    def _begin(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.free() <= 0:
            raise NoRoom(f"less than {self.min_free} bytes are free for {self.root}")

    def _end(self, unfinished: Path, path: Path, format: str, key: str) -> StoredFile:
        length = finish(unfinished, format)
        checksum = hashlib.sha256()
        with unfinished.open("rb") as file:
            while block := file.read(_BLOCK):
                checksum.update(block)
            os.fsync(file.fileno())
        unfinished.replace(path)
        _sync_directory(path.parent)
        return StoredFile(
            storage=LOCAL, path=key, size=path.stat().st_size, checksum=checksum.hexdigest(), length=length
        )

    async def delete(self, key: str) -> None:
        """Delete a file; nothing if it is gone. Raises OSError."""
        await asyncio.to_thread(self.path(key).unlink, missing_ok=True)


def _sync_directory(path: Path) -> None:
    """A new name is on the disk when its directory is."""
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
