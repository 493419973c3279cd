"""Alerts: rules about figures, in the hours in which somebody wants to know. Pure: figures and times in, news out.

* "High" is at the threshold or above it, "Low" at it or below: so "no agent available" can be asked for, as 0.
* A rule is raised at the instant its figure is bad, and cleared when it has been good for CLEAR_AFTER seconds: a figure
  that goes to and fro about its threshold raises one alert, not many.
* Outside of its days and hours a rule is not raised; one that is raised is cleared when they end.
* Somebody who is notified (by mail, say) is so when the rule is raised, and again while it stays so, never twice within
  the rule's interval. A rise that falls into the interval is told when it is over, if it lasts until then. That it is
  cleared is told to those who know that it was raised.
* The longest wait grows without anything happening: `due` says when to ask again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from ari_app.acd.hours import WEEKDAYS, Calendar, Hours

#: seconds that a figure has to be good for until its alert is cleared
CLEAR_AFTER = 10.0


class Kind(StrEnum):
    """What a rule is about, by the names of the EQ reference."""

    CALLS = "callQueueCallsHigh"
    WAIT = "callQueueWaitTimeHigh"
    AGENTS = "callQueueAgentsLow"
    AVAILABLE = "callQueueAgentsAvailableLow"
    LICENSE = "licenseExceeded"
    PROCESS = "processStopped"
    DISK = "diskUsageHigh"


#: those about a queue, and those that have a threshold
OF_QUEUES = frozenset({Kind.CALLS, Kind.WAIT, Kind.AGENTS, Kind.AVAILABLE})
WITH_THRESHOLD = OF_QUEUES | {Kind.DISK}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When to alert."""

    id: int
    kind: Kind
    #: extension of the queue; "": not about one
    queue: str = ""
    #: calls, seconds, agents, per cent; of Kind.LICENSE and Kind.PROCESS nothing
    threshold: int = 0
    #: seconds between two notifications at least; 0: nobody is notified again while it stays raised
    interval: float = 0.0
    #: weekdays, 0 is Sunday; empty: never
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    #: "09:00-17:30", as in acd/hours.py; past midnight it belongs to the day on which it begins
    hours: str = "00:00-24:00"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """A queue as it is."""

    calls: int
    #: when the one who waits longest joined; None: nobody waits
    oldest: float | None
    agents: int
    available: int


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of a rule."""

    rule: Rule
    at: float
    #: "raised", "again" (it still is: only for those who are notified), "cleared"
    what: str
    #: calls, seconds, agents, per cent; of what is cleared, as it is now. None: there is none
    figure: float | None
    #: those who are notified at intervals are to be told
    notify: bool


class _Standing:
    """A rule and what is known of it."""

    __slots__ = (
        "bad",
        "calendar",
        "good_since",
        "known",
        "open",
        "queued",
        "raised",
        "rule",
        "told_at",
        "until",
        "value",
    )

    def __init__(self, rule: Rule, zone: ZoneInfo, told_at: float | None) -> None:
        self.rule = rule
        days: dict[str, tuple[str, ...]] = {WEEKDAYS[(day - 1) % 7]: (rule.hours,) for day in rule.days}
        self.calendar = Calendar(Hours(weekly=days), zone)
        #: whether it is in its hours, and until when that holds
        self.open, self.until = False, float("-inf")
        #: the figure of now; of Kind.WAIT since when somebody waits
        self.value: float | None = None
        self.bad = False
        self.good_since = float("-inf")
        self.raised = False
        #: those who are notified know that it is raised
        self.known = False
        #: the last notification
        self.told_at = told_at
        #: the next instant at which it is to be looked at, as the heap has it
        self.queued = float("inf")


class Alerts:
    """The rules of an account. O(log n) for a figure of a queue with one rule, n rules in all."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._rules: dict[int, _Standing] = {}
        self._of_queue: dict[str, set[int]] = {}
        self._due: list[tuple[float, int]] = []

    def put(self, rule: Rule, now: float, told_at: float | None = None, known: bool = False) -> list[News]:
        """A new rule, or another in the place of one: that is cleared, and the new one starts from nothing but the time
        of the last notification.

        Args:
            told_at: when somebody was notified last, if that is known from elsewhere.
            known: they were told that it is raised, and not that it is over: then it is raised, and will be cleared.

        Raises:
            HoursError: its hours cannot be.
        """
        standing = _Standing(rule, self._zone, told_at)
        old = self._rules.get(rule.id)
        news = self.remove(rule.id, now)
        if old is not None and told_at is None:
            standing.told_at = old.told_at
        self._rules[rule.id] = standing
        self._of_queue.setdefault(rule.queue, set()).add(rule.id)
        if known:
            standing.raised = standing.known = True
            standing.good_since = now
            news += self._look(standing, now)
        return news

    def remove(self, id: int, now: float) -> list[News]:
        """No more of it; nothing if there is none."""
        standing = self._rules.pop(id, None)
        if standing is None:
            return []
        of_queue = self._of_queue[standing.rule.queue]
        of_queue.discard(id)
        if not of_queue:
            del self._of_queue[standing.rule.queue]
        return [self._cleared(standing, now)] if standing.raised else []

    def rules(self) -> list[Rule]:
        """All of them."""
        return [standing.rule for standing in self._rules.values()]

    def queues(self) -> list[str]:
        """Those that a rule is about."""
        return [queue for queue in self._of_queue if queue]

    def watches(self, queue: str) -> bool:
        """Whether a rule is about it."""
        return queue in self._of_queue

    def raised(self) -> list[int]:
        """The ids of those that are raised, in order."""
        return sorted(id for id, standing in self._rules.items() if standing.raised)

    def figures(self, queue: str, figures: Figures | None, now: float) -> list[News]:
        """A queue has become this; None: there is none any more."""
        news: list[News] = []
        for id in sorted(self._of_queue.get(queue, ())) if queue else ():
            standing = self._rules[id]
            news.extend(self._set(standing, None if figures is None else _value(standing.rule.kind, figures), now))
        return news

    def system(self, kind: Kind, value: float | None, now: float) -> list[News]:
        """Disk usage in per cent; of the licence and of a process, whether (1) or not (None) it is so."""
        news: list[News] = []
        for id in sorted(self._of_queue.get("", ())):
            standing = self._rules[id]
            if standing.rule.kind is kind:
                news.extend(self._set(standing, value, now))
        return news

    def due(self) -> float | None:
        """When to call `wake`; None: nothing changes by itself."""
        while self._due:
            at, id = self._due[0]
            standing = self._rules.get(id)
            if standing is not None and standing.queued == at:
                return at
            heapq.heappop(self._due)
        return None

    def wake(self, now: float) -> list[News]:
        """What time has done."""
        news: list[News] = []
        while (at := self.due()) is not None and at <= now:
            _, id = heapq.heappop(self._due)
            standing = self._rules[id]
            standing.queued = float("inf")
            news.extend(self._look(standing, now))
        return news

    def _set(self, standing: _Standing, value: float | None, now: float) -> Iterator[News]:
        standing.value = value
        yield from self._look(standing, now)

    def _look(self, standing: _Standing, now: float) -> Iterator[News]:
        if not now < standing.until:
            standing.open, until = standing.calendar.state(now)
            standing.until = float("inf") if until is None else until
        bad = _bad(standing.rule, standing.value, now)
        if standing.bad and not bad:
            standing.good_since = now
        standing.bad = bad
        if standing.raised and (not standing.open or (not bad and now >= standing.good_since + CLEAR_AFTER)):
            standing.raised = False
            yield self._cleared(standing, now)
        elif bad and standing.open and not standing.raised:
            standing.raised = True
            yield self._tell(standing, now, "raised", self._may_notify(standing, now))
        elif standing.raised and bad and standing.rule.interval and self._may_notify(standing, now):
            yield self._tell(standing, now, "again", True)
        self._plan(standing, now)

    def _may_notify(self, standing: _Standing, now: float) -> bool:
        return standing.told_at is None or now >= standing.told_at + standing.rule.interval

    def _tell(self, standing: _Standing, now: float, what: str, notify: bool) -> News:
        standing.known = notify
        if notify:
            standing.told_at = now
        return News(rule=standing.rule, at=now, what=what, figure=_figure(standing, now), notify=notify)

    def _cleared(self, standing: _Standing, now: float) -> News:
        return News(rule=standing.rule, at=now, what="cleared", figure=_figure(standing, now), notify=standing.known)

    def _plan(self, standing: _Standing, now: float) -> None:
        """When time changes something next: its hours, a wait that grows, the end of a good spell, an interval."""
        at = standing.until
        rule = standing.rule
        if standing.raised and not standing.bad:
            at = min(at, standing.good_since + CLEAR_AFTER)
        elif standing.raised and rule.interval and standing.told_at is not None:
            at = min(at, standing.told_at + rule.interval)
        if rule.kind is Kind.WAIT and not standing.bad and standing.value is not None:
            at = min(at, standing.value + rule.threshold)
        if at != standing.queued:
            standing.queued = at
            if at != float("inf"):
                heapq.heappush(self._due, (at, rule.id))
                if len(self._due) > 2 * len(self._rules) + 64:
                    live = ((each.queued, id) for id, each in self._rules.items() if each.queued != float("inf"))
                    self._due = sorted(live)


def _value(kind: Kind, figures: Figures) -> float | None:
    match kind:
        case Kind.CALLS:
            return figures.calls
        case Kind.WAIT:
            return figures.oldest
        case Kind.AGENTS:
            return figures.agents
        case _:
            return figures.available


def _bad(rule: Rule, value: float | None, now: float) -> bool:
    if value is None:
        return False
    match rule.kind:
        case Kind.CALLS | Kind.DISK:
            return value >= rule.threshold
        case Kind.WAIT:
            # written as `_plan` writes it: rounded otherwise, a timer could come an instant too early for ever
            return now >= value + rule.threshold
        case Kind.AGENTS | Kind.AVAILABLE:
            return value <= rule.threshold
        case _:
            return True


def _figure(standing: _Standing, now: float) -> float | None:
    if standing.value is not None and standing.rule.kind is Kind.WAIT:
        return max(0.0, now - standing.value)
    return standing.value
