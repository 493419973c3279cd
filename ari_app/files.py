"""Directories of files that can be made again: what was not used for longest goes. All of it belongs in a thread."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def used(path: Path) -> bool:
    """Whether it is there; it counts as used now."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def shrink(paths: Iterable[Path], room: int) -> int:
    """Delete to nine tenths of so many bytes, so that not every new file pays for it; the one used last stays. How many
    bytes there are then."""
    files = []
    for path in paths:
        with suppress(FileNotFoundError):
            status = path.stat()
            files.append((status.st_mtime_ns, status.st_size, path))
    left = sum(size for _, size, _ in files)
    for _, size, path in sorted(files)[:-1]:
        if left <= room * 0.9:
            break
        path.unlink(missing_ok=True)
        left -= size
    return left
