"""The websocket of events, on the way from the wire to the sink: nothing waits, nothing is queued.

At once acknowledged: Asterisk's websocket client leaves Nagle's algorithm on, so while an event that it has sent is not
acknowledged, the next one stays in its buffer. We send hardly anything on that connection, so there is nothing an
acknowledgement could travel with, and Linux delays it: each second event of a burst would reach us 25 to 40 ms late
(tcp(7), TCP_QUICKACK). The option does not last, hence once for each piece received.

At once delivered: `recv()` costs a queue and a turn of the loop for each event, a tenth of all that our process does
for a call. Events are handed on from where they are parsed instead, and where Asterisk connects to us they are cut out
of the stream by frames.py.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response

from ari_app.ari.frames import FrameCutter

#: Linux has it; elsewhere (macOS, for developing) acknowledgements come when they come
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)

#: Bytes of one message at most. Asterisk's are a few kilobytes; a user event may carry more.
MAX_MESSAGE = 4 * 1024 * 1024

_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class EventSocket(Connection):
    """A websocket whose messages go to a function."""

    #: the same connection under a descriptor of its own, to set the option by; None: not possible or not needed
    _option: socket.socket | None = None
    _take: Callable[[bytes], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        #: messages that came before anybody took them
        self._early: list[bytes] = []
        #: the pieces of a message whose end has not come
        self._pieces: list[bytes] = []
        found = transport.get_extra_info("socket")
        if _QUICKACK is not None and found is not None and found.family in (socket.AF_INET, socket.AF_INET6):
            self._option = socket.socket(found.family, found.type, fileno=os.dup(found.fileno()))
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._option is not None:
            self._option.close()
            self._option = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._option is not None and _QUICKACK is not None:
            self._option.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        super().data_received(data)

    def process_event(self, event: Frame | Request | Response) -> None:
        if not isinstance(event, Frame) or event.opcode not in _DATA:
            super().process_event(event)
        elif event.fin and not self._pieces:
            self._message(bytes(event.data))
        else:
            self._pieces.append(bytes(event.data))
            if event.fin:
                message = b"".join(self._pieces)
                self._pieces.clear()
                self._message(message)

    def _message(self, data: bytes) -> None:
        if self._take is None:
            self._early.append(data)
        else:
            self._take(data)

    async def deliver(self, take: Callable[[bytes], None]) -> str:
        """Hand over every message until the connection ends, those included that came already; why it ended."""
        early, self._early = self._early, []
        for data in early:
            take(data)
        self._take = take
        try:
            await self.wait_closed()
        finally:
            self._take = None
        return str(self.protocol.close_exc)


class EventSocketServer(EventSocket, ServerConnection):
    """They connect to us."""

    #: None: the library parses
    _cutter: FrameCutter | None = None

    def _parse(self, data: bytes) -> None:
        if self._cutter is None:
            asked = self.request is None
            super()._parse(data)
            # Nothing but the handshake has come, so that the library is between two frames.
            if asked and self.request is not None and data.endswith(b"\r\n\r\n"):
                self._cutter = FrameCutter(MAX_MESSAGE)
            return
        for found in self._cutter.feed(data):
            if isinstance(found, bytes):
                self._message(found)
            else:
                if found.rest:
                    self._cutter = None
                super()._parse(found.data)


class EventSocketClient(EventSocket, ClientConnection):
    """We connect to them."""
