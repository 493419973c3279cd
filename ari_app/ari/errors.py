"""What Asterisk said when it did not do what was asked, one tree.

    AppError
    └── AriError               any of these; carries operation, method, path, status and Asterisk's own words
        ├── Gone               404  the channel, bridge, playback, ... is not there (any more)
        ├── NotInStasis        409 or 422 "Channel not in Stasis application": not yet, or not any more
        ├── Conflict           409  any other: the id is taken, a bridge is of the wrong kind, a channel is recording
        ├── InvalidState       412  the channel's state does not allow it (an outbound channel that is not up)
        ├── Unprocessable      422  any other: the event source is unknown, a sound is not found
        ├── Refused            everything else that is not 2xx
        │   ├── BadRequest     400  a parameter is missing or wrong
        │   ├── Unauthorized   401, 403  user or password wrong, or read-only
        │   └── ServerFault    5xx  Asterisk could not (also while it starts: 503)
        ├── Unreachable        refused, reset, unknown host: whether the request was carried out is unknown
        ├── TimedOut           no answer in time: whether the request was carried out is unknown
        └── BadReply           an answer that does not have the shape Asterisk describes

Rule 6 of the architecture reads them: Gone = gone; NotInStasis, Conflict, InvalidState, Unprocessable = not yet or not
there. The statuses are those of the errorResponses in api-docs and of res/ari/resource_channels.c (find_control).
"""

from __future__ import annotations

from ari_app.errors import AppError


class AriError(AppError):
    """Asterisk did not do what was asked."""

    slug = "ari"

    def __init__(self, message: str = "", *, operation: str = "", method: str = "", path: str = "", status: int = 0):
        detail = message or (type(self).__doc__ or "").strip()
        answer = f"{status} {detail}" if status else detail
        super().__init__(f"{operation or 'ari'} ({method} {path}): {answer}")
        #: Asterisk's own words, or those of the network.
        self.detail = detail
        #: Such as `channels.originate`.
        self.operation = operation
        self.method = method
        #: Path below /ari, without the query: values of variables may be secret.
        self.path = path
        #: HTTP status, 0 when there was no answer.
        self.status = status


class Gone(AriError):
    """It is not there, or not any more."""

    slug = "gone"


class NotInStasis(AriError):
    """The channel is not in our application: not yet, or not any more."""

    slug = "not_in_stasis"


class Conflict(AriError):
    """The id is taken, or the thing is busy with something that excludes this."""

    slug = "conflict"


class InvalidState(AriError):
    """The channel's state does not allow this."""

    slug = "invalid_state"


class Unprocessable(AriError):
    """Understood, and not possible."""

    slug = "unprocessable"


class Refused(AriError):
    """Asterisk refused."""

    slug = "ari_refused"


class BadRequest(Refused):
    """A parameter is missing or wrong."""

    slug = "bad_request"


class Unauthorized(Refused):
    """User or password of ARI are wrong, or the user is read-only."""

    slug = "unauthorized"


class ServerFault(Refused):
    """Asterisk could not do it."""

    slug = "server_fault"


class Unreachable(AriError):
    """Asterisk is not reachable."""

    slug = "unreachable"


class TimedOut(AriError):
    """Asterisk did not answer in time."""

    slug = "timed_out"


class BadReply(AriError):
    """Asterisk's answer does not have the shape it describes."""

    slug = "bad_reply"


_BY_STATUS: dict[int, type[AriError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Unauthorized,
    404: Gone,
    409: Conflict,
    412: InvalidState,
    422: Unprocessable,
}


def error_for(status: int, message: str, *, operation: str, method: str, path: str) -> AriError:
    """The error of an answer. `path` may hold a query: it is cut off."""
    kind = _BY_STATUS.get(status) or (ServerFault if status >= 500 else Refused)
    if status in (409, 422) and "not in Stasis" in message:
        kind = NotInStasis
    return kind(message, operation=operation, method=method, path=path.partition("?")[0], status=status)
