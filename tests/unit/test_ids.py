"""Ids of ours: they say what they name, sort by age, and are never made twice."""

from __future__ import annotations

import re

from ari_app.clock import ManualClock
from ari_app.ids import IdSource


def test_their_form() -> None:
    assert re.fullmatch(r"call-[0-9a-hjkmnp-tv-z]{20}", IdSource().new("call"))
    assert IdSource(ManualClock(0.0), lambda bits: 0).new("x") == "x-" + "0" * 20
    assert IdSource(ManualClock(0.001), lambda bits: 2**bits - 1).new("x") == "x-" + "0" * 9 + "1" + "z" * 10


def test_they_sort_by_age() -> None:
    clock = ManualClock()
    ids = IdSource(clock)
    made = []
    for _ in range(200):
        made.append(ids.new("call"))
        clock.advance(1 / 512)  # more than a millisecond, and exact in floating point
    assert made == sorted(made)


def test_they_are_never_made_twice() -> None:
    """Not within a millisecond, and not by a process that is started again in the same one."""
    clock = ManualClock()
    assert len({source.new("call") for source in (IdSource(clock), IdSource(clock)) for _ in range(5000)}) == 10000
