"""Websockets that carry audio: messages are handed on from where they are parsed, and written at once.

`recv()` and `send()` of the library cost a queue and a task for each message; here a frame of 20 ms is a function call.
The library does the handshake, control frames, fragments, errors and the end. What there are fifty of a second, whole
binary messages, is cut out of the stream here before it, and written past it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import Any, Protocol, cast

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Side, State

try:
    from websockets.speedups import apply_mask
except ImportError:  # where the library was installed without its C part
    from websockets.utils import apply_mask

from ari_app.media.frames import FRAME_BYTES
from ari_app.media.transports.chan_websocket import MAX_MESSAGE
from ari_app.media.transports.tcp_reader import Reading, TcpReader

#: Bytes asked for at a time, see rtp_socket.RECEIVE.
RECEIVE = 4096
#: Bytes that wait here for a peer that does not read: 0.5 s of 8 kHz; and in the system's buffer (Linux doubles it).
WRITE_HIGH, SEND_BUFFER = 8192, 8192
#: Seconds in which a peer has to agree to the end of a connection.
CLOSE_LIMIT = 2.0
#: why the library closes a connection whose peer is silent
_NO_PONG = "keepalive ping timeout"

_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
#: The two bytes of a frame's head (RFC 6455, 5.2): the last frame of a binary message; and of the second byte, that it
#: is masked, and the lengths that more bytes of length follow.
_WHOLE, _MASKED, _WORD, _LONG = 0x80 | Opcode.BINARY, 0x80, 126, 127
_SHORT_HEAD, _WORD_HEAD = struct.Struct("!BB"), struct.Struct("!BBH")
#: Bytes of a message of 20 ms that is not masked.
_AUDIO_SIZE = _WORD_HEAD.size + FRAME_BYTES
_END_OF_HEAD = b"\r\n\r\n"


class Masks:
    """Keys for what clients send: nobody can guess them (RFC 6455, 10.3). The system is asked for many at a time."""

    def __init__(self, together: int = 1024) -> None:
        self._size = 4 * together
        self._keys = b""
        self._at = 0

    def next(self) -> bytes:
        """Four bytes, used once."""
        if self._at == len(self._keys):
            self._keys, self._at = os.urandom(self._size), 0
        self._at += 4
        return self._keys[self._at - 4 : self._at]


_MASKS = Masks()


class Cutter:
    """Finds where the frames of a stream begin and end. Holds less than one frame of at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        """`limit`: bytes of payload."""
        self._limit = limit
        self._rest = bytearray()
        #: no frame is begun
        self.empty = True
        self._needed = 0  # bytes until the frame that is held is whole, if that is known

    def cut(self, data: bytes) -> tuple[bytes, list[tuple[int, int, int]], bool]:
        """What to look into, of each whole frame in it where it begins, its payload begins and it ends, in order, and
        whether all is well. If not, what follows the last frame is no frame of allowed size, and is the end of what is
        looked into."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return b"", [], True
            data = bytes(self._rest)
            self._rest.clear()
        self._needed = 0
        frames: list[tuple[int, int, int]] = []
        start, size = 0, len(data)
        while size - start >= 2:
            second = data[start + 1]
            length, at = second & 0x7F, start + 2
            if length >= _WORD:
                wide = 2 if length == _WORD else 8
                at += wide
                if at > size:
                    break
                length = int.from_bytes(data[at - wide : at])
            if length > self._limit:
                return data, frames, False
            if second & _MASKED:
                at += 4
            end = at + length
            if end > size:
                self._needed = end - start
                break
            frames.append((start, at, end))
            start = end
        self._rest += data[start:]
        self.empty = not self._rest
        return data, frames, True


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

    #: bytes of a message, as the library was told
    max_message = 2 * MAX_MESSAGE
    _line: Line | None = None
    _over = False
    #: there is a limit to how long the end may take
    _ending = False
    #: the end of the handshake that is awaited; then how frames are cut; neither: all goes to the library
    _head: bytes | None = b""
    _cutter: Cutter | None = None
    #: where a cutter is: how a message begins that is 20 ms of audio, and its bytes
    _audio, _audio_size = b"", 0
    #: it is read at a tick, and not by its transport
    _reading: Reading | None = None

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

    def take(self, line: Line, reader: TcpReader | None = None) -> None:
        """From now on messages are this line's; those that came already are handed over now. `reader`: reads it from
        now on, if it can."""
        self._line = line
        early, self._early = self._early, []
        for is_text, data in early:
            self._hand(is_text, data)
        if self._over:
            line.lost("closed at once")
        elif reader is not None:
            self._reading = reader.add(self.transport, self)

    def data_received(self, data: bytes) -> None:
        cutter = self._cutter
        if (
            len(data) == self._audio_size
            and data.startswith(self._audio)
            and cutter is not None
            and cutter.empty
            and not self._pieces
            and self._line is not None
            and self.protocol.state is State.OPEN
        ):  # nearly all there are: one message, whole, and nothing before it is waited for
            masked = self._audio_size != _AUDIO_SIZE
            self._line.binary(bytes(apply_mask(data[8:], data[4:8])) if masked else data[4:])
            return
        if self._head is not None:
            data = self._shake(self._head, data)
        if self._cutter is None:
            self._pass_on(data)
            return
        data, frames, well = self._cutter.cut(data)
        masked = self.protocol.side is Side.SERVER
        after = 0
        for start, at, after in frames:
            # a fragment, a control frame, or one that is not masked as it must be, is the library's to judge
            if data[start] != _WHOLE or (data[start + 1] >= _MASKED) is not masked or self._pieces or not self._open:
                self._pass_on(data[start:after])
            elif masked:
                self._hand(False, bytes(apply_mask(data[at:after], data[at - 4 : at])))
            else:
                self._hand(False, data[at:after])
        if not well:
            self._cutter, self._audio_size = None, 0  # the library ends it
            self._pass_on(data[after:])

    def _pass_on(self, data: bytes) -> None:
        """Give the library what it is to judge. If it ends the connection for that, the peer has to agree, or is cut
        off: one that breaks the protocol need not keep to how it ends."""
        if not data:
            return
        super().data_received(data)
        if self.protocol.state is State.CLOSING and not self._ending:
            self._ending = True
            self.loop.call_later(CLOSE_LIMIT, self.transport.abort)

    def _shake(self, before: bytes, data: bytes) -> bytes:
        """Give the library the handshake. Returns what follows it, as a peer may send at once."""
        seen = before + data
        end = seen.find(_END_OF_HEAD)
        if end < 0:
            self._head = seen[-3:]
            super().data_received(data)
            return b""
        end += len(_END_OF_HEAD) - len(before)
        self._head = None
        super().data_received(data[:end])
        # a client that was turned away reads why; a server's answer is not yet decided here
        if self._open or self.protocol.side is Side.SERVER:
            self._cutter = Cutter(self.max_message)
            mask = _MASKED if self.protocol.side is Side.SERVER else 0
            self._audio = _WORD_HEAD.pack(_WHOLE, mask | _WORD, FRAME_BYTES)
            self._audio_size = _AUDIO_SIZE + (4 if mask else 0)
        return data[end:]

    @property
    def _open(self) -> bool:
        return self.protocol.state is State.OPEN

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
        if self._reading is not None:
            self._reading.stop()
            exc = exc or self._reading.error
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
        if sent is not None and sent.reason == _NO_PONG:
            return "a ping was not answered"
        if sent is not None and sent.code != CloseCode.NORMAL_CLOSURE:
            return f"what came is not of the protocol: {sent.reason or sent.code}"
        return f"the connection was lost: {exc}" if exc else "the connection was closed without a word"

    @property
    def full(self) -> bool:
        """The peer does not read: more has to wait, or is not sent."""
        return self.paused or self.protocol.state is not State.OPEN

    def write_binary(self, data: bytes) -> None:
        """Send audio; nothing once it is being closed."""
        if self.protocol.state is not State.OPEN:
            return
        size = len(data)
        if size > 0xFFFF:
            self.protocol.send_binary(data)
            self.send_data()
            return
        mask = _MASKED if self.protocol.side is Side.CLIENT else 0
        head = _SHORT_HEAD.pack(_WHOLE, mask | size) if size < _WORD else _WORD_HEAD.pack(_WHOLE, mask | _WORD, size)
        if mask:
            key = _MASKS.next()
            whole = head + key + apply_mask(data, key)
        else:
            whole = head + data
        if self._reading is not None:
            whole = self._reading.write(whole)
        if whole:
            self.transport.write(whole)

    def write_text(self, text: str) -> None:
        """Send a control message; nothing once it is being closed."""
        if self.protocol.state is State.OPEN:
            self.protocol.send_text(text.encode())
            self.send_data()

    def hold(self, held: bool) -> None:
        """Read no more for now, or again."""
        if self._reading is not None:
            self._reading.hold(held)
        elif held:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def end(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close; at once if the peer does not read, else it has CLOSE_LIMIT seconds to agree."""
        if self.protocol.state is State.OPEN and not self.paused:
            self.protocol.send_close(code, reason.encode()[:120].decode(errors="ignore"))
            self.send_data()
            self.hold(False)
            self._ending = True
            self.loop.call_later(CLOSE_LIMIT, self.transport.abort)
        else:
            self.transport.abort()


class MediaClient(MediaConnection, ClientConnection):
    """We connect."""


class BotClient(MediaClient):
    """We connect to a bot."""

    max_message = MAX_MESSAGE


class MediaServer(MediaConnection, ServerConnection):
    """They connect."""
