"""AudioSocket to a server of a user's own: we connect, and name the attachment, as Asterisk would."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast
from uuid import UUID

from ari_app.media.frames import FRAME_BYTES, Framer
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.audiosocket import KIND_OF, Kind, Message, Parser, build, build_audio
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction, Ear
from ari_app.media.transports.websocket import RECEIVE, SEND_BUFFER, WRITE_HIGH

#: Seconds in which the server has to take a connection.
CONNECT_LIMIT = 5.0


class AudioSocketClient(Attachment, asyncio.Protocol):
    """A server. What the call says is sent as it comes; what it does not read it misses."""

    def __init__(self, ear: Ear, uuid: UUID, *, ticker: Ticker, direction: Direction, pieces: int = 1) -> None:
        """`pieces`: as of Attachment: two are audio of 16 kHz, both ways."""
        super().__init__(ear, ticker=ticker, direction=direction, pieces=pieces)
        self.uuid = uuid
        self._kind = KIND_OF[pieces]
        #: frames that were not sent, as the server did not read
        self.unread = 0
        self._framer = Framer()
        self._parser = Parser(named=True)
        self._transport: asyncio.Transport | None = None
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        found = transport.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if hasattr(transport, "max_size"):
            cast(Any, transport).max_size = RECEIVE
        self._transport.set_write_buffer_limits(high=WRITE_HIGH)
        self._transport.write(build(Message(Kind.ID, self.uuid.bytes)))

    def say(self, samples: bytes) -> int:
        """As in Transport; all of it is taken and sent now, or nothing is."""
        if self._transport is None or self.over or not samples:
            return 0
        frames = len(samples) // FRAME_BYTES
        if self._full:
            self.unread += frames // self._pieces
            return 0
        self._transport.write(build_audio(samples, self._pieces))
        self._frames_out += frames
        return len(samples)

    def throttle(self, on: bool) -> None:
        """There is no word for it: what comes too fast is held."""

    def hold(self, on: bool) -> None:
        """Read no more of it for now, or again."""
        if self._transport is not None and not self._transport.is_closing():
            if on:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        for message in self._parser.feed(data):
            if self.over:
                return
            match message.kind:
                case self._kind:
                    self._heard(self._framer.feed(message.payload))
                case Kind.HANGUP:
                    self.close("the target has hung up")
                case Kind.ERROR:
                    self.close("the target told an error")
                case Kind.DTMF:
                    pass
                case _:
                    self._refused += 1  # audio of another rate than it was sent
        if self._parser.broken:
            self.close(f"not AudioSocket: {self._parser.broken}")

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.close(f"the connection was lost: {exc}" if exc else "closed by the other side")

    def _shut(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._full or transport.get_write_buffer_size():
            transport.abort()
        else:
            transport.write(build(Message(Kind.HANGUP)))
            transport.close()


async def connect_to_audiosocket(client: AudioSocketClient, address: str, port: int) -> None:
    """Connect to a server. Raises OSError: there is none; the client is over then."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_LIMIT):
            await loop.create_connection(lambda: client, address, port)
    except (TimeoutError, OSError) as error:
        client.close(f"cannot connect: {error}")
        raise ConnectionError(f"cannot connect: {error}") from None
