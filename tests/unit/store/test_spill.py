"""The spill file by itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ari_app.store import spill
from ari_app.store.batch import TABLES, UPSERT, Batch
from ari_app.store.port import Rejected
from ari_app.store.spill import Leftover, RejectedFile, SpillFile, encodable, encode, leftovers


def batch(*calls: object) -> Batch:
    made = Batch()
    for call in calls:
        made.add(UPSERT, TABLES["live_calls"], {"call_id": call, "state": "ü"})  # type: ignore[dict-item]
    return made


def calls(found: Batch) -> list[object]:
    return [operation.values["call_id"] for operation in found]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = SpillFile(tmp_path / "spill", "writer-1")
    assert not file.path.exists()
    places = file.append([encode(1, batch("a", "b")), encode(2, batch("c"))])
    (last,) = file.append([encode(3, batch("d"))])
    assert [calls(file.read(place)) for place in (*places, last)] == [["a", "b"], ["c"], ["d"]]
    assert file.size == file.path.stat().st_size
    assert file.path.stat().st_mode & 0o777 == 0o600
    file.clear()
    assert file.size == 0
    assert not file.path.exists()
    file.append([encode(4, batch("e"))])
    file.close()
    assert file.path.exists()
    file.close()


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SpillFile(tmp_path, "writer-1")
    file.append([encode(1, batch("a"))])
    real, written = os.pwrite, []

    def half(descriptor: int, data: memoryview, offset: int) -> int:
        if written:
            raise OSError(28, "No space left on device")
        written.append(real(descriptor, data[:5], offset))
        return written[0]

    with monkeypatch.context() as patch:
        patch.setattr(spill.os, "pwrite", half)
        with pytest.raises(OSError, match="No space"):
            file.append([encode(2, batch("b"))])
    assert file.path.stat().st_size == file.size
    (place,) = file.append([encode(2, batch("b"))])
    assert calls(file.read(place)) == ["b"]
    file.close()


def test_a_leftover_gives_what_comes_after_a_mark(tmp_path: Path) -> None:
    file = SpillFile(tmp_path, "writer-1")
    file.append([encode(number, batch(f"{number}")) for number in range(1, 8)])
    assert Leftover.take(file.path) is None
    file.close()
    leftover = Leftover.take(file.path)
    assert leftover is not None
    assert leftover.writer == "writer-1"
    assert [(number, calls(found)) for number, found in leftover.batches(2, 2)] == [
        (4, ["3", "4"]),
        (6, ["5", "6"]),
        (7, ["7"]),
    ]
    assert list(leftover.batches(7, 2)) == []
    leftover.close(finished=False)
    assert leftovers(tmp_path) == [file.path]
    again = Leftover.take(file.path)
    assert again is not None
    again.close(finished=True)
    assert leftovers(tmp_path) == []
    assert Leftover.take(file.path) is None


def test_what_cannot_be_written_down_is_told_apart() -> None:
    good, bad = encodable(batch("a", "\ud800", object(), "b"))
    assert calls(good) == ["a", "b"]
    assert len(bad) == 2
    assert all(isinstance(one, Rejected) for one in bad)


def test_refused_rows_are_readable_whatever_is_in_them(tmp_path: Path) -> None:
    file = RejectedFile(tmp_path / "data" / "rejected.jsonl")
    file.park([Rejected(operation, "why") for operation in batch("a", "\ud800", object(), 1.5, None)])
    file.park([Rejected(operation, "half \udfff") for operation in batch("\ud800")])
    assert len(file.path.read_text().splitlines()) == 6
