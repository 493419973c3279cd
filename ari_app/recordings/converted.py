"""Recordings that somebody asked for in another format: made once, kept while there is room.

What is here can be made again, so it is emptied at each start: nothing outlives the recording it was made of.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from ari_app.files import used
from ari_app.made_once import MadeOnce
from ari_app.recordings.conversion import CannotConvert

#: that are made at the same time; more of them wait
AT_ONCE = 2
#: that may wait; a client that asks for more gets an error instead of a long wait
MOST_WAITING = 200
#: seconds for which a file is there at least once it was asked for: it is about to be opened
_KEPT_FOR = 60.0


class TooBusy(CannotConvert):
    """Too many conversions wait already."""

    slug = "too_busy"


class Converted:
    """A directory. limit: bytes of it, above which what was not asked for for longest goes."""

    def __init__(self, root: Path, limit: int) -> None:
        self.root = root.absolute()
        self._limit = limit
        self._places = asyncio.Semaphore(AT_ONCE)
        self._making = MadeOnce[Path]("convert a recording")

    def prepare(self) -> None:
        """Begin with nothing. Belongs in a thread. Raises OSError."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True, exist_ok=True)

    def unfinished(self) -> Path:
        """A name for a file that nobody else uses; who takes it deletes it."""
        return self.root / f"{secrets.token_hex(8)}.part"

    async def get(self, name: str, make: Callable[[Path], Awaitable[object]]) -> Path:
        """The file of that name. make: writes it. Who asks for what is being made waits for it.

        Raises:
            TooBusy, OSError, and what make raises.
        """
        if name not in self._making and len(self._making) >= MOST_WAITING:
            raise TooBusy("too many recordings are being converted; try again later")
        return await self._making.get(name, lambda: self._get(name, make))

    async def _get(self, name: str, make: Callable[[Path], Awaitable[object]]) -> Path:
        path = self.root / name
        if await asyncio.to_thread(used, path):
            return path
        async with self._places:
            unfinished = self.unfinished()
            try:
                await make(unfinished)
                await asyncio.to_thread(unfinished.replace, path)
            finally:
                unfinished.unlink(missing_ok=True)
            await asyncio.to_thread(self._shrink)
        return path

    def _shrink(self) -> None:
        files = []
        for path in self.root.iterdir():
            try:
                files.append((path.stat().st_mtime, path.stat().st_size, path))
            except FileNotFoundError:
                continue
        newest = max((asked for asked, _, _ in files), default=0.0)
        too_much = sum(size for _, size, _ in files) - self._limit
        for asked, size, path in sorted(files):
            if too_much <= 0 or asked > newest - _KEPT_FOR:
                return
            path.unlink(missing_ok=True)
            too_much -= size

    async def forget(self, part: str) -> None:
        """Delete all that have this in their name, also what is being made."""
        await self._making.over(part)
        await asyncio.to_thread(self._delete, part)

    def _delete(self, part: str) -> None:
        for path in self.root.glob(f"*{part}*"):
            path.unlink(missing_ok=True)

    async def close(self) -> None:
        """Stop; what is being made is thrown away at the next start."""
        await self._making.close()
