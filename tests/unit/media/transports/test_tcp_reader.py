"""Connections that are read at ticks: as by their transports, and together."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
from collections.abc import AsyncIterator, Callable
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.clock import ManualClock
from ari_app.media.frames import FRAME_BYTES
from ari_app.media.transports.audiosocket import HEADER, Kind, Message, Parser, build, build_frame
from ari_app.media.transports.tcp_reader import READ_EVERY, RECEIVE, Reading, TcpReader

pytestmark = pytest.mark.skipif(not TcpReader.available(), reason="no epoll here")

HOST = "127.0.0.1"


class Connection(asyncio.Protocol):
    """Keeps what comes, and how it ends."""

    def __init__(self, reader: TcpReader) -> None:
        self.reader = reader
        self.got: list[bytes] = []
        self.ends: list[Exception | None] = []
        self.reading: Reading | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.got.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.reading is not None:
            self.reading.stop()
            exc = exc or self.reading.error
        self.ends.append(exc)


class World:
    def __init__(self) -> None:
        self.clock = ManualClock(1000.0)
        self.reader = TcpReader(self.clock)
        self.readings = 0
        self.reader.after_reading = self._read
        self.connections: list[Connection] = []
        self.peers: list[socket.socket] = []

    def _read(self) -> None:
        self.readings += 1

    async def open(self) -> None:
        self.server = await asyncio.get_running_loop().create_server(self._connection, HOST, 0)

    def _connection(self) -> Connection:
        self.connections.append(Connection(self.reader))
        return self.connections[-1]

    async def connect(self) -> tuple[Connection, socket.socket]:
        peer = socket.create_connection(self.server.sockets[0].getsockname())
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peers.append(peer)
        await until(lambda: len(self.connections) == len(self.peers))
        await self.turns()
        made = self.connections[-1]
        made.reading = self.reader.add(made.transport, made)
        assert made.reading is not None
        return made, peer

    async def turns(self) -> None:
        """The loop has had the chance to read."""
        for _ in range(5):
            await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    await made.open()
    yield made
    for connection in made.connections:
        connection.transport.abort()
    await until(lambda: all(connection.ends for connection in made.connections))
    assert len(made.reader) == 0
    assert made.clock.due() is None  # it rests
    for peer in made.peers:
        peer.close()
    made.server.close()


async def test_what_comes_waits_for_the_tick_and_is_read_with_the_rest(world: World) -> None:
    both = [await world.connect() for _ in range(2)]
    for number, (_, peer) in enumerate(both):
        peer.send(bytes([number]) * 10)
    await world.turns()
    assert [connection.got for connection, _ in both] == [[], []]
    world.clock.advance(READ_EVERY)
    assert [connection.got for connection, _ in both] == [[bytes(10)], [b"\1" * 10]]
    assert world.readings == 1
    world.clock.advance(READ_EVERY)
    assert sum(len(connection.got) for connection, _ in both) == 2


async def test_one_that_sends_much_does_not_hold_up_the_others(world: World) -> None:
    (greedy, much), (modest, little) = await world.connect(), await world.connect()
    much.sendall(bytes(3 * RECEIVE))
    little.sendall(b"x")
    world.clock.advance(READ_EVERY)
    assert (len(greedy.got), modest.got) == (1, [b"x"])
    world.clock.advance(5 * READ_EVERY)
    assert sum(map(len, greedy.got)) == 3 * RECEIVE
    assert max(map(len, greedy.got)) <= RECEIVE


async def test_one_that_is_held_is_read_later(world: World) -> None:
    connection, peer = await world.connect()
    assert connection.reading is not None
    for held in (True, True, False, False, True):
        connection.reading.hold(held)
    peer.sendall(b"first")
    world.clock.advance(5 * READ_EVERY)
    await world.turns()
    assert connection.got == []
    connection.reading.hold(False)
    world.clock.advance(READ_EVERY)
    assert connection.got == [b"first"]


async def test_the_end_is_found_by_the_transport(world: World) -> None:
    connection, peer = await world.connect()
    peer.sendall(b"last words")
    peer.close()
    world.clock.advance(READ_EVERY)
    assert connection.got == [b"last words"]
    world.clock.advance(READ_EVERY)
    await until(lambda: connection.ends)
    assert connection.ends == [None]
    assert connection.got == [b"last words"]


async def test_a_reset_is_an_end_with_a_reason(world: World) -> None:
    connection, peer = await world.connect()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
    world.clock.advance(READ_EVERY)
    await until(lambda: connection.ends)
    assert isinstance(connection.ends[0], ConnectionResetError)


async def test_what_is_closed_by_another_is_not_read(world: World) -> None:
    """Both have something; who is read first ends the other. Its number may be another's a moment later."""
    both = [await world.connect() for _ in range(2)]
    for connection, peer in both:
        peer.send(b"x")
        others = [other for other, _ in both if other is not connection]
        connection.data_received = lambda data, others=others: others[0].transport.abort()  # type: ignore[misc]
        assert connection.reading is not None
        connection.reading.take = connection.data_received
    world.clock.advance(READ_EVERY)
    await until(lambda: any(connection.ends for connection, _ in both))
    assert len(world.reader) == 1
    assert sum(bool(connection.ends) for connection, _ in both) == 1


async def test_with_as_many_files_open_as_may_be_connections_are_read_by_their_transports(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left() -> object:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(select, "epoll", none_left)
        peer = socket.create_connection(world.server.sockets[0].getsockname())
        world.peers.append(peer)
        await until(lambda: world.connections)
        await world.turns()
        connection = world.connections[0]
        assert world.reader.add(connection.transport, connection) is None
    peer.send(b"x")
    await until(lambda: connection.got == [b"x"])


async def test_one_that_fails_ends_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    both = [await world.connect() for _ in range(2)]
    (broken, _), (fine, _) = both
    assert broken.reading is not None

    def fail(data: bytes) -> None:
        raise RuntimeError("a bug of the protocol")

    broken.reading.take = fail
    for _, peer in both:
        peer.send(b"x")
    world.clock.advance(READ_EVERY)
    await until(lambda: broken.ends)
    assert "a connection failed" in caplog.text
    both[1][1].send(b"y")
    world.clock.advance(READ_EVERY)
    assert (b"".join(fine.got), fine.ends) == (b"xy", [])


async def test_what_is_written_at_once_stays_in_order_with_what_waits(world: World) -> None:
    """Until the system takes no more: then it waits in the transport, and what comes after it too."""
    connection, peer = await world.connect()
    reading = connection.reading
    assert reading is not None
    peer.setblocking(False)
    sent = got = b""
    number = 0
    while connection.transport.get_write_buffer_size() < 50_000:
        data = number.to_bytes(4, "big") * 1000
        sent += data
        if rest := reading.write(data):
            connection.transport.write(rest)
        number += 1
    async with asyncio.timeout(30):
        while len(got) < len(sent):
            try:
                got += peer.recv(1 << 20)
            except BlockingIOError:
                await asyncio.sleep(0.001)
    assert got == sent
    assert reading.write(b"again") == b""
    reading.stop()
    assert reading.write(b"over") == b"over"


async def test_what_cannot_be_read_so_is_left_to_its_transport(world: World) -> None:
    class Encrypted:
        def get_extra_info(self, name: str) -> object:
            return object() if name == "sslcontext" else world.connections[0].transport.get_extra_info(name)

        def is_reading(self) -> bool:
            return True

    connection, _ = await world.connect()
    before = len(world.reader)
    assert world.reader.add(cast(asyncio.Transport, Encrypted()), connection) is None
    connection.transport.close()
    await until(lambda: connection.ends)
    assert world.reader.add(connection.transport, connection) is None
    assert (before, len(world.reader)) == (1, 0)


def test_on_the_loop_that_the_server_runs() -> None:
    """Its transports are others than asyncio's."""
    uvloop = pytest.importorskip("uvloop")

    async def live() -> list[list[object]]:
        world = World()
        await world.open()
        (ended, first), (_, second), (closed, _) = [await world.connect() for _ in range(3)]
        assert ended.reading is not None
        for peer in world.peers:
            peer.sendall(b"some")
        await world.turns()
        ended.reading.hold(True)
        world.clock.advance(READ_EVERY)
        seen: list[list[object]] = [list(connection.got) for connection in world.connections]
        ended.reading.hold(False)
        assert [ended.reading.write(b"at once"), first.recv(100)] == [b"", b"at once"]
        first.sendall(b" more")
        first.close()
        second.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        second.close()
        closed.transport.close()
        while not all(connection.ends for connection in world.connections):
            world.clock.advance(READ_EVERY)
            await asyncio.sleep(0.001)
        seen += [list(ended.got), [type(connection.ends[0]) for connection in world.connections], [len(world.reader)]]
        for peer in world.peers:
            peer.close()
        world.server.close()
        return seen

    found = uvloop.run(asyncio.wait_for(live(), 30))
    nothing = type(None)
    assert found[:3] == [[], [b"some"], [b"some"]]
    assert found[3:] == [[b"some more"], [nothing, ConnectionResetError, nothing], [0]]


messages = st.lists(
    st.one_of(
        st.just(Message(Kind.AUDIO_8K, b"\1\2" * 160)),
        st.sampled_from([0, 2, 318, 322, 640]).map(lambda size: Message(Kind.AUDIO_8K, bytes(size))),
        st.just(Message(Kind.DTMF, b"5")),
        st.just(Message(Kind.AUDIO_16K, bytes(640))),
    ),
    max_size=12,
)


@given(messages, st.lists(st.integers(0, 4000), max_size=12), st.binary(max_size=20), st.booleans())
def test_an_audiosocket_frame_that_is_whole_is_what_the_parser_finds(
    sent: list[Message], cuts: list[int], garbage: bytes, named: bool
) -> None:
    """Whatever is read together: whether it is looked at first or only parsed, the audio is the same."""
    stream = b"".join(map(build, sent)) + garbage
    # as it is read: mostly a message each, and anything else
    ends = [len(b"".join(map(build, sent[:count]))) for count in range(len(sent) + 1)]
    places = sorted({min(cut, len(stream)) for cut in cuts} | set(ends) | {len(stream)})
    slow, fast = Parser(named=True), Parser(named=True)
    if not named:
        for parser in (slow, fast):
            parser._named = False
            parser.feed(build(Message(Kind.ID, UUID(int=5).bytes)))
    wanted: list[bytes] = []
    found: list[bytes] = []
    start = 0
    for place in places:
        data, start = stream[start:place], place
        wanted += [message.payload for message in slow.feed(data) if message.kind is Kind.AUDIO_8K]
        if frame := fast.frame(data):
            found.append(frame)
        else:
            found += [message.payload for message in fast.feed(data) if message.kind is Kind.AUDIO_8K]
    assert found == wanted
    assert fast.broken == slow.broken


def test_a_frame_is_not_taken_for_what_a_message_before_it_waits_for() -> None:
    parser = Parser(named=True)
    whole = HEADER.pack(Kind.AUDIO_8K, 3 + FRAME_BYTES + 1)
    assert parser.feed(whole) == []
    assert parser.frame(build_frame(bytes(FRAME_BYTES))) == b""
