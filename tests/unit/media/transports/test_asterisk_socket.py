"""chan_websocket over real sockets, in both directions of connecting; the clock is the test's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from ari_app.ari.http import basic_auth
from ari_app.errors import CommandRefused, Conflict
from ari_app.media.frames import FRAME_BYTES
from ari_app.media.transports.asterisk_socket import (
    LEAD,
    MESSAGE,
    AsteriskServer,
    AsteriskSocket,
    connect_to_asterisk,
    media_url,
)
from ari_app.media.transports.pacing import PERIOD, Ticker
from ari_app.media.transports.port import Direction
from tests.unit.media.transports.ears import CLOCKS, Clock, Listener

HOST = "127.0.0.1"
START = json.dumps({"event": "MEDIA_START", "format": "slin"})


class Asterisk:
    """The other side of one connection: keeps what it is sent."""

    def __init__(self) -> None:
        self.messages: list[bytes | str] = []
        self.connections: list[Connection] = []
        self.paths: list[str] = []
        self.port = 0

    async def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.paths.append(connection.request.path)
        await connection.send(START)
        await self.read(connection)

    async def read(self, connection: Connection) -> None:
        self.connections.append(connection)
        with suppress(ConnectionClosed):
            async for message in connection:
                self.messages.append(message)

    @property
    def audio(self) -> bytes:
        return b"".join(message for message in self.messages if isinstance(message, bytes))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.002)


@pytest.fixture(params=CLOCKS)
async def clock(request: pytest.FixtureRequest) -> AsyncIterator[Clock]:
    made: Clock = request.param()
    yield made
    await until(lambda: not made.reader)  # no connection is left


@pytest.fixture
async def asterisk() -> AsyncIterator[Asterisk]:
    made = Asterisk()
    async with serve(made.serve, HOST, 0, subprotocols=[Subprotocol("media")], compression=None) as server:
        made.port = next(iter(server.sockets)).getsockname()[1]
        yield made


async def attached(
    asterisk: Asterisk, clock: Clock, direction: Direction = Direction.BOTH
) -> tuple[AsteriskSocket, Listener, Ticker]:
    ear, ticker = Listener(), Ticker(clock)
    attachment = AsteriskSocket(ear, ticker=ticker, direction=direction, reader=clock.reader)
    await connect_to_asterisk(attachment, f"ws://{HOST}:{asterisk.port}/media/abc", user="u", password="p")
    await asyncio.wait_for(attachment.started.wait(), 30)
    return attachment, ear, ticker


def tick(clock: Clock, times: int = 1) -> None:
    for _ in range(times):
        clock.advance(PERIOD)


def frame(value: int) -> bytes:
    return bytes([value, 0]) * (FRAME_BYTES // 2)


async def test_audio_of_any_length_comes_as_frames(asterisk: Asterisk, clock: Clock) -> None:
    attachment, ear, _ = await attached(asterisk, clock)
    assert asterisk.paths == ["/media/abc"]
    data = frame(1) + frame(2) + frame(3)
    for start in range(0, len(data), 113):
        await asterisk.connections[0].send(data[start : start + 113])
    await until(lambda: len(ear.got) == 3)
    assert ear.got == [frame(1), frame(2), frame(3)]
    assert attachment.traffic().frames_in == 3
    attachment.close()
    attachment.close()
    assert ear.reasons == ["closed"]


async def test_what_is_said_goes_out_by_the_clock_with_a_lead(asterisk: Asterisk, clock: Clock) -> None:
    attachment, _, ticker = await attached(asterisk, clock)
    attachment.say(b"".join(frame(n) for n in range(1, 31)))
    first = LEAD + MESSAGE
    tick(clock)
    await until(lambda: len(asterisk.audio) >= first * FRAME_BYTES)
    assert asterisk.audio == b"".join(frame(n) for n in range(1, 1 + first))
    tick(clock, MESSAGE - 1)
    assert attachment.traffic().frames_out == first  # Asterisk has more than the lead
    tick(clock)
    await until(lambda: len(asterisk.audio) >= (first + MESSAGE) * FRAME_BYTES)
    assert asterisk.audio == b"".join(frame(n) for n in range(1, 1 + first + MESSAGE))
    assert attachment.hush() == (30 - first - MESSAGE) * FRAME_BYTES
    await until(lambda: asterisk.messages[-1:] == ['{"command":"FLUSH_MEDIA"}'])
    tick(clock, 30)
    attachment.close()
    assert len(ticker) == 0
    await until(lambda: asterisk.connections[0].close_code == 1000)
    assert len(asterisk.audio) == (first + MESSAGE) * FRAME_BYTES


async def test_it_waits_while_asterisk_has_enough(asterisk: Asterisk, clock: Clock) -> None:
    attachment, ear, _ = await attached(asterisk, clock)
    attachment.say(frame(1) * 20)
    connection = asterisk.connections[0]
    await connection.send('{"event": "MEDIA_XOFF"}')
    await connection.send(frame(9))  # when it is heard, what was before it has been read
    await until(lambda: ear.got)
    tick(clock, 30)
    assert attachment.traffic().frames_out == 0
    await connection.send('{"event": "MEDIA_XON"}')
    await connection.send(frame(9))
    await until(lambda: len(ear.got) == 2)
    tick(clock)
    assert attachment.traffic().frames_out == LEAD + MESSAGE
    attachment.close()


async def test_what_is_no_event_is_counted(asterisk: Asterisk, clock: Clock) -> None:
    attachment, ear, _ = await attached(asterisk, clock)
    for text in ("MEDIA_START", "{", '{"event": "NEWER"}'):
        await asterisk.connections[0].send(text)
    await asterisk.connections[0].send(frame(1))
    await until(lambda: ear.got)
    assert attachment.traffic().refused == 2
    attachment.close()


async def test_the_end_comes_once_with_its_reason(asterisk: Asterisk, clock: Clock) -> None:
    attachment, ear, ticker = await attached(asterisk, clock)
    await asterisk.connections[0].close(1001, "gone home")
    await until(lambda: ear.reasons)
    assert ear.reasons == ["closed by the other side with code 1001 (gone home)"]
    assert attachment.over
    assert len(ticker) == 0
    with pytest.raises(CommandRefused):
        attachment.say(frame(1))


async def test_a_listener_that_fails_loses_its_attachment_only(asterisk: Asterisk, clock: Clock) -> None:
    attachment, ear, _ = await attached(asterisk, clock)
    other, fine, _ = await attached(asterisk, clock)
    ear.fails = True
    for connection in asterisk.connections:
        await connection.send(frame(1))
    await until(lambda: ear.reasons and fine.got)
    assert ear.reasons == ["the listener failed"]
    assert (attachment.over, other.over) == (True, False)
    other.close()


async def test_nobody_waits_there(clock: Clock) -> None:
    async with serve(lambda connection: connection.wait_closed(), HOST, 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
    ear = Listener()
    attachment = AsteriskSocket(ear, ticker=Ticker(clock), reader=clock.reader)
    with pytest.raises(OSError):  # noqa: PT011 - the system's words
        await connect_to_asterisk(attachment, f"ws://{HOST}:{port}/media/abc", user="u", password="p")
    assert ear.reasons == ["Asterisk could not be reached"]


async def test_closed_before_it_is_connected(asterisk: Asterisk, clock: Clock) -> None:
    attachment = AsteriskSocket(Listener(), ticker=Ticker(clock), reader=clock.reader)
    attachment.close("not wanted any more")
    await connect_to_asterisk(attachment, f"ws://{HOST}:{asterisk.port}/media/abc", user="u", password="p")
    await until(lambda: asterisk.connections and asterisk.connections[0].close_code == 1000)


def test_where_asterisk_waits() -> None:
    assert media_url("http://127.0.0.1:8088/ari", "abc") == "ws://127.0.0.1:8088/media/abc"
    assert media_url("https://pbx.example/asterisk/ari", "abc") == "wss://pbx.example/asterisk/media/abc"


# Asterisk connects to us


@asynccontextmanager
async def a_server(clock: Clock) -> AsyncIterator[tuple[AsteriskServer, str]]:
    server = AsteriskServer(ticker=Ticker(clock), user="asterisk", password="secret", reader=clock.reader)
    _, port = await server.open(HOST)
    try:
        yield server, f"ws://{HOST}:{port}/media"
    finally:
        await server.close()


async def as_asterisk(url: str, password: str = "secret") -> ClientConnection:
    headers = {"Authorization": basic_auth("asterisk", password)}
    return await connect(url, additional_headers=headers, subprotocols=[Subprotocol("media")], compression=None)


async def test_asterisk_connects_to_what_is_expected(clock: Clock) -> None:
    async with a_server(clock) as (server, url):
        ear = Listener()
        attachment = server.expect("media-1", ear)
        with pytest.raises(Conflict):
            server.expect("media-1", Listener())
        connection = await as_asterisk(f"{url}?attachment=media-1")
        await connection.send(START)
        await connection.send(frame(1))
        await until(lambda: ear.got == [frame(1)])
        attachment.say(frame(2))
        tick(clock)
        assert await asyncio.wait_for(connection.recv(), 30) == frame(2)
        with pytest.raises(InvalidStatus):  # once only
            await as_asterisk(f"{url}?attachment=media-1")
        attachment.close()
        await asyncio.wait_for(connection.wait_closed(), 30)
        assert server.refused == 1


@pytest.mark.parametrize(
    ("query", "password", "status"),
    [("?attachment=media-2", "secret", 404), ("", "secret", 404), ("?attachment=media-1", "guessed", 401)],
)
async def test_who_is_turned_away(clock: Clock, query: str, password: str, status: int) -> None:
    async with a_server(clock) as (server, url):
        attachment = server.expect("media-1", Listener())
        with pytest.raises(InvalidStatus) as caught:
            await as_asterisk(url + query, password)
        assert caught.value.response.status_code == status
        assert (server.refused, attachment.connected) == (1, False)
