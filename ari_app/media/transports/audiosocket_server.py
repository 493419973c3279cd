"""AudioSocket over TCP: one port for all calls; Asterisk connects for each, and names it by the UUID it was given in
`data` of externalMedia (encapsulation audiosocket, transport tcp).

Digits come over ARI too, and are not taken from here.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast
from uuid import UUID

from ari_app.clock import Clock
from ari_app.errors import Conflict
from ari_app.media.frames import FRAME_BYTES, Framer
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.audiosocket import KIND_OF, Kind, Message, Parser, build, build_audio, build_frame
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction, Ear
from ari_app.media.transports.tcp_reader import Reading, TcpReader

#: Seconds in which a connection has to say which call it is.
NAME_LIMIT = 5.0
#: Bytes asked for at a time, see rtp_socket.RECEIVE; and those that may wait in a socket whose reader is slow: 0.5 s.
RECEIVE, WRITE_HIGH = 4096, 8192
#: An Asterisk before 20.17, 22.7 and 23.1 calls audio of any rate 0x10, and takes what it is sent for 8 kHz.
NO_RATES = "this Asterisk cannot do 16 kHz over AudioSocket: it names every rate 8 kHz"


class AudioSocket(Attachment):
    """An attachment over AudioSocket: expected until Asterisk connects."""

    def __init__(
        self, server: AudioSocketServer, uuid: UUID, ear: Ear, *, ticker: Ticker, direction: Direction, pieces: int = 1
    ) -> None:
        """`pieces`: as of Attachment; two were asked of Asterisk as format=slin16."""
        super().__init__(ear, ticker=ticker, direction=direction, pieces=pieces)
        self.uuid = uuid
        self._kind = KIND_OF[pieces]
        self._server = server
        self._framer = Framer()
        self._connection: _Connection | None = None

    @property
    def connected(self) -> bool:
        """Asterisk has connected."""
        return self._connection is not None

    def _joined(self, connection: _Connection) -> None:
        self._connection = connection
        self._open()

    def _frame(self, frame: bytes) -> None:
        """20 ms of audio of 8 kHz in one message."""
        if self._pieces > 1:
            self._message(Message(Kind.AUDIO_8K, frame))
        elif self._framer.empty:
            self._heard_one(frame)
        else:
            self._heard(self._framer.feed(frame))

    def _message(self, message: Message) -> None:
        if message.kind is self._kind:
            self._heard(self._framer.feed(message.payload))
        elif message.kind is Kind.AUDIO_8K:
            self.close(NO_RATES)
        elif message.kind is Kind.HANGUP:
            self.close("Asterisk has hung up")
        elif message.kind is Kind.ERROR:
            self.close("Asterisk told an error")
        elif message.kind is not Kind.DTMF:
            self._refused += 1  # audio of another rate than was asked for

    def _send(self, periods: int) -> None:
        if self._connection is None or self._connection.full:
            return  # a slow reader: what is said waits in the box, which is bounded
        if self._pieces > 1:
            self._send_wide(periods)
            return
        for _ in range(periods):
            frame = self._box.take()
            if not frame:
                return
            self._connection.write(build_frame(frame))
            self._frames_out += 1

    def _send_wide(self, periods: int) -> None:
        samples = self._box.take(periods * self._pieces)
        if samples and self._connection is not None:
            self._connection.write(build_audio(samples, self._pieces))
            self._frames_out += len(samples) // FRAME_BYTES

    def _shut(self) -> None:
        self._server.forget(self.uuid)
        if self._connection is not None:
            self._connection.hang_up()


class _Connection(asyncio.Protocol):
    """A TCP connection; nobody's until it has said which call it is."""

    def __init__(self, server: AudioSocketServer, clock: Clock) -> None:
        self.full = False
        self._server = server
        self._clock = clock
        self._parser = Parser()
        self._attachment: AudioSocket | None = None
        self._reading: Reading | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH)
        if hasattr(transport, "max_size"):
            cast(Any, transport).max_size = RECEIVE
        self._server.connections.add(self)
        self._limit = self._clock.call_at(self._clock.now() + NAME_LIMIT, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        attachment = self._attachment
        if attachment is not None and (frame := self._parser.frame(data)):
            if not attachment.over:
                attachment._frame(frame)
            return
        for message in self._parser.feed(data):
            if self._attachment is None:
                self._attachment = self._server.claim(message)
                if self._attachment is None:
                    self._transport.abort()
                    return
                self._limit.cancel()
                self._attachment._joined(self)
                if self._server.reader is not None:
                    self._reading = self._server.reader.add(self._transport, self)
            elif not self._attachment.over:
                self._attachment._message(message)
        if self._parser.broken:
            self._end(f"not AudioSocket: {self._parser.broken}")
            self._transport.abort()

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._limit.cancel()
        if self._reading is not None:
            self._reading.stop()
            exc = exc or self._reading.error
        self._server.connections.discard(self)
        self._end(str(exc) if exc else "Asterisk has closed the connection")

    def _end(self, reason: str) -> None:
        if self._attachment is not None:
            self._attachment.close(reason)

    def write(self, data: bytes) -> None:
        if self._reading is not None:
            data = self._reading.write(data)
        if data:
            self._transport.write(data)

    def hang_up(self) -> None:
        """Say that it is over, and close; at once if the other side does not read, since it would be kept open."""
        if self._transport.is_closing():
            return
        self.write(build(Message(Kind.HANGUP)))
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()


class AudioSocketServer:
    """The port that Asterisk connects to."""

    def __init__(self, *, clock: Clock, ticker: Ticker, reader: TcpReader | None = None) -> None:
        """`reader`: reads the connections, together; else their transports do."""
        self.reader = reader
        self.connections: set[_Connection] = set()
        self._clock = clock
        self._ticker = ticker
        self._expected: dict[UUID, AudioSocket] = {}
        self._server: asyncio.Server | None = None

    async def open(self, host: str, port: int = 0) -> tuple[str, int]:
        """Listen; port 0: any that is free. Returns where. Raises OSError if that cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self, self._clock), host, port)
        at, number = self._server.sockets[0].getsockname()[:2]
        return at, number

    def expect(self, uuid: UUID, ear: Ear, *, direction: Direction = Direction.BOTH, pieces: int = 1) -> AudioSocket:
        """The attachment of a call; expected before Asterisk is asked to connect, and until it has, or is closed.
        pieces: as of AudioSocket.

        Raises Conflict for a UUID that is in use.
        """
        if uuid in self._expected:
            raise Conflict(f"{uuid} is in use")
        attachment = AudioSocket(self, uuid, ear, ticker=self._ticker, direction=direction, pieces=pieces)
        self._expected[uuid] = attachment
        return attachment

    def claim(self, first: Message) -> AudioSocket | None:
        """The attachment that a connection names by its first message, once; None if there is none."""
        attachment = self._expected.get(first.uuid) if first.kind is Kind.ID else None
        return None if attachment is None or attachment.connected else attachment

    def forget(self, uuid: UUID) -> None:
        """It is over."""
        self._expected.pop(uuid, None)

    async def close(self) -> None:
        """End all attachments, and listen no more."""
        if self._server is not None:
            self._server.close()
        for attachment in list(self._expected.values()):
            attachment.close("the server stops")
        for connection in list(self.connections):
            connection.hang_up()
        if self._server is not None:
            await self._server.wait_closed()
