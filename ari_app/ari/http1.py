"""HTTP/1.1 to one server, as little of it as ARI needs: small requests, one after the other on a kept connection.

Why not a library: a queue call has nine requests, and of all that our process does for it, what went on inside the HTTP
library took a third of the processor time and a millisecond of the caller's wait (bench/README.md). Measured over 5,000
requests: aiohttp 3.14 takes 72-105 microseconds each, this 20.

    bytes ──ReplyReader──> Reply        no I/O
    Connection                          a transport, a reader, and the one request under way
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import NamedTuple

#: Bytes; Asterisk's heads have 300.
MAX_HEAD = 64 * 1024


class BadAnswer(Exception):
    """What came is no HTTP."""


class Reply(NamedTuple):
    """An answer. `keep`: the connection may be used again."""

    status: int
    body: bytes
    keep: bool


class _Head(NamedTuple):
    status: int
    #: None: until the connection ends
    length: int | None
    chunked: bool
    keep: bool


_STATUS = re.compile(rb"HTTP/1\.([01]) (\d{3})[ \r]")
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r", re.IGNORECASE)
_CHUNKED = re.compile(rb"\ntransfer-encoding:[^\r]*\bchunked\b", re.IGNORECASE)
_CLOSE = re.compile(rb"\nconnection:[^\r]*\bclose\b", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


def _parse_head(head: bytes) -> _Head:
    start = _STATUS.match(head)
    if start is None:
        raise BadAnswer(f"no HTTP: {head[:40]!r}")
    status = int(start.group(2))
    # RFC 9112, 6.3: these have no body whatever they say; a coding outranks a length; without either the end is the end
    if status < 200 or status in (204, 304):
        length, chunked = 0, False
    elif _CHUNKED.search(head):
        length, chunked = None, True
    else:
        told = _LENGTH.search(head)
        length, chunked = (int(told.group(1)) if told else None), False
    keep = start.group(1) == b"1" and not _CLOSE.search(head) and (chunked or length is not None)
    return _Head(status, length, chunked, keep)


def _join_chunks(data: bytearray) -> tuple[bytes, int] | None:
    """The body and how many bytes it took, None when it is not whole (RFC 9112, 7.1)."""
    parts: list[bytes] = []
    place = 0
    while True:
        size = _CHUNK.match(data, place)
        if size is None:
            if b"\r\n" in data[place:]:
                raise BadAnswer(f"no chunk: {bytes(data[place : place + 40])!r}")
            return None
        begin, length = size.end(), int(size.group(1), 16)
        if length == 0:
            # trailers, as a rule none, up to an empty line
            end = begin if data.startswith(b"\r\n", begin) else data.find(b"\r\n\r\n", begin) + 2
            if end < begin or len(data) < end + 2:
                return None
            return b"".join(parts), end + 2
        if len(data) < begin + length + 2:
            return None
        parts.append(bytes(data[begin : begin + length]))
        place = begin + length + 2


class ReplyReader:
    """What a connection receives -> replies. Raises BadAnswer, and is of no more use then."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._head: _Head | None = None

    @property
    def empty(self) -> bool:
        """Nothing has come that is not part of a reply already given."""
        return not self._data and self._head is None

    def feed(self, data: bytes) -> Reply | None:
        """Some bytes; the reply that is whole with them."""
        self._data += data
        while self._head is None:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                if len(self._data) > MAX_HEAD:
                    raise BadAnswer("a head without end")
                return None
            head = _parse_head(bytes(self._data[: end + 2]))
            del self._data[: end + 4]
            if head.status >= 200:  # those below announce another one
                self._head = head
        if self._head.chunked:
            found = _join_chunks(self._data)
            return None if found is None else self._reply(*found)
        length = self._head.length
        if length is None or len(self._data) < length:
            return None
        return self._reply(bytes(self._data[:length]), length)

    def eof(self) -> Reply | None:
        """The connection has ended: a reply that was to last until then."""
        if self._head is None or self._head.chunked or self._head.length is not None:
            return None
        return self._reply(bytes(self._data), len(self._data))

    def _reply(self, body: bytes, length: int) -> Reply:
        head, self._head = self._head, None
        if head is None:
            raise AssertionError("a body without a head")
        del self._data[:length]
        return Reply(head.status, body, head.keep)


def _expire(waiting: asyncio.Future[Reply]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())


class Connection(asyncio.Protocol):
    """One connection, with one request under way at most."""

    def __init__(self, on_lost: Callable[[Connection], None]) -> None:
        self._on_lost = on_lost
        self._reader = ReplyReader()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Reply] | None = None
        #: by the loop's time, when its last reply came
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        """A request can be sent."""
        return self._transport is not None and not self._transport.is_closing() and self._waiting is None

    async def exchange(self, request: bytes, within: float) -> Reply:
        """Send a request and wait for its reply, so many seconds.

        Raises:
            TimeoutError
            OSError: the connection is lost; the request may have been carried out.
            BadAnswer
        """
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Reply] = loop.create_future()
        self._waiting = waiting
        # what asyncio.timeout does costs three times as much
        timer = loop.call_later(within, _expire, waiting)
        self._transport.write(request)
        try:
            reply = await waiting
        except BaseException:
            self.close()  # the reply may still come, and must not be taken for that of the next request
            raise
        finally:
            self._waiting = None
            timer.cancel()
        if not reply.keep or not self._reader.empty:
            self.close()
        return reply

    def close(self) -> None:
        """Close it at once; a request under way ends in OSError."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        waiting = self._waiting
        if waiting is None or waiting.done():
            self.close()  # nobody asked
            return
        try:
            reply = self._reader.feed(data)
        except BadAnswer as error:
            waiting.set_exception(error)
            return
        if reply is not None:
            waiting.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            reply = None if exc else self._reader.eof()
            if reply is not None:
                self._waiting.set_result(reply)
            else:
                self._waiting.set_exception(
                    exc if isinstance(exc, OSError) else ConnectionResetError(str(exc or "closed by the server"))
                )
        self._on_lost(self)
