"""What the dialects share: the table of endpoints, reading a request within limits, and errors as answers.

A dialect is a tuple of `Endpoint` rows; `openapi.py` turns the rows into its document and the dialect's routes.py into
an aiohttp application, so that what is documented is what is served.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import aiohttp.http_exceptions
import msgspec
import structlog
from aiohttp import web
from pydantic import BaseModel

from ari_app.clock import Clock
from ari_app.errors import AppError
from ari_app.ids import IdSource
from ari_app.ops.metrics import HttpMetrics

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: no request of ours is larger; a bulk change of thousands of rows fits
BODY_LIMIT = 1024 * 1024
#: fields of a form
FIELD_LIMIT = 200

#: how many addresses a RateLimit remembers; the longest quiet is forgotten first
_ADDRESSES = 10_000

log = structlog.get_logger("http")


@dataclass(frozen=True, kw_only=True)
class ErrorRow:
    """An error an endpoint may answer with, as its reference lists it."""

    parameter: str | None
    type: str
    description: str


def error(parameter: str | None, kind: str, description: str) -> ErrorRow:
    """A row of that list."""
    return ErrorRow(parameter=parameter, type=kind, description=description)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One row of a dialect's path table."""

    #: "supervisor.create": the handler's name and the operation id
    name: str
    method: str
    #: with parameters in braces, relative to the dialect's prefix
    path: str
    summary: str
    tag: str
    #: notes for the document
    description: str = ""
    #: parameters in the query string, a field each
    query: type[BaseModel] | None = None
    #: parameters in the body, a field each
    body: type[BaseModel] | None = None
    #: media types of a body that is a file, as it is; then there is no `body`
    upload: tuple[str, ...] = ()
    #: not every form of the request has a body (undelete)
    body_optional: bool = False
    #: type of the answer's JSON; None: null
    reply: Any = None
    #: media types of an answer that is a file; then there is no `reply`
    download: tuple[str, ...] = ()
    #: media types of an answer that goes on for as long as the client likes; then there is no `reply`
    streams: tuple[str, ...] = ()
    #: header -> what it says
    reply_headers: dict[str, str] = field(default_factory=dict)
    errors: tuple[ErrorRow, ...] = ()
    #: path parameter -> its description
    parameters: dict[str, str] = field(default_factory=dict)
    #: changes something: not for those who may only look
    changes: bool = False
    #: may be asked without a key: what it is about says who asks
    keyless: bool = False
    #: what the key must be allowed, where that is not what its method says
    scope: str = ""

    @property
    def needs(self) -> str:
        """The scope of a key that may ask this."""
        return self.scope or ("read" if self.method == "GET" else "write")

    @property
    def path_names(self) -> list[str]:
        """The parameters in the path."""
        return re.findall(r"{(\w+)}", self.path)


class BodyMalformed(AppError):
    """The request's body cannot be read."""

    slug = "malformed"


class BodyTooLarge(BodyMalformed):
    """The request's body is too large."""

    slug = "too_large"


def decode_json(text: bytes | str) -> Any:
    """JSON to values.

    Raises:
        BodyMalformed: it is not JSON. The message says where, never what was sent.
    """
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        # msgspec's errors are ValueErrors; a document that is nested too deep is a RecursionError
        raise BodyMalformed("not valid JSON") from None


async def read_body(request: web.Request, limit: int = BODY_LIMIT) -> bytes:
    """The body, no more than `limit` bytes of it after decompression.

    Raises:
        BodyTooLarge, BodyMalformed
    """
    if (request.content_length or 0) > limit:
        raise BodyTooLarge(f"the body is larger than {limit} bytes")
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > limit:
                raise BodyTooLarge(f"the body is larger than {limit} bytes")
    except (web.RequestPayloadError, aiohttp.http_exceptions.HttpProcessingError):
        raise BodyMalformed("the body's encoding is broken") from None
    return bytes(body)


async def read_parameters(request: web.Request, limit: int = BODY_LIMIT) -> dict[str, Any]:
    """The parameters of a form body or a JSON object, by name; of a name given twice the last counts.

    Raises:
        BodyTooLarge, BodyMalformed
    """
    raw = await read_body(request, limit)
    if not raw.strip():
        return {}
    kind = request.content_type
    if kind == "application/json" or kind.endswith("+json"):
        values = decode_json(raw)
        if not isinstance(values, dict):
            raise BodyMalformed("the body must be a JSON object")
        return values
    if kind not in ("application/x-www-form-urlencoded", "application/octet-stream"):
        # octet-stream is also what aiohttp says when there was no header
        raise BodyMalformed("Content-Type must be application/json or application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELD_LIMIT)
    except ValueError:
        raise BodyMalformed("not a valid form") from None
    return dict(pairs)


def query_parameters(request: web.Request) -> dict[str, str]:
    """The query string by name; of a name given twice the last counts."""
    return dict(request.query.items())


def json_response(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A value as a JSON answer that no cache keeps."""
    return encoded_response(msgspec.json.encode(value), status=status, headers=headers)


def encoded_response(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """What is JSON already as an answer that no cache keeps."""
    said = {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})}
    return web.Response(body=body, status=status, headers=said)


class RateLimit:
    """A bucket of tokens for each address: `burst` at once, then `rate` a second."""

    def __init__(self, clock: Clock, *, rate: float, burst: int) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = float(burst)
        #: address -> (tokens, when), in the order of last use
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def _tokens(self, address: str) -> float:
        tokens, since = self._buckets.get(address, (self._burst, 0.0))
        return min(self._burst, tokens + max(0.0, self._clock.now() - since) * self._rate)

    def wait(self, address: str) -> float:
        """Seconds until the address may try again; 0: now."""
        missing = 1.0 - self._tokens(address)
        return max(0.0, missing / self._rate)

    def take(self, address: str) -> None:
        """Use one up."""
        tokens = self._tokens(address)
        self._buckets[address] = (max(0.0, tokens - 1.0), self._clock.now())
        self._buckets.move_to_end(address)
        if len(self._buckets) > _ADDRESSES:
            self._buckets.popitem(last=False)

    def give_back(self, address: str) -> None:
        """What was taken does not count."""
        if address in self._buckets:
            tokens, since = self._buckets[address]
            self._buckets[address] = (min(self._burst, tokens + 1.0), since)


#: an error as the dialect's answer; None: not one it knows
Render = Callable[[web.Request, Exception], web.StreamResponse | None]
#: the answer to an error nobody expected, by the id it is logged under
RenderUnexpected = Callable[[str], web.StreamResponse]


def endpoint_of(request: web.Request) -> str:
    """Method and pattern of the route that matched, for logs and metrics: the path may hold a session's token, and
    neither path nor method of a request that matched nothing is from a bounded set."""
    resource = request.match_info.route.resource
    return f"{request.method} {resource.canonical}" if resource is not None else "unknown"


def guard(
    dialect: str, *, render: Render, unexpected: RenderUnexpected, clock: Clock, metrics: HttpMetrics | None = None
) -> Any:
    """The outermost middleware of a dialect: every error becomes an answer, every answer is counted and logged.

    An unexpected exception is logged with an id that the answer carries too, so that the two can be matched.
    """
    ids = IdSource(clock)

    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception as error:
            if request.transport is None or request.transport.is_closing():
                raise  # the client is gone: nobody to answer
            response = render(request, error)
            if response is None:
                incident = ids.new("error")
                log.exception("request failed", dialect=dialect, endpoint=endpoint_of(request), incident=incident)
                response = unexpected(incident)
            elif response.status >= 500:
                reason = error.slug if isinstance(error, AppError) else type(error).__name__
                log.warning(
                    "unavailable", dialect=dialect, endpoint=endpoint_of(request), reason=reason, error=str(error)
                )
            return response

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        started = loop.time()
        with metrics.in_flight.track_inprogress() if metrics is not None else nullcontext():
            response = await answer(request, handler)
        seconds = loop.time() - started
        endpoint = endpoint_of(request)
        if metrics is not None:
            metrics.observe(dialect, endpoint, response.status, seconds)
        log.debug("answered", dialect=dialect, endpoint=endpoint, status=response.status, ms=round(seconds * 1000, 2))
        return response

    return middleware
