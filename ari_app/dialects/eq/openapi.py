"""The OpenAPI document of the EQ API, made from the table in paths.py."""

from __future__ import annotations

from typing import Any

from ari_app.dialects import openapi
from ari_app.dialects.eq import auth
from ari_app.dialects.eq.paths import ENDPOINTS, PREFIX, VERSION
from ari_app.dialects.eq.wire.error import ErrorsOut

_STATUSES = {
    400: "A parameter is blank or invalid, or one of the endpoint's errors",
    401: "The key or the session is not valid",
    403: "The key lacks the scope (x-scope), or a supervisor of type monitorOnly may not do this",
    404: "No such thing in the path, or it is deleted",
    405: "The path has no such method",
    429: "Too many requests with this key, or too many listeners; the header Retry-After says how many seconds to wait",
    500: "Server error",
    503: "The database or Asterisk does not answer",
}
_SESSION_PARAMETERS = {
    parameter: {
        "name": parameter,
        "in": "query",
        "required": False,
        "description": f"Token of the {kind}'s session on whose behalf this is asked; may be in the body instead",
        "schema": {"type": "string"},
    }
    for parameter, kind in auth.SESSIONS
}
_DESCRIPTION = """Agents, supervisors, call queues.

Bodies are forms with JSON in `data` and `options`, or JSON objects with the same members. Every answer is JSON; what
fails is answered with the error document. Times are UNIX seconds."""


def openapi_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    return openapi.build(
        openapi.Title(title="EQ API", version=VERSION, description=_DESCRIPTION, prefix=PREFIX),
        ENDPOINTS,
        openapi.Conventions(
            security={
                auth.KEY: {
                    "type": "apiKey",
                    "in": "query",
                    "name": auth.KEY,
                    "description": "May be in the body instead, where there is one",
                }
            },
            parameters=_SESSION_PARAMETERS,
            error=ErrorsOut,
            statuses=_STATUSES,
            media_types=("application/json", "application/x-www-form-urlencoded"),
        ),
    )
