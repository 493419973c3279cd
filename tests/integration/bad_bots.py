"""Endpoints of users that are not as they should be: each is a server at a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ari_app.media.transports.audiosocket import Kind, Message, build
from tests.harness import audio

#: what a server does with one that has connected
Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Bot = Callable[[ServerConnection], Awaitable[None]]

HOST = "127.0.0.1"
#: bytes that a socket takes in for one that does not read
SMALL = 4096


@contextlib.asynccontextmanager
async def raw(serves: Raw, *, small: bool = False) -> AsyncIterator[str]:
    """host:port of a TCP server. small: it takes in little that nobody reads."""

    serving: set[asyncio.Task[Any]] = set()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await serves(reader, writer)
        writer.close()

    listener = _listener(small)
    server = await asyncio.start_server(served, sock=listener, limit=SMALL)
    try:
        yield f"{HOST}:{listener.getsockname()[1]}"
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


def _listener(small: bool) -> socket.socket:
    made = socket.socket()
    if small:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    made.bind((HOST, 0))
    return made


def says(answer: bytes) -> Raw:
    """To whatever it is asked."""

    async def serves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        await reader.read()

    return serves


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the connection, reads and says nothing."""
    await asyncio.Event().wait()


def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection off, without an end (RST)."""
    held: socket.socket = writer.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An AudioSocket server that hears a second of audio and breaks off."""
    await reader.readexactly(50 * 323)
    reset(writer)


async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An AudioSocket server that hears a second of audio and closes (FIN), without a word."""
    await reader.readexactly(50 * 323)


async def speaks_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """No AudioSocket server at all."""
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()
    await reader.read()


async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An AudioSocket server that says as much as it can."""
    frame = build(Message(Kind.AUDIO_8K, bytes(320)))
    while True:
        writer.write(frame * 50)
        await writer.drain()


@contextlib.asynccontextmanager
async def websocket(bot: Bot, *, small: bool = False) -> AsyncIterator[str]:
    """URL of a bot, which begins when audio flows. small: as in `raw`."""

    serving: dict[ServerConnection, asyncio.Task[Any]] = {}

    async def served(connection: ServerConnection) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving[connection] = task
        with contextlib.suppress(ConnectionClosed, asyncio.CancelledError):
            async for message in connection:
                if isinstance(message, str) and json.loads(message)["event"] == "MEDIA_START":
                    await bot(connection)
                    return

    listener = _listener(small)
    async with serve(served, sock=listener, subprotocols=["media"]):  # type: ignore[list-item]
        try:
            yield f"ws://{HOST}:{listener.getsockname()[1]}/"
        finally:
            for connection, task in serving.items():
                connection.transport.abort()
                task.cancel()


def sends(*messages: bytes | str, times: int = 1) -> Bot:
    """These, so many times, and listens to the end."""

    async def bot(connection: ServerConnection) -> None:
        for _ in range(times):
            for message in messages:
                await connection.send(message)
        async for _ in connection:
            pass

    return bot


def says_tone(hz: float, seconds: float, rate: int = audio.RATE) -> Bot:
    """A tone, with samples of a rate, as fast as it is taken."""
    pcm = audio.to_pcm(audio.sine(hz * audio.RATE / rate, seconds * rate / audio.RATE))
    return sends(*(pcm[at : at + 32_000] for at in range(0, len(pcm), 32_000)))


async def breaks_off(connection: ServerConnection) -> None:
    """Hears half a second, and is gone without a word (RST)."""
    for _ in range(25):
        await connection.recv()
    held: socket.socket = connection.transport.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


async def says_good_bye(connection: ServerConnection) -> None:
    """Hears half a second, and closes as one should."""
    for _ in range(25):
        await connection.recv()


async def does_not_read(connection: ServerConnection) -> None:
    connection.transport.pause_reading()
    await asyncio.Event().wait()
