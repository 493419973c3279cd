"""The websocket of events, in both directions: we connect to Asterisk, or Asterisk connects to us.

    InboundSource     we connect: GET /ari/events?app=...  Events of a gap are lost; the resync makes up for them.
    OutboundServer    Asterisk connects (websocket_client.conf, connection_type persistent): it goes on accepting calls
                      while we are away and sends the queued events when we are back. One server, several nodes.

The reader awaits nothing but the socket: it hands each frame to a synchronous sink. Asterisk gives a slow reader 100 ms
(websocket_write_timeout), then closes.

Half-open links are found by PING. Never send an unsolicited PONG: some releases of Asterisk crash on one (#2085).
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from ari_app.ari.http import basic_auth
from ari_app.ari.websocket import MAX_MESSAGE, EventSocket, EventSocketClient, EventSocketServer
from ari_app.clock import Clock, SystemClock, pause

log = logging.getLogger(__name__)

_ARI = Subprotocol("ari")


class Sink(Protocol):
    """Where a connection's frames go: a Node. All of it is synchronous and none of it raises."""

    def opened(self) -> None:
        """A connection is up; frames follow."""

    def frame(self, data: bytes) -> None:
        """One frame."""

    def closed(self, reason: str) -> None:
        """It is down."""


class Source(Protocol):
    """What connects a node to its Asterisk's events."""

    def start(self, sink: Sink) -> None:
        """Begin; goes on until close()."""

    async def close(self) -> None:
        """Disconnect and stay away. The sink hears closed() if it was open."""


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Waits between attempts: doubling from `first` to `most` seconds, each shortened at random by up to a half.

    The jitter keeps many processes from coming back in step after an Asterisk restart.
    """

    first: float = 0.1
    most: float = 5.0

    def delay(self, attempt: int, random: Callable[[], float]) -> float:
        """Seconds before attempt number `attempt`, counted from 0; `random` gives 0 <= x < 1."""
        return min(self.most, self.first * 2.0 ** min(attempt, 30)) * (1 - random() / 2)


@dataclass(frozen=True, kw_only=True)
class Keepalive:
    """PING every `interval` seconds; without its PONG after `timeout` more, the link is dead. None: no PING."""

    interval: float | None = 5.0
    timeout: float | None = 10.0


async def _read(socket: Connection, sink: Sink) -> str:
    """Hand every frame to the sink until the connection ends; returns why it ended."""
    if not isinstance(socket, EventSocket):
        raise TypeError("not one of ours")
    if not log.isEnabledFor(logging.DEBUG):
        return await socket.deliver(sink.frame)

    def shown(data: bytes) -> None:
        log.debug("< %s", data.decode("utf-8", "replace"))
        sink.frame(data)

    return await socket.deliver(shown)


class InboundSource:
    """We connect, and connect again when the link is lost."""

    def __init__(
        self,
        url: str,
        authorization: str,
        *,
        random: Callable[[], float],
        clock: Clock | None = None,
        backoff: Backoff | None = None,
        keepalive: Keepalive | None = None,
    ) -> None:
        self._url = url
        self._authorization = authorization
        self._random = random
        self._clock = clock or SystemClock()
        self._backoff = backoff or Backoff()
        self._keepalive = keepalive or Keepalive()
        self._task: asyncio.Task[None] | None = None
        #: The connection, while there is one.
        self.socket: Connection | None = None
        #: Attempts that did not lead to a connection.
        self.failures = 0

    def start(self, sink: Sink) -> None:
        """Begin; goes on until close()."""
        self._task = asyncio.get_running_loop().create_task(self._run(sink), name=f"ari events {self._place}")

    async def close(self) -> None:
        """Disconnect and stay away."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def _place(self) -> str:
        return self._url.partition("?")[0]

    async def _run(self, sink: Sink) -> None:
        attempt = 0
        said = ""
        while True:
            try:
                problem = await self._connected(sink)
                attempt, said = 0, ""
            except InvalidStatus as error:
                problem = _status_problem(error.response.status_code)
            except (OSError, InvalidHandshake, TimeoutError) as error:
                problem = str(error) or type(error).__name__
            else:
                log.warning("= events of %s: connection lost: %s", self._place, problem)
                await pause(self._clock, self._backoff.delay(0, self._random))
                continue
            self.failures += 1
            if problem != said:  # one line a reason, not one an attempt
                log.warning("= events of %s: cannot connect: %s; trying again", self._place, problem)
                said = problem
            await pause(self._clock, self._backoff.delay(attempt, self._random))
            attempt += 1

    async def _connected(self, sink: Sink) -> str:
        """One connection from beginning to end; raises when there is none."""
        async with connect(
            self._url,
            additional_headers={"Authorization": self._authorization},
            subprotocols=[_ARI],
            compression=None,
            proxy=None,
            max_size=MAX_MESSAGE,
            max_queue=None,
            ping_interval=self._keepalive.interval,
            ping_timeout=self._keepalive.timeout,
            close_timeout=1,
            create_connection=EventSocketClient,
        ) as socket:
            reason = "closed by us"
            self.socket = socket
            sink.opened()
            try:
                reason = await _read(socket, sink)
            finally:
                self.socket = None
                sink.closed(reason)
            return reason


def _status_problem(status: int) -> str:
    if status in (401, 403):
        return f"status {status}: check the ARI user and password"
    if status == 404:
        return "status 404: check the address (is ARI enabled in ari.conf and http.conf?)"
    return f"status {status}"


class _Expected:
    """A node that will be connected to us."""

    def __init__(self, authorization: str, sink: Sink) -> None:
        self.authorization = authorization.encode()
        self.sink = sink
        self.socket: ServerConnection | None = None


class OutboundServer:
    """Asterisk connects to us: one server, /ari/<name of the node> for each."""

    def __init__(self, host: str, port: int, *, keepalive: Keepalive | None = None) -> None:
        self._host = host
        self._port = port
        self._keepalive = keepalive or Keepalive()
        self._nodes: dict[str, _Expected] = {}
        self._server: Server | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._warned: set[str] = set()
        #: Handshakes turned away: wrong path, user or password.
        self.refused = 0

    @property
    def port(self) -> int:
        """The port listened on, also when 0 was asked for."""
        if self._server is None:
            return self._port
        return int(next(iter(self._server.sockets)).getsockname()[1])

    def source(self, name: str, user: str, password: str) -> Source:
        """The source of the node that connects to /ari/<name> with this user and password (websocket_client.conf)."""
        return _OutboundSource(self, name, basic_auth(user, password))

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        self._server = await serve(
            self._serve,
            self._host,
            self._port,
            process_request=self._admit,
            select_subprotocol=lambda _, offered: _ARI if _ARI in offered else None,
            compression=None,
            max_size=MAX_MESSAGE,
            max_queue=None,
            ping_interval=self._keepalive.interval,
            ping_timeout=self._keepalive.timeout,
            close_timeout=1,
            create_connection=EventSocketServer,
        )

    async def close(self) -> None:
        """Close every connection and stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def add(self, name: str, authorization: str, sink: Sink) -> None:
        """Expect a node; a second one of the same name takes the place of the first."""
        self._warned.discard(f"/ari/{name}")
        self._nodes[name] = _Expected(authorization, sink)

    async def remove(self, name: str) -> None:
        """Expect it no longer, and close its connection."""
        node = self._nodes.pop(name, None)
        if node is not None and node.socket is not None:
            await node.socket.close(1001)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        node = self._nodes.get(self._name(request.path))
        given = request.headers.get("Authorization", "").encode()
        expected = node.authorization if node is not None else b"no such node"
        # One answer for a wrong name and a wrong password, in the same time: neither can be found by trying.
        if hmac.compare_digest(given, expected) and node is not None:
            return None
        self.refused += 1
        path = request.path[:100]
        if path not in self._warned and len(self._warned) < 100:  # Asterisk tries again twice a second, for ever
            self._warned.add(path)
            log.warning("= refused a websocket for %s: wrong path, user or password", path)
        response = connection.respond(HTTPStatus.UNAUTHORIZED, "unknown node, user or password\n")
        response.headers["WWW-Authenticate"] = 'Basic realm="ari"'
        return response

    @staticmethod
    def _name(path: str) -> str:
        path = path.partition("?")[0]
        return path.removeprefix("/ari/") if path.startswith("/ari/") else ""

    async def _serve(self, socket: ServerConnection) -> None:
        request = socket.request
        node = self._nodes.get(self._name(request.path)) if request is not None else None
        if node is None:
            return  # removed between handshake and here
        before, node.socket = node.socket, socket
        if before is not None:
            # Asterisk has lost a connection that we think is up: what comes now is the truth.
            node.sink.closed("replaced by a new connection")
            self._close_later(before)
        node.sink.opened()
        reason = await _read(socket, node.sink)
        if node.socket is socket:
            node.socket = None
            node.sink.closed(reason)

    def _close_later(self, socket: ServerConnection) -> None:
        task = asyncio.get_running_loop().create_task(socket.close(1001))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


class _OutboundSource:
    def __init__(self, server: OutboundServer, name: str, authorization: str) -> None:
        self._server = server
        self._name = name
        self._authorization = authorization

    def start(self, sink: Sink) -> None:
        self._server.add(self._name, self._authorization, sink)

    async def close(self) -> None:
        await self._server.remove(self._name)
