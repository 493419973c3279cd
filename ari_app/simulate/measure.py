"""From facts to figures: calls by the interval in which they joined, agents' time by the interval in which it passed.

A call is counted as a whole where it joined, so that in each line offered = answered + abandoned + left otherwise +
still waiting at the end. The counts are acd.stats' own, and so are the service levels made from them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from ari_app.acd import commands as c
from ari_app.acd.stats import SERVICE_LEVELS, Counts, Statistics
from ari_app.simulate.times import DAY

Figures = dict[str, float | None]


def add(total: Counts, more: Counts) -> None:
    """Sums; the longest of the longest."""
    for name in Counts.__struct_fields__:
        old, new = getattr(total, name), getattr(more, name)
        if name == "open":
            total.open.update(new)
        elif name.startswith("longest"):
            setattr(total, name, max(old, new))
        elif name != "threshold":
            setattr(total, name, old + new)


@dataclass
class Agents:
    """Seconds of all agents, by what they were."""

    time: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, others: Agents) -> None:
        """Sums."""
        for state, seconds in others.time.items():
            self.time[state] += seconds

    def occupancy(self) -> float | None:
        """(talk + wrap-up) / (talk + wrap-up + idle). Ringing is neither (Amazon's definition)."""
        busy = self.time["on_call"] + self.time["wrap_up"]
        return _ratio(busy, busy + self.time["available"])

    def utilisation(self) -> float | None:
        """talk / (talk + wrap-up + idle)."""
        busy = self.time["on_call"] + self.time["wrap_up"]
        return _ratio(self.time["on_call"], busy + self.time["available"])

    def signed_in(self) -> float:
        """Seconds, pauses included, overtime not."""
        return sum(seconds for state, seconds in self.time.items() if state not in ("signed_out", "overtime"))


class Measures:
    """Of one or several days of one scenario."""

    def __init__(self, thresholds: dict[str, float], interval: int) -> None:
        """thresholds: of service levels, by queue. interval: seconds."""
        self.interval = interval
        self.days = 0
        self.thresholds = thresholds
        #: interval of joining -> queue -> counts
        self.calls = [Statistics() for _ in range(DAY // interval)]
        for statistics in self.calls:
            for queue, threshold in thresholds.items():
                statistics.configure(queue, threshold)
        self.agents = [Agents() for _ in self.calls]
        #: the longest wait of those who were released, by interval and queue: not in Counts
        self.longest: defaultdict[tuple[int, str], float] = defaultdict(float)
        self._joined: dict[str, int] = {}
        self._state: dict[int, tuple[str, float]] = {}

    # facts in

    def tell(self, fact: c.AnyFact | c.AnyCommand, joining: float) -> None:
        """A fact, in order of time. joining: when the call of a CallerRefused or CallerEntered came (now)."""
        match fact:
            case c.AgentStateChanged(queue=None):
                self._agent(fact.agent, fact.state, fact.at)
            case c.CallerEntered():
                self._joined[fact.call] = at = self._at(joining)
                self.calls[at].apply(fact)
            case c.CallerRefused():
                self.calls[self._at(joining)].apply(fact)
            case c.CallerExited():
                at = self._joined.pop(fact.call)
                self.longest[at, fact.queue] = max(self.longest[at, fact.queue], fact.wait)
                self.calls[at].apply(fact)
            case c.CallerServed() | c.CallerUnserved():
                self.calls[self._joined[fact.call]].apply(fact)
            case c.CallCompleted():
                self.calls[self._joined.pop(fact.call)].apply(fact)
            case _:
                pass

    def _at(self, time: float) -> int:
        return min(int(time // self.interval), len(self.calls) - 1)

    def _agent(self, agent: int, state: str, now: float) -> None:
        if (before := self._state.get(agent)) is not None:
            self._passed(before[0], before[1], now)
        self._state[agent] = (state, now)

    def went_home(self, agent: int, now: float) -> None:
        """The end of a shift. Who is on a call finishes it; that is not in his working time, or the last intervals of
        a day would show few agents who are all busy."""
        state, since = self._state.get(agent, ("signed_out", now))
        if state != "signed_out":
            self._passed(state, since, now)
            self._state[agent] = ("overtime", now)

    def _passed(self, state: str, start: float, end: float) -> None:
        end = min(end, DAY)
        while start < end:
            at = int(start // self.interval)
            until = min(end, (at + 1) * self.interval)
            self.agents[at].time[state] += until - start
            start = until

    def end_of_day(self, now: float) -> None:
        """Nothing more happens today."""
        for state, since in self._state.values():
            self._passed(state, since, now)
        self._state.clear()
        self._joined.clear()
        self.days += 1

    def add(self, day: Measures) -> None:
        """Another day's measures."""
        self.days += day.days
        for mine, other in zip(self.calls, day.calls, strict=True):
            for queue, counts in other.counts.items():
                add(mine.counts[queue], counts)
        for agents, others in zip(self.agents, day.agents, strict=True):
            agents.add(others)
        for key, wait in day.longest.items():
            self.longest[key] = max(self.longest[key], wait)

    # figures out

    def counts(self, intervals: range, queue: str | None) -> Counts:
        """Of one queue or all, over some intervals."""
        queues = list(self.thresholds) if queue is None else [queue]
        total = Counts(threshold=self.thresholds[queues[0]])
        for at in intervals:
            for name in queues:
                add(total, self.calls[at].counts[name])
        return total

    def figures(self, intervals: range, queue: str | None = None) -> Figures:
        """The line of a report: numbers of calls are per day; times are seconds; shares 0 to 1. Agents serve several
        queues, so their figures are given for all queues together only."""
        counts = self.counts(intervals, queue)
        days = max(1, self.days)
        longest = max(
            [self.longest[at, q] for at in intervals for q in ([queue] if queue is not None else self.thresholds)],
            default=0.0,
        )
        waiting = counts.entered - counts.answered - counts.abandoned - counts.exited
        figures: Figures = {
            "offered": counts.entered / days,
            "answered": counts.answered / days,
            "abandoned": counts.abandoned / days,
            "left_otherwise": counts.exited / days,
            "still_waiting": waiting / days,
            "refused": counts.refused / days,
            "closed": counts.closed / days,
            "diverted": counts.diverted / days,
            "call_backs": counts.call_backs / days,
            "call_backs_reached": counts.call_backs_reached / days,
            "abandonment": _ratio(counts.abandoned, counts.entered),
            "average_speed_of_answer": counts.average_speed_of_answer,
            "average_abandon_time": counts.average_abandon_time,
            "max_wait": max(longest, counts.longest_answered_wait) if counts.entered else None,
            "average_talk": counts.average_talk,
        }
        figures |= {f"service_level_{name}": level(counts) for name, level in SERVICE_LEVELS.items()}
        if queue is None:
            agents = Agents()
            for at in intervals:
                agents.add(self.agents[at])
            figures["agent_hours"] = agents.signed_in() / 3600 / days
            figures["agents"] = agents.signed_in() / (len(intervals) * self.interval * days)
            figures["occupancy"] = agents.occupancy()
            figures["utilisation"] = agents.utilisation()
        return figures

    def lines(self) -> range:
        """The intervals in which anything happened."""
        busy = [
            at
            for at, calls in enumerate(self.calls)
            if self.agents[at].signed_in() or any(n.entered or n.refused for n in calls.counts.values())
        ]
        return range(busy[0], busy[-1] + 1) if busy else range(0)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
