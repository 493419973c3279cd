"""The part of the path table (extras.py) about schedules of agents and what they do today."""

from __future__ import annotations

from ari_app.dialects.eq.wire.report import AgentStatistics
from ari_app.dialects.eq.wire.schedule import (
    AdherenceQuery,
    AgentAdherence,
    AgentSchedule,
    SchedulesBody,
    SchedulesQuery,
)
from ari_app.dialects.http import Endpoint, error

_AGENT = error("agent", "nonexistent", "The agent does not exist (or is deleted)")

SCHEDULES = (
    Endpoint(
        name="x.schedules.get",
        method="GET",
        path="/x/schedules",
        tag="Schedules",
        summary="What agents are scheduled for",
        description="What falls into the span, whole. Agents with nothing in it are not there.",
        query=SchedulesQuery,
        reply=list[AgentSchedule],
        errors=(error("to", "invalid", "Not after from, or too long after it"), _AGENT),
    ),
    Endpoint(
        name="x.schedules.update",
        method="PUT",
        path="/x/schedules",
        tag="Schedules",
        summary="Set what agents are scheduled for in a span of time, all of it",
        description=(
            "For the agents named, what is scheduled from `from` to `to` is replaced; what reaches into it from outside"
            " is cut off there. A time of the time zone that clocks leave out is when they go forward, and of one that"
            " comes twice it is the first. All of it is set, or nothing."
        ),
        body=SchedulesBody,
        errors=(
            error("to", "invalid", "Not after from, or too long after it"),
            error("timeZone", "invalid", "There is no such time zone"),
            error("schedules", "blank", "Not given"),
            error("schedules", "invalid", "An agent is there twice, or it is too much at once"),
            error("schedules.activities", "invalid", "Activities of an agent overlap, or are outside of the span"),
            error("schedules.activities.to", "invalid", "An activity ends before it begins"),
            error("schedules.activities.pauseCode", "invalid", "On the queues nobody is paused"),
            error("schedules.agent", "nonexistent", "An agent does not exist (or is deleted)"),
            error("schedules.activities.pauseCode", "nonexistent", "A pause code does not exist (or is deleted)"),
        ),
        changes=True,
    ),
    Endpoint(
        name="x.adherence",
        method="GET",
        path="/x/adherence",
        tag="Schedules",
        summary="Whether agents do now what they are scheduled for",
        description="The figures of what was are in /reports/agents.",
        query=AdherenceQuery,
        reply=list[AgentAdherence],
        errors=(_AGENT,),
    ),
    Endpoint(
        name="x.agent_statistics",
        method="GET",
        path="/x/agent_statistics",
        tag="Statistics",
        summary="Agents now, and since midnight by the account's clock",
        description="The figures of /reports/agents for today so far, kept up with every event.",
        query=AdherenceQuery,
        reply=list[AgentStatistics],
        errors=(_AGENT,),
    ),
)
