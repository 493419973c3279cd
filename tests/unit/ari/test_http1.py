"""HTTP/1.1: replies in every form and in any pieces, and connections that end or say what nobody asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from ari_app.ari.http1 import MAX_HEAD, BadAnswer, Connection, Reply, ReplyReader

REPLIES = {
    "as Asterisk writes it": (
        b"HTTP/1.1 200 OK\r\nServer: Asterisk\r\nContent-type: application/json\r\nContent-Length: 13\r\n\r\n"
        b'{"id":"x\r\n"} ',
        Reply(200, b'{"id":"x\r\n"} ', True),
    ),
    "no body": (b"HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n\r\n", Reply(204, b"", True)),
    "an error": (b"HTTP/1.1 404 Not Found\r\ncontent-length:2\r\n\r\n{}", Reply(404, b"{}", True)),
    "the last one": (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", Reply(200, b"", False)),
    "an old server": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", Reply(200, b"x", False)),
    "announced by another": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        Reply(200, b"x", True),
    ),
    "in chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;q=1\r\n0123456789\r\n0\r\n\r\n",
        Reply(200, b"abc0123456789", True),
    ),
    "in chunks, with a trailer": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 9\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n",
        Reply(200, b"x", True),
    ),
    "nothing, in chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Reply(200, b"", True)),
}


@pytest.mark.parametrize("form", REPLIES)
def test_whole_in_two_and_byte_by_byte(form: str) -> None:
    data, expected = REPLIES[form]
    reader = ReplyReader()
    for _ in range(2):  # the second one on the same connection
        assert reader.feed(data) == expected
        assert reader.empty
    for cut in range(1, len(data)):
        assert reader.feed(data[:cut]) is None, cut
        assert reader.feed(data[cut:]) == expected, cut
        assert reader.empty
    for byte in data[:-1]:
        assert reader.feed(bytes([byte])) is None
    assert reader.feed(data[-1:]) == expected


def test_a_body_until_the_end() -> None:
    reader = ReplyReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\nabc") is None
    assert reader.feed(b"def") is None
    assert reader.eof() == Reply(200, b"abcdef", False)


@pytest.mark.parametrize("form", ["as Asterisk writes it", "in chunks"])
def test_an_end_in_the_middle_is_no_reply(form: str) -> None:
    data, _ = REPLIES[form]
    for cut in range(len(data)):
        reader = ReplyReader()
        assert reader.feed(data[:cut]) is None
        assert reader.eof() is None


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"x" * (MAX_HEAD + 1),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n",
    ],
)
def test_what_is_no_http(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        ReplyReader().feed(data)


def test_what_follows_a_reply_is_noticed() -> None:
    reader = ReplyReader()
    assert reader.feed(b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1") == Reply(204, b"", True)
    assert not reader.empty


# connections

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """The other end of one connection."""

    def __init__(self) -> None:
        self.lost: list[Connection] = []
        self.arrived: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.arrived.put_nowait((reader, writer))

    async def connect(self, port: int) -> tuple[Connection, asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(self.lost.append), "127.0.0.1", port)
        return connection, *await self.arrived.get()


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Peer, Connection, asyncio.StreamReader, asyncio.StreamWriter]]:
    peer = Peer()
    server = await asyncio.start_server(peer, "127.0.0.1", 0)
    connection, reader, writer = await peer.connect(server.sockets[0].getsockname()[1])
    yield peer, connection, reader, writer
    connection.close()
    writer.close()
    server.close()
    await asyncio.sleep(0)


Ends = tuple[Peer, Connection, asyncio.StreamReader, asyncio.StreamWriter]


async def _lost(peer: Peer) -> None:
    async with asyncio.timeout(30):
        while not peer.lost:
            await asyncio.sleep(0.001)


async def test_one_request_after_the_other(ends: Ends) -> None:
    peer, connection, reader, writer = ends
    for number in range(3):
        asked = asyncio.ensure_future(connection.exchange(b"GET %d\r\n\r\n" % number, 30))
        assert await reader.readuntil(b"\r\n\r\n") == b"GET %d\r\n\r\n" % number
        assert not connection.usable
        writer.write(OK)
        assert await asked == Reply(200, b"ok", True)
        assert connection.usable
    assert not peer.lost


async def test_the_server_goes_before_it_answers(ends: Ends) -> None:
    peer, connection, reader, writer = ends
    asked = asyncio.ensure_future(connection.exchange(b"GET\r\n\r\n", 30))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK[:-1])
    writer.close()
    with pytest.raises(ConnectionResetError):
        await asked
    await _lost(peer)
    assert not connection.usable
    with pytest.raises(ConnectionResetError):
        await connection.exchange(b"GET\r\n\r\n", 30)


async def test_the_end_ends_a_body_of_unknown_length(ends: Ends) -> None:
    _, connection, reader, writer = ends
    asked = asyncio.ensure_future(connection.exchange(b"GET\r\n\r\n", 30))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
    writer.close()
    assert await asked == Reply(200, b"all of it", False)
    assert not connection.usable


async def test_who_does_not_wait_for_the_reply_closes(ends: Ends) -> None:
    peer, connection, reader, _ = ends
    asked = asyncio.ensure_future(connection.exchange(b"POST\r\n\r\n", 30))
    await reader.readuntil(b"\r\n\r\n")
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await _lost(peer)
    assert await reader.read() == b""


@pytest.mark.parametrize("unasked", [b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", b"?"])
async def test_what_nobody_asked_closes(ends: Ends, unasked: bytes) -> None:
    peer, connection, _, writer = ends
    writer.write(unasked)
    await _lost(peer)
    assert not connection.usable


@pytest.mark.parametrize(
    "answer", [OK + b"more", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"]
)
async def test_a_connection_that_is_not_used_again(ends: Ends, answer: bytes) -> None:
    peer, connection, reader, writer = ends
    asked = asyncio.ensure_future(connection.exchange(b"GET\r\n\r\n", 30))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer)
    assert (await asked).body == b"ok"
    assert not connection.usable
    await _lost(peer)


async def test_a_peer_that_speaks_something_else(ends: Ends) -> None:
    peer, connection, reader, writer = ends
    asked = asyncio.ensure_future(connection.exchange(b"GET\r\n\r\n", 30))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    with pytest.raises(BadAnswer):
        await asked
    await _lost(peer)
