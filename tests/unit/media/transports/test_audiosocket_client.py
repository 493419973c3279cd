"""A user's AudioSocket server, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from ari_app.clock import ManualClock
from ari_app.media.frames import FRAME_BYTES, Frame
from ari_app.media.transports.audiosocket import Kind, Message, Parser, build
from ari_app.media.transports.audiosocket_client import AudioSocketClient, connect_to_audiosocket
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction

HOST = "127.0.0.1"
CALL = UUID("40325ec2-5efd-4bd3-805f-53576e581d13")
FRAME = b"\1\0" * (FRAME_BYTES // 2)


class Listener:
    def __init__(self) -> None:
        self.got: list[Frame] = []
        self.reasons: list[str] = []

    def frames(self, frames: Sequence[Frame]) -> None:
        self.got += frames

    def ended(self, reason: str) -> None:
        self.reasons.append(reason)


class Server(asyncio.Protocol):
    def __init__(self) -> None:
        self.parser = Parser()
        self.messages: list[Message] = []
        self.closed = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.messages += self.parser.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def connected(pieces: int = 1) -> AsyncIterator[tuple[AudioSocketClient, Listener, Server]]:
    side = Server()
    server = await asyncio.get_running_loop().create_server(lambda: side, HOST, 0)
    ear = Listener()
    client = AudioSocketClient(ear, CALL, ticker=Ticker(ManualClock()), direction=Direction.BOTH, pieces=pieces)
    await connect_to_audiosocket(client, HOST, server.sockets[0].getsockname()[1])
    await until(lambda: side.messages)
    try:
        yield client, ear, side
    finally:
        client.close("the test is over")
        side.transport.abort()
        server.close()


async def test_it_is_named_hears_and_is_heard() -> None:
    async with connected() as (client, ear, side):
        assert side.messages[0].uuid == CALL
        client.say(FRAME * 3)
        await until(lambda: len(side.messages) == 4)
        assert [message.payload for message in side.messages[1:]] == [FRAME] * 3
        side.transport.write(build(Message(Kind.AUDIO_8K, FRAME * 2)) + build(Message(Kind.AUDIO_16K, FRAME)))
        await until(lambda: client.traffic().refused == 1)
        assert ear.got == [FRAME, FRAME]
        client.close("stopped")
        await until(lambda: side.closed)
        assert side.messages[-1].kind is Kind.HANGUP
        assert (ear.reasons, client.traffic().frames_out) == (["stopped"], 3)
        assert client.say(FRAME) == 0


async def test_sixteen_kilohertz_both_ways() -> None:
    """20 ms a message; what is of another rate is not heard, and counted."""
    async with connected(pieces=2) as (client, ear, side):
        assert client.say(FRAME * 4) == 4 * FRAME_BYTES
        await until(lambda: len(side.messages) == 3)
        assert side.messages[1:] == [Message(Kind.AUDIO_16K, FRAME * 2)] * 2
        side.transport.write(build(Message(Kind.AUDIO_8K, FRAME)) + build(Message(Kind.AUDIO_16K, FRAME * 2)))
        await until(lambda: ear.got)
        assert ear.got == [FRAME] * 2
        traffic = client.traffic()
        assert (traffic.frames_in, traffic.frames_out, traffic.refused) == (1, 2, 1)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (build(Message(Kind.HANGUP)), "the target has hung up"),
        (build(Message(Kind.ERROR, b"\1")), "the target told an error"),
        (build(Message(Kind.ID, CALL.bytes)), "not AudioSocket: a second id"),
        (b"\x10\x00\x03abc", "not AudioSocket: audio of 3 bytes, which is half a sample too much"),
    ],
)
async def test_why_it_ends(sent: bytes, reason: str) -> None:
    async with connected() as (client, ear, side):
        side.transport.write(sent)
        await until(lambda: ear.reasons)
        assert ear.reasons == [reason]
        assert client.over
        await until(lambda: side.closed)


async def test_the_server_goes_away() -> None:
    async with connected() as (_, ear, side):
        side.transport.abort()
        await until(lambda: ear.reasons)
        assert len(ear.reasons) == 1


async def test_one_that_does_not_read_misses_it() -> None:
    async with connected() as (client, ear, side):
        side.transport.pause_reading()
        for _ in range(200_000):
            client.say(FRAME)
            if client.unread > 1000:
                break
            await asyncio.sleep(0)
        assert client.unread > 1000
        assert ear.reasons == []
        side.transport.resume_reading()
        await until(lambda: client.say(FRAME) == FRAME_BYTES)


async def test_nobody_is_there() -> None:
    server = await asyncio.get_running_loop().create_server(Server, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    ear = Listener()
    client = AudioSocketClient(ear, CALL, ticker=Ticker(ManualClock()), direction=Direction.BOTH)
    with pytest.raises(ConnectionError):
        await connect_to_audiosocket(client, HOST, port)
    assert "cannot connect" in ear.reasons[0]
