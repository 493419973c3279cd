"""FakeAsterisk: the HTTP server, the websocket in both directions, and the outside world as a Python API."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec
from aiohttp import web

from ari_app.ari.apidocs import DOCS
from ari_app.ari.fake.behaviours import NORMAL, Behaviour
from ari_app.ari.fake.bridges import Bridges, Playbacks, Recordings
from ari_app.ari.fake.channels import Channels
from ari_app.ari.fake.faults import Fault, Faults, Hold
from ari_app.ari.fake.media import Media
from ari_app.ari.fake.routing import Request, Routes
from ari_app.ari.fake.sockets import InboundSockets, OutboundSocket
from ari_app.ari.fake.state import FakeChannel, Refuse
from ari_app.ari.fake.system import Applications, DeviceStates, Endpoints, Events, System
from ari_app.ari.fake.world import World
from ari_app.ari.generate import identifier
from ari_app.ari.http import basic_auth
from ari_app.clock import Clock, SystemClock

log = logging.getLogger(__name__)


class FakeAsterisk:
    """An Asterisk for tests: `async with FakeAsterisk() as fake: Node(..., url=fake.url, user=fake.user, ...)`.

    `fake.endpoints["PJSIP/1001"] = Answers(after=0.01)` says who can be dialled; `fake.faults` what shall go wrong;
    `incoming_call`, `answer`, `hangup_from_far_end`, `dtmf` play the outside world.
    """

    def __init__(self, *, user: str = "ari_app", password: str = "fake-password", clock: Clock | None = None) -> None:
        self.user = user
        self.password = password
        self.clock = clock or SystemClock()
        self.world = World(self.clock)
        media = Media(self.world)
        self.routes = Routes()
        #: operation -> how often it was asked for.
        self.requests: Counter[str] = Counter()
        #: (operation, arguments) in order.
        self.log: list[tuple[str, dict[str, Any]]] = []
        self._handlers: dict[str, Any] = {
            "channels": Channels(self.world, media),
            "bridges": Bridges(self.world, media),
            "playbacks": Playbacks(self.world, media),
            "recordings": Recordings(self.world, media),
            "applications": Applications(self.world),
            "events": Events(self.world),
            "asterisk": System(self.world),
            "endpoints": Endpoints(self.world),
            "deviceStates": DeviceStates(self.world),
        }
        self._inbound = InboundSockets(self.world)
        self._outbound: list[OutboundSocket] = []
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._booting = False

    # -- life

    async def start(self) -> None:
        """Listen on a free loopback port."""
        application = web.Application()
        application.router.add_route("*", "/ari/{tail:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop everything."""
        for outbound in self._outbound:
            await outbound.close()
        self._outbound.clear()
        await self._inbound.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> FakeAsterisk:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """For Node(url=...)."""
        return f"http://127.0.0.1:{self._port}/ari"

    @property
    def endpoints(self) -> dict[str, Behaviour]:
        """What answers when it is dialled; anything else is offline."""
        return self.world.endpoints

    @property
    def faults(self) -> Faults:
        """What shall go wrong."""
        return self.world.faults

    # -- websockets

    async def connect_outbound(
        self, uri: str, user: str, password: str, app: str = "ari_app", *, reconnect: float = 0.01
    ) -> None:
        """Connect to the application, persistently; after a loss again in `reconnect` seconds."""
        outbound = OutboundSocket(self.world, uri, user, password, app, reconnect)
        self._outbound.append(outbound)
        outbound.start()

    def drop_socket(self) -> None:
        """Cut every event connection. Outbound ones come back and bring the events of the gap; inbound ones do not."""
        self._inbound.drop()
        for outbound in self._outbound:
            outbound.drop()

    def hold(self, matches: Callable[[dict[str, Any]], bool] | str) -> Hold:
        """Keep events back (of a type, or what a function picks) until `.release()`; all others go on."""
        return self.world.hold(matches)

    def restart(self, *, booting: float = 0.0) -> None:
        """Crash and start: every channel gone without a word, 503 for `booting` seconds."""
        world = self.world
        for channel in list(world.channels.values()):
            channel.ended = True
            for timer in channel.timers:
                timer.cancel()
        for things in (world.channels, world.bridges, world.playbacks, world.recordings):
            things.clear()
        for app in world.apps.values():
            app.queue.clear()
            app.disallowed, app.allowed, app.sources = [], [], set()
        world.startup_time = world.now() + "+"  # different, however fast the test
        self._booting = booting > 0
        if booting:
            world.later(booting, lambda: setattr(self, "_booting", False))
        self.drop_socket()
        for name in [a.name for a in world.apps.values() if not a.persistent]:
            del world.apps[name]

    # -- the outside world

    def incoming_call(
        self,
        exten: str = "500",
        caller: str = "0301234567",
        *,
        context: str = "from-trunk",
        app: str = "ari_app",
        args: tuple[str, ...] | None = None,
        technology: str = "PJSIP/trunk",
    ) -> FakeChannel:
        """Somebody dials in: a ringing channel in Stasis(app,in,exten,context); not in it when nobody takes calls."""
        channel = self.world.add_channel(
            f"{technology}-{self.world.serial()}", None, context=context, exten=exten, caller=caller
        )
        channel.state = "Ring"
        stasis = ("in", exten, context) if args is None else args
        if not self.world.enter_stasis(channel, app, stasis):
            self.world.hang_up(channel, 34)
        return channel

    def ring(self, channel: FakeChannel | str) -> None:
        """The far end of a dialled channel rings."""
        self.world.ring(self.channel(channel))

    def answer(self, channel: FakeChannel | str) -> None:
        """The far end of a dialled channel answers."""
        self.world.answered(self.channel(channel))

    def busy(self, channel: FakeChannel | str) -> None:
        """The far end of a dialled channel is busy."""
        self.world.hang_up(self.channel(channel), 17, tech_cause=486)

    def hangup_from_far_end(self, channel: FakeChannel | str, cause: int = NORMAL) -> None:
        """The far end hangs up."""
        self.world.hang_up(self.channel(channel), cause)

    def dtmf(self, channel: FakeChannel | str, digits: str, duration_ms: int = 100) -> None:
        """The far end presses keys."""
        found = self.channel(channel)
        for digit in digits:
            event = {"type": "ChannelDtmfReceived", "digit": digit, "duration_ms": duration_ms}
            self.world.emit({**event, "channel": found.json()}, found)

    def hold_from_far_end(self, channel: FakeChannel | str, on: bool = True) -> None:
        """The far end holds, or takes back."""
        found = self.channel(channel)
        self.world.emit({"type": "ChannelHold" if on else "ChannelUnhold", "channel": found.json()}, found)

    def phone(self, endpoint: str, behaviour: Behaviour) -> None:
        """A phone registers at `PJSIP/1001`, is unplugged (`Offline()`), or behaves differently from now on."""
        self.world.endpoints[endpoint] = behaviour
        self.world.endpoint_changed(endpoint)

    def private_call(self, endpoint: str, state: str = "Up") -> FakeChannel:
        """A channel of an endpoint with which we have nothing to do."""
        channel = self.world.add_channel(f"{endpoint}-{self.world.serial()}", None)
        self.world.set_state(channel, state)
        return channel

    def emit(self, event: dict[str, Any], app: str = "ari_app") -> None:
        """Any event, as it is, to an application."""
        self.world.emit(event, apps=[app])

    def channel(self, channel: FakeChannel | str) -> FakeChannel:
        """A channel by its id."""
        return channel if isinstance(channel, FakeChannel) else self.world.channels[channel]

    # -- HTTP

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path.removeprefix("/ari")
        try:
            self._authorize(request)
            if path.startswith("/api-docs/"):
                return _api_docs(path)
            if path == "/events" and request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._inbound.serve(request)
            body = await _body(request)
            understood = self.routes.understand(request.method, path, request.rel_url.raw_query_string, body)
        except Refuse as refusal:
            return _refusal(refusal)
        return await self._carry_out(request, understood)

    def _authorize(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != basic_auth(self.user, self.password):
            raise Refuse(401, "Authentication required")
        if self._booting:
            raise Refuse(503, "Asterisk not booted")

    async def _carry_out(self, http: web.Request, request: Request) -> web.StreamResponse:
        slug = request.operation.slug
        self.requests[slug] += 1
        self.log.append((slug, request.arguments))
        fault = self.faults.take(slug, request.arguments) or Fault(slug)
        response: web.StreamResponse
        try:
            if fault.status:
                raise Refuse(fault.status, fault.message)
            result = await self._call(request) if fault.carried_out else None
            response = _answer(result)
        except Refuse as refusal:
            response = _refusal(refusal)
        await self._pause(fault.delay + self.faults.answer_delay)
        if fault.lost and http.transport is not None:
            http.transport.abort()
        return response

    async def _call(self, request: Request) -> Any:
        operation = request.operation
        handler = getattr(self._handlers.get(operation.resource), operation.nickname, None)
        if handler is None:
            raise Refuse(501, f"FakeAsterisk does not do {operation.slug}")
        arguments = {identifier(name): value for name, value in request.arguments.items()}
        result = handler(**arguments)
        return await result if inspect.isawaitable(result) else result

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            over = asyncio.Event()
            self.clock.call_at(self.clock.now() + seconds, over.set)
            await over.wait()


async def _body(request: web.Request) -> dict[str, Any]:
    data = await request.read()
    if not data or request.content_type != "application/json":
        return {}
    try:
        body = msgspec.json.decode(data)
    except msgspec.DecodeError:
        raise Refuse(400, "Error parsing request body") from None
    return body if isinstance(body, dict) else {}


def _api_docs(path: str) -> web.Response:
    file = DOCS / unquote(path.removeprefix("/api-docs/"))
    if file.parent != DOCS or not file.is_file():
        raise Refuse(404, "Resource not found")
    return web.Response(body=file.read_bytes(), content_type="application/json")


def _answer(result: Any) -> web.Response:
    if result is None:
        return web.Response(status=204)
    if isinstance(result, bytes):
        return web.Response(body=result, content_type="audio/wav")
    return web.Response(body=msgspec.json.encode(result), content_type="application/json")


def _refusal(refusal: Refuse) -> web.Response:
    headers = {"WWW-Authenticate": 'Basic realm="Asterisk REST Interface"'} if refusal.status == 401 else {}
    body = msgspec.json.encode({"message": refusal.message})
    return web.Response(status=refusal.status, body=body, content_type="application/json", headers=headers)
