"""Websockets of media whose other side does what it may not, over real sockets, and what of it ends what.

One attachment is attacked, and another one on the same server goes on.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.frames import Frame, Opcode

from ari_app.ari.http import basic_auth
from ari_app.media.frames import FRAME_BYTES, Framer
from ari_app.media.transports import websocket
from ari_app.media.transports.asterisk_socket import AsteriskServer, AsteriskSocket, connect_to_asterisk
from ari_app.media.transports.pacing import BOX_FRAMES, PERIOD, Ticker
from ari_app.media.transports.websocket import MediaConnection
from tests.unit.media.transports.ears import CLOCKS, Clock, Listener

HOST = "127.0.0.1"
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
AUDIO = b"\x01\x00" * (FRAME_BYTES // 2)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.002)


class Side:
    """An attachment, and the bare bytes of its other side."""

    def __init__(self, attachment: AsteriskSocket, ear: Listener, *, masks: bool) -> None:
        self.attachment, self.ear = attachment, ear
        self.writer: asyncio.StreamWriter
        self._masks = masks

    def send(self, opcode: Opcode, data: bytes, *, fin: bool = True) -> None:
        self.writer.write(Frame(opcode, data, fin).serialize(mask=self._masks))


@asynccontextmanager
async def we_connect(clock: Clock) -> AsyncIterator[Side]:
    """Asterisk's part is a server that takes whoever comes."""
    ear = Listener()
    side = Side(AsteriskSocket(ear, ticker=Ticker(clock), reader=clock.reader), ear, masks=False)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(line for line in asked.split("\r\n") if line.lower().startswith("sec-websocket-key")).split(": ")[1]
        accept = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: media\r\n\r\n".encode()
        )
        side.writer = writer

    server = await asyncio.start_server(serve, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    await connect_to_asterisk(side.attachment, f"ws://{HOST}:{port}/media/abc", user="u", password="p")
    try:
        yield side
    finally:
        side.attachment.close()
        side.writer.close()
        server.close()
        await until(lambda: not clock.reader)  # no connection is left


@asynccontextmanager
async def they_connect(clock: Clock) -> AsyncIterator[Side]:
    """Asterisk's part is a client."""
    server = AsteriskServer(ticker=Ticker(clock), user="asterisk", password="secret", reader=clock.reader)
    host, port = await server.open(HOST)
    ear = Listener()
    side = Side(server.expect("media-1", ear), ear, masks=True)
    reader, side.writer = await asyncio.open_connection(host, port)
    side.writer.write(
        f"GET /?attachment=media-1 HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Authorization: {basic_auth('asterisk', 'secret')}\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: media\r\n\r\n".encode()
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    try:
        yield side
    finally:
        side.writer.close()
        side.attachment.close()
        await server.close()
        await until(lambda: not clock.reader)


@pytest.fixture(autouse=True)
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that breaks the protocol has not long to agree to the end."""
    monkeypatch.setattr(websocket, "CLOSE_LIMIT", 0.05)


BOTH = pytest.mark.parametrize(
    ("connected", "made"), [(side, clock) for side in (we_connect, they_connect) for clock in CLOCKS]
)


@BOTH
@pytest.mark.parametrize(
    "garbage",
    [
        b"\xc2\x05hello",  # a reserved bit
        b"\x83\x05hello",  # an opcode that is none
        b"\x82\x7f\x00\x00\x00\x7f\xff\xff\xff\xff",  # half a terabyte
        b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x09\x00",  # a fragment of a ping
        b"\x80\x00",  # the rest of nothing
        b"\xff" * 200,
    ],
)
async def test_garbage_ends_it_with_a_reason_and_nothing_else(
    connected: object, made: type[Clock], garbage: bytes
) -> None:
    clock = made()
    async with connected(clock) as attacked, connected(clock) as other:  # type: ignore[operator]
        attacked.send(Opcode.BINARY, AUDIO)
        attacked.writer.write(garbage)
        await until(lambda: attacked.attachment.over)
        assert attacked.ear.got == [AUDIO]
        assert len(attacked.ear.reasons) == 1
        other.send(Opcode.BINARY, AUDIO)
        await until(lambda: other.ear.got == [AUDIO])
        assert not other.attachment.over


@BOTH
async def test_a_mask_where_there_may_be_none_and_none_where_it_must(connected: object, made: type[Clock]) -> None:
    async with connected(made()) as side:  # type: ignore[operator]
        side.writer.write(Frame(Opcode.BINARY, AUDIO).serialize(mask=not side._masks))
        await until(lambda: side.attachment.over)
        assert side.ear.got == []


@BOTH
async def test_a_message_over_the_limit(connected: object, made: type[Clock]) -> None:
    async with connected(made()) as side:  # type: ignore[operator]
        side.send(Opcode.BINARY, bytes(MediaConnection.max_message + 1))
        await until(lambda: side.attachment.over)
        assert side.ear.got == []


@BOTH
async def test_fragments_and_whole_messages_keep_their_order(connected: object, made: type[Clock]) -> None:
    """What is cut out before the library, and what goes through it."""
    async with connected(made()) as side:  # type: ignore[operator]
        value = lambda number: bytes([number, 0]) * (FRAME_BYTES // 2)  # noqa: E731
        side.send(Opcode.BINARY, value(1))
        side.send(Opcode.BINARY, value(2)[:100], fin=False)
        side.send(Opcode.PING, b"between")
        side.send(Opcode.CONT, value(2)[100:])
        side.send(Opcode.TEXT, b'{"event": "MEDIA_START"}')
        side.send(Opcode.BINARY, b"")
        side.send(Opcode.BINARY, value(3)[:1])
        side.send(Opcode.BINARY, value(3)[1:] + value(4))
        await until(lambda: len(side.ear.got) == 4)
        assert side.ear.got == [value(number) for number in (1, 2, 3, 4)]
        assert side.attachment.started.is_set()


@BOTH
async def test_whatever_is_mixed_the_audio_is_that_of_the_messages(connected: object, made: type[Clock]) -> None:
    """Messages of 20 ms, which are looked at first, among all others, and cut anywhere on their way."""
    dice, audio = random.Random(7), b""
    async with connected(made()) as side:  # type: ignore[operator]
        for _ in range(600):
            match dice.choice(("frame",) * 6 + ("other", "fragments", "ping", "text", "cut")):
                case "frame":
                    audio += (data := dice.randbytes(FRAME_BYTES))
                    side.send(Opcode.BINARY, data)
                case "other":
                    audio += (data := dice.randbytes(dice.choice((0, 1, 125, 126, 319, 321, 640, 3200))))
                    side.send(Opcode.BINARY, data)
                case "fragments":
                    audio += (data := dice.randbytes(FRAME_BYTES))
                    side.send(Opcode.BINARY, data[:200], fin=False)
                    await asyncio.sleep(dice.choice((0, 0.011)))
                    side.send(Opcode.CONT, data[200:])
                case "ping":
                    side.send(Opcode.PING, b"x")
                case "text":
                    side.send(Opcode.TEXT, b'{"event": "MEDIA_START"}')
                case "cut":
                    audio += (data := dice.randbytes(FRAME_BYTES))
                    whole, at = Frame(Opcode.BINARY, data).serialize(mask=side._masks), dice.randrange(324)
                    side.writer.write(whole[:at])
                    await asyncio.sleep(dice.choice((0, 0.011)))
                    side.writer.write(whole[at:])
            if dice.random() < 0.2:
                await asyncio.sleep(dice.choice((0, 0.011)))
        wanted = Framer().feed(audio)
        await until(lambda: len(side.ear.got) == len(wanted))
        assert side.ear.got == wanted
        assert side.attachment.traffic().frames_in == len(wanted)


@BOTH
async def test_byte_by_byte(connected: object, made: type[Clock]) -> None:
    async with connected(made()) as side:  # type: ignore[operator]
        data = Frame(Opcode.BINARY, AUDIO).serialize(mask=side._masks)
        for at in range(len(data)):
            side.writer.write(data[at : at + 1])
            await side.writer.drain()
        await until(lambda: side.ear.got == [AUDIO])


@BOTH
async def test_one_that_does_not_read_costs_no_memory_and_is_let_go_of(connected: object, made: type[Clock]) -> None:
    clock = made()
    async with connected(clock) as side:  # type: ignore[operator]
        side.writer.transport.pause_reading()
        attachment = side.attachment
        sent, still = 0, 0
        while still < 30:  # until the system's buffers are full: it may acknowledge late
            sent = attachment.traffic().frames_out
            attachment.say(bytes(200 * FRAME_BYTES))
            for _ in range(200):
                clock.advance(PERIOD)
            await asyncio.sleep(0.01)
            still = still + 1 if sent == attachment.traffic().frames_out else 0
        assert attachment.say(bytes(2 * BOX_FRAMES * FRAME_BYTES)) < 2 * BOX_FRAMES * FRAME_BYTES
        assert attachment.waiting == BOX_FRAMES
        clock.advance(PERIOD)
        assert attachment.traffic().frames_out == sent
        attachment.close()
        assert side.ear.reasons == ["closed"]


@BOTH
async def test_a_clock_that_is_one_percent_fast_loses_nothing(connected: object, made: type[Clock]) -> None:
    """Frames come as they come: no time is made up or left out for those."""
    async with connected(made()) as side:  # type: ignore[operator]
        for number in range(505):
            side.send(Opcode.BINARY, bytes([number % 100, 0]) * (FRAME_BYTES // 2))
        await until(lambda: len(side.ear.got) == 505)
        assert side.attachment.traffic().frames_lost == 0
