"""Recordings in another format: made once for all who ask, and gone with the recording."""

from __future__ import annotations

import asyncio
import io
import os
import wave
from pathlib import Path

import pytest
import soundfile

from ari_app.clock import ManualClock
from ari_app.errors import NotFound
from ari_app.recordings import converted as module
from ari_app.recordings.conversion import CannotConvert
from ari_app.recordings.converted import Converted, TooBusy
from ari_app.recordings.files import NoRoom
from ari_app.store.writer import Writer
from tests.harness import audio
from tests.unit.recordings.shelf import Shelf


@pytest.fixture
def shelf(writer: Writer, clock: ManualClock, tmp_path: Path) -> Shelf:
    made = Shelf(writer, clock, tmp_path / "recordings")
    made.library.prepare()
    return made


@pytest.fixture
def made(tmp_path: Path) -> Converted:
    converted = Converted(tmp_path / "converted", limit=1000)
    converted.prepare()
    return converted


def tone(hz: float, seconds: float = 1.0) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setparams((1, 2, audio.RATE, 0, "NONE", ""))
        opened.writeframes(audio.to_pcm(audio.sine(hz, seconds)))
    return file.getvalue()


def there(converted: Converted) -> set[str]:
    return {path.name for path in converted.root.iterdir()}


async def test_a_recording_is_converted_once(shelf: Shelf) -> None:
    found = await shelf.put("rec-a", tone(440))
    first, second = await asyncio.gather(*(shelf.library.converted(found, "mp3") for _ in range(2)))
    assert first == second
    before = first.stat().st_ino
    assert (await shelf.library.converted(found, "mp3")).stat().st_ino == before
    samples, _ = soundfile.read(first)
    assert audio.level(samples[1000:7000], 440) == pytest.approx(audio.TONE_LEVEL, abs=1)


async def test_two_recordings_are_left_and_right_and_as_far_apart_as_they_began(shelf: Shelf) -> None:
    left = await shelf.put("rec-a", tone(440))
    shelf.clock.advance(0.5)
    right = await shelf.put("rec-b", tone(660))
    for first, second, late in ((left, right, 1), (right, left, 0)):
        samples, _ = soundfile.read(await shelf.library.converted(first, "wav", second))
        assert samples.shape == (12_000, 2)
        tones = (440, 660) if late == 1 else (660, 440)
        assert audio.level(samples[:3900, late], tones[late]) < audio.NOT_HEARD
        for channel in (0, 1):
            middle = samples[5000:7000, channel]
            assert audio.level(middle, tones[channel]) == pytest.approx(audio.TONE_LEVEL, abs=0.5)
            assert audio.level(middle, tones[1 - channel]) < audio.TONE_LEVEL - 40


async def test_what_is_deleted_is_deleted_in_all_formats(shelf: Shelf) -> None:
    found, other = await shelf.put("rec-a", tone(440)), await shelf.put("rec-b", tone(660))
    gone = [await shelf.library.converted(found, "ogg"), await shelf.library.converted(other, "ogg", found)]
    stays = await shelf.library.converted(other, "ogg")
    making = asyncio.create_task(shelf.library.converted(found, "mp3"))
    await asyncio.sleep(0)
    await shelf.library.delete(found, "key 1")
    gone += [path for path in await asyncio.gather(making, return_exceptions=True) if isinstance(path, Path)]
    assert [path.exists() for path in gone] == [False] * len(gone)
    assert stays.exists()
    with pytest.raises(NotFound):
        await shelf.library.converted(await shelf.get("rec-a"), "ogg")


async def test_nothing_is_left_of_what_cannot_be_converted(shelf: Shelf, tmp_path: Path) -> None:
    found = await shelf.put("rec-a", b"no sound")
    with pytest.raises(CannotConvert):
        await shelf.library.converted(found, "mp3")
    assert list((tmp_path / "converted").iterdir()) == []


async def test_a_disk_that_is_full_is_told(shelf: Shelf) -> None:
    found = await shelf.put("rec-a", tone(440))
    shelf.files.min_free = 2**60
    with pytest.raises(NoRoom):
        await shelf.library.converted(found, "mp3")


async def test_what_was_not_asked_for_for_longest_goes_first(made: Converted) -> None:
    async def write(path: Path) -> None:
        path.write_bytes(bytes(400))

    for hour, name in enumerate("ab"):
        os.utime(await made.get(name, write), (hour * 3600, hour * 3600))
    await made.get("a", write)  # it is asked for again: b is the oldest now
    await made.get("c", write)
    assert there(made) == {"a", "c"}
    await made.get("d", write)  # nothing goes that was asked for within the minute
    assert there(made) == {"a", "c", "d"}


async def test_the_start_leaves_nothing_of_before(made: Converted) -> None:
    (made.root / "a").write_bytes(b"a")
    made.unfinished().write_bytes(b"half")
    made.prepare()
    assert there(made) == set()


async def test_a_failure_is_told_to_all_who_wait_and_tried_again_for_the_next(made: Converted) -> None:
    attempts = []

    async def write(path: Path) -> None:
        attempts.append(path)
        path.write_bytes(b"half")
        await asyncio.sleep(0)
        if len(attempts) == 1:
            raise OSError("the disk is full")

    results = await asyncio.gather(*(made.get("a", write) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [OSError] * 3
    assert there(made) == set()
    assert (await made.get("a", write)).read_bytes() == b"half"


async def test_who_goes_away_leaves_the_file_to_the_others(made: Converted) -> None:
    go_on = asyncio.Event()

    async def write(path: Path) -> None:
        await go_on.wait()
        path.write_bytes(b"whole")

    first, second = (asyncio.create_task(made.get("a", write)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()
    assert (await second).read_bytes() == b"whole"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_more_than_can_wait_are_refused(made: Converted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    go_on, full = asyncio.Event(), asyncio.Event()
    at_once, most = 0, 0

    async def write(path: Path) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if at_once == module.AT_ONCE:
            full.set()
        await go_on.wait()
        at_once -= 1
        path.write_bytes(b"whole")

    tasks = [asyncio.create_task(made.get(name, write)) for name in "abc"]
    await asyncio.sleep(0)
    with pytest.raises(TooBusy):
        await made.get("d", write)
    await full.wait()
    go_on.set()
    await asyncio.gather(*tasks)
    assert most == module.AT_ONCE
