"""Files of recordings: whole or not there; kept for as long as they are to be."""

from __future__ import annotations

import hashlib
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ari_app.clock import ManualClock
from ari_app.errors import NotFound
from ari_app.recordings.files import LocalFiles, NoRoom, key_of
from ari_app.recordings.library import LOOK_EVERY, Held, Retention
from ari_app.store.accounts import Accounts
from ari_app.store.recordings import STATES, RecordingFilter
from ari_app.store.writer import Writer
from tests.unit.recordings.shelf import Shelf, blocks

DAY = 86400.0


@pytest.fixture
def shelf(writer: Writer, clock: ManualClock, tmp_path: Path) -> Shelf:
    return Shelf(writer, clock, tmp_path / "recordings")


async def test_a_file_is_stored_with_its_size_and_checksum(shelf: Shelf) -> None:
    found = await shelf.put("rec-a", b"abc" * 1000)
    assert (found.state, found.size, found.storage, found.error) == ("stored", 3000, "local", None)
    assert found.checksum == hashlib.sha256(b"abc" * 1000).hexdigest()
    path = await shelf.library.file(found)
    assert path.read_bytes() == b"abc" * 1000
    assert path == shelf.files.root / "1/2023/11/14/rec-a.wav"


async def test_a_file_that_breaks_off_leaves_nothing(shelf: Shelf) -> None:
    shelf.begun("rec-a")

    async def broken() -> AsyncIterator[bytes]:
        yield b"abc"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await shelf.files.receive(await shelf.get("rec-a"), broken())
    assert shelf.there() == set()


async def test_a_disk_that_fills_up_in_the_middle_leaves_nothing(shelf: Shelf) -> None:
    """The kernel's own refusal to write on: of a file that is too large, as of a disk that is full."""
    shelf.begun("rec-a")
    found = await shelf.get("rec-a")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            await shelf.files.receive(found, blocks(*[bytes(5000)] * 4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert shelf.there() == set()
    await shelf.files.receive(found, blocks(*[bytes(5000)] * 4))
    assert shelf.there() == {"rec-a.wav"}


async def test_room_is_left_to_others(shelf: Shelf) -> None:
    shelf.begun("rec-a")
    full = LocalFiles(shelf.files.root, min_free=2**62)
    with pytest.raises(NoRoom, match="bytes are free"):
        await full.receive(await shelf.get("rec-a"), blocks(b"abc"))
    assert shelf.there() == set()


def test_what_was_not_finished_goes_at_the_start(tmp_path: Path) -> None:
    files = LocalFiles(tmp_path)
    for name in ("1/2023/11/14/rec-a.wav", "1/2023/11/14/rec-b.wav.part"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"abc")
    files.prepare()
    assert [path.name for path in tmp_path.rglob("*.wav*")] == ["rec-a.wav"]


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "", ".", "1/../../x"])
def test_nothing_is_outside_of_the_directory(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not in the directory"):
        LocalFiles(tmp_path / "recordings").path(key)


async def test_a_name_never_leads_elsewhere(shelf: Shelf) -> None:
    for name in ("../../evil", "a/b", ".."):
        shelf.begun(name)
        key = key_of(await shelf.get(name))
        assert shelf.files.path(key).parent == shelf.files.root / "1/2023/11/14"


async def test_a_deleted_one_stays_in_the_record(shelf: Shelf) -> None:
    found = await shelf.put("rec-a", b"abc")
    shelf.clock.advance(5)
    await shelf.library.delete(found, "supervisor 7")
    gone = await shelf.get("rec-a")
    assert (gone.state, gone.deleted_by, gone.deleted_at) == ("deleted", "supervisor 7", shelf.clock.now())
    assert (gone.size, gone.checksum) == (3, found.checksum)
    assert shelf.there() == set()
    for again in (shelf.library.delete(gone, "key 1"), shelf.library.file(gone)):
        with pytest.raises(NotFound):
            await again
    assert (await shelf.get("rec-a")).deleted_by == "supervisor 7"


async def test_a_delete_that_was_cut_short_can_be_done_again(shelf: Shelf) -> None:
    found = await shelf.put("rec-a", b"abc")
    await shelf.files.delete(str(found.path))  # the process ends here
    await shelf.library.delete(found, "key 1")
    assert await shelf.states() == {"rec-a": "deleted"}


async def test_old_ones_are_forgotten_by_the_hour(writer: Writer, clock: ManualClock, tmp_path: Path) -> None:
    shelf = Shelf(writer, clock, tmp_path / "recordings", Retention(days=2))
    await shelf.put("old", b"abc")
    clock.advance(DAY)
    await shelf.put("young", b"abc")
    shelf.library.start()
    assert shelf.library._task is not None
    await shelf.library._task
    assert set((await shelf.states()).values()) == {"stored"}
    clock.advance(DAY + 1)  # the timer of each hour was due
    assert clock.due() is None
    await shelf.library._task
    assert await shelf.states() == {"old": "deleted", "young": "stored"}
    assert (await shelf.get("old")).deleted_by == "age"
    assert clock.due() == pytest.approx(clock.now() + LOOK_EVERY)
    await shelf.library.close()
    assert clock.due() is None
    assert shelf.there() == {"young.wav"}


async def test_of_too_much_the_oldest_go(writer: Writer, clock: ManualClock, tmp_path: Path) -> None:
    shelf = Shelf(writer, clock, tmp_path / "recordings", Retention(max_bytes=250))
    for number in range(5):
        await shelf.put(f"rec-{number}", bytes(100))
        clock.advance(1)
    await shelf.library.retain()
    assert shelf.there() == {"rec-3.wav", "rec-4.wav"}
    assert {(await shelf.get(f"rec-{number}")).deleted_by for number in range(3)} == {"size"}


async def test_an_account_keeps_its_recordings_for_as_long_as_it_says(
    writer: Writer, clock: ManualClock, tmp_path: Path
) -> None:
    accounts = Accounts(writer.database, clock)
    short, ever = await accounts.create("short"), await accounts.create("for ever")
    shelf = Shelf(writer, clock, tmp_path / "recordings", Retention(days=10))
    for name in ("old", "young"):
        for account in (1, short, ever):
            shelf.begun(f"{name}-{account}", account=account)
            shelf.ended(f"{name}-{account}")
            found = await shelf.recordings.get(account, f"{name}-{account}")
            await shelf.recordings.stored(found, await shelf.files.receive(found, blocks(b"abc")))
        clock.advance(4 * DAY if name == "old" else 2 * DAY)
    await accounts.set_recordings_days(short, 3)
    await accounts.set_recordings_days(ever, 0)
    await shelf.library.retain()
    assert shelf.there() == {"old-1.wav", "young-1.wav", f"young-{short}.wav", f"old-{ever}.wav", f"young-{ever}.wav"}
    clock.advance(30 * DAY)
    await shelf.library.retain()
    assert shelf.there() == {f"old-{ever}.wav", f"young-{ever}.wav"}
    await accounts.set_recordings_days(ever, None)
    await shelf.library.retain()
    assert shelf.there() == set()


async def test_what_is_held_is_deleted_by_nobody(writer: Writer, clock: ManualClock, tmp_path: Path) -> None:
    shelf = Shelf(writer, clock, tmp_path / "recordings", Retention(days=2, max_bytes=150))
    held, other = await shelf.put("held", bytes(100)), await shelf.put("other", bytes(100))
    await shelf.recordings.hold(held, True)
    with pytest.raises(Held):
        await shelf.library.delete(held, "key 1")  # looked up before it was held
    await shelf.library.retain()
    assert shelf.there() == {"held.wav"}
    assert (await shelf.get(other.name)).deleted_by == "size"
    clock.advance(30 * DAY)
    await shelf.library.retain()
    assert shelf.there() == {"held.wav"}
    await shelf.recordings.hold(await shelf.get("held"), False)
    await shelf.library.retain()
    assert (await shelf.get("held")).deleted_by == "age"
    assert shelf.there() == set()


async def test_every_recording_is_in_one_state(shelf: Shelf) -> None:
    """The words of the record and its questions say the same."""
    shelf.begun("goes-on")
    for name, outcome in (("a", "finished"), ("b", "failed"), ("c", "cancelled"), ("d", "unknown"), ("e", "finished")):
        shelf.begun(name)
        shelf.ended(name, outcome=outcome)
    await shelf.recordings.missing(await shelf.get("e"), "gone")
    await shelf.library.delete(await shelf.put("f", b"x"), "key 1")
    await shelf.put("g", b"x")
    for _ in range(2):
        states = await shelf.states()
        by_question = {
            one.name: state
            for state in STATES
            for one in (await shelf.recordings.listing(1, RecordingFilter(state=state))).rows
        }
        assert by_question == states
        assert set(states.values()) == set(STATES)
        assert [one.name for one in await shelf.recordings.unfetched("pbx")] == ["a", "d", "goes-on"]
