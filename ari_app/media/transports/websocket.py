"""Websockets that carry audio: messages are handed on from where they are parsed, and written at once.

`recv()` and `send()` of the library cost a queue and a task for each message; here a frame of 20 ms is a function call.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Protocol, cast

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State

#: Bytes asked for at a time, see rtp_socket.RECEIVE.
RECEIVE = 4096
#: Bytes that wait here for a peer that does not read: 0.5 s of 8 kHz; and in the system's buffer (Linux doubles it).
WRITE_HIGH, SEND_BUFFER = 8192, 8192
#: Seconds in which a peer has to agree to the end of a connection.
CLOSE_LIMIT = 2.0

_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class Line(Protocol):
    """Whose connection it is. All of it is synchronous and none of it raises."""

    def binary(self, data: bytes) -> None:
        """Audio came."""

    def text(self, data: bytes) -> None:
        """A control message came."""

    def lost(self, reason: str) -> None:
        """The connection is over; called once."""


class MediaConnection(Connection):
    """A connection whose messages go to a line."""

    _line: Line | None = None
    _over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._early: list[tuple[bool, bytes]] = []
        self._pieces: list[bytes] = []
        self._is_text = False
        found = transport.get_extra_info("socket")
        if found is not None and found.family in (socket.AF_INET, socket.AF_INET6):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if hasattr(transport, "max_size"):
            cast(Any, transport).max_size = RECEIVE
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH)

    def take(self, line: Line) -> None:
        """From now on messages are this line's; those that came already are handed over now."""
        self._line = line
        early, self._early = self._early, []
        for is_text, data in early:
            self._hand(is_text, data)
        if self._over:
            line.lost("closed at once")

    def process_event(self, event: Frame | Request | Response) -> None:
        if not isinstance(event, Frame) or event.opcode not in _DATA:
            super().process_event(event)
            return
        if event.opcode is not Opcode.CONT:
            self._is_text = event.opcode is Opcode.TEXT
        if event.fin and not self._pieces:
            self._hand(self._is_text, bytes(event.data))
            return
        self._pieces.append(bytes(event.data))
        if event.fin:
            message = b"".join(self._pieces)
            self._pieces.clear()
            self._hand(self._is_text, message)

    def _hand(self, is_text: bool, data: bytes) -> None:
        if self._line is None:
            self._early.append((is_text, data))
        elif is_text:
            self._line.text(data)
        else:
            self._line.binary(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._over = True
        if self._line is not None:
            self._line.lost(self._why(exc))

    def _why(self, exc: Exception | None) -> str:
        received = self.protocol.close_rcvd
        if received is not None:
            said = f" ({received.reason})" if received.reason else ""
            return f"closed by the other side with code {received.code}{said}"
        sent = self.protocol.close_sent
        if sent is not None and sent.code != CloseCode.NORMAL_CLOSURE:
            return f"what came is not of the protocol: {sent.reason or sent.code}"
        return f"the connection was lost: {exc}" if exc else "the connection was closed without a word"

    @property
    def full(self) -> bool:
        """The peer does not read: more has to wait, or is not sent."""
        return self.paused or self.protocol.state is not State.OPEN

    def write_binary(self, data: bytes) -> None:
        """Send audio; nothing once it is being closed."""
        if self.protocol.state is State.OPEN:
            self.protocol.send_binary(data)
            self.send_data()

    def write_text(self, text: str) -> None:
        """Send a control message; nothing once it is being closed."""
        if self.protocol.state is State.OPEN:
            self.protocol.send_text(text.encode())
            self.send_data()

    def hold(self, held: bool) -> None:
        """Read no more for now, or again."""
        if held:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def end(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close; at once if the peer does not read, else it has CLOSE_LIMIT seconds to agree."""
        if self.protocol.state is State.OPEN and not self.paused:
            self.protocol.send_close(code, reason.encode()[:120].decode(errors="ignore"))
            self.send_data()
            self.hold(False)
            self.loop.call_later(CLOSE_LIMIT, self.transport.abort)
        else:
            self.transport.abort()


class MediaClient(MediaConnection, ClientConnection):
    """We connect."""


class MediaServer(MediaConnection, ServerConnection):
    """They connect."""
