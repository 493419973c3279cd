"""Recordings become rows, and are found again; asked for again after a restart, one keeps the time it began."""

from __future__ import annotations

import pytest

from ari_app.calls import facts as f
from ari_app.clock import ManualClock
from ari_app.errors import NotFound
from ari_app.store.accounts import DEFAULT
from ari_app.store.calls import CallRecorder
from ari_app.store.database import Database
from ari_app.store.history import History
from ari_app.store.prompts import PromptData, Prompts
from ari_app.store.recordings import STATES, RecordingFilter, Recordings, StoredFile
from ari_app.store.writer import Writer

T = 1_700_000_000.5


@pytest.mark.parametrize("batches", ["one", "each"])
async def test_a_recording(writer: Writer, database: Database, batches: str) -> None:
    recorder = CallRecorder(writer)
    for fact in (
        f.RecordingStarted(at=T, call="call-1", account=1, recording="rec-a", format="wav"),
        f.RecordingStarted(at=T + 2, call="call-1", account=1, recording="rec-b", format="wav"),
        f.RecordingStarted(at=T + 5, call="call-1", account=1, recording="rec-a", format="wav"),
        f.RecordingEnded(at=T + 9, call="call-1", recording="rec-a", duration=9.0),
    ):
        recorder.record(fact)
        if batches == "each":
            await writer.flush()
    await writer.flush()
    first, second = await History(database).recordings(1, "call-1")
    assert (first.name, first.format, first.started_at, first.ended_at, first.duration) == (
        "rec-a",
        "wav",
        T,
        T + 9,
        9.0,
    )
    assert (second.name, second.started_at, second.ended_at, second.duration) == ("rec-b", T + 2, None, None)
    assert await History(database).recordings(2, "call-1") == []


async def test_every_question_to_recordings(writer: Writer, database: Database, clock: ManualClock) -> None:
    """On each database: what is begun, ended, stored, moved, missing, deleted is found in that state and no other."""
    recorder, recordings = CallRecorder(writer), Recordings(database, clock, writer)
    file = StoredFile(storage="local", path="1/a.wav", size=2**33, checksum="ab" * 32, length=61.5)
    for at, (name, outcome) in enumerate(
        [("goes-on", None), ("a", "finished"), ("b", "failed"), ("c", "cancelled"), ("d", "unknown"), ("e", "finished")]
    ):
        begun = f.RecordingStarted(
            at=T + at, call="call-1", account=1, recording=name, format="wav", node="pbx", kind="queue", queue="500"
        )
        recorder.record(begun)
        if outcome is not None:
            ended = f.RecordingEnded(at=T + 60, call="call-1", recording=name, duration=None, outcome=outcome)
            recorder.record(ended)
    assert [one.name for one in await recordings.unfetched("pbx")] == ["goes-on", "a", "d", "e"]
    assert await recordings.unfetched("elsewhere") == []
    await recordings.troubled(await recordings.get(1, "a"), "no room\0")
    assert (await recordings.get(1, "a")).error == "no room"
    for name in ("goes-on", "a", "e"):
        await recordings.stored(await recordings.get(1, name), file)
    going = await recordings.get(1, "goes-on")
    assert (going.ended_at, going.outcome, going.length, going.size) == (T + 61.5, "finished", 61.5, 2**33)
    assert (await recordings.get(1, "a")).ended_at == T + 60
    assert await recordings.in_storage("local") == ["goes-on", "a", "e"]
    assert await recordings.moved(await recordings.get(1, "e"), "s3")
    assert await recordings.in_storage("s3") == ["e"]
    await recordings.missing(await recordings.get(1, "d"), "gone")
    assert await recordings.deleted(await recordings.get(1, "a"), "key 3")
    assert not await recordings.deleted(await recordings.get(1, "a"), "key 4")
    assert not await recordings.moved(await recordings.get(1, "a"), "s3")
    page = await recordings.listing(1, RecordingFilter(), descending=True, limit=4, offset=1)
    assert ([one.name for one in page.rows], page.total) == (["d", "c", "b", "a"], 6)
    found = {
        state: [one.name for one in (await recordings.listing(1, RecordingFilter(state=state))).rows]
        for state in STATES
    }
    assert found == {
        "recording": [],
        "ended": [],
        "failed": ["b"],
        "cancelled": ["c"],
        "stored": ["goes-on", "e"],
        "missing": ["d"],
        "deleted": ["a"],
    }
    which = RecordingFilter(call="call-1", queue="500", kind="queue", since=T + 1, until=T + 3)
    assert [one.name for one in (await recordings.listing(1, which)).rows] == ["a", "b"]
    assert (await recordings.listing(1, RecordingFilter(agent=7))).total == 0
    assert (await recordings.listing(2, RecordingFilter())).total == 0
    assert await recordings.bytes_stored() == 2**34
    assert [one.name for one in await recordings.older(T + 5)] == ["goes-on"]
    assert [one.name for one in await recordings.oldest(1)] == ["goes-on"]
    assert sorted(await recordings.safe(["goes-on", "a", "b", "d", "nobody's"])) == ["a", "b", "goes-on"]
    with pytest.raises(NotFound):
        await recordings.get(2, "a")
    recorder.record(f.LegStarted(at=T, leg="l", call="call-1", account=1, role="caller", endpoint="x", agent=None))
    await writer.flush()
    assert [await recordings.call_of(account, leg) for account, leg in ((1, "l"), (2, "l"), (1, "m"))] == [
        "call-1",
        None,
        None,
    ]


async def test_prompts(database: Database, clock: ManualClock) -> None:
    prompts = Prompts(database, clock)
    spoken = PromptData(text="a\0b", engine="flite", voice=None, checksum="ab" * 32, size=44, length=0.5)
    sent = PromptData(text=None, engine=None, voice=None, checksum="cd" * 32, size=45, length=1.5)
    await prompts.put(DEFAULT, "b", "", spoken)
    await prompts.put(DEFAULT, "a", "en", sent)
    assert (await prompts.put(DEFAULT, "b", "", sent)).checksum == "cd" * 32
    await prompts.put(DEFAULT, "b", "de", spoken)
    found = [(one.name, one.language, one.text) for one in await prompts.of_account(DEFAULT)]
    assert found == [("a", "en", None), ("b", "", None), ("b", "de", "ab")]
    assert await prompts.all() == await prompts.of_account(DEFAULT)
    await prompts.delete(DEFAULT, "b", "")
    for request in (prompts.get(DEFAULT, "b", ""), prompts.delete(DEFAULT, "b", ""), prompts.get(2, "a", "en")):
        with pytest.raises(NotFound):
            await request
