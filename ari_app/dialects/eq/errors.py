"""Errors as the EQ API answers them: a status, and rows of parameter, type and description.

| status | when |
|---|---|
| 400 | a parameter is blank, invalid, or one of the reference's special errors |
| 401 | the key or the session |
| 403 | the supervisor may only monitor; the key lacks the scope |
| 404 | unknown path, unknown id in the path, PUT on what is deleted |
| 405 | the path has no such method |
| 429 | too many requests with this key, or too many who listen to events |
| 500 | a defect of ours, logged under the id in the description |
| 503 | the database or Asterisk does not answer |
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ari_app.ari.errors import AriError
from ari_app.dialects.eq.wire.error import ErrorOut, ErrorsOut
from ari_app.dialects.http import BodyMalformed, json_response
from ari_app.errors import AppError, CommandRefused, Conflict, NotFound, StoreUnavailable
from ari_app.recordings.s3 import StorageUnavailable
from ari_app.recordings.verified import Damaged
from ari_app.store.recordings import DAMAGED

#: parameters that are objects: an error in one names the attribute, not the parameter
_OBJECTS = ("data", "options")
#: pydantic's kinds of error that mean "not given"
_BLANK = ("missing", "blank")


class ApiError(AppError):
    """A request that is refused."""

    slug = "request"

    def __init__(
        self,
        status: int,
        parameter: str | None,
        kind: str,
        description: str,
        *,
        more: Iterable[ErrorOut] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(description, parameter=parameter)
        self.status = status
        self.rows = [ErrorOut(parameter=parameter, type=kind, description=description), *more]
        self.headers = headers


def refused(parameter: str | None, kind: str, description: str) -> ApiError:
    """400: one of the errors in the endpoint's table."""
    return ApiError(400, parameter, kind, description)


def invalid(parameter: str, description: str) -> ApiError:
    """400: the value cannot be."""
    return ApiError(400, parameter, "invalid", description)


def nonexistent(parameter: str, what: str) -> ApiError:
    """400: a parameter names something there is not."""
    return ApiError(400, parameter, "nonexistent", f"{what} does not exist")


def not_found(parameter: str, what: str) -> ApiError:
    """404: the path names something there is not."""
    return ApiError(404, parameter, "nonexistent", f"{what} does not exist")


def unauthorized(parameter: str | None, kind: str, description: str) -> ApiError:
    """401: the key or the session."""
    return ApiError(401, parameter, kind, description)


def error_response(status: int, rows: list[ErrorOut], headers: dict[str, str] | None = None) -> web.Response:
    """The error document."""
    return json_response(ErrorsOut(errors=rows), status=status, headers=headers)


def render(_request: web.Request, error: Exception) -> web.StreamResponse | None:
    """The answer to an error; None: one that nobody expected."""
    match error:
        case ApiError():
            return error_response(error.status, error.rows, error.headers)
        case ValidationError() | Conflict() | CommandRefused():
            return error_response(400, rows_of(error))
        case NotFound():
            return error_response(404, rows_of(error))
        case BodyMalformed():
            return _one(400, None, "invalid", str(error))
        case StoreUnavailable():
            return _one(503, None, "unavailable", "The database does not answer")
        case Damaged():
            return _one(500, "id", "damaged", DAMAGED)
        case StorageUnavailable():
            return _one(503, None, "unavailable", "The storage of recordings does not answer")
        case AriError():
            return _one(503, None, "unavailable", "Asterisk does not answer")
        case web.HTTPException():
            return _http(error)
        case _:
            return None


def rows_of(error: ApiError | ValidationError | Conflict | CommandRefused | NotFound) -> list[ErrorOut]:
    """What is refused, row by row."""
    match error:
        case ApiError():
            return error.rows
        case ValidationError():
            return [_row(details) for details in error.errors(include_url=False)]
        case Conflict():
            kind = "in_use"
        case CommandRefused():
            kind = error.slug
        case NotFound():
            kind = "nonexistent"
    return [ErrorOut(parameter=_parameter(error), type=kind, description=str(error))]


def render_unexpected(incident: str) -> web.StreamResponse:
    """500, with the id under which the log has the rest."""
    return _one(500, None, "server_error", f"Something went wrong on our side; the log has it as {incident}")


def _one(status: int, parameter: str | None, kind: str, description: str) -> web.Response:
    return error_response(status, [ErrorOut(parameter=parameter, type=kind, description=description)])


def _parameter(error: AppError) -> str | None:
    parameter = error.context.get("parameter")
    return parameter if isinstance(parameter, str) else None


def _http(error: web.HTTPException) -> web.Response:
    """What aiohttp itself answers: no such path, no such method, a request it cannot read."""
    match error:
        case web.HTTPNotFound():
            return _one(404, None, "nonexistent", "There is no such path")
        case web.HTTPMethodNotAllowed():
            row = ErrorOut(parameter=None, type="invalid", description=f"The path has no method {error.method[:16]}")
            return error_response(405, [row], {"Allow": ", ".join(sorted(error.allowed_methods))})
        case _:
            return _one(error.status, None, "invalid", error.reason or "The request is not valid")


def _row(details: ErrorDetails) -> ErrorOut:
    """One of pydantic's errors. Its message describes what is allowed and never holds what was sent."""
    loc = details["loc"]
    path = [str(part) for part in loc if isinstance(part, str)]
    if len(loc) > 1 and loc[0] == "operations" and isinstance(loc[1], int):
        path[0] += f"[{loc[1]}]"
    if len(path) > 1 and path[0] in _OBJECTS:
        path = path[1:]
    kind = details["type"]
    if kind in _BLANK:
        return ErrorOut(parameter=".".join(path), type="blank", description=f"{path[-1]} must be given")
    message = details["msg"]
    return ErrorOut(
        parameter=".".join(path),
        type="nonexistent" if kind == "nonexistent" else "invalid",
        description=f"{path[-1]}: {message[:1].lower()}{message[1:]}",
    )
