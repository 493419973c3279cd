"""Reports: queues and agents by interval, from the record (ours: the reference has none). Times are UNIX seconds,
durations seconds; shares are per cent, null where there is nothing to divide by."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BeforeValidator, Field, StrictInt, StrictStr
from pydantic_core import PydanticCustomError

from ari_app.acd import stats
from ari_app.acd.views import AgentQueueStatus
from ari_app.dialects.eq.wire.fields import Blankable, Count, OptionalId, Parameters, is_blank, or_default
from ari_app.store.figures import BUCKETS, Handling, Presence, outcomes
from ari_app.store.intervals import DAY
from ari_app.store.statistics import AgentInterval, QueueInterval
from ari_app.store.today import AgentDay

#: the end of the year 2200: beyond it nobody reports, and arithmetic of dates ends
TIME_MAX = 7_289_654_400
_DIGITS = re.compile(r"[0-9]{1,10}\Z")


def _time(value: Any) -> Any:
    if is_blank(value):
        raise PydanticCustomError("blank", "must be given")
    return int(value) if isinstance(value, str) and _DIGITS.match(value) else value


#: UNIX seconds in the query string
Time = Annotated[StrictInt, Field(ge=0, le=TIME_MAX), BeforeValidator(_time)]


class _ReportQuery(Parameters):
    since: Annotated[Time, Field(alias="from", description="UNIX seconds: the beginning, which is in the report")]
    until: Annotated[Time, Field(alias="to", description="UNIX seconds: the end, which is not")]
    interval: Annotated[
        Literal["15", "30", "60", "day"] | None,
        Field(description="Minutes of an interval, or day (from midnight to midnight); blank: one row for all"),
        Blankable,
    ] = None
    time_zone: Annotated[
        StrictStr | None,
        Field(max_length=64, description="Whose clock days go by, such as Europe/Berlin; blank: the account's"),
        Blankable,
    ] = None
    format: Annotated[Literal["json", "csv"], Field(description="csv: text/csv"), or_default("json")] = "json"

    @property
    def minutes(self) -> int | None:
        if self.interval is None:
            return None
        return DAY if self.interval == "day" else int(self.interval)


class QueueReportQuery(_ReportQuery):
    """Which queues, and when."""

    queue: Annotated[
        StrictStr | None, Field(description="Extension of a call queue, or blank for all queues"), Blankable
    ] = None
    short_abandon: Annotated[
        Count,
        Field(ge=0, le=3600, description="Seconds: an abandon after less is a short one"),
        or_default(int(stats.SHORT_ABANDON)),
    ] = int(stats.SHORT_ABANDON)


class AgentReportQuery(_ReportQuery):
    """Which agents, and when."""

    agent: Annotated[OptionalId, Field(description="User ID of an agent, or blank for all agents")] = None


class QueueReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A queue in an interval. Callers are counted where they entered, conversations where they were over, the time
    after the call included; shares of time where they were."""

    queue: str
    since: int = msgspec.field(name="from")
    until: int = msgspec.field(name="to")
    #: entered
    offered: int
    #: did not enter: full, or no agent there
    refused: int
    #: came when it was closed; not offered
    closed: int
    #: sent elsewhere at the door, by a rule of overflow
    diverted: int
    answered: int
    abandoned: int
    short_abandoned: int
    #: let go: waited too long, or was not answered
    timed_out: int
    #: let go because no agent was left
    left_empty: int
    #: left for somewhere else
    flowed_out: int
    #: wait now
    waiting: int
    #: seconds that are "in time"
    service_level_threshold: float
    #: every way of counting by its name
    service_levels: dict[str, float | None]
    average_speed_of_answer: float | None
    longest_wait: float
    #: of those who were given an estimate of their wait: mean of the wait less the estimate, and of its absolute value
    estimate_bias: float | None
    estimate_error: float | None
    average_abandon_time: float | None
    longest_abandon_time: float
    answer_rate: float | None
    abandon_rate: float | None
    #: of handled and abandoned, short abandons left out
    abandon_rate_without_short: float | None
    handled: int
    talk_time: float
    wrap_up_time: float
    average_handling_time: float | None
    occupancy: float | None
    utilisation: float | None
    #: answered within so many seconds
    answered_in: dict[str, int]
    abandoned_in: dict[str, int]

    @classmethod
    def of(cls, row: QueueInterval) -> QueueReport:
        found, counts = row.waiting, row.waiting.counts
        return cls(
            queue=row.queue,
            since=int(row.since),
            until=int(row.until),
            offered=counts.entered,
            refused=counts.refused,
            closed=counts.closed,
            diverted=counts.diverted,
            answered=counts.answered,
            abandoned=counts.abandoned,
            short_abandoned=counts.abandoned_short,
            timed_out=counts.timeouts + counts.no_retry,
            left_empty=counts.left_empty,
            flowed_out=counts.flow_outs,
            waiting=found.waiting,
            service_level_threshold=counts.threshold,
            service_levels={name: _per_cent(level) for name, level in found.service_levels.items()},
            average_speed_of_answer=_seconds(counts.average_speed_of_answer),
            longest_wait=round(counts.longest_answered_wait, 1),
            estimate_bias=_seconds(counts.estimate_bias),
            estimate_error=_seconds(counts.estimate_mean_error),
            average_abandon_time=_seconds(counts.average_abandon_time),
            longest_abandon_time=round(counts.longest_abandoned_wait, 1),
            answer_rate=_per_cent(stats.answer_rate(counts)),
            abandon_rate=_per_cent(stats.abandon_rate(counts)),
            abandon_rate_without_short=_per_cent(stats.abandon_rate_google(counts)),
            handled=row.handling.handled,
            talk_time=round(row.handling.talk, 1),
            wrap_up_time=round(row.handling.wrap_up, 1),
            average_handling_time=_seconds(row.handling.average),
            occupancy=_per_cent(row.shares.occupancy),
            utilisation=_per_cent(row.shares.utilisation),
            answered_in={str(seconds): found.answered_in[seconds] for seconds in BUCKETS},
            abandoned_in={str(seconds): found.abandoned_in[seconds] for seconds in BUCKETS},
        )


class PauseTime(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Time in pauses of one code; null: without one."""

    pause_code: int | None
    time: float


class AgentReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An agent in an interval, all his queues together."""

    agent: int
    since: int = msgspec.field(name="from")
    until: int = msgspec.field(name="to")
    #: calls that rang for him and were his to take
    offered: int
    answered: int
    #: of them, rang until the end, or his phone refused
    missed: int
    #: of the missed, rang until the end: his phone did not refuse, nobody took it (RONA)
    not_answered: int
    answer_rate: float | None
    #: conversations that were over, the time after the call included
    handled: int
    talk_time: float
    wrap_up_time: float
    average_handling_time: float | None
    #: how long the callers of these conversations had waited
    average_speed_of_answer: float | None
    #: what he was, in seconds of the interval
    signed_in_time: float
    available_time: float
    ringing_time: float
    on_call_time: float
    after_call_time: float
    paused_time: float
    unavailable_time: float
    #: of the unavailable time: on private calls, or his phone rang for one
    private_call_time: float
    pause_times: list[PauseTime]
    #: on calls and after them, of that and available
    occupancy: float | None
    #: on calls and after them, of the time signed in
    occupancy_signed_in: float | None
    #: on calls and after them, of that, private calls and available
    occupancy_private_calls: float | None
    #: on calls, of calls, after them, and available
    utilisation: float | None
    #: scheduled for anything, as far as it has passed
    scheduled_time: float
    scheduled_on_queue_time: float
    #: doing what he was scheduled for
    adherent_time: float
    #: adherent time of scheduled time (Amazon Connect's)
    adherence: float | None
    #: in service or not as scheduled, whatever the pause code, of scheduled time (Cisco's)
    adherence_cisco: float | None
    #: time in service, scheduled or not, of the time scheduled on queue: may be more than 100 (Genesys')
    conformance: float | None

    @classmethod
    def of(cls, row: AgentInterval) -> AgentReport:
        return cls(
            agent=row.agent,
            since=int(row.since),
            until=int(row.until),
            **_agent_figures(row.handling, row.presence),
            scheduled_time=round(row.adherence.scheduled, 1),
            scheduled_on_queue_time=round(row.adherence.scheduled_on_queue, 1),
            adherent_time=round(row.adherence.adherent, 1),
            adherence=_per_cent(row.adherence.adherence),
            adherence_cisco=_per_cent(row.adherence.adherence_cisco),
            conformance=_per_cent(row.adherence.conformance),
        )


def _agent_figures(handling: Handling, presence: Presence) -> dict[str, Any]:
    """The attributes that AgentReport and AgentStatistics share."""
    states = presence.states
    offered, answered, missed = outcomes(presence.offers)
    pauses = sorted(presence.pauses.items(), key=lambda pause: pause[0] or 0)
    return {
        "offered": offered,
        "answered": answered,
        "missed": missed,
        "not_answered": presence.offers.get("noanswer", 0),
        "answer_rate": _per_cent(answered / offered if offered else None),
        "handled": handling.handled,
        "talk_time": round(handling.talk, 1),
        "wrap_up_time": round(handling.wrap_up, 1),
        "average_handling_time": _seconds(handling.average),
        "average_speed_of_answer": _seconds(handling.speed_of_answer),
        "signed_in_time": round(presence.signed_in, 1),
        "available_time": round(states.get("available", 0.0), 1),
        "ringing_time": round(states.get("ringing", 0.0), 1),
        "on_call_time": round(states.get("on_call", 0.0), 1),
        "after_call_time": round(states.get("wrap_up", 0.0), 1),
        "paused_time": round(states.get("paused", 0.0), 1),
        "unavailable_time": round(states.get("unavailable", 0.0), 1),
        "private_call_time": round(presence.private, 1),
        "pause_times": [PauseTime(pause_code=code, time=round(seconds, 1)) for code, seconds in pauses],
        "occupancy": _per_cent(presence.shares.occupancy),
        "occupancy_signed_in": _per_cent(presence.occupancy_cisco),
        "occupancy_private_calls": _per_cent(presence.occupancy_genesys),
        "utilisation": _per_cent(presence.shares.utilisation),
    }


class AgentStatistics(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An agent since midnight by the account's clock, all his queues together: what a report of today so far says."""

    agent: int
    since: int = msgspec.field(name="from")
    #: now
    until: int = msgspec.field(name="to")
    status: Literal["available", "ringing", "onCall", "wrapUp", "paused", "unavailable", "signedOut"]
    #: null: since before anything was known
    status_since: int | None
    #: calls that rang for him and were his to take
    offered: int
    answered: int
    #: of them, rang until the end, or his phone refused
    missed: int
    #: of the missed, rang until the end: his phone did not refuse, nobody took it (RONA)
    not_answered: int
    answer_rate: float | None
    #: conversations that were over, the time after the call included
    handled: int
    talk_time: float
    wrap_up_time: float
    average_handling_time: float | None
    #: how long the callers of these conversations had waited
    average_speed_of_answer: float | None
    #: what he was, in seconds of the interval
    signed_in_time: float
    available_time: float
    ringing_time: float
    on_call_time: float
    after_call_time: float
    paused_time: float
    unavailable_time: float
    #: of the unavailable time: on private calls, or his phone rang for one
    private_call_time: float
    pause_times: list[PauseTime]
    #: on calls and after them, of that and available
    occupancy: float | None
    #: on calls and after them, of the time signed in
    occupancy_signed_in: float | None
    #: on calls and after them, of that, private calls and available
    occupancy_private_calls: float | None
    #: on calls, of calls, after them, and available
    utilisation: float | None

    @classmethod
    def of(cls, row: AgentQueueStatus, today: AgentDay) -> AgentStatistics:
        return cls(
            agent=row.agent,
            since=int(today.since),
            until=int(today.until),
            status=row.status,  # type: ignore[arg-type]  # the engine's views use the contract's words
            status_since=int(row.since) if row.since else None,
            **_agent_figures(today.handling, today.presence),
        )


def _per_cent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 1)


def _seconds(time: float | None) -> float | None:
    return None if time is None else round(time, 1)
