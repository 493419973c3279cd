"""The event stream of a FakeAsterisk, in both directions."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiohttp import WSCloseCode, web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from ari_app.ari.fake.state import Refuse
from ari_app.ari.fake.world import World
from ari_app.ari.http import basic_auth


class InboundSockets:
    """The application connects: GET /ari/events?app=...  What happens while it is away is lost."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._open: dict[str, web.Request] = {}
        self._sockets: set[web.WebSocketResponse] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, until it ends."""
        names = [n for n in request.query.get("app", "").split(",") if n]
        if not names:
            raise Refuse(400, "HTTP request is missing param: [app]")
        socket = web.WebSocketResponse(protocols=("ari",))
        await socket.prepare(request)
        outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for name in names:
            self._register(name, request, outbox)
        writer = asyncio.create_task(_write_all(socket, outbox))
        self._sockets.add(socket)
        try:
            async for _ in socket:
                pass
        finally:
            self._sockets.discard(socket)
            writer.cancel()
            for name in names:
                self._unregister(name, request)
        return socket

    def _register(self, name: str, request: web.Request, outbox: asyncio.Queue[dict[str, Any]]) -> None:
        app = self.world.app(name)
        if app.send is not None:
            self.world.emit({"type": "ApplicationReplaced"}, apps=[name])  # the last word to the one before
        self._open[name] = request
        app.send = outbox.put_nowait

    def _unregister(self, name: str, request: web.Request) -> None:
        if self._open.get(name) is not request:
            return  # replaced meanwhile, or dropped
        del self._open[name]
        world = self.world
        app = world.apps[name]
        app.send = None
        held = any(c.app == name or name in c.subscribers for c in world.channels.values())
        if not held and not any(name in b.subscribers for b in world.bridges.values()):
            del world.apps[name]  # nothing refers to it: filter and subscriptions are forgotten

    def drop(self) -> None:
        """Cut all of them, without a closing handshake."""
        for name, request in list(self._open.items()):
            self._unregister(name, request)
            if request.transport is not None:
                request.transport.abort()

    async def close(self) -> None:
        """Close all of them."""
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)


async def _write_all(socket: web.WebSocketResponse, outbox: asyncio.Queue[dict[str, Any]]) -> None:
    while True:
        event = await outbox.get()
        await socket.send_str(msgspec.json.encode(event).decode())


class OutboundSocket:
    """Asterisk connects to the application and keeps what happens while it cannot (connection_type persistent)."""

    def __init__(self, world: World, uri: str, user: str, password: str, app: str, reconnect: float) -> None:
        self.world = world
        self.uri = uri
        self.app = world.app(app)
        self.app.persistent = True
        self._headers = {"Authorization": basic_auth(user, password)}
        self._reconnect = reconnect
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        #: Attempts that were turned away or failed.
        self.failures = 0

    def start(self) -> None:
        """Begin to connect."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def drop(self) -> None:
        """Cut it, without a closing handshake."""
        self.app.send = None
        if self._socket is not None:
            self._socket.transport.abort()

    async def close(self) -> None:
        """For good."""
        self.app.send = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                async with connect(
                    self.uri,
                    subprotocols=[Subprotocol("ari")],
                    additional_headers=self._headers,
                    compression=None,
                    proxy=None,
                    ping_interval=None,
                    close_timeout=0.1,
                ) as socket:
                    await self._serve(socket)
            except (OSError, WebSocketException, TimeoutError):
                self.failures += 1
            over = asyncio.Event()
            self.world.later(self._reconnect, over.set)
            await over.wait()

    async def _serve(self, socket: ClientConnection) -> None:
        self._socket = socket
        outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.app.send = outbox.put_nowait
        for event in self.app.queue:
            outbox.put_nowait(event)
        self.app.queue.clear()
        self.world.emit({"type": "ApplicationRegistered"}, apps=[self.app.name])
        writer = asyncio.create_task(self._write(socket, outbox))
        try:
            await socket.wait_closed()
        finally:
            if self.app.send == outbox.put_nowait:
                self.app.send = None
            writer.cancel()
            while not outbox.empty():
                self.app.queue.append(outbox.get_nowait())

    @staticmethod
    async def _write(socket: ClientConnection, outbox: asyncio.Queue[dict[str, Any]]) -> None:
        while True:
            event = await outbox.get()
            await socket.send(msgspec.json.encode(event).decode())
