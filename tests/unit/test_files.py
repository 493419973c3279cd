"""What was not used for longest goes."""

from __future__ import annotations

import os
from pathlib import Path

from ari_app.files import shrink, used


def fill(root: Path, count: int) -> list[Path]:
    """Files of ten bytes, the first used before the others."""
    paths = [root / f"{number}.wav" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes(10))
        os.utime(path, (1000.0 + number, 1000.0 + number))
    return paths


def test_the_oldest_go_until_nine_tenths_are_left(tmp_path: Path) -> None:
    paths = fill(tmp_path, 10)
    assert used(paths[0])
    assert shrink(tmp_path.glob("*.wav"), 60) == 50
    assert set(tmp_path.iterdir()) == {paths[0], *paths[6:]}
    assert shrink(tmp_path.glob("*.wav"), 1000) == 50


def test_the_one_used_last_stays_and_what_is_gone_does_not_count(tmp_path: Path) -> None:
    paths = fill(tmp_path, 3)
    paths[1].unlink()
    assert not used(paths[1])
    assert shrink(paths, 1) == 10
    assert list(tmp_path.iterdir()) == [paths[2]]
    assert shrink([], 1) == 0
