"""What agents are scheduled for, and whether they keep to it."""

from __future__ import annotations

import asyncio
import math

from ari_app.acd.hours import zone
from ari_app.dialects.eq.errors import invalid, nonexistent
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.routes.hours import time_zone
from ari_app.dialects.eq.wire.schedule import (
    DAYS_MAX,
    AdherenceQuery,
    AgentAdherence,
    AgentSchedule,
    ScheduledActivity,
    SchedulesBody,
    SchedulesQuery,
    Unfit,
    to_schedules,
)
from ari_app.errors import NotFound


async def get(ask: Ask[SchedulesQuery, None]) -> list[AgentSchedule]:
    query, services = ask.query, ask.services
    if not query.since < query.until <= query.since + DAYS_MAX * 86400 + 7200:
        raise invalid("to", f"to must be after from, by {DAYS_MAX} days at most")
    if query.agent is not None:
        try:
            await services.users.get(ask.account, "agent", query.agent)
        except NotFound:
            raise nonexistent("agent", "Agent") from None
    found = await services.schedules.get(ask.account, query.since, query.until, query.agent)
    return [
        AgentSchedule(agent=agent, activities=[ScheduledActivity.of(one) for one in activities])
        for agent, activities in found.items()
    ]


async def update(ask: Ask[None, SchedulesBody]) -> None:
    services, data = ask.services, ask.body.data
    name = data.time_zone or await time_zone(services, ask.account)
    try:
        # thousands of times in a zone: calls must not wait for them
        since, until, schedules = await asyncio.to_thread(to_schedules, data, zone(name))
    except Unfit as unfit:
        raise invalid(unfit.parameter, str(unfit)) from None
    try:
        await services.schedules.set(ask.account, since, until, schedules)
    except NotFound as error:
        if "pause_code" in error.context:
            raise nonexistent("schedules.activities.pauseCode", "A pause code") from None
        raise nonexistent("schedules.agent", "An agent") from None


async def adherence(ask: Ask[AdherenceQuery, None]) -> list[AgentAdherence]:
    services, agent = ask.services, ask.query.agent
    now = services.clock.now()
    try:
        rows = services.centre.agent_status(ask.account, None, agent, True)
    except NotFound:
        raise nonexistent("agent", "Agent") from None
    scheduled = await services.schedules.get(ask.account, now, math.nextafter(now, math.inf), agent)
    return [AgentAdherence.of(row, next(iter(scheduled.get(row.agent, [])), None)) for row in rows]


HANDLERS: dict[str, Handler] = {
    "x.schedules.get": get,
    "x.schedules.update": update,
    "x.adherence": adherence,
}
