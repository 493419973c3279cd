"""All of it together, as the application runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ari_app.ari.node import Node
from ari_app.calls.registry import Registry
from ari_app.clock import Clock
from ari_app.config import Settings
from ari_app.errors import ConfigError
from ari_app.recordings.collector import Collector
from ari_app.recordings.converted import Converted
from ari_app.recordings.files import LocalFiles
from ari_app.recordings.library import Library, Retention
from ari_app.recordings.s3 import S3Storage
from ari_app.recordings.uploader import Uploader
from ari_app.store.recordings import RecordingInfo, Recordings
from ari_app.store.writer import Writer

_MEGABYTE = 1024 * 1024


def damage_told(tell: Callable[[int, str, dict[str, Any]], None], clock: Clock) -> Callable[[RecordingInfo], None]:
    """Tells of a file that is not what was stored: an account, `RecordingDamaged`, and what is known of it."""

    def told(recording: RecordingInfo) -> None:
        values = {"recording": recording.name, "call": recording.call_id, "checksum": recording.checksum}
        tell(recording.account_id, "RecordingDamaged", {"at": clock.now(), **values})

    return told


class RecordingService:
    """Fetches recordings of one node, gives them out, forgets them in time."""

    def __init__(self, settings: Settings, writer: Writer, registry: Registry, node: Node, clock: Clock) -> None:
        root = settings.recordings_dir or settings.data_dir / "recordings"
        self.files = LocalFiles(root, settings.recordings_min_free_mb * _MEGABYTE)
        recordings = Recordings(writer.database, clock, writer)
        retention = Retention(days=settings.recordings_days, max_bytes=settings.recordings_max_mb * _MEGABYTE)
        storage = S3Storage(settings) if settings.s3_url else None
        converted = Converted(settings.data_dir / "converted", settings.recordings_converted_mb * _MEGABYTE)
        self.library = Library(recordings, self.files, clock, retention, storage, converted)
        self.uploader = Uploader(recordings, self.files, storage, clock) if storage else None
        self.collector = Collector(node, registry, recordings, self.files, clock)
        #: told of each file that is stored
        self.on_stored: list[Callable[[str], None]] = []
        if self.uploader is not None:
            self.on_stored.append(self.uploader.look)
        self.collector.on_stored = self._stored
        registry.on_recorded = lambda node, name: self.collector.look(name)

    def _stored(self, name: str) -> None:
        for listener in self.on_stored:
            listener(name)

    async def start(self) -> None:
        """Begin.

        Raises:
            ConfigError: the directory cannot be used.
        """
        try:
            await asyncio.to_thread(self.files.prepare)
            await asyncio.to_thread(self.library.prepare)
        except OSError as error:
            raise ConfigError(f"cannot use RECORDINGS_DIR {self.files.root} or DATA_DIR: {error}") from None
        self.library.start()
        self.collector.start()
        if self.uploader is not None:
            self.uploader.start()

    async def close(self) -> None:
        """Stop; what is not fetched is at the next start."""
        await self.collector.close()
        if self.uploader is not None:
            await self.uploader.close()
        await self.library.close()

    async def health(self) -> str | None:
        """What is wrong; None: nothing."""
        if self.collector.trouble:
            return f"recordings stay in Asterisk for now: {self.collector.trouble}"
        if self.uploader is not None and self.uploader.trouble:
            return f"recordings stay on our disk for now: {self.uploader.trouble}"
        return None
