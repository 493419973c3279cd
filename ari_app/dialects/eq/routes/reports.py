"""What was: queues and agents by interval, from the record."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from ari_app.acd.hours import HoursError, zone
from ari_app.dialects.eq.errors import invalid, nonexistent
from ari_app.dialects.eq.routes.ask import Ask, Handler, Text
from ari_app.dialects.eq.routes.hours import time_zone
from ari_app.dialects.eq.wire.report import (
    AgentReport,
    AgentReportQuery,
    AgentStatistics,
    QueueReport,
    QueueReportQuery,
)
from ari_app.dialects.eq.wire.schedule import AdherenceQuery
from ari_app.errors import NotFound
from ari_app.store.intervals import Intervals

R = TypeVar("R")

#: days, intervals and rows of one report: all of it is made in memory
DAYS_MAX, INTERVALS_MAX, ROWS_MAX = 31, 3000, 10_000


async def queues(ask: Ask[QueueReportQuery, None]) -> object:
    query, services = ask.query, ask.services
    intervals = await _intervals(ask, query)
    if query.queue is not None:
        try:
            await services.queues.get(ask.account, query.queue)
        except NotFound:
            raise nonexistent("queue", "The queue") from None
    rows = await services.statistics.queues(
        ask.account, intervals, services.clock.now(), queue=query.queue, short=float(query.short_abandon)
    )
    return await _answer(QueueReport.of, rows, query.format)


async def agents(ask: Ask[AgentReportQuery, None]) -> object:
    query, services = ask.query, ask.services
    intervals = await _intervals(ask, query)
    if query.agent is not None:
        try:
            await services.users.get(ask.account, "agent", query.agent)
        except NotFound:
            raise nonexistent("agent", "Agent") from None
    rows = await services.statistics.agents(ask.account, intervals, services.clock.now(), agent=query.agent)
    return await _answer(AgentReport.of, rows, query.format)


async def today(ask: Ask[AdherenceQuery, None]) -> list[AgentStatistics]:
    services, now = ask.services, ask.services.clock.now()
    try:
        rows = services.centre.agent_status(ask.account, None, ask.query.agent, True)
    except NotFound:
        raise nonexistent("agent", "Agent") from None
    return [AgentStatistics.of(row, services.today.figures(ask.account, row.agent, now)) for row in rows]


async def _intervals(ask: Ask[Any, None], query: QueueReportQuery | AgentReportQuery) -> Intervals:
    try:
        found_zone = zone(query.time_zone or await time_zone(ask.services, ask.account))
    except HoursError:
        raise invalid("time_zone", "There is no such time zone") from None
    if not query.since < query.until <= query.since + DAYS_MAX * 86400 + 7200:
        raise invalid("to", f"to must be after from, by {DAYS_MAX} days at most")
    found = Intervals.cut(float(query.since), float(query.until), query.minutes, found_zone)
    if len(found) > INTERVALS_MAX:
        raise invalid("interval", f"A report has at most {INTERVALS_MAX} intervals")
    return found


async def _answer(document: Callable[[R], msgspec.Struct], rows: list[R], form: str) -> object:
    if len(rows) > ROWS_MAX:
        raise invalid("interval", f"A report has at most {ROWS_MAX} rows: ask for less, or in longer intervals")

    def make() -> object:
        documents = [document(row) for row in rows]
        return documents if form == "json" else Text(text=_csv(documents), content_type="text/csv")

    # Calls must not wait for it.
    return await asyncio.to_thread(make)


def _csv(documents: list[msgspec.Struct]) -> str:
    flat = [_flat(msgspec.to_builtins(row)) for row in documents]
    # not every row has every pause code
    columns = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """What is nested gets a column each: "answeredIn.15", "pauseTimes.3" (without a code: "pauseTimes.none")."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name == "pauseTimes":
            found |= {f"{name}.{pause['pauseCode'] or 'none'}": pause["time"] for pause in value}
        elif isinstance(value, dict):
            found |= {f"{name}.{key}": one for key, one in value.items()}
        else:
            found[name] = value
    return found


HANDLERS: dict[str, Handler] = {"reports.queues": queues, "reports.agents": agents, "x.agent_statistics": today}
