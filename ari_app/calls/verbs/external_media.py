"""External media: a channel that is a peer of no phone but of this process, over one of three transports.

websocket     we connect to Asterisk's HTTP server, or Asterisk to us, if MediaPorts has a server for it. No loss,
              and no figures of the network
rtp           Asterisk sends to a UDP port of ours. The cheapest; loss, jitter and MOS are measured
audiosocket   Asterisk connects to one TCP port of ours: for an Asterisk without chan_websocket
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import uuid4

from ari_app.ari.models import Channel
from ari_app.calls.leg import Leg
from ari_app.calls.verbs.helper import Helper
from ari_app.clock import Clock
from ari_app.media.batch import Batch
from ari_app.media.transports.asterisk_socket import AsteriskServer, AsteriskSocket, connect_to_asterisk, media_url
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.audiosocket_server import AudioSocketServer
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction, Ear
from ari_app.media.transports.rtp_shared import RtpPorts, SharedRtp, is_ipv4
from ari_app.media.transports.rtp_socket import RtpSocket, open_rtp


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
    #: what is heard for an analysis is measured together
    batch: Batch = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.batch = Batch(self.ticker, self.clock)

    async def start(self) -> None:
        """Open what the kind needs. Raises OSError."""
        if self.kind is TransportKind.RTP and RtpPorts.available() and is_ipv4(self.host):
            self.rtp = RtpPorts(clock=self.clock, ticker=self.ticker, host=self.host)
            self.rtp.after_reading = self.batch.measure
        if self.kind is TransportKind.AUDIOSOCKET:
            self.audiosocket = AudioSocketServer(clock=self.clock, ticker=self.ticker)
            self.audiosocket_at = await self.audiosocket.open(self.host)
        if self.kind is TransportKind.WEBSOCKET and self.websocket_at is not None:
            self.websocket = AsteriskServer(
                ticker=self.ticker, user=self.websocket_user, password=self.websocket_password
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

    async def open_rtp(self, ear: Ear, direction: Direction) -> RtpSocket | SharedRtp:
        """An attachment over RTP. Raises OSError."""
        if self.rtp is not None:
            return self.rtp.open(ear, direction=direction)
        return await open_rtp(ear, clock=self.clock, ticker=self.ticker, host=self.host, direction=direction)


class ExternalMedia(Helper):
    """A channel of external media, and the transport at our end of it."""

    kind = "media"

    def __init__(self, target: Leg, ports: MediaPorts, ear: Ear, *, direction: Direction) -> None:
        super().__init__(target)
        self._ports = ports
        self._ear = ear
        self._direction = direction
        #: there once it is open
        self.transport: Attachment | None = None

    async def request(self) -> Channel:
        match self._ports.kind:
            case TransportKind.RTP:
                return await self._rtp()
            case TransportKind.AUDIOSOCKET:
                return await self._audiosocket()
            case TransportKind.WEBSOCKET:
                return await self._websocket()

    async def _ask(self, **how: Any) -> Channel:
        return await self.target.node.channels.externalMedia(
            channelId=self.id, app=self.target.node.app, direction="both", **how
        )

    async def _rtp(self) -> Channel:
        rtp = self.transport = await self._ports.open_rtp(self._ear, self._direction)
        host, port = rtp.address
        return await self._ask(external_host=f"{host}:{port}", encapsulation="rtp", transport="udp", format="ulaw")

    async def _audiosocket(self) -> Channel:
        server, (host, port) = self._ports.audiosocket, self._ports.audiosocket_at
        if server is None:
            raise OSError("there is no port for AudioSocket")
        uuid = uuid4()
        self.transport = server.expect(uuid, self._ear, direction=self._direction)
        return await self._ask(
            external_host=f"{host}:{port}", encapsulation="audiosocket", transport="tcp", format="slin", data=str(uuid)
        )

    async def _websocket(self) -> Channel:
        ports = self._ports
        if ports.websocket is None:
            self.transport = AsteriskSocket(self._ear, ticker=ports.ticker, direction=self._direction)
            host, kind, data = "INCOMING", "server", "f(json)"
        else:
            self.transport = ports.websocket.expect(self.id, self._ear, direction=self._direction)
            host, kind, data = ports.websocket_entry, "client", f"f(json)v(attachment={self.id})"
        return await self._ask(
            external_host=host,
            connection_type=kind,
            encapsulation="none",
            transport="websocket",
            format="slin",
            transport_data=data,
        )

    async def made(self, channel: Channel) -> None:
        """Asterisk waits for us under the name that it gave the channel."""
        if self._ports.kind is not TransportKind.WEBSOCKET or self._ports.websocket is not None:
            return
        attachment = self.transport
        options = self.target.node.http.options
        name = (channel.channelvars or {}).get("MEDIA_WEBSOCKET_CONNECTION_ID", "")
        if isinstance(attachment, AsteriskSocket):
            url = media_url(options.base_url, name)
            await connect_to_asterisk(attachment, url, user=options.user, password=options.password)

    def _over(self) -> None:
        super()._over()
        if self.transport is not None:
            self.transport.close("its channel is gone")

    async def close(self) -> None:
        if self.transport is not None:
            self.transport.close("closed")
        if self._ports.websocket is not None:
            self._ports.websocket.forget(self.id)
        await super().close()
