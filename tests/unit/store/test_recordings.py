"""Recordings become rows; asked for again after a restart, one keeps the time it began."""

from __future__ import annotations

import pytest

from ari_app.calls import facts as f
from ari_app.store.calls import CallRecorder
from ari_app.store.database import Database
from ari_app.store.history import History
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
