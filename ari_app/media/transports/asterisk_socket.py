"""chan_websocket: the attachment that needs no port of ours open, as we connect to Asterisk's HTTP server.

externalMedia (transport websocket, connection_type server, external_host INCOMING) makes a channel
`WebSocket/INCOMING/<connection id>`, and Asterisk waits for us at /media/<connection id>. Or Asterisk connects to us
(connection_type client), to the address in its websocket_client.conf.
"""

from __future__ import annotations

import asyncio
import hmac
from http import HTTPStatus
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from ari_app.ari.http import basic_auth
from ari_app.errors import Conflict
from ari_app.media.frames import FRAME_BYTES, Framer
from ari_app.media.transports import chan_websocket
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.chan_websocket import Command, Event, order, read_event
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction, Ear
from ari_app.media.transports.tcp_reader import TcpReader
from ari_app.media.transports.websocket import MediaClient, MediaConnection, MediaServer

#: Frames that Asterisk is to have ahead of what it plays: it plays by its own timer, and ours may be late. When it has
#: no more than that, it is sent up to so many in one message: a message costs as much as its frames do not.
LEAD, MESSAGE = 3, 10
#: seconds in which Asterisk has to take a connection
CONNECT_LIMIT = 5.0
_MEDIA = Subprotocol(chan_websocket.SUBPROTOCOL)


class AsteriskSocket(Attachment):
    """An attachment over chan_websocket, of signed samples (`transport_data=f(json)`) of 8 kHz (`format=slin`), or in
    two pieces of 10 ms for each frame, of 16 kHz (`format=slin16`)."""

    def __init__(
        self,
        ear: Ear,
        *,
        ticker: Ticker,
        direction: Direction = Direction.BOTH,
        reader: TcpReader | None = None,
        pieces: int = 1,
    ) -> None:
        """`reader`: reads it, with others; else its transport does. `pieces`: as of Attachment."""
        super().__init__(ear, ticker=ticker, direction=direction, pieces=pieces)
        self._reader = reader
        self._framer = Framer()
        self._connection: MediaConnection | None = None
        self._stopped = False  # Asterisk has enough for now
        self._ahead = 0  # pieces that Asterisk has and has not played yet, by our clock
        #: Asterisk has said MEDIA_START
        self.started = asyncio.Event()

    @property
    def connected(self) -> bool:
        """There is a connection."""
        return self._connection is not None

    def joined(self, connection: MediaConnection) -> None:
        """This is its connection."""
        self._connection = connection
        if self.over:
            connection.end()
            return
        self._open()
        connection.take(self, self._reader)

    def hush(self) -> int:
        """As in Transport. What Asterisk has already is not said either."""
        if self._connection is not None and self.direction.speaks and not self.over:
            self._connection.write_text(order(Command.FLUSH))
        self._ahead = 0
        return super().hush()

    # of a Line

    def binary(self, data: bytes) -> None:
        if len(data) == FRAME_BYTES and self._framer.empty:
            self._heard_one(data)
        elif not self.over:
            self._heard(self._framer.feed(data))

    def text(self, data: bytes) -> None:
        message = read_event(data)
        if message is None:
            self._refused += 1
            return
        match message[0]:
            case Event.START:
                self.started.set()
            case Event.XOFF:
                self._stopped = True
            case Event.XON:
                self._stopped = False
            case _:
                pass

    def lost(self, reason: str) -> None:
        self.close(reason)

    def _send(self, periods: int) -> None:
        pieces = self._pieces
        ahead = self._ahead - periods * pieces
        if ahead > LEAD * pieces and not self._stopped:
            self._ahead = ahead
            return
        connection = self._connection
        if connection is None or self._stopped or connection.full:
            return  # what is said waits in the box, which is bounded
        self._ahead = max(0, ahead)
        samples = self._box.take((LEAD + MESSAGE) * pieces - self._ahead)
        if samples:
            connection.write_binary(samples)
            frames = len(samples) // FRAME_BYTES
            self._frames_out += frames
            self._ahead += frames

    def _shut(self) -> None:
        if self._connection is not None:
            self._connection.end()


def media_url(ari_url: str, connection_id: str) -> str:
    """Where Asterisk waits for a connection, from the address of its ARI."""
    parts = urlsplit(ari_url)
    path = parts.path.rstrip("/").removesuffix("/ari")
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}{path}/media/{connection_id}"


async def connect_to_asterisk(attachment: AsteriskSocket, url: str, *, user: str, password: str) -> None:
    """Connect an attachment. Raises OSError: Asterisk cannot be reached, or does not wait for it; it is over then."""
    try:
        connection = await connect(
            url,
            additional_headers={"Authorization": basic_auth(user, password)},
            subprotocols=[_MEDIA],
            compression=None,
            proxy=None,
            max_size=MediaConnection.max_message,
            # The channel tells when Asterisk is gone, and a release of Asterisk dies of unasked-for PONGs.
            ping_interval=None,
            open_timeout=CONNECT_LIMIT,
            create_connection=MediaClient,
        )
    except (InvalidHandshake, TimeoutError) as error:
        attachment.close("Asterisk did not take the connection")
        raise ConnectionError(f"Asterisk did not take the connection for media: {error}") from None
    except OSError:
        attachment.close("Asterisk could not be reached")
        raise
    attachment.joined(_ours(connection))


class AsteriskServer:
    """The port that Asterisk connects to, one path for each attachment."""

    def __init__(self, *, ticker: Ticker, user: str, password: str, reader: TcpReader | None = None) -> None:
        """`user`, `password`: as in the entry of Asterisk's websocket_client.conf. `reader`: as of AsteriskSocket."""
        self._ticker = ticker
        self._reader = reader
        self._authorization = basic_auth(user, password).encode()
        self._expected: dict[str, AsteriskSocket] = {}
        self._server: Server | None = None
        #: handshakes turned away: nobody is expected by that name, or another password
        self.refused = 0

    async def open(self, host: str, port: int = 0) -> tuple[str, int]:
        """Listen; port 0: any that is free. Returns where. Raises OSError if that cannot be had."""
        self._server = await serve(
            self._serve,
            host,
            port,
            process_request=self._admit,
            select_subprotocol=lambda _connection, offered: _MEDIA if _MEDIA in offered else None,
            compression=None,
            max_size=MediaConnection.max_message,
            ping_interval=None,
            open_timeout=CONNECT_LIMIT,
            create_connection=MediaServer,
        )
        at, number = next(iter(self._server.sockets)).getsockname()[:2]
        return at, number

    def expect(self, name: str, ear: Ear, *, direction: Direction = Direction.BOTH, pieces: int = 1) -> AsteriskSocket:
        """The attachment that Asterisk will name in the query of its address: `transport_data=v(attachment=<name>)`.

        Raises Conflict for a name that is in use.
        """
        if name in self._expected:
            raise Conflict(f"{name} is in use")
        attachment = AsteriskSocket(ear, ticker=self._ticker, direction=direction, reader=self._reader, pieces=pieces)
        self._expected[name] = attachment
        return attachment

    def forget(self, name: str) -> None:
        """It is over, or will not be connected."""
        self._expected.pop(name, None)

    def _name(self, path: str) -> str:
        for part in urlsplit(path).query.split("&"):
            key, _, value = part.partition("=")
            if key == "attachment":
                return value
        return ""

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        shown = request.headers.get("Authorization", "").encode()
        attachment = self._expected.get(self._name(request.path))
        if not hmac.compare_digest(shown, self._authorization):
            self.refused += 1
            return connection.respond(HTTPStatus.UNAUTHORIZED, "another user or password\n")
        if attachment is None or attachment.connected:
            self.refused += 1
            return connection.respond(HTTPStatus.NOT_FOUND, "nobody is expected by that name\n")
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        attachment = self._expected.pop(self._name(connection.request.path), None) if connection.request else None
        if attachment is not None:
            attachment.joined(_ours(connection))
            await connection.wait_closed()

    async def close(self) -> None:
        """Listen no more, and end what is connected."""
        self._expected.clear()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()


def _ours(connection: object) -> MediaConnection:
    if not isinstance(connection, MediaConnection):
        raise TypeError("not one of ours")
    return connection
