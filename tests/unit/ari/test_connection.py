"""The websocket in both directions, without an Asterisk."""

from __future__ import annotations

import asyncio
import json
import logging
import socket as socket_module
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from ari_app.ari.connection import Backoff, InboundSource, Keepalive, OutboundServer
from ari_app.ari.http import basic_auth
from ari_app.clock import ManualClock, pause


class Sink:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._changed = asyncio.Event()

    def opened(self) -> None:
        self._tell("opened")

    def frame(self, data: bytes) -> None:
        self._tell(data.decode())

    def closed(self, reason: str) -> None:
        self._tell("closed")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self._changed.set()

    async def until(self, count: int) -> list[str]:
        """What it was told, when it is as much as that."""
        async with asyncio.timeout(30):
            while len(self.told) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.told


def test_backoff() -> None:
    backoff = Backoff(first=0.1, most=5.0)
    assert [backoff.delay(n, lambda: 0.0) for n in range(8)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])
    assert backoff.delay(0, lambda: 0.999) == pytest.approx(0.05, rel=0.01)
    assert backoff.delay(10_000, lambda: 0.5) == 3.75


async def test_pause_is_by_the_clock() -> None:
    clock = ManualClock()
    waiting = asyncio.create_task(pause(clock, 3))
    await asyncio.sleep(0)
    clock.advance(2.9)
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.advance(0.2)
    await waiting


class Asterisk:
    """The far end of a connection that we open."""

    def __init__(self) -> None:
        self.sockets: list[ServerConnection] = []
        self.arrived = asyncio.Event()

    async def serve(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        self.arrived.set()
        await socket.wait_closed()

    async def next(self) -> ServerConnection:
        async with asyncio.timeout(30):
            await self.arrived.wait()
        self.arrived.clear()
        return self.sockets[-1]


@pytest.fixture
async def asterisk() -> AsyncIterator[tuple[Asterisk, str]]:
    far = Asterisk()
    async with serve(far.serve, "127.0.0.1", 0, subprotocols=[Subprotocol("ari")], close_timeout=0.1) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield far, f"ws://127.0.0.1:{port}/ari/events?app=a"


def inbound(url: str, clock: ManualClock | None = None) -> InboundSource:
    return InboundSource(
        url, basic_auth("u", "p"), random=lambda: 0.0, clock=clock, backoff=Backoff(first=0.01, most=0.02)
    )


async def test_we_connect(asterisk: tuple[Asterisk, str]) -> None:
    far, url = asterisk
    source, sink = inbound(url), Sink()
    source.start(sink)
    socket = await far.next()
    assert socket.request is not None
    assert socket.request.headers["Authorization"] == basic_auth("u", "p")
    assert socket.request.path == "/ari/events?app=a"
    assert socket.subprotocol == "ari"
    await socket.send('{"a": 1}')
    await socket.send("zwei ü")
    assert await sink.until(3) == ["opened", '{"a": 1}', "zwei ü"]
    await source.close()
    assert sink.told[3:] == ["closed"]
    assert source.socket is None
    await source.close()


async def test_a_message_in_pieces_is_one_message(asterisk: tuple[Asterisk, str]) -> None:
    far, url = asterisk
    source, sink = inbound(url), Sink()
    source.start(sink)
    theirs = await far.next()
    await theirs.send("before")
    await theirs.send(["in ", "three ", "pieces"])
    await theirs.send("after")
    assert await sink.until(4) == ["opened", "before", "in three pieces", "after"]
    await source.close()


@pytest.mark.skipif(not hasattr(socket_module, "TCP_QUICKACK"), reason="only Linux can be told to")
async def test_what_comes_is_acknowledged_at_once(asterisk: tuple[Asterisk, str]) -> None:
    far, url = asterisk
    source, sink = inbound(url), Sink()
    source.start(sink)
    theirs = await far.next()
    await sink.until(1)
    assert source.socket is not None
    await (await source.socket.ping())  # having sent something, Linux delays acknowledgements from then on
    ours: socket_module.socket = source.socket.transport.get_extra_info("socket")
    option = socket_module.TCP_QUICKACK
    await source.socket.ping()
    ours.setsockopt(socket_module.IPPROTO_TCP, option, 0)
    assert not ours.getsockopt(socket_module.IPPROTO_TCP, option)
    await theirs.send("an event")
    await sink.until(2)
    assert ours.getsockopt(socket_module.IPPROTO_TCP, option)
    await source.close()


@pytest.mark.parametrize("abruptly", [True, False])
async def test_we_connect_again(asterisk: tuple[Asterisk, str], abruptly: bool) -> None:
    far, url = asterisk
    source, sink = inbound(url), Sink()
    source.start(sink)
    first = await far.next()
    await sink.until(1)
    if abruptly:
        first.transport.abort()
    else:
        await first.close()
    second = await far.next()
    await second.send("again")
    assert await sink.until(4) == ["opened", "closed", "opened", "again"]
    await source.close()


async def test_attempts_wait_longer_and_longer(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    source = InboundSource("ws://127.0.0.1:1/ari/events", "x", random=lambda: 0.0, clock=clock)
    with caplog.at_level(logging.WARNING):
        source.start(Sink())
        for failures, wait in ((1, 0.1), (2, 0.2), (3, 0.4)):
            await _until(lambda: source.failures == failures and bool(clock._timers))  # noqa: B023
            clock.advance(wait - 0.01)
            await asyncio.sleep(0)
            assert source.failures == failures
            clock.advance(0.02)
        await _until(lambda: source.failures == 4)
    await source.close()
    assert len([r for r in caplog.records if "cannot connect" in r.message]) == 1  # one line a reason


async def _until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "check the ARI user and password"), (404, "is ARI enabled"), (503, "status 503")]
)
async def test_a_refused_handshake_says_what_to_look_at(
    caplog: pytest.LogCaptureFixture, status: int, hint: str
) -> None:
    async with serve(
        lambda socket: socket.wait_closed(),
        "127.0.0.1",
        0,
        process_request=lambda connection, request: connection.respond(status, ""),  # type: ignore[arg-type]
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        source = inbound(f"ws://127.0.0.1:{port}/ari/events?app=a&secret=1")
        with caplog.at_level(logging.WARNING, logger="ari_app"):
            source.start(Sink())
            await _until(lambda: source.failures >= 2)
        await source.close()
    (line,) = [r.message for r in caplog.records if "cannot connect" in r.message]
    assert hint in line
    assert "secret" not in line


async def test_a_silent_link_is_found_dead() -> None:
    """The far end answers no PING, because nobody reads there: the link is half open."""
    server = OutboundServer("127.0.0.1", 0, keepalive=Keepalive(interval=0.02, timeout=0.02))
    sink = Sink()
    await server.start()
    server.source("pbx", "u", "p").start(sink)
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        b"GET /ari/pbx HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: "
        + basic_auth("u", "p").encode()
        + b"\r\n\r\n"
    )
    assert await sink.until(2) == ["opened", "closed"]
    writer.close()
    await server.close()


@pytest.fixture
async def server() -> AsyncIterator[OutboundServer]:
    server = OutboundServer("127.0.0.1", 0)
    await server.start()
    yield server
    await server.close()


def dial(server: OutboundServer, name: str, user: str = "u", password: str = "p") -> connect:
    return connect(
        f"ws://127.0.0.1:{server.port}/ari/{name}",
        subprotocols=[Subprotocol("ari")],
        additional_headers={"Authorization": basic_auth(user, password)},
        proxy=None,
        close_timeout=0.1,
    )


async def test_asterisk_connects_to_us(server: OutboundServer) -> None:
    first, second = Sink(), Sink()
    server.source("one", "u", "p").start(first)
    server.source("two", "v", "q").start(second)
    async with dial(server, "one") as one, dial(server, "two", "v", "q") as two:
        assert one.subprotocol == "ari"
        await one.send("1")
        await two.send("2")
        assert await first.until(2) == ["opened", "1"]
        assert await second.until(2) == ["opened", "2"]
    assert await first.until(3) == ["opened", "1", "closed"]


@pytest.mark.parametrize(
    ("path", "user", "password"),
    [("one", "u", "wrong"), ("one", "wrong", "p"), ("nobody", "u", "p"), ("", "u", "p"), ("../one", "u", "p")],
)
async def test_others_are_turned_away(
    server: OutboundServer, path: str, user: str, password: str, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Sink()
    server.source("one", "u", "p").start(sink)
    with caplog.at_level(logging.WARNING, logger="ari_app"):
        for _ in range(3):
            with pytest.raises(InvalidStatus) as refused:
                await dial(server, path, user, password).__aenter__()
            assert refused.value.response.status_code == 401
            assert refused.value.response.headers["WWW-Authenticate"] == 'Basic realm="ari"'
    assert server.refused == 3
    assert sink.told == []
    assert len([r for r in caplog.records if "refused" in r.message]) == 1
    assert "wrong" not in caplog.text.replace("wrong path", "")


async def test_without_authorization(server: OutboundServer) -> None:
    server.source("one", "u", "p").start(Sink())
    with pytest.raises(InvalidStatus):
        await connect(f"ws://127.0.0.1:{server.port}/ari/one", proxy=None).__aenter__()


async def test_without_the_subprotocol(server: OutboundServer) -> None:
    """Not every client names it; the stream is the same."""
    sink = Sink()
    server.source("one", "u", "p").start(sink)
    async with connect(
        f"ws://127.0.0.1:{server.port}/ari/one?x=1",
        additional_headers={"Authorization": basic_auth("u", "p")},
        proxy=None,
    ) as socket:
        assert socket.subprotocol is None
        await sink.until(1)


async def test_a_second_connection_takes_the_place_of_the_first(server: OutboundServer) -> None:
    sink = Sink()
    server.source("one", "u", "p").start(sink)
    first: ClientConnection = await dial(server, "one")
    await sink.until(1)
    second: ClientConnection = await dial(server, "one")
    assert await sink.until(3) == ["opened", "closed", "opened"]
    await second.send("new")
    assert await sink.until(4) == ["opened", "closed", "opened", "new"]
    with pytest.raises(ConnectionClosed):
        await first.recv()
    await second.close()
    assert await sink.until(5) == ["opened", "closed", "opened", "new", "closed"]
    await first.close()


async def test_a_node_that_goes_closes_its_connection(server: OutboundServer) -> None:
    sink = Sink()
    source = server.source("one", "u", "p")
    source.start(sink)
    socket = await dial(server, "one")
    await sink.until(1)
    await source.close()
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001  # a close frame: Asterisk is not cut off in the middle of a word
    await sink.until(2)
    await source.close()
    with pytest.raises(InvalidStatus):
        await dial(server, "one").__aenter__()


async def test_frames_are_logged_at_debug(server: OutboundServer, caplog: pytest.LogCaptureFixture) -> None:
    sink = Sink()
    server.source("one", "u", "p").start(sink)
    with caplog.at_level(logging.DEBUG, logger="ari_app.ari.connection"):
        async with dial(server, "one") as socket:
            await socket.send(json.dumps({"type": "X"}))
            await sink.until(2)
    assert '< {"type": "X"}' in caplog.text


async def test_a_taken_address() -> None:
    first = OutboundServer("127.0.0.1", 0)
    await first.start()
    with pytest.raises(OSError, match="address"):
        await OutboundServer("127.0.0.1", first.port).start()
    await first.close()
    await first.close()
