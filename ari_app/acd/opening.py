"""Opens and closes queues by their hours.

What the hours make of an instant is worked out here and told to the engine as QueueOpened and QueueClosed: these are
journalled, so a replay needs neither a clock nor the zones of that day. A timer is set for the next change; and because
a wall clock that is set forward makes it late, every caller who comes is a reason to look again (two comparisons).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import structlog

from ari_app.acd.engine import Engine
from ari_app.acd.events import AnyEvent, QueueClosed, QueueOpened
from ari_app.acd.hours import Calendar, Hours, HoursError, zone
from ari_app.acd.queue import Closed
from ari_app.calls.verbs.play import uri_of
from ari_app.clock import Clock, Timer

log = structlog.get_logger(__name__)

#: seconds until hours are looked at again in which nothing changes for longer than they are worked out
AGAIN = 30 * 86400.0


class _Door:
    """The hours of one queue, and what was made of them."""

    def __init__(self, hours: Hours, calendar: Calendar) -> None:
        self.hours = hours
        self.calendar = calendar
        #: from when to when `closed` holds
        self.since = self.until = 0.0
        self.closed: Closed | None = None
        self.timer: Timer | None = None

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class Opening:
    """The hours of the queues of all accounts."""

    def __init__(self, clock: Clock, engine: Callable[[int], Engine], apply: Callable[[int, AnyEvent], object]) -> None:
        self._clock = clock
        self._engine = engine
        self._apply = apply
        self._doors: dict[tuple[int, str], _Door] = {}

    def configure(self, account: int, queue: str, hours: Hours | None, time_zone: str) -> None:
        """What a queue's hours are; holds at once. None: it is always open. time_zone: of hours that name none. A queue
        there is not: nothing. Raises HoursError; nothing has changed."""
        key = (account, queue)
        if hours is None:
            self._forget(key)
            return
        hours = msgspec.structs.replace(hours, time_zone=hours.time_zone or time_zone)
        door = self._doors.get(key)
        if door is not None and door.hours == hours and door.since <= self._clock.now() < door.until:
            self._tell(key, door.closed)  # it may be another queue by now
            return
        if door is None or door.hours != hours:
            made = _Door(hours, Calendar(hours, zone(hours.time_zone)))
            if door is not None:
                door.stop()
            self._doors[key] = made
        self._look(key)

    def configure_all(self, account: int, hours: dict[str, Hours], time_zone: str) -> Iterator[None]:
        """Those of all queues of an account, of which this is made for one with each turn; of those that are not named
        there are none. What cannot be (a time zone that there is not any more) leaves a queue as it is."""
        for queue in self._engine(account).queues():
            try:
                self.configure(account, queue, hours.get(queue), time_zone)
            except HoursError as error:
                log.error("= opening hours cannot be used", account=account, queue=queue, error=str(error))
            yield

    def look(self, account: int, queue: str) -> None:
        """Somebody comes: is it open?"""
        door = self._doors.get((account, queue))
        if door is not None and not door.since <= self._clock.now() < door.until:
            self._look((account, queue))

    def state(self, account: int, queue: str) -> tuple[bool, float | None]:
        """Whether a queue is open now, and when that changes next (UNIX seconds; None: not in sight)."""
        door = self._doors.get((account, queue))
        return (True, None) if door is None else door.calendar.state(self._clock.now())

    def clock_was_set(self) -> None:
        """The wall clock has been set: look at everything, timers are due at other times now."""
        for key in list(self._doors):
            self._look(key)

    def stop(self) -> None:
        """The process ends: no timer fires any more."""
        for door in self._doors.values():
            door.stop()

    def _look(self, key: tuple[int, str]) -> None:
        door, now = self._doors[key], self._clock.now()
        door.stop()
        if self._engine(key[0]).settings(key[1]) is None:  # deleted
            del self._doors[key]
            return
        is_open, change = door.calendar.state(now)
        door.since, door.until = now, now + AGAIN if change is None else change
        door.timer = self._clock.call_at(door.until, lambda: self._look(key))
        hours = door.hours
        message = (uri_of(hours.message),) if hours.message else ()
        door.closed = None if is_open else Closed(leave=hours.leave, message=message)
        self._tell(key, door.closed)

    def _forget(self, key: tuple[int, str]) -> None:
        if (door := self._doors.pop(key, None)) is not None:
            door.stop()
        self._tell(key, None)

    def _tell(self, key: tuple[int, str], closed: Closed | None) -> None:
        account, queue = key
        if self._engine(account).closed(queue) == closed:
            return
        if closed is None:
            self._apply(account, QueueOpened(queue=queue))
        else:
            self._apply(account, QueueClosed(queue=queue, leave=closed.leave, message=closed.message))
