"""How full a disk is."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

#: seconds between two looks: nothing tells us
EVERY = 30.0


def usage(folder: Path) -> float:
    """Per cent, as df shows it: of what others than root may use. Raises OSError."""
    found = shutil.disk_usage(folder)
    return 100.0 * found.used / (found.used + found.free) if found.used + found.free else 100.0


class DiskWatch:
    """Looks at a disk in a thread of its own: a network's file system may take long to answer."""

    def __init__(self, folder: Path, told: Callable[[float], object], every: float = EVERY) -> None:
        self._folder = folder
        self._told = told
        self._every = every
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            # what cannot be looked at is told by those who write there
            with contextlib.suppress(OSError):
                self._told(await asyncio.to_thread(usage, self._folder))
            await asyncio.sleep(self._every)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
