"""Time, injected. Logic never reads a clock of its own: tests and the simulator bring theirs.

All times are seconds since the epoch as float, UTC. Differences of them are used for waiting times, so a step of the
wall clock shows in a record as what it was: a step.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A timer that has been set."""

    def cancel(self) -> None:
        """Take it back; harmless when it has fired."""


class Clock(Protocol):
    """What tells the time and calls back."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call back once at `when` (seconds since the epoch), at once if that is past."""


#: seconds by which a timer is late when the process stood still (stopped, swapped out, its machine suspended)
STALLED = 0.5
#: seconds that such a timer is put off, so that what happened meanwhile is heard first; and how often, at most
CATCH_UP, PUT_OFF_MOST = 0.1, 5


class _LoopTimer:
    """One on the event loop. Its lateness is measured by the loop's clock, which nobody sets."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: float, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._put_off = 0
        # asked of no handle: uvloop's of a delay of nothing does not know
        self._due = loop.time() + delay
        self._handle = loop.call_later(delay, self._fire)

    def _fire(self) -> None:
        late = self._loop.time() - self._due
        if late > STALLED and self._put_off < PUT_OFF_MOST:
            # The answer that this timer waits for may be in a socket that nobody has read yet.
            self._put_off += 1
            self._due = self._loop.time() + CATCH_UP
            self._handle = self._loop.call_later(CATCH_UP, self._fire)
        else:
            self._callback()

    def cancel(self) -> None:
        self._handle.cancel()


class SystemClock:
    """The machine's clock; timers on the running event loop."""

    def now(self) -> float:
        return time.time()

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        return _LoopTimer(asyncio.get_running_loop(), max(0.0, when - time.time()), callback)


class _ManualTimer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualClock:
    """A clock that stands still until it is moved: for tests and for virtual time."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._seq = 0
        self._timers: list[tuple[float, int, _ManualTimer]] = []

    def now(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        timer = _ManualTimer(when, callback)
        self._seq += 1
        heapq.heappush(self._timers, (when, self._seq, timer))
        return timer

    def due(self) -> float | None:
        """When the next timer falls due; None when none is set."""
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def advance(self, seconds: float) -> None:
        """Move time on; timers that fall due fire in order, each at its own time."""
        target = self._now + seconds
        while self._timers and self._timers[0][0] <= target:
            when, _, timer = heapq.heappop(self._timers)
            self._now = max(self._now, when)
            if timer.callback is not None:
                timer.callback()
        self._now = target


async def pause(clock: Clock, seconds: float) -> None:
    """Wait by the injected clock."""
    over = asyncio.Event()
    timer = clock.call_at(clock.now() + seconds, over.set)
    try:
        await over.wait()
    finally:
        timer.cancel()
