"""Websockets that acknowledge what they receive at once.

Asterisk's websocket client leaves Nagle's algorithm on: while an event that it has sent is not acknowledged, the next
one stays in its buffer. We send hardly anything on that connection, so there is nothing an acknowledgement could travel
with, and Linux delays it: each second event of a burst would reach us 25 to 40 ms late (tcp(7), TCP_QUICKACK). The
option does not last, hence once for each piece received.
"""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection

#: Linux has it; elsewhere (macOS, for developing) acknowledgements come when they come
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class _QuickAck(Connection):
    _raw: socket.socket | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        found = cast("socket.socket | None", transport.get_extra_info("socket"))
        if _QUICKACK is not None and found is not None and found.family in (socket.AF_INET, socket.AF_INET6):
            self._raw = found
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._raw is not None and _QUICKACK is not None:
            self._raw.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        super().data_received(data)


class QuickAckServer(_QuickAck, ServerConnection):
    """They connect to us."""


class QuickAckClient(_QuickAck, ClientConnection):
    """We connect to them."""
