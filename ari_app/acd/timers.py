"""An engine's timers, on a clock whose time of day somebody may set while they run."""

from __future__ import annotations

from collections.abc import Callable, KeysView, Mapping

from ari_app.clock import Clock, Timer


class EngineTimers:
    """Those that run, by the engine's name for them."""

    def __init__(self, clock: Clock, on_fired: Callable[[str, float], None]) -> None:
        """on_fired: is told which one, and when that is: seconds of the epoch."""
        self._clock = clock
        self._on_fired = on_fired
        self._running: dict[str, Timer] = {}
        #: seconds by which the event at hand is ahead of the clock: of a timer that was due before it was set back
        self._ahead = 0.0

    def reckon(self, now: float) -> None:
        """The engine takes it to be so late, from now on: timers are started for as many seconds as it reckons."""
        self._ahead = max(0.0, now - self._clock.now())

    def start(self, timer: str, due: float) -> None:
        """Let it fire then; one of that name that runs is forgotten."""
        self.cancel(timer)
        self._running[timer] = self._clock.call_at(due - self._ahead, lambda: self.fire(timer, due))

    def fire(self, timer: str, due: float) -> None:
        """It is due when it fires: timers run on a clock that nobody sets, `now` may have been set back meanwhile."""
        self._running.pop(timer, None)
        self._on_fired(timer, max(due, self._clock.now()))

    def cancel(self, timer: str) -> None:
        """It does not fire; nothing if it does not run."""
        if running := self._running.pop(timer, None):
            running.cancel()

    def restore(self, timers: Mapping[str, float]) -> None:
        """After a restart: these run, by name, and when each is due."""
        self._ahead = 0.0
        for timer, due in timers.items():
            self.start(timer, due)

    def names(self) -> KeysView[str]:
        """Of those that run."""
        return self._running.keys()

    def stop(self) -> None:
        """None fires any more."""
        for timer in self._running.values():
            timer.cancel()
        self._running.clear()
