"""Fetching what Asterisk has recorded: in spite of errors and restarts; once, and never deleted too early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ari_app.clock import ManualClock
from ari_app.recordings.collector import MISSING_AFTER, Collector
from ari_app.store.writer import Writer
from tests.unit.calls.stage import Stage, a_stage
from tests.unit.recordings.shelf import Shelf

CONTENT = b"RIFF....WAVE"


class Place(Shelf):
    """A shelf next to a FakeAsterisk."""

    def __init__(self, stage: Stage, writer: Writer, root: Path) -> None:
        super().__init__(writer, stage.clock, root)
        self.stage = stage
        self.asterisk = stage.fake.world.stored
        self.collector = self.another()

    def another(self) -> Collector:
        return Collector(self.stage.node, self.stage.registry, self.recordings, self.files, self.clock)

    def recorded(self, name: str, *, call: str = "call-1") -> None:
        """Asterisk has recorded it, and the end was told."""
        self.begun(name, call=call)
        self.ended(name, call=call)
        self.asterisk[name] = ("wav", CONTENT)

    async def until(self, *, pace: float = 0.0, **wanted: str) -> None:
        """Wait until recordings are in these states. pace: seconds that go by with each look."""
        states: dict[str, str] = {}
        try:
            async with asyncio.timeout(40):
                while (states := await self.states()) != wanted:
                    if pace:
                        self.clock.advance(pace)
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"{states}, not {wanted}; {self.stage.asked()[-8:]}") from None

    async def until_deleted(self) -> None:
        async with asyncio.timeout(40):
            while self.asterisk:
                await asyncio.sleep(0.005)


@pytest.fixture
async def place(writer: Writer, tmp_path: Path) -> AsyncIterator[Place]:
    async with a_stage() as stage:
        made = Place(stage, writer, tmp_path / "recordings")
        made.files.prepare()
        made.collector.start()
        yield made
        await made.collector.close()


async def test_it_is_fetched_and_then_deleted_in_asterisk(place: Place) -> None:
    place.recorded("rec-a")
    for _ in range(3):  # told by the event, and by the fact, and again
        place.collector.look("rec-a")
    await place.until(**{"rec-a": "stored"})
    await place.until_deleted()
    assert (await place.library.file(await place.get("rec-a"))).read_bytes() == CONTENT
    assert len(place.stage.asked("recordings.getStoredFile")) == 1
    order = [name for name in place.stage.asked() if name.startswith("recordings.")]
    assert order == ["recordings.getLive", "recordings.getStoredFile", "recordings.deleteStored"]


@pytest.mark.parametrize("operation", ["recordings.getLive", "recordings.getStoredFile"])
async def test_what_fails_is_tried_again(place: Place, operation: str) -> None:
    place.recorded("rec-a")
    place.stage.fake.faults.refuse(operation, 500, times=2)
    place.collector.look("rec-a")
    await place.until(pace=1.0, **{"rec-a": "stored"})
    assert place.there() == {"rec-a.wav"}
    assert len(place.stage.asked(operation)) == 3
    async with asyncio.timeout(40):
        while place.collector.trouble:
            await asyncio.sleep(0)


async def test_an_error_is_told_until_it_is_over(place: Place) -> None:
    place.recorded("rec-a")
    place.files.min_free = 2**62
    place.collector.look("rec-a")
    async with asyncio.timeout(40):
        while not place.collector.trouble:
            await asyncio.sleep(0.005)
    assert "bytes are free" in str((await place.get("rec-a")).error)
    assert place.asterisk.keys() == {"rec-a"}
    place.files.min_free = 0
    await place.until(pace=1.0, **{"rec-a": "stored"})
    assert (await place.get("rec-a")).error is None


async def test_what_asterisk_does_not_have_is_missing(place: Place) -> None:
    """But not at its first word: the file may not have been closed."""
    place.begun("rec-a")
    place.ended("rec-a")
    place.collector.look("rec-a")
    await place.until(pace=0.5, **{"rec-a": "missing"})
    assert len(place.stage.asked("recordings.getStoredFile")) == MISSING_AFTER
    assert (await place.get("rec-a")).error == "Asterisk has no such file"


async def test_a_file_that_comes_late_is_not_missing(place: Place) -> None:
    place.begun("rec-a")
    place.ended("rec-a")
    place.collector.look("rec-a")
    async with asyncio.timeout(40):
        while not place.stage.asked("recordings.getStoredFile"):
            await asyncio.sleep(0.005)
    place.asterisk["rec-a"] = ("wav", CONTENT)
    await place.until(pace=0.5, **{"rec-a": "stored"})


async def test_a_sweep_finds_what_nobody_was_told_of(place: Place) -> None:
    """As after a kill: one whose end was told, one whose end was not, one that was thrown away; and in Asterisk one
    that is stored already, and one that is none of ours."""
    place.recorded("told")
    place.begun("untold")
    place.begun("cancelled")
    place.ended("cancelled", outcome="cancelled")
    await place.put("ours", b"abc")
    place.asterisk |= {name: ("wav", CONTENT) for name in ("untold", "ours", "foreign", "cancelled")}
    await place.states()
    place.collector.sweep()
    await place.until(told="stored", untold="stored", ours="stored", cancelled="cancelled")
    async with asyncio.timeout(40):
        while place.asterisk.keys() != {"foreign"}:
            await asyncio.sleep(0.005)
    untold = await place.get("untold")
    assert (untold.outcome, untold.ended_at is not None) == ("finished", True)
    assert (await place.library.file(await place.get("ours"))).read_bytes() == b"abc"


async def test_what_goes_on_is_left_alone_until_it_ends(place: Place) -> None:
    names: list[str] = []
    place.stage.registry.on_recorded = lambda node, name: place.collector.look(name)
    call, channel = await place.stage.incoming()
    await place.stage.node.channels.record(channelId=channel.id, name="rec-a", format="wav")
    place.begun("rec-a", call=call.id)
    place.collector.sweep()
    async with asyncio.timeout(40):
        while not (names := place.stage.asked("recordings.getLive")):
            await asyncio.sleep(0.005)
    assert len(names) == 1
    await place.stage.quiet()
    assert await place.states() == {"rec-a": "recording"}
    place.stage.fake.hangup_from_far_end(channel)
    await place.until(pace=0.5, **{"rec-a": "stored"})


async def test_a_restart_goes_on_where_it_was(place: Place) -> None:
    """The process is gone while Asterisk answers; the next one does it, and nothing is there twice."""
    place.recorded("rec-a")
    place.stage.fake.faults.delay("recordings.getStoredFile", 60)
    place.collector.look("rec-a")
    async with asyncio.timeout(40):
        while not place.stage.asked("recordings.getStoredFile"):
            await asyncio.sleep(0.005)
    await place.collector.close()
    assert (await place.states(), place.asterisk.keys()) == ({"rec-a": "ended"}, {"rec-a"})
    place.files.prepare()
    place.collector = place.another()
    place.collector.start()
    place.collector.sweep()
    await place.until(**{"rec-a": "stored"})
    await place.until_deleted()
    assert place.there() == {"rec-a.wav"}


async def test_a_database_that_does_not_answer_deletes_nothing(place: Place, clock: ManualClock) -> None:
    place.recorded("rec-a")
    await place.states()
    await place.recordings._database.close()
    place.collector.look("rec-a")
    async with asyncio.timeout(40):
        while not place.collector.trouble:
            await asyncio.sleep(0.005)
    assert place.asterisk.keys() == {"rec-a"}
    await place.recordings._database.start()
    await place.until(pace=1.0, **{"rec-a": "stored"})
