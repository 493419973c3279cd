"""Speech that was made before, by what was said, with which voice of which engine."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from ari_app.files import shrink
from ari_app.media.frames import RATE


def key(engine: str, voice: str, text: str) -> str:
    """The name of a piece of speech. Nothing of the text can be read from it."""
    parts = "\0".join((engine, voice, str(RATE), text))
    return hashlib.sha256(parts.encode()).hexdigest()


class SpeechCache:
    """A directory of speech. What was not used for longest goes when it is larger than `limit` bytes.

    Its calls read and write files: they belong in a thread. A file is whole or not there, whatever happens.
    """

    def __init__(self, directory: Path, limit: int = 500_000_000) -> None:
        self._directory, self._limit = directory, limit
        directory.mkdir(parents=True, exist_ok=True)
        self._size = sum(path.stat().st_size for path in directory.glob("*.sln"))

    def get(self, name: str) -> bytes | None:
        """The samples, or None; they count as used now."""
        path = self._directory / f"{name}.sln"
        try:
            samples = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        return samples

    def put(self, name: str, samples: bytes) -> None:
        """Keeps the samples. Larger than a tenth of the limit, they are not kept."""
        if len(samples) > self._limit // 10:
            return
        path = self._directory / f"{name}.sln"
        before = path.stat().st_size if path.exists() else 0
        unfinished = self._directory / f"{secrets.token_hex(8)}.tmp"
        unfinished.write_bytes(samples)
        unfinished.replace(path)
        self._size += len(samples) - before
        if self._size > self._limit:
            self._size = shrink(self._directory.glob("*.sln"), self._limit)
