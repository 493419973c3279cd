"""Whether agents did what they were scheduled for. No I/O: schedules and states in, seconds out.

An agent is *in service* while he is available, rung, on a call of a queue, or in the time after it; else (paused,
signed out, unavailable, on a private call) he is not. Scheduled on queue he is *adherent* while in service; scheduled
for a break or something else, while he is not; and if the activity names a pause code, only while he is paused with it.

* adherence: adherent / scheduled (Amazon Connect).
* Cisco's: (in service as scheduled + not in service as scheduled) / scheduled: whatever the pause code.
* conformance: in service / scheduled on queue, at whatever time: may be more than 1 (Genesys Cloud).

All times are UNIX seconds; whose clock a schedule was written by is settled before (wire/schedule.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from ari_app.store.history import AgentStateRecord
from ari_app.store.intervals import Intervals

#: states (of AgentStateChanged, altogether) in which an agent is in service
IN_SERVICE = frozenset({"available", "ringing", "on_call", "wrap_up"})


class ActivityKind(StrEnum):
    """What an agent is scheduled for."""

    ON_QUEUE = "onQueue"
    BREAK = "break"
    #: a meeting, a training, ...: away from the queues, and no break
    OTHER = "other"


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an agent's schedule. It holds its beginning and not its end."""

    since: float
    until: float
    kind: ActivityKind
    #: of a break and other: the pause he is to be in; None: any, or signed out
    pause_code: int | None = None


class Adherence(msgspec.Struct, kw_only=True):
    """Seconds of an interval, as far as it has passed."""

    #: for anything
    scheduled: float = 0.0
    adherent: float = 0.0
    scheduled_on_queue: float = 0.0
    in_service_as_scheduled: float = 0.0
    not_in_service_as_scheduled: float = 0.0
    #: scheduled or not
    in_service: float = 0.0

    @property
    def adherence(self) -> float | None:
        """Amazon's."""
        return _ratio(self.adherent, self.scheduled)

    @property
    def adherence_cisco(self) -> float | None:
        return _ratio(self.in_service_as_scheduled + self.not_in_service_as_scheduled, self.scheduled)

    @property
    def conformance(self) -> float | None:
        """Genesys'."""
        return _ratio(self.in_service, self.scheduled_on_queue)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def as_scheduled(activity: Activity, state: str, pause_code: int | None) -> tuple[bool, bool]:
    """Of what an agent is altogether: whether it is what he is scheduled for, by Amazon's way and by Cisco's."""
    serves = state in IN_SERVICE
    if activity.kind is ActivityKind.ON_QUEUE:
        return serves, serves
    if activity.pause_code is None:
        return not serves, not serves
    return state == "paused" and pause_code == activity.pause_code, not serves


#: from, to, state, pause code
_Stretch = tuple[float, float, str, int | None]


def adherence(
    states: Iterable[AgentStateRecord], activities: Sequence[Activity], intervals: Intervals, now: float
) -> list[Adherence]:
    """One agent's, in each interval. states: his, in order, from before the first interval; until the first he is
    signed out. activities: his, in order, none over another. What is later than `now` does not count."""
    found = [Adherence() for _ in intervals]
    for begin, end, state, _ in stretches(states, intervals.edges[0], now):
        if state in IN_SERVICE:
            for number, seconds in intervals.shares(begin, end):
                found[number].in_service += seconds
    for begin, end, activity, state, code in _overlaps(stretches(states, intervals.edges[0], now), activities):
        amazon, cisco = as_scheduled(activity, state, code)
        on_queue = activity.kind is ActivityKind.ON_QUEUE
        for number, seconds in intervals.shares(begin, end):
            row = found[number]
            row.scheduled += seconds
            row.adherent += seconds if amazon else 0.0
            row.scheduled_on_queue += seconds if on_queue else 0.0
            row.in_service_as_scheduled += seconds if cisco and on_queue else 0.0
            row.not_in_service_as_scheduled += seconds if cisco and not on_queue else 0.0
    return found


def stretches(states: Iterable[AgentStateRecord], since: float, now: float) -> Iterator[_Stretch]:
    """What he was altogether, and until when, without gaps from `since` to `now`."""
    begin, state, code = since, "signed_out", None
    for row in states:
        if row.queue:
            continue
        if row.at > begin:
            yield begin, min(row.at, max(now, begin)), state, code
            begin = row.at
        state, code = row.state, row.pause_code_id
    if now > begin:
        yield begin, now, state, code


def _overlaps(
    stretches: Iterable[_Stretch], activities: Sequence[Activity]
) -> Iterator[tuple[float, float, Activity, str, int | None]]:
    """Where both are, in one pass over each."""
    at = 0
    for begin, end, state, code in stretches:
        while at < len(activities) and activities[at].until <= begin:
            at += 1
        for activity in _until(activities, at, end):
            yield max(begin, activity.since), min(end, activity.until), activity, state, code


def _until(activities: Sequence[Activity], at: int, end: float) -> Iterator[Activity]:
    while at < len(activities) and activities[at].since < end:
        yield activities[at]
        at += 1
