"""The figures of reports, made from what the record says. No I/O: rows in, figures out.

What is booked where:

* **Waiting** (offered, answered, abandoned, service levels, ...): all of a caller's entry into a queue belongs to the
  interval in which he entered, so that in each the parts add up to the whole. It is counted by the very functions that
  count live (acd/stats.py).
* **Handling** (handled, talk, wrap-up; average handling time): to the interval in which it was over, the time after the
  call included (contract expectations-and-metrics 4.2, AHT).
* **Shares of time** (occupancy, utilisation, pauses): to the seconds of the interval in which they were.

All times are seconds, all ratios 0 to 1 or None where there is nothing to divide by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from ari_app.acd import stats
from ari_app.acd.commands import CallCompleted, CallerEntered, CallerExited, CallerRefused, CallerServed
from ari_app.acd.stats import SERVICE_LEVELS, Counts
from ari_app.store.history import AgentStateRecord, OfferRecord, QueueCallRecord
from ari_app.store.intervals import Intervals

#: seconds: how many were answered, and abandoned, within each (Amazon Connect's)
BUCKETS = (15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 300, 600)
#: outcomes of those who did not enter
REFUSED = frozenset({"full", "nonexistent", "empty", "closed", "diverted"})
_CISCO = {
    "cisco_ignore": stats.service_level_cisco_ignore,
    "cisco_negative": stats.service_level_cisco_negative,
    "cisco_positive": stats.service_level_cisco_positive,
}


class Waiting(msgspec.Struct, kw_only=True):
    """The callers who entered a queue in an interval."""

    counts: Counts
    #: still waiting when the report was made
    waiting: int = 0
    #: of them, longer than T
    waiting_beyond: int = 0
    answered_in: dict[int, int] = {}
    abandoned_in: dict[int, int] = {}

    @property
    def service_levels(self) -> dict[str, float | None]:
        """Every variant by its name. Cisco's know of those who wait and are too late already."""
        found = {name: function(self.counts) for name, function in SERVICE_LEVELS.items()}
        for name, function in _CISCO.items():
            found[name] = function(self.counts, self.waiting_beyond)
        return found


class Handling(msgspec.Struct, kw_only=True):
    """Conversations that were over in an interval, with the time after them."""

    handled: int = 0
    talk: float = 0.0
    wrap_up: float = 0.0
    #: seconds that their callers had waited
    waited: float = 0.0

    @property
    def speed_of_answer(self) -> float | None:
        """ASA of these conversations: waited / handled."""
        return ratio(self.waited, self.handled)

    @property
    def average(self) -> float | None:
        """AHT: (talk + wrap-up) / handled."""
        return ratio(self.talk + self.wrap_up, self.handled)


class Shares(msgspec.Struct, kw_only=True):
    """Seconds of an interval, of an agent or of all agents in a queue."""

    talk: float = 0.0
    wrap_up: float = 0.0
    idle: float = 0.0

    @property
    def occupancy(self) -> float | None:
        """(talk + wrap-up) / (talk + wrap-up + idle): Amazon's. Ringing is neither."""
        return ratio(self.talk + self.wrap_up, self.talk + self.wrap_up + self.idle)

    @property
    def utilisation(self) -> float | None:
        """talk / (talk + wrap-up + idle)."""
        return ratio(self.talk, self.talk + self.wrap_up + self.idle)


class Presence(msgspec.Struct, kw_only=True):
    """What an agent was altogether in an interval, and what became of what he was offered."""

    #: state (of AgentStateChanged) -> seconds
    states: dict[str, float] = {}
    #: pause code, None: without one -> seconds
    pauses: dict[int | None, float] = {}
    #: seconds in which he could have been rung but for a private call (or his phone refused an offer as busy)
    private: float = 0.0
    #: offers that began in the interval, by their outcome
    offers: dict[str, int] = {}

    @property
    def shares(self) -> Shares:
        found = self.states
        return Shares(
            talk=found.get("on_call", 0.0), wrap_up=found.get("wrap_up", 0.0), idle=found.get("available", 0.0)
        )

    @property
    def signed_in(self) -> float:
        return sum(seconds for state, seconds in self.states.items() if state != "signed_out") + 0.0

    @property
    def occupancy_genesys(self) -> float | None:
        """(talk + wrap-up) / (talk + wrap-up + private calls + idle): interacting, communicating, idle."""
        busy = self.shares.talk + self.shares.wrap_up
        return ratio(busy, busy + self.private + self.shares.idle)

    @property
    def occupancy_cisco(self) -> float | None:
        """(talk + wrap-up) / signed in."""
        return ratio(self.shares.talk + self.shares.wrap_up, self.signed_in)


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def waiting(calls: Iterable[QueueCallRecord], queue: str, threshold: float, short: float, now: float) -> Waiting:
    """The figures of these entries into a queue. threshold: the T of service levels; short: an abandon after less is a
    short one."""
    counted = stats.Statistics({queue: Counts(threshold=threshold)})
    found = Waiting(counts=counted.counts[queue])
    answered, abandoned = [], []
    for call in calls:
        _replay(counted, call)
        if call.call_back:
            continue
        if call.outcome is None:
            found.waiting += 1
            found.waiting_beyond += now - call.joined_at > threshold
        elif call.outcome == "answered":
            answered.append(call.wait or 0.0)
        elif call.outcome == "abandoned":
            abandoned.append(call.wait or 0.0)
    found.counts.abandoned_short = sum(wait < short for wait in abandoned)
    found.counts.abandoned_short_within = sum(wait < short and wait <= threshold for wait in abandoned)
    found.answered_in = {seconds: sum(wait <= seconds for wait in answered) for seconds in BUCKETS}
    found.abandoned_in = {seconds: sum(wait <= seconds for wait in abandoned) for seconds in BUCKETS}
    return found


def _replay(counted: stats.Statistics, call: QueueCallRecord) -> None:
    """Tell the counts the facts that made this row."""
    id, queue, wait, back = call.call_id, call.queue, call.wait or 0.0, call.call_back
    if call.outcome in REFUSED and call.position is None:
        counted.apply(CallerRefused(at=call.joined_at, call=id, queue=queue, reason=call.outcome or ""))
        return
    position = call.position or 0
    counted.apply(CallerEntered(at=call.joined_at, call=id, queue=queue, position=position, priority=0, call_back=back))
    if call.outcome == "answered":
        agent, at = call.agent_id or 0, call.answered_at or 0.0
        ring = call.ring or 0.0
        expected = call.estimate
        counted.apply(
            CallerServed(
                at=at, call=id, queue=queue, agent=agent, wait=wait, ring=ring, call_back=back, estimate=expected
            )
        )
        if call.talk is not None:
            at, by = call.ended_at or at, call.ended_by or ""
            talk = call.talk
            counted.apply(
                CallCompleted(at=at, call=id, queue=queue, agent=agent, talk=talk, wait=wait, by=by, call_back=back)
            )
    elif call.outcome is not None:
        at, position = call.ended_at or 0.0, call.exit_position or 0
        outcome = call.outcome
        counted.apply(
            CallerExited(at=at, call=id, queue=queue, outcome=outcome, wait=wait, position=position, call_back=back)
        )


#: (agent, queue) -> (beginning, end or None: still in it) of each wrap-up, by its beginning
WrapUps = dict[tuple[int, str], dict[float, float | None]]


def wrap_ups(states: Iterable[AgentStateRecord]) -> WrapUps:
    """The times after calls. states: in order, of any agents."""
    found: WrapUps = {}
    open_since: dict[tuple[int, str], float] = {}
    for state in states:
        key = (state.agent_id, state.queue)
        if not state.queue:
            continue
        if (since := open_since.pop(key, None)) is not None:
            found[key][since] = state.at
        if state.state == "wrap_up":
            open_since[key] = state.at
            found.setdefault(key, {})[state.at] = None
    return found


def handling(
    calls: Iterable[QueueCallRecord], wraps: WrapUps, intervals: Intervals
) -> dict[tuple[int, str], list[Handling]]:
    """(agent, queue) -> his handling of its calls, in each interval. What is not over yet is not in it."""
    found: dict[tuple[int, str], list[Handling]] = {}
    for call in calls:
        if call.talk is None or call.ended_at is None or call.agent_id is None:
            continue
        key = (call.agent_id, call.queue)
        over = wraps.get(key, {}).get(call.ended_at, call.ended_at)
        number = None if over is None else intervals.holding(over)
        if number is None or over is None:
            continue
        row = found.setdefault(key, [Handling() for _ in intervals])[number]
        row.handled += 1
        row.talk += call.talk
        row.wrap_up += over - call.ended_at
        row.waited += call.wait or 0.0
    return found


def presence(
    states: Iterable[AgentStateRecord], offers: Iterable[OfferRecord], intervals: Intervals, now: float
) -> list[Presence]:
    """What one agent was altogether, in each interval. states: his, in order, from before the first interval."""
    found = [Presence() for _ in intervals]
    mine = [state for state in states if not state.queue]
    ends = [state.at for state in mine[1:]] + [now]
    for state, end in zip(mine, ends, strict=False):
        for number, seconds in intervals.shares(state.at, end):
            row = found[number]
            row.states[state.state] = row.states.get(state.state, 0.0) + seconds
            if state.state == "paused":
                code = state.pause_code_id
                row.pauses[code] = row.pauses.get(code, 0.0) + seconds
            elif (state.state, state.reason) == ("unavailable", "busy"):
                row.private += seconds
    for offer in offers:
        if (place := intervals.holding(offer.offered_at)) is not None:
            row = found[place]
            row.offers[offer.outcome] = row.offers.get(offer.outcome, 0) + 1
    return found


class QueueShares:
    """How the agents' time in queues was spent: talk from the calls, the rest from what each agent was."""

    def __init__(self, intervals: Intervals, now: float) -> None:
        self._intervals = intervals
        self._now = now
        #: queue -> in each interval
        self.found: dict[str, list[Shares]] = {}

    def _rows(self, queue: str) -> list[Shares]:
        return self.found.setdefault(queue, [Shares() for _ in self._intervals])

    def calls(self, calls: Iterable[QueueCallRecord]) -> None:
        """Conversations, those that go on included."""
        for call in calls:
            if call.answered_at is not None:
                end = self._now if call.ended_at is None else call.ended_at
                for number, seconds in self._intervals.shares(call.answered_at, end):
                    self._rows(call.queue)[number].talk += seconds

    def agent(self, states: list[AgentStateRecord]) -> None:
        """One agent's states, in order, from before the first interval. In a queue he is idle while it and his
        telephone could have him take a call."""
        altogether, queues = "signed_out", dict[str, str]()
        ends = [state.at for state in states[1:]] + [self._now]
        for state, end in zip(states, ends, strict=False):
            if state.queue:
                queues[state.queue] = state.state
            else:
                altogether = state.state
            if end > state.at:
                self._add(altogether, queues, state.at, end)

    def _add(self, altogether: str, queues: dict[str, str], begin: float, end: float) -> None:
        for queue, state in queues.items():
            idle = state == altogether == "available"
            if not idle and state != "wrap_up":
                continue
            for number, seconds in self._intervals.shares(begin, end):
                row = self._rows(queue)[number]
                row.idle += seconds if idle else 0.0
                row.wrap_up += 0.0 if idle else seconds


def totals(rows: Iterable[Handling]) -> Handling:
    """Several taken together."""
    found = Handling()
    for row in rows:
        found.handled += row.handled
        found.talk += row.talk
        found.wrap_up += row.wrap_up
        found.waited += row.waited
    return found


def outcomes(offers: dict[str, int]) -> tuple[int, int, int]:
    """Of offers by their outcome: all that were the agent's to take, those he answered, those he did not."""
    counted = Counter(offers)
    refused = counted["busy"] + counted["unavailable"] + counted["declined"] + counted["error"]
    missed = counted["noanswer"] + refused
    return counted["answered"] + missed, counted["answered"], missed
