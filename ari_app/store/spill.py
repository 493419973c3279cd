"""The file that stands in for a database that does not answer. Blocking; the writer calls it in a thread.

One file a writer, one batch a line, synced to the disk before it counts: `[number, [[kind, table, values], ...]]`. A
line is done with when the writer's mark in the database has its number; so a line may be here and in the database.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import structlog

from ari_app.store.batch import Batch, Operation
from ari_app.store.port import Rejected

log = structlog.get_logger(__name__)

_decode = msgspec.json.Decoder(tuple[int, list[Operation]]).decode

#: what encoding a value raises when it is none that a database could hold either
UNENCODABLE = (TypeError, ValueError, OverflowError, msgspec.MsgspecError)


class Place(msgspec.Struct, frozen=True):
    """Where a batch is in the file, in bytes."""

    offset: int
    length: int


def encode(number: int, batch: Batch) -> bytes:
    """A line. Raises one of UNENCODABLE."""
    return msgspec.json.encode((number, list(batch))) + b"\n"


def encodable(batch: Batch) -> tuple[Batch, list[Rejected]]:
    """What of a batch can be written down at all, and what cannot (a character that is half of one, an object)."""
    good, bad = [], []
    for operation in batch:
        try:
            msgspec.json.encode(operation)
        except UNENCODABLE as error:
            bad.append(Rejected(operation, str(error)))
        else:
            good.append(operation)
    return Batch(good), bad


class SpillFile:
    """One writer's file. It exists while there is something in it, and is locked while its writer lives."""

    def __init__(self, folder: Path, writer: str) -> None:
        self.path = folder / f"{writer}.jsonl"
        #: bytes that count
        self.size = 0
        self._file: int | None = None

    def append(self, lines: Sequence[bytes]) -> list[Place]:
        """Add lines and sync.

        Raises:
            OSError: the disk is full, or worse; the file holds what it held before.
        """
        file = self._open()
        places, offset = [], self.size
        for line in lines:
            places.append(Place(offset, len(line)))
            offset += len(line)
        try:
            _write_all(file, b"".join(lines), self.size)
            os.fsync(file)
        except OSError:
            # What was half written is not counted; should this fail too, the next append writes over it.
            os.ftruncate(file, self.size)
            raise
        self.size = offset
        return places

    def read(self, place: Place) -> Batch:
        """Read a batch back."""
        data = os.pread(self._open(), place.length, place.offset)
        return Batch(_decode(data)[1])

    def clear(self) -> None:
        """All of it is in the database."""
        if self._file is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None
        self.size = 0

    def close(self) -> None:
        """Leave the file for the next start; remove it when there is nothing in it."""
        if self._file is not None and not self.size:
            self.clear()
        elif self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sync_folder(self.path.parent)
        return self._file


class Leftover:
    """The file of a writer that lives no more."""

    def __init__(self, path: Path, file: int) -> None:
        self.path = path
        self.writer = path.stem
        #: bytes that cannot be read, at the end: being written when the process died, or a disk's fault
        self.torn = 0
        self._file = file

    @classmethod
    def take(cls, path: Path) -> Leftover | None:
        """Take the file over; None when its writer lives, or another process was faster."""
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return None
        return cls(path, file)

    def batches(self, after: int, rows: int) -> Iterator[tuple[int, Batch]]:
        """The batches with a number above `after`, several together up to `rows` operations; with the last's number."""
        number, gathered = after, list[Operation]()
        with open(os.dup(self._file), "rb") as lines:
            lines.seek(0)
            for line in lines:
                try:
                    found, operations = _decode(line)
                except msgspec.DecodeError:
                    self.torn = len(line) + len(lines.read())
                    break
                if found <= after:
                    continue
                number = found
                gathered += operations
                if len(gathered) >= rows:
                    yield number, Batch(gathered)
                    gathered = []
        if gathered:
            yield number, Batch(gathered)

    def close(self, *, finished: bool) -> None:
        """Let go of it: for the next start, or, when all of it is in the database, for good. What could not be read is
        kept under another name, for a person to look at."""
        if finished and self.torn:
            log.error("part of a spill file could not be read", bytes=self.torn, file=f"{self.path.name}.torn")
            self.path.rename(f"{self.path}.torn")
        elif finished:
            self.path.unlink(missing_ok=True)
        os.close(self._file)


def leftovers(folder: Path) -> list[Path]:
    """Spill files, oldest first (a writer's name begins with the time it was started)."""
    return sorted(folder.glob("*.jsonl"))


class RejectedFile:
    """Where rows go that the database will not have: JSON lines, for a person to look at."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def park(self, rejected: Sequence[Rejected]) -> None:
        """Add rows and sync. Raises OSError."""
        lines = b"".join(_readable(row) for row in rejected)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            _write_all(file, lines)
            os.fsync(file)
        finally:
            os.close(file)


def _readable(row: Rejected) -> bytes:
    operation = row.operation
    shown = {"kind": operation.kind, "table": operation.table, "error": row.error}
    try:
        return msgspec.json.encode({**shown, "values": operation.values}) + b"\n"
    except UNENCODABLE:
        values = {name: value if _is_plain(value) else ascii(value) for name, value in operation.values.items()}
        return msgspec.json.encode({**shown, "error": ascii(row.error), "values": values}) + b"\n"


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | float) or (isinstance(value, str) and value.isascii())


def _write_all(file: int, data: bytes, offset: int | None = None) -> None:
    view = memoryview(data)
    while view:
        count = os.write(file, view) if offset is None else os.pwrite(file, view, offset)
        view = view[count:]
        offset = None if offset is None else offset + count


def sync_folder(folder: Path) -> None:
    """Make a file's name in its folder as durable as its contents."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
