"""RTP over UDP: the transport for listening to many calls, since it costs least and its network can be measured.

Asterisk sends to the port that is opened here (externalMedia, encapsulation rtp, transport udp); it is answered where
its first packet came from, unless the peer is known. What comes from anybody else is refused.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

from ari_app.clock import Clock
from ari_app.errors import CommandRefused
from ari_app.media.frames import FRAME_BYTES, FRAME_MS
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.drift import Drift
from ari_app.media.transports.pacing import BOX_FRAMES, Ticker
from ari_app.media.transports.port import Direction, Ear, Traffic
from ari_app.media.transports.reception import Quality, Reception
from ari_app.media.transports.rtp import PCMU, parse
from ari_app.media.transports.rtp_codecs import CODECS
from ari_app.media.transports.rtp_frames import Depacketiser, Packetiser

#: Host and port of the other side.
Peer = tuple[str, int]
#: Packets that may not reach the peer one after the other, until it is taken for gone: of speech, 2 s.
UNHEARD = 100
#: Periods of 20 ms between two packets of silence to a peer that was named, is to hear nothing, and has said nothing
#: yet: by them it learns where to say it. 1 s.
KNOCK_EVERY = 50
#: Bytes asked for at a time. asyncio's own transports ask for 256 KiB, which costs a mapping of memory each packet.
RECEIVE = 4096


class RtpSocket(Attachment, asyncio.DatagramProtocol):
    """An attachment over RTP: a socket of its own."""

    def __init__(
        self,
        ear: Ear,
        *,
        clock: Clock,
        ticker: Ticker,
        direction: Direction = Direction.BOTH,
        payload_type: int = PCMU,
        peer: Peer | None = None,
        room: int = BOX_FRAMES,
    ) -> None:
        """`payload_type`: of what is sent: PCMU or PCMA, both are heard; or one of 16 kHz, two pieces for each frame
        (Attachment), and nothing else is heard. Raises ValueError for one that is not in CODECS, CodecMissing. `room`:
        frames that may wait to be said."""
        codec = CODECS.get(payload_type)
        if codec is None:
            raise ValueError(f"payload_type: {payload_type} is none of {', '.join(map(str, CODECS))}")
        super().__init__(ear, ticker=ticker, direction=direction, room=room, pieces=codec.pieces)
        self._clock = clock
        self._peer = peer
        # to a peer that was named, an error tells that nobody listens there; one that we learn is where it sends from
        self._errors_left = UNHEARD if peer is not None else -1
        rate = codec.ticks * 1000 // FRAME_MS
        self._reception, self._drift = Reception(rate), Drift(rate)
        self._depacketiser = Depacketiser(payload_type=payload_type)
        self._transport: asyncio.DatagramTransport | None = None
        self._packetiser = Packetiser(payload_type)
        self._knock_in = 1

    @property
    def address(self) -> Peer:
        """Where it listens: for `external_host` of Asterisk. Raises CommandRefused if it is not open."""
        if self._transport is None or self.over:
            raise CommandRefused("the attachment is not open")
        host, port = self._transport.get_extra_info("sockname")[:2]
        return host, port

    def traffic(self) -> Traffic:
        """As in Transport; refused: of another payload type, too."""
        traffic = super().traffic()
        return replace(traffic, refused=traffic.refused + self._depacketiser.foreign, drift=self._drift.value)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is no asyncio.DatagramTransport by name
        self._transport = cast(asyncio.DatagramTransport, transport)
        if hasattr(transport, "max_size"):
            cast(Any, transport).max_size = RECEIVE
        self._open()

    def _open(self) -> None:
        super()._open()
        if self._peer is not None and not self.direction.speaks:
            self._leave_ticker = self._ticker.add(self._knock)

    def _knock(self, periods: int) -> None:
        self._knock_in -= periods
        if self._reception.quality().received:
            self._leave_ticker()
        elif self._knock_in <= 0 and self._transport is not None:
            self._knock_in = KNOCK_EVERY
            self._transport.sendto(self._packetiser.packet(bytes(FRAME_BYTES)), self._peer)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if self.over:
            return
        packet = parse(data)
        source = (addr[0], addr[1])
        if packet is None or (self._peer is not None and source != self._peer):
            self._refused += 1
            return
        self._peer = source
        if self._errors_left >= 0:
            self._errors_left = UNHEARD
        now = self._clock.now()
        self._drift.arrived(packet, now)
        if self._reception.arrived(packet, now) and self.direction.hears:
            self._heard(self._depacketiser.push(packet))

    def error_received(self, exc: Exception) -> None:
        """The peer's port is closed: it may not be open yet, and its channel tells when it is gone."""
        self._refused += 1
        if self._errors_left > 0:
            self._errors_left -= 1
            if not self._errors_left:
                self.close("nobody listens at that port")

    def connection_lost(self, exc: Exception | None) -> None:
        self.close(str(exc) if exc else "closed")

    def _send(self, periods: int) -> None:
        if self._transport is None or self._peer is None:
            return  # what is said waits until it is known to whom
        for _ in range(periods):
            data = self._packetiser.packet(self._box.take(self._pieces))
            if data:
                self._transport.sendto(data, self._peer)
                self._frames_out += self._pieces

    def _quality(self) -> Quality:
        return self._reception.quality()

    def _shut(self) -> None:
        # what only waited for a missing packet is still heard
        self._heard(self._depacketiser.flush())
        if self._transport is not None:
            self._transport.close()


async def open_rtp(
    ear: Ear,
    *,
    clock: Clock,
    ticker: Ticker,
    host: str,
    port: int = 0,
    direction: Direction = Direction.BOTH,
    payload_type: int = PCMU,
    peer: Peer | None = None,
    room: int = BOX_FRAMES,
) -> RtpSocket:
    """Open a socket on `host`; port 0: any that is free. One whose peer is known is connected to it: only so does the
    system tell us that nobody listens there.

    Raises OSError if that cannot be had, ValueError as RtpSocket.
    """
    # before the socket is open, so that what is refused leaves none
    rtp = RtpSocket(
        ear, clock=clock, ticker=ticker, direction=direction, payload_type=payload_type, peer=peer, room=room
    )
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: rtp, local_addr=(host, port), remote_addr=peer)
    return rtp
