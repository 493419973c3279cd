"""Recordings of the record, for tests: begun and ended as call control tells it, with files that are really there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from ari_app.calls import facts
from ari_app.clock import ManualClock
from ari_app.recordings.files import LocalFiles
from ari_app.recordings.library import Library, Retention
from ari_app.store.calls import CallRecorder
from ari_app.store.recordings import RecordingFilter, RecordingInfo, Recordings
from ari_app.store.writer import Writer


async def blocks(*content: bytes) -> AsyncIterator[bytes]:
    for block in content:
        yield block


class Shelf:
    """The record, a directory, and what stands on both."""

    def __init__(self, writer: Writer, clock: ManualClock, root: Path, retention: Retention | None = None) -> None:
        self.writer, self.clock = writer, clock
        self.files = LocalFiles(root)
        self.recordings = Recordings(writer.database, clock, writer)
        self.library = Library(self.recordings, self.files, clock, retention)
        self.recorder = CallRecorder(writer)

    def begun(self, name: str, *, call: str = "call-1", account: int = 1) -> None:
        """Asterisk is asked for a recording."""
        at = self.clock.now()
        told = facts.RecordingStarted(at=at, call=call, account=account, recording=name, format="wav", node="pbx")
        self.recorder.record(told)

    def ended(self, name: str, *, call: str = "call-1", outcome: str = "finished") -> None:
        """Its end was told."""
        at = self.clock.now()
        self.recorder.record(facts.RecordingEnded(at=at, call=call, recording=name, duration=1.0, outcome=outcome))

    async def put(self, name: str, content: bytes) -> RecordingInfo:
        """One that is stored."""
        self.begun(name)
        self.ended(name)
        found = await self.get(name)
        await self.recordings.stored(found, await self.files.receive(found, blocks(content)))
        return await self.get(name)

    async def get(self, name: str) -> RecordingInfo:
        return await self.recordings.get(1, name)

    async def states(self) -> dict[str, str]:
        await self.writer.flush()
        found = await self.recordings.listing(1, RecordingFilter(), limit=1000)
        return {one.name: one.state for one in found.rows}

    def there(self) -> set[str]:
        """Names of the files in the directory, whole or not."""
        return {path.name for path in self.files.root.rglob("*") if path.is_file()}
