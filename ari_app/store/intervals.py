"""A span of time cut into the intervals of a report: by the wall clock of a time zone, daylight saving included."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

#: minutes that a report may be cut into; DAY: from midnight to midnight, which may be 23, 24 or 25 hours
MINUTES = (15, 30, 60)
DAY = 1440


class Intervals:
    """Consecutive spans; each holds its beginning and not its end. UNIX seconds."""

    def __init__(self, edges: list[float]) -> None:
        self.edges = edges

    @classmethod
    def cut(cls, since: float, until: float, minutes: int | None, zone: tzinfo) -> Intervals:
        """since < until; the first and the last are cut short by them. minutes: of MINUTES, DAY, or None: one whole."""
        edges = [since]
        while minutes is not None and (edge := _next(edges[-1], minutes, zone)) < until:
            edges.append(edge)
        return cls([*edges, until])

    def __len__(self) -> int:
        return len(self.edges) - 1

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return zip(self.edges, self.edges[1:], strict=False)

    def holding(self, at: float) -> int | None:
        """The number of the interval that holds an instant, 0 first; None: it is outside."""
        if not self.edges[0] <= at < self.edges[-1]:
            return None
        return bisect_right(self.edges, at) - 1

    def shares(self, begin: float, end: float) -> Iterator[tuple[int, float]]:
        """How many seconds of a span fall into which interval."""
        begin, end = max(begin, self.edges[0]), min(end, self.edges[-1])
        while begin < end:
            number = bisect_right(self.edges, begin) - 1
            stop = min(end, self.edges[number + 1])
            yield number, stop - begin
            begin = stop


def _next(at: float, minutes: int, zone: tzinfo) -> float:
    """The first boundary after an instant."""
    local = datetime.fromtimestamp(at, zone)
    if minutes == DAY:
        tomorrow = local.date() + timedelta(days=1)
        return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).timestamp()
    # In elapsed time, so that an hour that comes twice is two: only the offset from UTC moves the boundaries.
    offset, length = (local.utcoffset() or timedelta()).total_seconds(), minutes * 60.0
    return ((at + offset) // length + 1) * length - offset
