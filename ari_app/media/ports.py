"""What of a process Asterisk sends audio to, and the end of one channel of external media.

websocket     we connect to Asterisk's HTTP server, or Asterisk to us, if MediaPorts has a server for it. No loss,
              and no figures of the network
rtp           Asterisk sends to a UDP port of ours. The cheapest; loss, jitter and MOS are measured
audiosocket   Asterisk connects to one TCP port of ours: for an Asterisk without chan_websocket
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import uuid4

from ari_app.clock import Clock
from ari_app.media.batch import Batch
from ari_app.media.transports.asterisk_socket import AsteriskServer, AsteriskSocket, connect_to_asterisk
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.audiosocket_server import AudioSocketServer
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction, Ear
from ari_app.media.transports.rtp import G722, L16_16K, PCMU
from ari_app.media.transports.rtp_shared import RtpPorts, SharedRtp, is_ipv4
from ari_app.media.transports.rtp_socket import RtpSocket, open_rtp
from ari_app.media.transports.tcp_reader import TcpReader

#: what Asterisk calls signed samples, by pieces of FRAME_BYTES that are 20 ms of them (Attachment)
_SAMPLES = {1: "slin", 2: "slin16"}


class TransportKind(StrEnum):
    """Between Asterisk and this process."""

    WEBSOCKET = "websocket"
    RTP = "rtp"
    AUDIOSOCKET = "audiosocket"


@dataclass
class MediaPorts:
    """What of this process Asterisk sends audio to. One for all calls."""

    clock: Clock
    ticker: Ticker
    kind: TransportKind = TransportKind.WEBSOCKET
    #: the address that Asterisk reaches this process at: RTP and AudioSocket
    host: str = "127.0.0.1"
    #: AudioSocket: the port, and where it is
    audiosocket: AudioSocketServer | None = None
    audiosocket_at: tuple[str, int] = ("", 0)
    #: websocket: where Asterisk connects, what it has to show there, and the entry of its websocket_client.conf that
    #: names us; without an address, we connect
    websocket_at: tuple[str, int] | None = None
    websocket_user: str = ""
    websocket_password: str = field(default="", repr=False)
    websocket_entry: str = "media"
    websocket: AsteriskServer | None = None
    #: RTP over shared ports, where the machine and the kind of address allow it; else each call has one of its own
    rtp: RtpPorts | None = None
    #: reads all connections of the other kinds, where the machine allows it
    reader: TcpReader | None = None
    #: what is heard for an analysis is measured together
    batch: Batch = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.batch = Batch(self.ticker, self.clock)

    async def start(self) -> None:
        """Open what the kind needs. Raises OSError."""
        if self.kind is TransportKind.RTP and RtpPorts.available() and is_ipv4(self.host):
            self.rtp = RtpPorts(clock=self.clock, ticker=self.ticker, host=self.host)
            self.rtp.after_reading = self.batch.measure
        if self.kind is not TransportKind.RTP and TcpReader.available():
            self.reader = TcpReader(self.clock)
            self.reader.after_reading = self.batch.measure
        if self.kind is TransportKind.AUDIOSOCKET:
            self.audiosocket = AudioSocketServer(clock=self.clock, ticker=self.ticker, reader=self.reader)
            self.audiosocket_at = await self.audiosocket.open(self.host)
        if self.kind is TransportKind.WEBSOCKET and self.websocket_at is not None:
            self.websocket = AsteriskServer(
                ticker=self.ticker,
                user=self.websocket_user,
                password=self.websocket_password,
                reader=self.reader,
            )
            self.websocket_at = await self.websocket.open(*self.websocket_at)

    async def close(self) -> None:
        """End all of it."""
        if self.audiosocket is not None:
            await self.audiosocket.close()
        if self.websocket is not None:
            await self.websocket.close()
        if self.rtp is not None:
            self.rtp.close()

    async def open_rtp(self, ear: Ear, direction: Direction, payload_type: int = PCMU) -> RtpSocket | SharedRtp:
        """An attachment over RTP. What is shared is of 8 kHz, as an analysis is: 16 kHz is for one user's endpoint, and
        has a port of its own. Raises OSError, CodecMissing."""
        if self.rtp is not None and payload_type == PCMU:
            return self.rtp.open(ear, direction=direction)
        return await open_rtp(
            ear,
            clock=self.clock,
            ticker=self.ticker,
            host=self.host,
            direction=direction,
            payload_type=payload_type,
        )


class Near(Protocol):
    """Our end of one channel of external media, wherever it is."""

    async def offer(self, name: str) -> Mapping[str, str]:
        """Open it, for the channel that Asterisk will make under this name. Returns what Asterisk has to be told
        (parameters of externalMedia). Raises OSError."""

    async def made(self, url: str, user: str, password: str) -> None:
        """Asterisk waits for a websocket at this address; nothing where it is Asterisk that connects. Raises
        OSError."""

    def close(self, reason: str) -> None:
        """End it; nothing if it is over."""


class NearHere:
    """Our end, in this process."""

    def __init__(self, ports: MediaPorts, ear: Ear, direction: Direction, pieces: int = 1) -> None:
        """pieces: as of Attachment."""
        self._ports = ports
        self._pieces = pieces
        self._ear = ear
        self._direction = direction
        self._name = ""
        #: there once it is open
        self.transport: Attachment | None = None

    async def offer(self, name: str) -> Mapping[str, str]:
        """As in Near."""
        self._name = name
        match self._ports.kind:
            case TransportKind.RTP:
                return await self._rtp()
            case TransportKind.AUDIOSOCKET:
                return self._audiosocket()
            case TransportKind.WEBSOCKET:
                return self._websocket()

    async def _rtp(self) -> Mapping[str, str]:
        payload_type, format = PCMU, "ulaw"
        if self._pieces > 1:  # what is only heard comes as it is; see rtp_codecs.py
            payload_type, format = (G722, "g722") if self._direction.speaks else (L16_16K, "slin16")
        rtp = self.transport = await self._ports.open_rtp(self._ear, self._direction, payload_type)
        host, port = rtp.address
        return {"external_host": f"{host}:{port}", "encapsulation": "rtp", "transport": "udp", "format": format}

    def _audiosocket(self) -> Mapping[str, str]:
        server, (host, port) = self._ports.audiosocket, self._ports.audiosocket_at
        if server is None:
            raise OSError("there is no port for AudioSocket")
        uuid = uuid4()
        self.transport = server.expect(uuid, self._ear, direction=self._direction, pieces=self._pieces)
        return {
            "external_host": f"{host}:{port}",
            "encapsulation": "audiosocket",
            "transport": "tcp",
            "format": _SAMPLES[self._pieces],
            "data": str(uuid),
        }

    def _websocket(self) -> Mapping[str, str]:
        ports = self._ports
        if ports.websocket is None:
            self.transport = AsteriskSocket(
                self._ear, ticker=ports.ticker, direction=self._direction, reader=ports.reader, pieces=self._pieces
            )
            host, kind, data = "INCOMING", "server", "f(json)"
        else:
            self.transport = ports.websocket.expect(
                self._name, self._ear, direction=self._direction, pieces=self._pieces
            )
            host, kind, data = ports.websocket_entry, "client", f"f(json)v(attachment={self._name})"
        return {
            "external_host": host,
            "connection_type": kind,
            "encapsulation": "none",
            "transport": "websocket",
            "format": _SAMPLES[self._pieces],
            "transport_data": data,
        }

    async def made(self, url: str, user: str, password: str) -> None:
        """As in Near."""
        if isinstance(self.transport, AsteriskSocket) and self._ports.websocket is None:
            await connect_to_asterisk(self.transport, url, user=user, password=password)

    def close(self, reason: str) -> None:
        """As in Near."""
        if self.transport is not None:
            self.transport.close(reason)
        if self._ports.websocket is not None:
            self._ports.websocket.forget(self._name)
