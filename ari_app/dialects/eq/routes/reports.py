"""What was: queues and agents by interval, from the record."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec

from ari_app.dialects.eq.errors import invalid, nonexistent
from ari_app.dialects.eq.routes.ask import Ask, Handler, Text
from ari_app.dialects.eq.wire.report import AgentReport, AgentReportQuery, QueueReport, QueueReportQuery
from ari_app.errors import NotFound
from ari_app.store.intervals import Intervals

#: days and intervals of one report: all of it is made in memory
DAYS_MAX, INTERVALS_MAX = 31, 3000


async def queues(ask: Ask[QueueReportQuery, None]) -> object:
    query, services = ask.query, ask.services
    intervals = _intervals(query)
    if query.queue is not None:
        try:
            await services.queues.get(ask.account, query.queue)
        except NotFound:
            raise nonexistent("queue", "The queue") from None
    rows = await services.statistics.queues(
        ask.account, intervals, services.clock.now(), queue=query.queue, short=float(query.short_abandon)
    )
    return _answer([QueueReport.of(row) for row in rows], query.format)


async def agents(ask: Ask[AgentReportQuery, None]) -> object:
    query, services = ask.query, ask.services
    intervals = _intervals(query)
    if query.agent is not None:
        try:
            await services.users.get(ask.account, "agent", query.agent)
        except NotFound:
            raise nonexistent("agent", "Agent") from None
    rows = await services.statistics.agents(ask.account, intervals, services.clock.now(), agent=query.agent)
    return _answer([AgentReport.of(row) for row in rows], query.format)


def _intervals(query: QueueReportQuery | AgentReportQuery) -> Intervals:
    try:
        zone = query.zone()
    except ValueError:
        raise invalid("time_zone", "There is no such time zone") from None
    if not query.since < query.until <= query.since + DAYS_MAX * 86400 + 7200:
        raise invalid("to", f"to must be after from, by {DAYS_MAX} days at most")
    found = Intervals.cut(float(query.since), float(query.until), query.minutes, zone)
    if len(found) > INTERVALS_MAX:
        raise invalid("interval", f"A report has at most {INTERVALS_MAX} intervals")
    return found


def _answer(rows: Sequence[msgspec.Struct], form: str) -> object:
    if form == "json":
        return rows
    flat = [_flat(msgspec.to_builtins(row)) for row in rows]
    # not every row has every pause code
    columns = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(flat)
    return Text(text=text.getvalue(), content_type="text/csv")


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


HANDLERS: dict[str, Handler] = {"reports.queues": queues, "reports.agents": agents}
