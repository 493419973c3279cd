"""Schedules of agents, and whether they keep to them now. Ours: the reference has nothing of it."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from pydantic import BeforeValidator, Field, StrictInt, StrictStr
from pydantic_core import PydanticCustomError

from ari_app.acd.hours import instants
from ari_app.acd.views import AgentQueueStatus
from ari_app.dialects.eq.wire.fields import (
    Given,
    Id,
    JsonObject,
    OptionalId,
    Parameters,
    Wire,
    or_default,
)
from ari_app.dialects.eq.wire.hours import TimeZone
from ari_app.dialects.eq.wire.report import TIME_MAX, Time
from ari_app.store.adherence import Activity, ActivityKind, as_scheduled

#: days that can be set or asked for at once; activities of one request
DAYS_MAX, ACTIVITIES_MAX, AGENTS_MAX = 62, 20_000, 1000
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}\Z")


def _moment(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= TIME_MAX:
        return value
    if isinstance(value, str) and _LOCAL.match(value) and "1970" < value < "2200":
        try:
            datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            return value
    raise PydanticCustomError("invalid", "must be UNIX seconds, or a time of the time zone like 2026-11-23T09:00")


#: UNIX seconds, or what a clock of the time zone shows
Moment = Annotated[StrictInt | StrictStr, BeforeValidator(_moment), Given]


class ActivityUpdate(Wire):
    """A part of a schedule."""

    since: Annotated[Moment, Field(alias="from", description="UNIX seconds, or 2026-11-23T09:00 of the time zone")]
    until: Annotated[Moment, Field(alias="to", description="The end, which is not in it")]
    activity: Annotated[
        Literal["onQueue", "break", "other"], Field(description="On the queues, a break, or something else"), Given
    ]
    pause_code: Annotated[
        OptionalId, Field(description="Of break and other: the ID of the pause code he is to be paused with")
    ] = None


class ScheduleUpdate(Wire):
    """What one agent is scheduled for."""

    agent: Annotated[Id, Field(description="User ID of the agent")]
    activities: Annotated[
        list[ActivityUpdate], Field(max_length=ACTIVITIES_MAX, description="None: nothing"), or_default([])
    ] = Field(default_factory=list)


class SchedulesUpdate(Wire):
    """What agents are scheduled for in a span of time, all of it."""

    since: Annotated[Moment, Field(alias="from", description="What is scheduled from here to `to` is replaced")]
    until: Annotated[Moment, Field(alias="to", description=f"At most {DAYS_MAX} days after `from`")]
    time_zone: TimeZone = ""
    schedules: Annotated[list[ScheduleUpdate], Field(max_length=AGENTS_MAX), Given]


class SchedulesBody(Parameters):
    """PUT /x/schedules"""

    data: Annotated[SchedulesUpdate, JsonObject, Given]


class SchedulesQuery(Parameters):
    """Whose schedules, and when."""

    since: Annotated[Time, Field(alias="from", description="UNIX seconds: the beginning")]
    until: Annotated[Time, Field(alias="to", description="UNIX seconds: the end, which is not in it")]
    agent: Annotated[OptionalId, Field(description="User ID of an agent, or blank for all agents")] = None


class AdherenceQuery(Parameters):
    """Whose adherence."""

    agent: Annotated[OptionalId, Field(description="User ID of an agent, or blank for all agents")] = None


class Unfit(ValueError):
    """A schedule that cannot be: the parameter's name, and why."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(reason)
        self.parameter = parameter


def instant(moment: int | str, zone: ZoneInfo) -> float:
    """When a clock of the zone shows this or more for the first time: one that is left out is the end of what is left
    out, and of one that comes twice it is the first. So what follows on each other does so always."""
    return float(moment) if isinstance(moment, int) else instants(datetime.fromisoformat(moment), zone)[0]


def to_schedules(data: SchedulesUpdate, zone: ZoneInfo) -> tuple[float, float, dict[int, list[Activity]]]:
    """The span, and what each agent is scheduled for in it, in order. Raises Unfit."""
    since, until = instant(data.since, zone), instant(data.until, zone)
    if not since < until <= since + DAYS_MAX * 86400 + 7200:
        raise Unfit("to", f"to must be after from, by {DAYS_MAX} days at most")
    found: dict[int, list[Activity]] = {}
    for schedule in data.schedules:
        if schedule.agent in found:
            raise Unfit("schedules", "An agent is there twice")
        activities = [_activity(one, zone) for one in schedule.activities]
        found[schedule.agent] = _in_order([one for one in activities if one is not None], since, until)
    if sum(map(len, found.values())) > ACTIVITIES_MAX:
        raise Unfit("schedules", f"At most {ACTIVITIES_MAX} activities at once")
    return since, until, found


def _activity(update: ActivityUpdate, zone: ZoneInfo) -> Activity | None:
    """None: all of it is in an hour that clocks leave out."""
    since, until = instant(update.since, zone), instant(update.until, zone)
    kind = ActivityKind(update.activity)
    if update.pause_code is not None and kind is ActivityKind.ON_QUEUE:
        raise Unfit("schedules.activities.pauseCode", "On the queues nobody is paused")
    if (
        since == until
        and isinstance(update.since, str)
        and isinstance(update.until, str)
        and update.since < update.until
    ):
        return None
    if since >= until:
        raise Unfit("schedules.activities.to", "An activity ends after it begins")
    return Activity(since=since, until=until, kind=kind, pause_code=update.pause_code)


def _in_order(activities: list[Activity], since: float, until: float) -> list[Activity]:
    activities = sorted(activities, key=lambda one: one.since)
    if any(following.since < one.until for one, following in pairwise(activities)):
        raise Unfit("schedules.activities", "Activities of an agent overlap")
    if activities and (activities[0].since < since or activities[-1].until > until):
        raise Unfit("schedules.activities", "An activity is outside of from and to")
    return activities


class ScheduledActivity(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of a schedule; UNIX seconds."""

    since: int = msgspec.field(name="from")
    until: int = msgspec.field(name="to")
    activity: Literal["onQueue", "break", "other"]
    pause_code: int | None

    @classmethod
    def of(cls, activity: Activity) -> ScheduledActivity:
        return cls(
            since=int(activity.since),
            until=int(activity.until),
            activity=activity.kind.value,
            pause_code=activity.pause_code,
        )


class AgentSchedule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an agent is scheduled for."""

    agent: int
    activities: list[ScheduledActivity]


class AgentAdherence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether an agent does now what he is scheduled for."""

    agent: int
    #: null: nothing is scheduled now
    scheduled: ScheduledActivity | None
    #: over all his queues, as in call_queue_agent_status
    status: Literal["available", "ringing", "onCall", "wrapUp", "paused", "unavailable", "signedOut"]
    status_since: int | None
    pause_code: int | None
    #: null: nothing is scheduled now
    adherent: bool | None
    #: the same whatever the pause code
    adherent_cisco: bool | None

    @classmethod
    def of(cls, row: AgentQueueStatus, activity: Activity | None) -> AgentAdherence:
        amazon = cisco = None
        if activity is not None:
            amazon, cisco = as_scheduled(activity, _STATES.get(row.status, row.status), row.pause_code)
        return cls(
            agent=row.agent,
            scheduled=None if activity is None else ScheduledActivity.of(activity),
            status=row.status,  # type: ignore[arg-type]  # the engine's views use the contract's words
            status_since=int(row.since) if row.since else None,
            pause_code=row.pause_code,
            adherent=amazon,
            adherent_cisco=cisco,
        )


#: the contract's word -> AgentStateChanged.state
_STATES = {"onCall": "on_call", "wrapUp": "wrap_up", "signedOut": "signed_out"}
