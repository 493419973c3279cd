"""How often what was said so far is told."""

from __future__ import annotations

from ari_app.calls.partials import EVERY, Latest
from ari_app.clock import ManualClock


def test_the_newest_and_not_too_often() -> None:
    clock, told = ManualClock(), list[str]()
    latest = Latest(clock, told.append)
    latest.offer("one")
    assert told == ["one"]  # at once
    latest.offer("two")
    latest.offer("three")
    clock.advance(EVERY / 2)
    assert told == ["one"]
    clock.advance(EVERY / 2)
    assert told == ["one", "three"]
    clock.advance(EVERY)
    assert told == ["one", "three"]
    latest.offer("four")
    assert told == ["one", "three", "four"]
    latest.offer("five")
    latest.close()
    clock.advance(10 * EVERY)
    assert told == ["one", "three", "four"]
    assert clock.due() is None


def test_a_clock_that_is_set_back() -> None:
    clock, told = ManualClock(), list[str]()
    latest = Latest(clock, told.append)
    latest.offer("one")
    latest._free_at += 1000
    latest.offer("two")
    clock.advance(EVERY)
    assert told == ["one", "two"]
