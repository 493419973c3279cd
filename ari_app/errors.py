"""The errors of the application, one tree.

    AppError
    ├── ConfigError            a setting is missing or wrong; the message says which and what to set
    ├── CommandRefused         a command out of season: the state does not allow it now
    │   ├── AlreadyRequested
    │   ├── NotSignedIn
    │   ├── LimitReached
    │   └── AlreadySignedIn
    ├── NotFound               no such thing in this account
    ├── Conflict               a unique name or number is taken
    ├── StoreUnavailable       the database does not answer
    ├── SpeechError (media/tts/errors.py)   a text could not be spoken
    ├── RecognitionError (media/asr/errors.py)   speech could not be recognised
    └── AriError (ari/errors.py)   what Asterisk said, by status

Each class has a `slug`: stable, for logs, metrics and dialects. An HTTP status belongs to a dialect, never here.
"""

from __future__ import annotations


class AppError(Exception):
    """An error this application raises on purpose."""

    slug = "error"

    def __init__(self, message: str = "", **context: object) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])
        #: ids and values that belong to the error, for the log line; never a secret.
        self.context = context


class ConfigError(AppError):
    """A setting is missing or wrong."""

    slug = "config"


class CommandRefused(AppError):
    """The state does not allow this command now."""

    slug = "refused"


class NotSignedIn(CommandRefused):
    """The user has no active session, or is not in that queue."""

    slug = "not_signed_in"


class AlreadySignedIn(CommandRefused):
    """The user is signed in already."""

    slug = "already_signed_in"


class LimitReached(CommandRefused):
    """There are as many as there may be."""

    slug = "limit"


class AlreadyRequested(CommandRefused):
    """What is asked for has been asked for before, and is still to come."""

    slug = "already_requested"


class NotFound(AppError):
    """No such thing in this account."""

    slug = "nonexistent"


class Conflict(AppError):
    """A unique name or number is taken."""

    slug = "in_use"


class StoreUnavailable(AppError):
    """The database does not answer."""

    slug = "store_unavailable"
