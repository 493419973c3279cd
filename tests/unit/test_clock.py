"""The clock that logic is given: the machine's, or one that a test moves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop

from ari_app.clock import CATCH_UP, PUT_OFF_MOST, ManualClock, SystemClock, _LoopTimer


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_the_machine_s_clock(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """On the loop that tests run on, and on that of the server."""
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(_the_machine_s_clock())


async def _the_machine_s_clock() -> None:
    clock = SystemClock()
    assert time.time() <= clock.now() <= time.time()
    fired: asyncio.Queue[str] = asyncio.Queue()
    clock.call_at(clock.now() + 0.02, lambda: fired.put_nowait("later"))
    clock.call_at(clock.now() - 60, lambda: fired.put_nowait("past: at once"))
    clock.call_at(clock.now(), lambda: fired.put_nowait("cancelled")).cancel()
    assert [await fired.get(), await fired.get()] == ["past: at once", "later"]
    assert fired.empty()


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
async def test_a_timer_that_is_set_is_not_moved_by_setting_the_clock(
    step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, loop = SystemClock(), asyncio.get_running_loop()
    fired: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
    begun, real = loop.time(), time.time

    def tell(name: str) -> None:
        fired.put_nowait((name, loop.time() - begun))

    clock.call_at(clock.now() + 0.05, lambda: tell("before"))
    monkeypatch.setattr("ari_app.clock.time.time", lambda: real() + step)
    assert clock.now() == pytest.approx(real() + step, abs=1)
    clock.call_at(clock.now() + 0.1, lambda: tell("after"))
    # in any order: one that is late because the machine stood still is put off
    passed = dict([await asyncio.wait_for(fired.get(), 30), await asyncio.wait_for(fired.get(), 30)])
    assert passed.keys() == {"before", "after"}
    assert passed["before"] >= 0.045
    assert passed["after"] >= 0.095
    assert fired.empty()


def test_timers_fire_in_order_each_at_its_own_time() -> None:
    clock = ManualClock(100.0)
    fired: list[tuple[float, str]] = []
    for at, name in ((103.0, "c"), (101.0, "a"), (101.0, "b"), (110.0, "z"), (50.0, "past")):
        clock.call_at(at, lambda name=name: fired.append((clock.now(), name)))
    assert fired == []
    clock.advance(5.0)
    assert fired == [(100.0, "past"), (101.0, "a"), (101.0, "b"), (103.0, "c")]
    assert clock.now() == 105.0
    assert clock.due() == 110.0


def test_a_timer_may_set_and_cancel_others() -> None:
    clock = ManualClock(0.0)
    fired: list[tuple[float, str]] = []

    def first() -> None:
        fired.append((clock.now(), "first"))
        other.cancel()
        other.cancel()
        clock.call_at(clock.now() + 1.0, lambda: fired.append((clock.now(), "set by first")))
        clock.call_at(clock.now() + 9.0, lambda: fired.append((clock.now(), "too late")))

    clock.call_at(1.0, first)
    other = clock.call_at(2.0, lambda: fired.append((clock.now(), "other")))
    clock.advance(3.0)
    assert fired == [(1.0, "first"), (2.0, "set by first")]


def test_what_is_due_next() -> None:
    clock = ManualClock(0.0)
    assert clock.due() is None
    timer = clock.call_at(1.0, lambda: None)
    clock.call_at(2.0, lambda: None)
    assert clock.due() == 1.0
    timer.cancel()
    assert clock.due() == 2.0
    clock.advance(2.0)
    assert clock.due() is None
    timer.cancel()  # harmless when it is over


class StandingLoop:
    """A loop whose time is moved by the test, and whose timers fire as late as it wants."""

    def __init__(self) -> None:
        self.at = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.at

    def call_later(self, delay: float, callback: Callable[[], None]) -> Any:
        due = self.at + delay
        entry = (due, callback)
        self.timers.append(entry)
        return SimpleNamespace(when=lambda: due, cancel=lambda: self.timers.remove(entry))

    def go(self, at: float) -> None:
        """It is that time, and all that is due fires once."""
        self.at = at
        due = [entry for entry in self.timers if entry[0] <= at]
        self.timers = [entry for entry in self.timers if entry not in due]
        for _, callback in due:
            callback()


@pytest.mark.parametrize(("fires_at", "fired"), [(5.0, True), (5.4, True), (6.0, False), (35.0, False)])
def test_a_timer_of_a_process_that_stood_still_lets_what_happened_go_first(fires_at: float, fired: bool) -> None:
    loop, told = StandingLoop(), []
    _LoopTimer(loop, 5.0, lambda: told.append(loop.at))  # type: ignore[arg-type]
    loop.go(fires_at)
    assert told == ([fires_at] if fired else [])
    if not fired:
        loop.go(fires_at + CATCH_UP)
        assert told == [fires_at + CATCH_UP]
    assert loop.timers == []


def test_a_timer_that_was_put_off_can_be_taken_back() -> None:
    loop, told = StandingLoop(), []
    timer = _LoopTimer(loop, 5.0, lambda: told.append(1))  # type: ignore[arg-type]
    loop.go(35.0)
    timer.cancel()
    loop.go(60.0)
    assert told == []


def test_a_loop_that_is_always_late_still_fires() -> None:
    loop, told = StandingLoop(), []
    _LoopTimer(loop, 1.0, lambda: told.append(1))  # type: ignore[arg-type]
    for turn in range(1, PUT_OFF_MOST + 2):
        assert told == []
        loop.go(turn * 10.0)
    assert told == [1]
