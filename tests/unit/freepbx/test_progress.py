"""The bar is for terminals only."""

from __future__ import annotations

import pytest

from ari_app.freepbx.progress import Bar


def test_a_bar_for_reading_and_one_for_writing(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar(shown=True) as bar:
        bar.read("queues_details", 1000)
        bar.read("users", 3000)
        bar.write(5000, 10_000)
        bar.write(10_000, 10_000)
    printed = capsys.readouterr()
    assert printed.out == ""
    for part in ("reading queues_details", "reading users", "writing", "/10000"):
        assert part in printed.err


def test_nothing_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar() as bar:
        bar.read("users", 1000)
        bar.write(1, 2)
    assert capsys.readouterr() == ("", "")
