"""Sounds that are not prompts of ours: of a URL, a file in a directory the operator allows, or silence.

    https://example.org/hello.mp3    file:de/welcome.ogg    silence:1.5

Each is made into what Asterisk plays and kept under its checksum. What was fetched is kept for as long as its server
says, and asked for again after that; where it does not answer then, what we have is played for a day more.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from ari_app.clock import Clock
from ari_app.errors import AppError
from ari_app.files import shrink, used
from ari_app.made_once import MadeOnce
from ari_app.media.frames import RATE
from ari_app.media.wav import wav_of
from ari_app.prompts.fetch import SIZE_LIMIT, Fetcher, FetchFailed
from ari_app.prompts.sound import Convert, NotASound, in_a_thread

log = structlog.get_logger(__name__)

#: of URIs that are found here
SCHEMES = ("http", "https", "file", "silence")
#: seconds for which something is played that cannot be asked for again
STALE_LIMIT = 86_400.0
#: seconds after which a server that failed is asked again: not by each call
_RETRY_AFTER = 10.0
#: seconds of silence
LONGEST_SILENCE = 60.0
#: sounds that are known at a time
_MOST = 10_000
#: that are fetched, or converted, at the same time
_AT_ONCE = 8
#: bytes of sounds, above which what was not played for longest goes
_ROOM = 500 * 1024 * 1024


class SoundUnavailable(AppError):
    """A sound cannot be played."""

    slug = "sound_unavailable"


@dataclass(frozen=True)
class _Known:
    checksum: str
    #: until when nobody has to look again
    until: float
    #: when it was had, or confirmed
    at: float
    etag: str | None = None
    modified: str | None = None
    #: of a file: what it was like
    like: tuple[int, int] | None = None


class SoundFinder:
    """`prepare` before anything else."""

    def __init__(
        self,
        root: Path,
        fetcher: Fetcher,
        clock: Clock,
        folders: Sequence[Path] = (),
        room: int = _ROOM,
        convert: Convert = in_a_thread,
    ) -> None:
        """root: directory of what was made. folders: directories whose files may be played, all of them. room: bytes
        of what was made, at most. convert: reads sound files of strangers."""
        self._root = root
        self._fetcher = fetcher
        self._clock = clock
        self._folders = [folder.resolve() for folder in folders]
        self._room = room
        self._convert = convert
        #: bytes of what was made, or a little more
        self._size = 0
        self._counting = threading.Lock()
        #: URI -> what is known of it; the one played last is the last
        self._known: dict[str, _Known] = {}
        #: by URI
        self._finding = MadeOnce[str]("find a sound")
        self._places = asyncio.Semaphore(_AT_ONCE)

    def prepare(self) -> None:
        """Begin with nothing. Belongs in a thread. Raises OSError."""
        shutil.rmtree(self._root, ignore_errors=True)
        self._root.mkdir(parents=True, exist_ok=True)

    def path(self, checksum: str) -> Path:
        """Where a sound is, if it was made."""
        return self._root / f"{checksum}.wav"

    async def find(self, uri: str) -> str:
        """The checksum of what is to be played. Who asks for what is being found waits for the same; who waits no
        longer does not end it.

        Raises:
            SoundUnavailable
        """
        return await self._finding.get(uri, lambda: self._find(uri))

    async def _find(self, uri: str) -> str:
        known = self._known.get(uri)
        if known is not None and not await asyncio.to_thread(used, self.path(known.checksum)):
            known = None
        if known is not None and self._clock.now() < known.until:
            self._keep(uri, known)
            return known.checksum
        scheme = uri.partition(":")[0]
        try:
            async with self._places:
                if scheme in ("http", "https"):
                    found = await self._of_url(uri, known)
                elif scheme == "file":
                    found = await self._of_file(uri, known)
                else:
                    found = await self._of_silence(uri)
        except (NotASound, OSError) as error:
            raise SoundUnavailable(f"{_shown(uri)}: {error}") from None
        self._keep(uri, found)
        return found.checksum

    def _keep(self, uri: str, known: _Known) -> None:
        self._known.pop(uri, None)
        self._known[uri] = known
        if len(self._known) > _MOST:
            del self._known[next(iter(self._known))]

    async def _of_url(self, uri: str, known: _Known | None) -> _Known:
        now = self._clock.now()
        try:
            if known is None:
                reply = await self._fetcher.get(uri)
            else:
                reply = await self._fetcher.get(uri, etag=known.etag, modified=known.modified)
            if reply.data is None and known is None:
                raise FetchFailed("answered 304")
        except FetchFailed as error:
            if known is None or now > known.at + STALE_LIMIT:
                raise SoundUnavailable(f"{_shown(uri)}: {error}") from None
            log.warning("= sound not fetched again, what we have is played", sound=_shown(uri), error=str(error))
            return replace(known, until=now + _RETRY_AFTER)
        if reply.data is None:
            assert known is not None
            return replace(known, until=now + reply.fresh_for, at=now)
        checksum = await self._store(reply.data, _bare(urlsplit(uri).path, reply.content_type))
        return _Known(checksum, now + reply.fresh_for, now, reply.etag, reply.modified)

    async def _of_file(self, uri: str, known: _Known | None) -> _Known:
        path = await asyncio.to_thread(self._file, uri.partition(":")[2])
        status = await asyncio.to_thread(path.stat)
        like = (status.st_mtime_ns, status.st_size)
        now = self._clock.now()
        if known is not None and known.like == like:
            return known
        if status.st_size > SIZE_LIMIT:
            raise SoundUnavailable(f"{_shown(uri)}: larger than {SIZE_LIMIT} bytes")
        checksum = await self._store(await asyncio.to_thread(path.read_bytes), _bare(path.name))
        return _Known(checksum, now, now, like=like)

    def _file(self, name: str) -> Path:
        """The file, in the first of the directories that has it. Raises SoundUnavailable: none of them."""
        if name and "\0" not in name:
            for folder in self._folders:
                path = (folder / name).resolve()
                if path.is_relative_to(folder) and path.is_file():
                    return path
        raise SoundUnavailable(f"file {name[:80]!r} is in no directory of PROMPT_DIRS")

    async def _of_silence(self, uri: str) -> _Known:
        try:
            seconds = float(uri.partition(":")[2])
        except ValueError:
            seconds = math.nan
        if not 0 < seconds <= LONGEST_SILENCE:
            raise SoundUnavailable(f"silence is longer than 0 and at most {LONGEST_SILENCE:g} seconds")
        checksum = await asyncio.to_thread(self._write, wav_of(bytes(2 * max(1, round(seconds * RATE)))))
        return _Known(checksum, math.inf, self._clock.now())

    async def keep(self, samples: bytes) -> str:
        """The checksum of these 8 kHz samples, which can be played now. Raises OSError."""
        return await asyncio.to_thread(self._write, wav_of(samples))

    async def _store(self, data: bytes, bare: str | None) -> str:
        return await asyncio.to_thread(self._write, await self._convert(data, bare))

    def _write(self, wav: bytes) -> str:
        checksum = hashlib.sha256(wav).hexdigest()
        path = self.path(checksum)
        if used(path):
            return checksum
        unfinished = self._root / f"{secrets.token_hex(8)}.part"
        try:
            unfinished.write_bytes(wav)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        with self._counting:
            self._size += len(wav)
            if self._size > self._room:
                self._size = shrink(self._root.glob("*.wav"), self._room)
        return checksum

    async def close(self) -> None:
        """Stop."""
        await self._finding.close()
        await self._fetcher.close()


def _bare(name: str, content_type: str = "") -> str | None:
    """Which encoding a file without a header has, by its name, or its type."""
    ending = name.rpartition(".")[2].lower()
    if ending in ("ulaw", "ul", "ulw", "pcm", "mu"):
        return "ulaw"
    if ending in ("alaw", "al"):
        return "alaw"
    if ending in ("gsm", "sln", "vox"):
        return ending
    return {"audio/basic": "ulaw", "audio/x-gsm": "gsm", "audio/gsm": "gsm"}.get(content_type)


def _shown(uri: str) -> str:
    """Without a query, which may be secret."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return "a URL"
    return f"{parts.scheme}://{host}{parts.path}"[:200] if host else uri[:200]
