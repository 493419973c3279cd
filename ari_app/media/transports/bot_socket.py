"""A websocket of a user's own: we connect to it, and are to it what Asterisk's chan_websocket is, so that a bot that
was written for that one works here too.

What the call says is sent as it comes, in messages of 20 ms. A bot that does not read misses what it does not read,
rather than hear it late: no more than a second waits for it. What the bot says may come as fast as it likes: when
enough waits it is told MEDIA_XOFF, and if it goes on, we read no more of it for a while.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import cache
from typing import Protocol

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake
from websockets.frames import CloseCode
from websockets.typing import Subprotocol

from ari_app.media.frames import FRAME_BYTES, FRAME_MS, RATE, Framer
from ari_app.media.transports import chan_websocket
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.chan_websocket import Command, Event, read_command, tell
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction, Ear
from ari_app.media.transports.websocket import CLOSE_LIMIT, BotClient, MediaConnection

#: Messages that nobody understands until the bot is taken for something else.
PATIENCE = 100
#: Seconds in which a bot has to take a connection; between two pings; and in which it has to answer one.
CONNECT_LIMIT, PING_EVERY, PONG_WITHIN = 5.0, 20.0, 20.0
#: format -> samples a second
FORMATS = {"slin": 8000, "slin16": 16000}


class BotEar(Ear, Protocol):
    """Who uses a bot's websocket."""

    def flush(self) -> None:
        """The bot does not want said what waits."""

    def report_drained(self) -> None:
        """The bot wants to be told (BotSocket.drained) when nothing waits."""


class BotSocket(Attachment):
    """A bot. Its direction is ours: we speak to it what the call says."""

    def __init__(self, ear: BotEar, *, ticker: Ticker, direction: Direction, format: str = "slin") -> None:
        """`format`: slin (8 kHz) or slin16 (16 kHz: two pieces for each frame, see Attachment). Raises KeyError for
        another."""
        super().__init__(ear, ticker=ticker, direction=direction, pieces=FORMATS[format] // RATE)
        self.format = format
        #: frames that were not sent, as the bot did not read
        self.unread = 0
        self._bot = ear
        self._framer = Framer()
        self._connection: MediaConnection | None = None

    def joined(self, connection: MediaConnection) -> None:
        """This is its connection."""
        self._connection = connection
        connection.take(self)
        if self.over:
            connection.end()

    def begin(self, **values: str) -> None:
        """Tell it that audio flows now: MEDIA_START with these, and what a frame is."""
        size = FRAME_BYTES * self._pieces
        self.tell(Event.START, format=self.format, optimal_frame_size=size, ptime=FRAME_MS, **values)

    def tell(self, event: Event, **values: str | int | bool) -> None:
        """Tell it something; nothing if it is gone."""
        if self._connection is not None and not self.over:
            self._connection.write_text(tell(event, **values))

    def say(self, samples: bytes) -> int:
        """As in Transport; all of it is taken and sent now, or nothing is."""
        connection = self._connection
        if connection is None or self.over or not samples:
            return 0
        frames = len(samples) // FRAME_BYTES
        if connection.full:
            self.unread += frames // self._pieces
            return 0
        connection.write_binary(samples)
        self._frames_out += frames
        return len(samples)

    def throttle(self, on: bool) -> None:
        """It has said enough for now, or may go on."""
        self.tell(Event.XOFF if on else Event.XON)

    def hold(self, on: bool) -> None:
        """Read no more of it for now, or again."""
        if self._connection is not None and not self.over:
            self._connection.hold(on)

    # of a Line

    def binary(self, data: bytes) -> None:
        if self.over or not self.direction.hears:
            return
        if len(data) % 2:
            self._not_understood("half a sample in a message of audio")
            return
        self._heard(self._framer.feed(data))

    def text(self, data: bytes) -> None:
        message = read_command(data)
        if message is None:
            self._not_understood("a text message that is no command")
            return
        match message[0]:
            case Command.FLUSH:
                self._framer = Framer()
                self._bot.flush()
            case Command.HANGUP:
                self.close("the target has hung up")
            case Command.STATUS:
                self.tell(Event.STATUS, frames_in=self._frames_in, frames_out=self._frames_out, unread=self.unread)
            case Command.REPORT_DRAINED:
                self._bot.report_drained()
            case _:
                pass

    def lost(self, reason: str) -> None:
        self.close(reason)

    def _not_understood(self, what: str) -> None:
        self._refused += 1
        if self._refused >= PATIENCE:
            if self._connection is not None:
                self._connection.end(CloseCode.PROTOCOL_ERROR, what)
            self.close(f"{self._refused} messages were not understood, the last: {what}")

    def _shut(self) -> None:
        if self._connection is not None:
            self._connection.end()


@cache
def _trusted() -> ssl.SSLContext:
    """Whom the machine trusts, read once: it takes tens of milliseconds."""
    return ssl.create_default_context()


async def connect_to_bot(bot: BotSocket, url: str, address: str, port: int) -> None:
    """Connect to a websocket, at this address and no other, whatever its name resolves to by now.

    Raises OSError: there is none, or it does not take us; the bot is over then.
    """
    try:
        connection = await connect(
            url,
            host=address,
            port=port,
            ssl=await asyncio.to_thread(_trusted) if url.startswith("wss:") else None,
            subprotocols=[Subprotocol(chan_websocket.SUBPROTOCOL)],
            compression=None,
            proxy=None,
            max_size=BotClient.max_message,
            open_timeout=CONNECT_LIMIT,
            ping_interval=PING_EVERY,
            ping_timeout=PONG_WITHIN,
            close_timeout=CLOSE_LIMIT,
            create_connection=BotClient,
        )
    except (InvalidHandshake, TimeoutError, OSError, ValueError) as error:
        bot.close(f"cannot connect: {error}")
        raise ConnectionError(f"cannot connect: {error}") from None
    if not isinstance(connection, MediaConnection):
        raise TypeError("not one of ours")
    bot.joined(connection)
