"""How full a disk is, as it is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ari_app.ops.disk import DiskWatch, usage


async def test_the_disk_is_looked_at_again_and_again_until_it_is_closed(tmp_path: Path) -> None:
    seen: list[float] = []
    twice = asyncio.Event()

    def told(used: float) -> None:
        seen.append(used)
        if len(seen) == 2:
            twice.set()

    disk = DiskWatch(tmp_path, told, every=0.0)
    disk.start()
    await asyncio.wait_for(twice.wait(), 30)
    await disk.close()
    assert all(0 < used <= 100 for used in seen)


async def test_a_disk_that_cannot_be_looked_at_is_looked_at_again(tmp_path: Path) -> None:
    folder, seen = tmp_path / "later", asyncio.Event()
    disk = DiskWatch(folder, lambda _used: seen.set(), every=0.0)
    disk.start()
    await asyncio.sleep(0)
    assert not seen.is_set()
    folder.mkdir()
    await asyncio.wait_for(seen.wait(), 30)
    await disk.close()
    assert usage(folder) > 0
