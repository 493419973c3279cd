"""Log lines: one a fact, with the ids in fields, and never a secret.

Secrets are kept out three times over, because one forgotten place is enough: by the name of a field (`auth_key`,
`token`, `password`, ...), by what text looks like (a query string, a header, a URL with a password, a session's path),
and by value (`secrets`: the passwords this installation is configured with). The standard library's loggers, those of
the libraries we use included, go through the same processors; so do tracebacks.

Log through structlog (`structlog.get_logger("eq")`) or the standard library: both end here.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "***"

#: a field with one of these words in its name holds a secret
_SECRET_NAME = re.compile(
    r"auth_key|auth_(?:supervisor|agent)_session|token|passw(?:or)?d|passphrase|secret|authorization|cookie|api_?key|credential",
    re.IGNORECASE,
)
_NAMES = (
    r"[\w.-]*(?:auth_key|auth_supervisor_session|auth_agent_session|token|password|passwd|passphrase|secret"
    r"|api_?key|credential)[\w.-]*"
)
#: what secrets look like inside a text, and what is left of each
_SECRET_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    # header lines, and the header in a dict's repr: everything to the end of the value
    (
        re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(['\"]?\s*[:=]\s*['\"]?)[^'\"\r\n]+"),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=._~-]{6,}"), rf"\1 {MASK}"),
    # name=value and name%3Dvalue in query strings and form bodies
    (re.compile(rf"(?i)\b({_NAMES})(=|%3d)[^&\s'\"<>]*"), rf"\1\2{MASK}"),
    # "name": "value" in JSON (a backslash when it was quoted once more) and in a dict's repr
    (re.compile(rf"(?i)(\\?['\"]{_NAMES}\\?['\"]\s*:\s*)(\\?['\"])(?:(?!\2).)*\2"), rf"\1\2{MASK}\2"),
    (re.compile(rf"(?i)(\\?['\"]{_NAMES}\\?['\"]\s*:\s*)\d+"), rf"\1{MASK}"),
    # the same in a JSON document that was percent-encoded into a form field
    (re.compile(rf"(?i)(%22{_NAMES}%22(?:%20|\+)*%3a(?:%20|\+)*%22)(?:(?!%22)\S)*"), rf"\1{MASK}"),
    # the password of a URL
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@"), rf"\1:{MASK}@"),
    # a session's token as a path
    (re.compile(r"(?i)(_session/)[^/?#\s'\"]+"), rf"\1{MASK}"),
)


#: a text without any of these holds nothing that the patterns above would find
_HINT = re.compile(
    r"key|session|token|passw|passphrase|secret|credential|authorization|cookie|basic|bearer|://", re.IGNORECASE
)


@lru_cache(maxsize=1024)  # few names, each of them on every line
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


class SecretMask:
    """Takes secrets out of whatever is about to be logged."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first: one secret may be part of another. Very short ones would mask half of every line.
        self._values = sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without what looks like a secret or is known to be one."""
        for value in self._values:
            if value in text:
                text = text.replace(value, MASK)
        if _HINT.search(text):
            for pattern, replacement in _SECRET_TEXT:
                text = pattern.sub(replacement, text)
        return text

    def value(self, value: Any) -> Any:
        """The same for any value, containers included."""
        match value:
            case str():
                return self.text(value)
            case bytes() | bytearray():
                return self.text(bytes(value).decode("utf-8", "backslashreplace"))
            case bool() | int() | float() | None:
                return value
            case Mapping():
                return {key: self._field(key, item) for key, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(item) for item in value]
            case _:
                return self.text(repr(value))

    def _field(self, name: object, value: Any) -> Any:
        if isinstance(name, str) and _is_secret(name) and value is not None and not isinstance(value, bool):
            return MASK
        return self.value(value)

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """As a structlog processor."""
        kept = {name: event[name] for name in ("_record", "_from_structlog") if name in event}
        masked = {name: self._field(name, value) for name, value in event.items() if name not in kept}
        return {**masked, **kept}


def configure(
    *,
    level: str = "info",
    form: Literal["json", "text"] = "text",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
    lasting: bool = False,
) -> None:
    """Send every log line of the process, ours and the libraries', to `stream` (standard error).

    Args:
        level: debug, info, warning, error.
        form: one JSON object a line, or text for people.
        secrets: values that never appear, wherever they come from.
        lasting: nothing is configured again in this process: each logger is made once, not for each line.
    """
    mask = SecretMask(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=lasting,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Its lines hold the whole URL; what a request did is logged by dialects/http.py instead.
    logging.getLogger("aiohttp.access").setLevel(logging.CRITICAL)
    # They tell each connection and each look at the migrations; we tell what matters of both.
    for library in ("alembic", "websockets"):
        logging.getLogger(library).setLevel(logging.WARNING)
