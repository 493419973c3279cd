"""Counts of a queue, kept fact by fact, and the service levels made from them.

Counted at the answer: answered and what goes with it (taken back if the join fails). Counted at the end of the
conversation: completed, completed_within and talk, as app_queue does. Counted when the caller leaves: abandoned, and
the flow-outs. So `answered` may be larger than `completed` by the conversations that go on.

There is no such thing as *the* service level; every known one is a function here, under its own name (contract
expectations-and-metrics 4.2). All return a ratio, 0 to 1, or None where there is nothing to divide by.
"""

from __future__ import annotations

import msgspec

from ari_app.acd.commands import (
    AnyFact,
    CallCompleted,
    CallerEntered,
    CallerExited,
    CallerRefused,
    CallerServed,
    CallerUnserved,
)

#: an abandon after less than this is a short one (a misdialled number, mostly)
SHORT_ABANDON = 5.0


class Counts(msgspec.Struct, kw_only=True):
    """One queue since its counts began. Times are sums of seconds. "Within" is within `threshold`, the T of service
    levels, as it was when the call was counted."""

    threshold: float
    entered: int = 0
    #: full, empty, nonexistent: did not enter although it was open
    refused: int = 0
    #: came outside the queue's hours: not offered to it, in no rate and no service level
    closed: int = 0
    #: sent elsewhere at the door
    diverted: int = 0
    answered: int = 0
    answered_within: int = 0
    answered_wait: float = 0.0
    longest_answered_wait: float = 0.0
    ring: float = 0.0
    #: the conversations that go on: call -> (wait, ring, within)
    open: dict[str, tuple[float, float, bool]] = {}
    completed: int = 0
    completed_within: int = 0
    talk: float = 0.0
    abandoned: int = 0
    abandoned_within: int = 0
    abandoned_short: int = 0
    abandoned_short_within: int = 0
    abandoned_wait: float = 0.0
    longest_abandoned_wait: float = 0.0
    #: released by the queue: waited too long, no agent answered, queue deleted
    timeouts: int = 0
    no_retry: int = 0
    #: released because no agent was left (app_queue's EXITEMPTY, which it counts as abandoned; here it is not, for the
    #: caller would have stayed)
    left_empty: int = 0
    #: left for somewhere else: stolen, transferred, and any outcome not named here (such as let go at closing time)
    flow_outs: int = 0
    #: attempts to call somebody back: entered, of these reached, and ended without
    call_backs: int = 0
    call_backs_reached: int = 0
    call_backs_exited: int = 0
    #: of those answered, had been given an estimate of their wait; and what they waited beyond it, as a sum of seconds
    #: (less than it: below 0), and as a sum of its absolute values
    estimated: int = 0
    estimate_error: float = 0.0
    estimate_error_abs: float = 0.0
    #: of timeouts, no_retry, left_empty and flow_outs together
    exited_within: int = 0

    @property
    def exited(self) -> int:
        """Left without an answer and without abandoning."""
        return self.timeouts + self.no_retry + self.left_empty + self.flow_outs

    @property
    def average_speed_of_answer(self) -> float | None:
        return _ratio(self.answered_wait, self.answered)

    @property
    def estimate_bias(self) -> float | None:
        """Mean of (wait - estimate), seconds: above 0, callers wait longer than they are told."""
        return _ratio(self.estimate_error, self.estimated)

    @property
    def estimate_mean_error(self) -> float | None:
        """Mean of |wait - estimate|, seconds."""
        return _ratio(self.estimate_error_abs, self.estimated)

    @property
    def average_abandon_time(self) -> float | None:
        return _ratio(self.abandoned_wait, self.abandoned)

    @property
    def average_talk(self) -> float | None:
        return _ratio(self.talk, self.completed)


class Statistics:
    """Follows the facts; O(1) each. A queue that was never configured is not counted."""

    __slots__ = ("counts",)

    def __init__(self, counts: dict[str, Counts] | None = None) -> None:
        self.counts = {} if counts is None else counts

    def configure(self, queue: str, threshold: float) -> None:
        if queue in self.counts:
            self.counts[queue].threshold = threshold
        else:
            self.counts[queue] = Counts(threshold=threshold)

    def forget(self, queue: str) -> None:
        self.counts.pop(queue, None)

    def apply(self, fact: AnyFact) -> None:
        counts = self.counts.get(getattr(fact, "queue", None) or "")
        if counts is None:
            return
        if getattr(fact, "call_back", False):
            return _called_back(counts, fact)
        match fact:
            case CallerEntered():
                counts.entered += 1
            case CallerRefused():
                counts.closed += fact.reason == "closed"
                counts.diverted += fact.reason == "diverted"
                counts.refused += fact.reason not in ("closed", "diverted")
            case CallerServed():
                _served(counts, fact)
            case CallerUnserved():
                _unserved(counts, fact)
            case CallerExited():
                _exited(counts, fact)
            case CallCompleted():
                _completed(counts, fact)
            case _:
                pass


def _called_back(counts: Counts, fact: AnyFact) -> None:
    """One who is called back has left the queue (a flow-out) and is counted apart: he does not wait for us, and his
    waits would spoil what is told of those who do. (Amazon Connect, too, makes him a contact of his own.)"""
    match fact:
        case CallerEntered():
            counts.call_backs += 1
        case CallerServed():
            counts.call_backs_reached += 1
        case CallerUnserved():
            counts.call_backs_reached -= 1
        case CallerExited():
            counts.call_backs_exited += 1
        case _:
            pass


def _served(counts: Counts, fact: CallerServed) -> None:
    within = fact.wait <= counts.threshold
    counts.answered += 1
    counts.answered_within += within
    counts.answered_wait += fact.wait
    counts.longest_answered_wait = max(counts.longest_answered_wait, fact.wait)
    counts.ring += fact.ring
    _estimated(counts, fact.wait, fact.estimate, 1)
    counts.open[fact.call] = (fact.wait, fact.ring, within)


def _estimated(counts: Counts, wait: float, estimate: float | None, count: int) -> None:
    """count: 1, or -1 to take it back."""
    if estimate is not None:
        counts.estimated += count
        counts.estimate_error += count * (wait - estimate)
        counts.estimate_error_abs += count * abs(wait - estimate)


def _unserved(counts: Counts, fact: CallerUnserved) -> None:
    """The longest wait stays: his own will be longer still."""
    if (answer := counts.open.pop(fact.call, None)) is not None:
        wait, ring, within = answer
        _estimated(counts, wait, fact.estimate, -1)
        counts.answered -= 1
        counts.answered_within -= within
        counts.answered_wait -= wait
        counts.ring -= ring


def _completed(counts: Counts, fact: CallCompleted) -> None:
    answer = counts.open.pop(fact.call, None)
    counts.completed += 1
    counts.completed_within += answer[2] if answer is not None else fact.wait <= counts.threshold
    counts.talk += fact.talk


def _exited(counts: Counts, fact: CallerExited) -> None:
    within = fact.wait <= counts.threshold
    if fact.outcome == "abandoned":
        short = fact.wait < SHORT_ABANDON
        counts.abandoned += 1
        counts.abandoned_within += within
        counts.abandoned_short += short
        counts.abandoned_short_within += short and within
        counts.abandoned_wait += fact.wait
        counts.longest_abandoned_wait = max(counts.longest_abandoned_wait, fact.wait)
        return
    counts.exited_within += within
    if fact.outcome == "timeout":
        counts.timeouts += 1
    elif fact.outcome == "no_retry":
        counts.no_retry += 1
    elif fact.outcome == "leave_empty":
        counts.left_empty += 1
    else:
        counts.flow_outs += 1


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


# service levels


def service_level_asterisk(counts: Counts) -> float | None:
    """app_queue's ServicelevelPerf: of the completed conversations, those answered within T."""
    return _ratio(counts.completed_within, counts.completed)


def service_level_asterisk_2(counts: Counts) -> float | None:
    """app_queue's ServicelevelPerf2: completed or abandoned within T, of all completed or abandoned. (app_queue counts
    every way out without an answer as an abandon.)"""
    within = counts.completed_within + counts.abandoned_within + counts.exited_within
    return _ratio(within, counts.completed + counts.abandoned + counts.exited)


def cisco_offered(counts: Counts, waiting_beyond: int = 0) -> int:
    """Calls with a service-level event: answered, gone, or T passed. waiting_beyond: callers who wait now and have
    waited longer than T."""
    return counts.answered + counts.abandoned + counts.exited + waiting_beyond


def service_level_cisco_ignore(counts: Counts, waiting_beyond: int = 0) -> float | None:
    """Abandons within T are left out of account."""
    return _ratio(counts.answered_within, cisco_offered(counts, waiting_beyond) - counts.abandoned_within)


def service_level_cisco_negative(counts: Counts, waiting_beyond: int = 0) -> float | None:
    """Every abandon counts against."""
    return _ratio(counts.answered_within, cisco_offered(counts, waiting_beyond))


def service_level_cisco_positive(counts: Counts, waiting_beyond: int = 0) -> float | None:
    """Abandons within T count as served."""
    return _ratio(counts.answered_within + counts.abandoned_within, cisco_offered(counts, waiting_beyond))


def service_level_genesys(
    counts: Counts, *, flow_outs: bool = False, exclude_short: bool = False, exclude_abandons: bool = False
) -> float | None:
    """(A - A>T) / (A + B [+ F] [- Bs] [- B]), by three switches."""
    whole = counts.answered
    if not exclude_abandons:
        whole += counts.abandoned - (counts.abandoned_short if exclude_short else 0)
    if flow_outs:
        whole += counts.exited
    return _ratio(counts.answered_within, whole)


def service_level_amazon(counts: Counts) -> float | None:
    """Out of the queue within T, however, of all that are out of the queue."""
    within = counts.answered_within + counts.abandoned_within + counts.exited_within
    return _ratio(within, counts.answered + counts.abandoned + counts.exited)


def service_level_ringcentral(counts: Counts, *, include_abandoned: bool = True) -> float | None:
    """Answered within T of all calls; abandons count from `SHORT_ABANDON` on, or not at all."""
    abandoned = counts.abandoned - counts.abandoned_short if include_abandoned else 0
    return _ratio(counts.answered_within, counts.answered + abandoned)


def answer_rate(counts: Counts) -> float | None:
    """Answered of entered."""
    return _ratio(counts.answered, counts.entered)


def abandon_rate(counts: Counts) -> float | None:
    """Abandoned of entered."""
    return _ratio(counts.abandoned, counts.entered)


def abandon_rate_google(counts: Counts) -> float | None:
    """Abandoned of handled and abandoned, short abandons left out."""
    abandoned = counts.abandoned - counts.abandoned_short
    return _ratio(abandoned, counts.completed + abandoned)


#: every variant by its name, as reports and alerts may ask for it
SERVICE_LEVELS = {
    "asterisk": service_level_asterisk,
    "asterisk_2": service_level_asterisk_2,
    "cisco_ignore": service_level_cisco_ignore,
    "cisco_negative": service_level_cisco_negative,
    "cisco_positive": service_level_cisco_positive,
    "genesys": service_level_genesys,
    "amazon": service_level_amazon,
    "ringcentral": service_level_ringcentral,
}
