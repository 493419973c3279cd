"""The clock that logic is given: the machine's, or one that a test moves."""

from __future__ import annotations

import asyncio
import time

from ari_app.clock import ManualClock, SystemClock


async def test_the_machine_s_clock() -> None:
    clock = SystemClock()
    assert abs(clock.now() - time.time()) < 1
    fired: asyncio.Queue[str] = asyncio.Queue()
    clock.call_at(clock.now() + 0.02, lambda: fired.put_nowait("later"))
    clock.call_at(clock.now() - 60, lambda: fired.put_nowait("past: at once"))
    clock.call_at(clock.now(), lambda: fired.put_nowait("cancelled")).cancel()
    assert [await fired.get(), await fired.get()] == ["past: at once", "later"]
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
