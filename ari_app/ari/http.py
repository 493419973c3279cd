"""REST to one Asterisk: a pool of kept-alive connections, answers told apart by status.

Asterisk serves 100 HTTP and websocket sessions together, a thread each, and closes an idle one after 15 s
(main/http.c: DEFAULT_SESSION_LIMIT, session_keep_alive). The pool stays well below the first and lets go before the
second, so that a request does not meet a connection that is just being closed.

A request that is lost with its connection may have been carried out. It is repeated when twice is the same as once
(GET, PUT, DELETE: RFC 9110, 9.2.2). A POST ends in Unreachable, and because ids are ours, the caller who repeats a
create reads Conflict as "it was".
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from base64 import b64encode
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from ari_app.ari.decoding import Unknowns, decode
from ari_app.ari.errors import AriError, BadReply, TimedOut, Unreachable, error_for
from ari_app.ari.http1 import BadAnswer, Connection, Reply

log = logging.getLogger(__name__)

T = TypeVar("T")


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
        place = urlsplit(options.base_url)
        self._host, tls = place.hostname or "", place.scheme == "https"
        self._port = place.port or (443 if tls else 80)
        self._tls = ssl.create_default_context() if tls else None
        self._path = place.path.rstrip("/")
        authority = place.netloc.rpartition("@")[2]
        self._head = f" HTTP/1.1\r\nHost: {authority}\r\nAuthorization: {options.authorization}\r\n"
        self._slots = asyncio.Semaphore(options.connections)
        self._open: set[Connection] = set()
        #: those without a request, the one used last at the end
        self._idle: deque[Connection] = deque()

    async def request(self, operation: str, method: str, target: str, body: Mapping[str, Any] | None = None) -> bytes:
        """Send it and return the body of a 2xx answer; raises AriError."""
        data = None if body is None else msgspec.json.encode(body)
        try:
            try:
                status, answer = await self._exchange(operation, method, target, data)
            except Unreachable:
                if method == "POST":
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

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    async def close(self) -> None:
        """Close all connections. The pool opens again with the next request."""
        for connection in list(self._open):
            connection.close()
        await asyncio.sleep(0)  # asyncio tells them in its next round

    async def _exchange(self, operation: str, method: str, target: str, data: bytes | None) -> tuple[int, bytes]:
        self.requests[operation] += 1
        try:
            reply = await self._send(self._request(method, target, data))
        except TimeoutError as error:
            raise _lost(TimedOut, operation, method, target, f"no answer in {self.options.timeout:g} s") from error
        except OSError as error:
            raise _lost(Unreachable, operation, method, target, f"{type(error).__name__}: {error}") from error
        except BadAnswer as error:
            raise _lost(BadReply, operation, method, target, str(error)) from error
        if log.isEnabledFor(logging.DEBUG):
            # without the query: values of variables may be secret
            log.debug("> %s %s %s %d", operation, method, target.partition("?")[0], reply.status)
        return reply.status, reply.body

    def _request(self, method: str, target: str, data: bytes | None) -> bytes:
        head = f"{method} {self._path}{target}{self._head}"
        if data is not None:
            return f"{head}Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
        return f"{head}\r\n".encode() if method == "GET" else f"{head}Content-Length: 0\r\n\r\n".encode()

    async def _send(self, request: bytes) -> Reply:
        connection = self._kept() if not self._slots.locked() else None
        if connection is not None:
            async with self._slots:
                return await self._carry(connection, request)
        # somebody has to wait, for others or for a connection: that is timed too
        async with asyncio.timeout(self.options.timeout), self._slots:
            return await self._carry(self._kept() or await self._connect(), request)

    async def _carry(self, connection: Connection, request: bytes) -> Reply:
        reply = await connection.exchange(request, self.options.timeout)
        if connection.usable:
            now = connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
            while now - self._idle[0].idle_since > self.options.keepalive:
                self._idle.popleft().close()
        return reply

    def _kept(self) -> Connection | None:
        """The connection used last, if it can be used again: so no more are kept than are needed."""
        earliest = asyncio.get_running_loop().time() - self.options.keepalive
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.idle_since >= earliest:
                return connection
            connection.close()
        return None

    async def _connect(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._open.discard), self._host, self._port, ssl=self._tls
        )
        self._open.add(connection)
        return connection


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
