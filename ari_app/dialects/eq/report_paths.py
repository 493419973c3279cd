"""The part of the path table (paths.py) about what was. Ours: the reference has figures of now only."""

from __future__ import annotations

from ari_app.dialects.eq.wire.report import AgentReport, AgentReportQuery, QueueReport, QueueReportQuery
from ari_app.dialects.http import Endpoint, ErrorRow

_REPORT = (
    "With format=csv the answer is text/csv with a header line; what is nested gets a column each (answeredIn.15)."
)
_REPORT_ERRORS = (
    ErrorRow(parameter="from", type="blank", description="The beginning is not given"),
    ErrorRow(parameter="to", type="blank", description="The end is not given"),
    ErrorRow(parameter="to", type="invalid", description="Not after from, or more than 31 days after it"),
    ErrorRow(parameter="interval", type="invalid", description="Not one of the intervals"),
    ErrorRow(parameter="time_zone", type="invalid", description="There is no such time zone"),
)

REPORTS = (
    Endpoint(
        name="reports.queues",
        method="GET",
        path="/reports/queues",
        tag="Reports",
        summary="What was: queues by interval, from the record",
        description=_REPORT,
        query=QueueReportQuery,
        reply=list[QueueReport],
        errors=(
            *_REPORT_ERRORS,
            ErrorRow(parameter="queue", type="nonexistent", description="The queue does not exist, and never did"),
        ),
    ),
    Endpoint(
        name="reports.agents",
        method="GET",
        path="/reports/agents",
        tag="Reports",
        summary="What was: agents by interval, from the record",
        description=_REPORT,
        query=AgentReportQuery,
        reply=list[AgentReport],
        errors=(
            *_REPORT_ERRORS,
            ErrorRow(parameter="agent", type="nonexistent", description="The agent does not exist, and never did"),
        ),
    ),
)
