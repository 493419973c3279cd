"""RTP of many calls over few sockets: what costs most of a call's RTP is the system call for each packet, so packets
are read and written many at a time, at a tick.

A port is shared by PER_PORT calls at most, so that what the system keeps for it (208 KiB, unless net.core.rmem_max is
raised) lasts for a fifth of a second in which nobody reads. Calls are told apart by where their packets come from:
that is learned from the first packet, as by a socket of one's own, and so only one call at a time waits for its first
packet on a port. What comes from anybody else is refused; and what a call that is over still sends does not become
another's. The time of arrival is the kernel's, so that the tick is not in the jitter.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address

from ari_app.clock import Clock
from ari_app.errors import CommandRefused
from ari_app.media.transports import datagrams
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.datagrams import Receiver, Sender
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction, Ear
from ari_app.media.transports.reception import Quality, Reception
from ari_app.media.transports.rtp import PCMU, Packet, parse
from ari_app.media.transports.rtp_frames import DECODERS, Depacketiser, Packetiser
from ari_app.media.transports.rtp_socket import Peer

#: Seconds between two times at which all sockets are read.
READ_EVERY = 0.010
#: Calls of one port.
PER_PORT = 32
#: Seconds for which a call that is over may still be sent to: then its sender has heard of the end.
LINGER = 30.0
#: Bytes of packets that wait; asked for, the system may give less.
_RECEIVE_BUFFER = 1 << 20


def is_ipv4(host: str) -> bool:
    """Whether it is an IPv4 address, and no name."""
    try:
        return ip_address(host).version == 4
    except ValueError:
        return False


class SharedRtp(Attachment):
    """An attachment over RTP, on a port that is shared."""

    def __init__(self, port: Port, ear: Ear, *, direction: Direction, payload_type: int) -> None:
        super().__init__(ear, ticker=port.ports.ticker, direction=direction)
        self._port = port
        self._reception = Reception()
        self._depacketiser = Depacketiser()
        self._packetiser = Packetiser(payload_type)
        #: where its packets come from, and go to; None: none has come
        self.peer: int | None = None
        #: of the last packet
        self.ssrc = 0

    @property
    def address(self) -> Peer:
        """Where it listens: for `external_host` of Asterisk. Raises CommandRefused if it is over."""
        if self.over:
            raise CommandRefused("the attachment is not open")
        return self._port.address

    def learned(self, peer: int) -> None:
        """This is where it sends to."""
        self.peer = peer
        self._open()

    def packet(self, packet: Packet, at: float) -> None:
        """One of its packets, that came at `at`."""
        self.ssrc = packet.ssrc
        if self._reception.arrived(packet, at) and self._hears:
            self._heard(self._depacketiser.push(packet))

    def refuse(self) -> None:
        """What came is no RTP."""
        self._refused += 1

    def _send(self, periods: int) -> None:
        if self.peer is None:
            return
        for _ in range(periods):
            data = self._packetiser.packet(self._box.take())
            if data:
                self._port.ports.send(self._port, self.peer, data)
                self._frames_out += 1

    def _quality(self) -> Quality:
        return self._reception.quality()

    def _shut(self) -> None:
        self._heard(self._depacketiser.flush())
        self._port.leave(self)


class Port:
    """A socket and its calls."""

    def __init__(self, ports: RtpPorts, host: str) -> None:
        """Raises OSError."""
        self.ports = ports
        self.calls: dict[int, SharedRtp] = {}
        #: who waits for the first packet
        self.pending: SharedRtp | None = None
        #: datagrams to a socket of nobody, and that were none
        self.refused = 0
        self._gone: dict[int, tuple[int, float]] = {}
        self._rest_until = 0.0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            datagrams.note_arrivals(self.socket)
            self.socket.bind((host, 0))
        except OSError:
            self.socket.close()
            raise
        at, number = self.socket.getsockname()
        self.address: Peer = (at, number)

    @property
    def members(self) -> int:
        """Calls that are not over."""
        return len(self.calls) + (self.pending is not None)

    def free(self, now: float) -> bool:
        """Whether there is room for one more to wait."""
        return self.pending is None and len(self.calls) < PER_PORT and now >= self._rest_until

    def take(self, source: int, data: bytes, at: float, now: float) -> None:
        """A datagram that came at `at`, or now if that is 0."""
        call = self.calls.get(source)
        packet = parse(data)
        if call is None:
            call = self._learn(source, packet, now)
        if call is None:
            self.refused += 1
        elif packet is None:
            call.refuse()
        else:
            call.packet(packet, at or now)

    def _learn(self, source: int, packet: Packet | None, now: float) -> SharedRtp | None:
        gone = self._gone.get(source)
        if packet is None or self.pending is None or (gone is not None and gone[0] == packet.ssrc and now < gone[1]):
            return None
        call, self.pending = self.pending, None
        self.calls[source] = call
        self._gone.pop(source, None)
        call.learned(source)
        return call

    def leave(self, call: SharedRtp) -> None:
        """It is over."""
        now = self.ports.clock.now()
        if call is self.pending:
            self.pending = None
            self._rest_until = now + LINGER  # it may still be sent to, from where nobody knows
        elif call.peer is not None:
            del self.calls[call.peer]
            self._gone = {source: gone for source, gone in self._gone.items() if gone[1] > now}
            self._gone[call.peer] = (call.ssrc, now + LINGER)
        self.ports.left()


class RtpPorts:
    """The ports of a process. Sockets are opened when they are needed, and closed when no call is left."""

    def __init__(self, *, clock: Clock, ticker: Ticker, host: str) -> None:
        """`host`: the IPv4 address to listen at.

        Raises OSError if this machine cannot do it (`available` is False), ValueError for another kind of address.
        """
        if not is_ipv4(host):
            raise ValueError(f"host: {host!r} is no IPv4 address")
        self.clock = clock
        self.ticker = ticker
        self._host = host
        self._receiver, self._sender = Receiver(), Sender()
        self._reader = Ticker(clock, READ_EVERY)
        self._stop_reading: Callable[[], None] | None = None
        self._sending: Port | None = None
        self._ports: list[Port] = []
        #: called after the sockets have been read: what came can be worked on together
        self.after_reading: Callable[[], None] = lambda: None
        #: datagrams that the system did not take
        self.unsent = 0

    @staticmethod
    def available() -> bool:
        """Whether this machine can read and write many datagrams at once (a 64-bit Linux)."""
        return datagrams.AVAILABLE

    def __len__(self) -> int:
        """Sockets."""
        return len(self._ports)

    @property
    def refused(self) -> int:
        """Datagrams of nobody's."""
        return sum(port.refused for port in self._ports)

    def open(self, ear: Ear, *, direction: Direction = Direction.BOTH, payload_type: int = PCMU) -> SharedRtp:
        """An attachment that waits for its first packet. `payload_type`: PCMU or PCMA, of what is sent; both are heard.

        Raises OSError if a socket is needed and cannot be had, ValueError for another payload type.
        """
        if payload_type not in DECODERS:
            raise ValueError(f"payload_type: {payload_type} is neither PCMU (0) nor PCMA (8)")
        now = self.clock.now()
        port = next((port for port in self._ports if port.free(now)), None)
        if port is None:
            port = Port(self, self._host)
            self._ports.append(port)
        port.pending = call = SharedRtp(port, ear, direction=direction, payload_type=payload_type)
        if self._stop_reading is None:
            self._stop_reading = self._reader.add(lambda _periods: self.read())
        return call

    def read(self) -> None:
        """Read all sockets."""
        now = self.clock.now()
        for port in list(self._ports):
            for source, at, data in self._receiver.drain(port.socket):
                port.take(source, data, at, now)
        self.after_reading()

    def send(self, port: Port, to: int, data: bytes) -> None:
        """Send a packet before the loop goes on; with those that other calls of the port send now."""
        if self._sending is not port or self._sender.full:
            self._flush()
        if self._sending is None:
            asyncio.get_running_loop().call_soon(self._flush)
        self._sending = port
        self._sender.put(to, data)

    def _flush(self) -> None:
        if self._sending is not None:
            self.unsent += self._sender.send(self._sending.socket)
            self._sending = None

    def left(self) -> None:
        """A call is over."""
        if any(port.members for port in self._ports):
            return
        self._flush()
        if self._stop_reading is not None:
            self._stop_reading()
            self._stop_reading = None
        for port in self._ports:
            port.socket.close()
        self._ports.clear()

    def close(self) -> None:
        """End all attachments."""
        for port in list(self._ports):
            for call in [*port.calls.values(), *([port.pending] if port.pending else [])]:
                call.close("the server stops")
