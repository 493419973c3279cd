"""Opening hours: by weekday, with exceptions for dates, on the wall clock of a time zone. Pure.

* An interval belongs to the day on which it begins, also if it goes past midnight ("22:00-02:00").
* An exception takes the place of that date's weekly intervals, from midnight to midnight: what has gone on since the
  day before ends then. Its own intervals may go past midnight. One for a year goes before a yearly one.
* An interval begins when the clock shows its beginning or more for the first time, and ends when it shows less than its
  end for the last time. So what is left out of a day when clocks go forward is left out of the interval, and an hour
  that comes twice is in it twice; an interval never falls apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: days that are looked ahead for the next change
HORIZON = 400
#: an exception is this many days long at most
LONGEST = 366
_DAY = 1440
_SPAN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)\Z", re.ASCII)

#: minutes since midnight: beginning, and end, which is more than 1440 of what goes past midnight
Span = tuple[int, int]


class HoursError(ValueError):
    """Hours that cannot be; says why."""


class Special(msgspec.Struct, frozen=True, kw_only=True):
    """An exception: a holiday, a day with other hours."""

    #: first and last day, "2026-12-24"
    since: str
    until: str
    #: every year, on the same days of the month
    yearly: bool = False
    #: as in Hours.weekly; empty: closed
    intervals: tuple[str, ...] = ()
    #: for people
    name: str = ""


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """When a queue is open, and what becomes of callers when it is not."""

    #: IANA's name; "": the account's
    time_zone: str = ""
    #: weekday (of WEEKDAYS) -> "09:00-12:30"; a day that is not there: closed
    weekly: dict[str, tuple[str, ...]] = {}
    exceptions: tuple[Special, ...] = ()
    #: those who wait at closing time are let go; else they are served
    leave: bool = False
    #: the sound that callers hear who come when it is closed; "": none
    message: str = ""


def span(text: str) -> Span:
    """ "22:00-02:00" as minutes: (1320, 1560). Raises HoursError."""
    found = _SPAN.match(text)
    if found is None:
        raise HoursError("an interval is like 09:00-17:30, and a day ends at 24:00")
    begin = int(found[1]) * 60 + int(found[2])
    end = _DAY if found[3] is None else int(found[3]) * 60 + int(found[4])
    if begin == end:
        raise HoursError("an interval is empty; the whole day is 00:00-24:00")
    return begin, end if end > begin else end + _DAY


def spans(texts: Iterable[str]) -> tuple[Span, ...]:
    """The intervals of a day, in order. Raises HoursError: one cannot be, or two overlap."""
    found = sorted(span(text) for text in texts)
    for one, other in pairwise(found):
        if other[0] < one[1]:
            raise HoursError("intervals of a day overlap")
    return tuple(found)


def days(special: Special) -> list[date]:
    """All days of an exception. Raises HoursError."""
    try:
        first, last = date.fromisoformat(special.since), date.fromisoformat(special.until)
    except ValueError:
        raise HoursError("a date is like 2026-12-24") from None
    if not first <= last < first + timedelta(days=LONGEST):
        raise HoursError(f"an exception ends on the day it begins or up to {LONGEST - 1} days later")
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _every_year(days: list[date]) -> list[tuple[int, int]]:
    """Month and day of each. From before to after the end of February holds the 29th too, in years that have it."""
    found = [(day.month, day.day) for day in days]
    return [*found, (2, 29)] if {(2, 28), (3, 1)} <= set(found) else found


def zone(name: str) -> ZoneInfo:
    """Raises HoursError: there is none of this name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise HoursError("there is no such time zone") from None


class Calendar:
    """Hours, made ready to be asked."""

    def __init__(self, hours: Hours, zone: ZoneInfo) -> None:
        """Raises HoursError."""
        self.zone = zone
        self._weekly = [spans(hours.weekly.get(name, ())) for name in WEEKDAYS]
        self._dates: dict[date, tuple[Span, ...]] = {}
        self._yearly: dict[tuple[int, int], tuple[Span, ...]] = {}
        for special in hours.exceptions:
            intervals = spans(special.intervals)
            # of two for the same day, the first
            if special.yearly:
                for month_and_day in _every_year(days(special)):
                    self._yearly.setdefault(month_and_day, intervals)
            else:
                for day in days(special):
                    self._dates.setdefault(day, intervals)

    def state(self, at: float) -> tuple[bool, float | None]:
        """Whether it is open at an instant (UNIX seconds), and when that changes next (None: not in HORIZON days)."""
        today = datetime.fromtimestamp(at, self.zone).date()
        last = today + timedelta(days=HORIZON)
        until: float | None = None
        for begin, end in self._instants(today - timedelta(days=2), last):
            if end <= at:
                continue
            if until is None and begin > at:
                return False, begin
            if until is not None and begin > until:
                return True, until
            until = end if until is None else max(until, end)
        if until is None or until >= instants(datetime.combine(last, time.min), self.zone)[0]:
            return until is not None, None
        return True, until

    def _instants(self, first: date, last: date) -> Iterator[tuple[float, float]]:
        """When it is open, in order. What a change of the clocks has brought together may touch, or overlap."""
        for begin, end in self._walls(first, last):
            opens, closes = instants(begin, self.zone)[0], instants(end, self.zone)[1]
            if opens < closes:
                yield opens, closes

    def _walls(self, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
        """The same by the clock: what begins on these days. What touches is one: never to close costs little."""
        held: tuple[datetime, datetime] | None = None
        for number in range((last - first).days + 1):
            midnight = datetime.combine(first + timedelta(days=number), time.min)
            for minutes in self._of(midnight.date()):
                begin, end = (midnight + timedelta(minutes=minute) for minute in minutes)
                if held is not None and begin > held[1]:
                    yield held
                    held = None
                held = (begin, end) if held is None else (held[0], max(held[1], end))
        if held is not None:
            yield held

    def _of(self, day: date) -> Iterator[Span]:
        """The intervals of a day, in order."""
        special = self._special(day)
        planned = self._weekly[day.weekday()] if special is None else special
        if not planned:
            return
        cut = self._special(day + timedelta(days=1)) is not None
        for begin, end in planned:
            yield begin, min(end, _DAY) if cut else end

    def _special(self, day: date) -> tuple[Span, ...] | None:
        found = self._dates.get(day)
        return self._yearly.get((day.month, day.day)) if found is None else found


def instants(wall: datetime, zone: ZoneInfo) -> tuple[float, float]:
    """When a clock of the zone shows this time (of no zone) or more for the first time, and less for the last time."""
    first, last = _twice(wall, zone)
    if first < last:
        # If the clock goes back to this very time, it never shows less again.
        earlier = _twice(wall - timedelta(seconds=1), zone)
        return first, first if earlier[0] == earlier[1] else last
    if first == last:
        return first, last
    # It is left out: the instant at which clocks go forward, between `last` (before it) and `first`.
    low, high = int(last), int(first)
    before = _offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return float(high), float(high)


def _twice(wall: datetime, zone: ZoneInfo) -> tuple[float, float]:
    """When the clock shows this for the first and for the last time; in reverse, if it never does."""
    return wall.replace(tzinfo=zone, fold=0).timestamp(), wall.replace(tzinfo=zone, fold=1).timestamp()


def _offset(at: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(at, zone).utcoffset()
