"""The file queue_log has each row of the table once, whoever moves it and whenever the process is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ari_app.acd import commands as c
from ari_app.clock import ManualClock
from ari_app.store.queue_log import QueueLog
from ari_app.store.queue_log_file import Cursor, QueueLogFile
from ari_app.store.writer import Writer

T = 1_700_000_000.5


@pytest.fixture
async def log(writer: Writer) -> QueueLog:
    log = QueueLog(writer)
    await log.load()
    return log


def some(log: QueueLog, first: int, last: int) -> None:
    for number in range(first, last + 1):
        log.record(1, c.CallerEntered(at=T, call=f"c{number}", queue="500", position=1, priority=0))


def found(*paths: Path) -> list[int]:
    """The numbers of the calls, in the order of the lines; every line whole."""
    text = "".join(path.read_text() for path in paths)
    assert text.endswith("\n")
    assert all(record.count("|") == 7 for record in text.splitlines())
    return [int(record.split("|")[1][1:]) for record in text.splitlines()]


class Place:
    """Where the file is, and the process that writes it, which may be another every time."""

    def __init__(self, writer: Writer, clock: ManualClock, folder: Path) -> None:
        self.writer, self.clock = writer, clock
        self.path, self.cursor = folder / "queue_log", folder / "queue_log.cursor"

    async def follow(self) -> QueueLogFile:
        file = QueueLogFile(self.writer, self.clock, self.path, self.cursor, 1)
        await self.writer.flush()
        await file.start()
        await file.close()
        return file


@pytest.fixture
def place(writer: Writer, clock: ManualClock, tmp_path: Path) -> Place:
    return Place(writer, clock, tmp_path)


async def test_each_row_once(place: Place, log: QueueLog) -> None:
    some(log, 1, 5)
    log.record(2, c.CallerEntered(at=T, call="c99", queue="500", position=1, priority=0))
    await place.follow()
    await place.follow()
    some(log, 6, 8)
    await place.follow()
    assert found(place.path) == list(range(1, 9))


async def test_it_follows_by_itself(place: Place, log: QueueLog, writer: Writer) -> None:
    file = QueueLogFile(writer, place.clock, place.path, place.cursor, 1)
    log.on_rows = file.wake
    await file.start()
    some(log, 1, 3)
    await writer.flush()
    some(log, 4, 4)
    await file.close()
    assert found(place.path) == [1, 2, 3, 4]


@pytest.mark.parametrize("first", [False, True], ids=["with a cursor", "before the first"])
@pytest.mark.parametrize("moved", [False, True], ids=["in its place", "moved"])
async def test_killed_between_the_lines_and_the_cursor(place: Place, log: QueueLog, first: bool, moved: bool) -> None:
    if not first:
        some(log, 1, 3)
        await place.follow()
    else:
        place.path.touch()
        state = place.path.stat()
        place.cursor.write_bytes(b'{"id":0,"inode":%d,"size":0}' % state.st_ino)
        some(log, 1, 3)
    kept = place.cursor.read_bytes()
    some(log, 4, 6)
    await place.follow()
    whole = place.path.read_bytes()
    begun = 0 if first else len(whole) // 2
    old = place.path.with_name("queue_log.1")
    for length in range(begun, len(whole) + 1, 7):
        old.unlink(missing_ok=True)
        with place.path.open("r+b") as file:
            file.truncate(0)
            file.write(whole[:length])
        place.cursor.write_bytes(kept)
        if moved:
            place.path.rename(old)
        await place.follow()
        files = [one for one in (old, place.path) if one.exists()]
        assert found(*files) == list(range(1, 7))
        assert b"".join(one.read_bytes() for one in files) == whole
        if moved:
            place.path.unlink(missing_ok=True)
            old.rename(place.path)


@pytest.mark.parametrize("how", ["moved", "truncated", "removed"])
async def test_rotated(place: Place, log: QueueLog, how: str) -> None:
    some(log, 1, 3)
    await place.follow()
    old = place.path.with_name("queue_log.1")
    if how == "moved":
        place.path.rename(old)
    elif how == "truncated":
        old.write_bytes(place.path.read_bytes())
        place.path.write_bytes(b"")
    else:
        place.path.rename(old.with_suffix(".gone"))
        old.write_bytes(old.with_suffix(".gone").read_bytes())
        old.with_suffix(".gone").unlink()
    some(log, 4, 5)
    await place.follow()
    assert found(place.path) == [4, 5]
    assert found(old) == [1, 2, 3]


async def test_a_file_that_was_there_is_added_to(place: Place, log: QueueLog) -> None:
    place.path.write_text("1|c0|500|NONE|ENTERQUEUE||1|1\n")
    some(log, 1, 2)
    await place.follow()
    assert found(place.path) == [0, 1, 2]


async def test_a_place_that_cannot_be_written_is_tried_again(place: Place, log: QueueLog, writer: Writer) -> None:
    place.path.mkdir()
    some(log, 1, 2)
    await writer.flush()
    file = QueueLogFile(writer, place.clock, place.path, place.cursor, 1)
    with pytest.raises(OSError, match="directory"):
        await file.catch_up()
    place.path.rmdir()
    await file.catch_up()
    assert found(place.path) == [1, 2]


async def test_a_cursor_that_is_no_cursor(place: Place, log: QueueLog) -> None:
    place.cursor.write_bytes(b"{")
    some(log, 1, 2)
    await place.follow()
    assert found(place.path) == [1, 2]
    assert Cursor() == Cursor(id=0, inode=0, size=0)
