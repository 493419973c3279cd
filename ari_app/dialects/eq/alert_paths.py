"""The part of the path table (paths.py) about alerts."""

from __future__ import annotations

from ari_app.dialects.eq.wire.alert import ActiveAlert, Alert, AlertCreateBody, AlertQuery, AlertUpdateBody
from ari_app.dialects.http import Endpoint, error

_SEMANTICS = (
    "High: at the threshold or above it; Low: at it or below. The threshold is of calls, seconds, agents, or per cent"
    " (diskUsageHigh). Days and hours are those of the account's time zone; a toTime before fromTime is on the next"
    " day. An alert is cleared when its figure has been good for 10 seconds, or its hours end."
)
_ID = {"id": "ID of the alert"}
_ERRORS = (
    error("name", "in_use", "An alert with the specified name already exists for the user"),
    error("type", "invalid", "Not a type, or one of e-mail queues, which there are not"),
    error("callQueue", "blank", "Not given, and the type is about a queue"),
    error("callQueue", "nonexistent", "The call queue does not exist (or is deleted)"),
    error("threshold", "blank", "Not given, and the type has one"),
    error("color", "blank", "Not given, and the notification is realtime"),
    error("interval", "blank", "Not given, and the notification is not realtime"),
    error("notificationType", "not_configured", "This server cannot notify so; the description says what to set"),
    error("type", "not_configured", "There is nothing here that could raise it"),
    error("toTime", "invalid", "The same as fromTime"),
)
_USER_ERRORS = (
    error("user", "blank", "Not given, and the notification is not custom"),
    error("user", "nonexistent", "The supervisor does not exist (or is deleted)"),
)

ALERTS = (
    Endpoint(
        name="alert.list",
        method="GET",
        path="/alert",
        tag="Alert",
        summary="List: alert",
        query=AlertQuery,
        reply=list[Alert],
        reply_headers={"X-Total-Count": "How many rows there are without limit and offset"},
    ),
    Endpoint(
        name="alert.create",
        method="POST",
        path="/alert",
        tag="Alert",
        summary="Create: alert",
        description=_SEMANTICS,
        body=AlertCreateBody,
        reply=int,
        errors=(*_ERRORS, *_USER_ERRORS),
        changes=True,
    ),
    Endpoint(
        name="alert.get",
        method="GET",
        path="/alert/{id}",
        tag="Alert",
        summary="Get: alert",
        parameters=_ID,
        reply=Alert,
    ),
    Endpoint(
        name="alert.update",
        method="PUT",
        path="/alert/{id}",
        tag="Alert",
        summary="Update: alert",
        description=_SEMANTICS + " Whose it is stays.",
        parameters=_ID,
        body=AlertUpdateBody,
        errors=(*_ERRORS, error("notificationType", "invalid", "The alert is nobody's: it can only be custom")),
        changes=True,
    ),
    Endpoint(
        name="alert.delete",
        method="DELETE",
        path="/alert/{id}",
        tag="Alert",
        summary="Delete for good: alert",
        parameters=_ID,
        changes=True,
    ),
    Endpoint(
        name="x.active_alerts",
        method="GET",
        path="/x/active_alerts",
        tag="Alert",
        summary="Alerts that are raised now",
        reply=list[ActiveAlert],
    ),
)
