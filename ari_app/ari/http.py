"""REST to one Asterisk: a pool of kept-alive connections, answers told apart by status.

Asterisk serves 100 HTTP and websocket sessions together, a thread each, and closes an idle one after 15 s
(main/http.c: DEFAULT_SESSION_LIMIT, session_keep_alive). The pool stays well below the first and lets go before the
second, so that a request does not meet a connection that is just being closed.

A request that is lost with its connection is repeated only when it is a GET. Anything else may have been carried out:
it ends in Unreachable, and because ids are ours, the caller who repeats a create reads Conflict as "it was".
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import msgspec
from yarl import URL

from ari_app.ari.decoding import Unknowns, decode
from ari_app.ari.errors import AriError, BadReply, TimedOut, Unreachable, error_for

log = logging.getLogger(__name__)

T = TypeVar("T")

_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, kw_only=True)
class HttpOptions:
    """Where an Asterisk's REST interface is."""

    #: Such as http://127.0.0.1:8088/ari, without a slash at the end.
    base_url: str
    user: str
    password: str = field(repr=False)
    #: Connections at most; stay well below 100, Asterisk's limit of sessions.
    connections: int = 40
    #: Seconds until TimedOut. Asterisk answers in milliseconds, unless a playback blocks the channel (contracts: P8).
    timeout: float = 5.0
    #: Seconds an idle connection is kept; Asterisk closes it after 15.
    keepalive: float = 10.0

    @property
    def authorization(self) -> str:
        """Value of the Authorization header (RFC 7617)."""
        return basic_auth(self.user, self.password)


def basic_auth(user: str, password: str) -> str:
    """Value of the Authorization header (RFC 7617)."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


class HttpPool:
    """The transport of the operations (base.Transport)."""

    def __init__(self, options: HttpOptions, unknowns: Unknowns | None = None) -> None:
        self.options = options
        self.unknowns = unknowns or Unknowns()
        #: operation -> requests sent (a repeated one counts twice).
        self.requests: Counter[str] = Counter()
        #: (operation, slug of the error) -> how often.
        self.failures: Counter[tuple[str, str]] = Counter()
        self._base = options.base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def request(self, operation: str, method: str, target: str, body: Mapping[str, Any] | None = None) -> bytes:
        """Send it and return the body of a 2xx answer; raises AriError."""
        data = None if body is None else msgspec.json.encode(body)
        try:
            try:
                status, answer = await self._exchange(operation, method, target, data)
            except Unreachable:
                if method != "GET":
                    raise
                status, answer = await self._exchange(operation, method, target, data)
            if not 200 <= status < 300:
                raise error_for(status, _message(answer), operation=operation, method=method, path=target)
        except AriError as error:
            self.failures[operation, error.slug] += 1
            raise
        return answer

    def decode(self, operation: str, data: bytes, type_: type[T]) -> T:
        """The answer as its struct; raises BadReply."""
        try:
            return decode(data, type_, self.unknowns)
        except msgspec.MsgspecError as error:
            self.failures[operation, BadReply.slug] += 1
            raise BadReply(str(error), operation=operation) from error

    async def close(self) -> None:
        """Close all connections. The pool opens again with the next request."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _exchange(self, operation: str, method: str, target: str, data: bytes | None) -> tuple[int, bytes]:
        self.requests[operation] += 1
        session = self._session or self._open()
        url = URL(self._base + target, encoded=True)  # quoted already (base.py): yarl need not do it again
        headers = None if data is None else _JSON
        try:
            async with session.request(method, url, data=data, headers=headers, allow_redirects=False) as reply:
                answer = await reply.read()
        except TimeoutError as error:
            raise _lost(TimedOut, operation, method, target, f"no answer in {self.options.timeout:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _lost(Unreachable, operation, method, target, f"{type(error).__name__}: {error}") from error
        if log.isEnabledFor(logging.DEBUG):
            # without the query: values of variables may be secret
            log.debug("> %s %s %s %d", operation, method, target.partition("?")[0], reply.status)
        return reply.status, answer

    def _open(self) -> aiohttp.ClientSession:
        # Made on first use: aiohttp binds a session to the running loop. Cookies, decompression and the proxy settings
        # of the environment are of no use here and cost time in each request.
        self._session = session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.options.connections, keepalive_timeout=self.options.keepalive),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Authorization": self.options.authorization},
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=self.options.timeout),
        )
        return session


def _lost(kind: type[AriError], operation: str, method: str, target: str, detail: str) -> AriError:
    return kind(detail, operation=operation, method=method, path=target.partition("?")[0])


class _ErrorBody(msgspec.Struct):
    message: str = ""
    error: str = ""


_decode_error = msgspec.json.Decoder(_ErrorBody).decode


def _message(answer: bytes) -> str:
    """Asterisk's own words: {"message": ...} mostly, {"error": ...} sometimes, a page of HTML before ARI is up."""
    try:
        body = _decode_error(answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return body.message or body.error
