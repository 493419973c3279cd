"""RTP of many calls over few sockets: what costs most of a call's RTP is the system call for each packet, so packets
are read and written many at a time, at a tick. What is then left to do is done for all calls together as well: streams
that go on as expected are looked after in rtp_streams.py, and what is said is coded when it is put, and sent from where
rtp_speakers.py has it. A call's own Reception and Depacketiser see only the packets that are not as expected.

A port is shared by PER_PORT calls at most, so that what the system keeps for it (208 KiB, unless net.core.rmem_max is
raised) lasts for a fifth of a second in which nobody reads. Calls are told apart by where their packets come from:
that is learned from the first packet, as by a socket of one's own, and so only one call at a time waits for its first
packet on a port. What comes from anybody else is refused; and what a call that is over still sends does not become
another's. The time of arrival is the kernel's, so that the tick is not in the jitter.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from ipaddress import ip_address

from ari_app.clock import Clock
from ari_app.errors import CommandRefused
from ari_app.media.frames import FRAME_SAMPLES
from ari_app.media.transports import datagrams
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.datagrams import TOGETHER, Receiver
from ari_app.media.transports.pacing import CodedOutbox, Ticker
from ari_app.media.transports.port import Direction, Ear, Traffic
from ari_app.media.transports.reception import Quality, Reception
from ari_app.media.transports.rtp import PCMU, Packet, parse
from ari_app.media.transports.rtp_codecs import PAYLOADS
from ari_app.media.transports.rtp_frames import DECODERS, Depacketiser
from ari_app.media.transports.rtp_socket import Peer
from ari_app.media.transports.rtp_speakers import Speakers
from ari_app.media.transports.rtp_streams import NOBODY, Streams

log = logging.getLogger(__name__)

#: Seconds between two times at which all sockets are read.
READ_EVERY = 0.010
#: Calls of one port.
PER_PORT = 32
#: Calls that there is memory for from the beginning; it is doubled when there are more.
ROWS = 256
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

    def __init__(self, port: Port, row: int, ear: Ear, *, direction: Direction, payload_type: int) -> None:
        """`row`: its own, in what is kept of all calls."""
        super().__init__(ear, ticker=port.ports.ticker, direction=direction)
        self.row = row
        self._port = port
        self._streams = port.ports.streams
        self._box = self.said = CodedOutbox(PAYLOADS[payload_type])
        self._reception = Reception()
        self._depacketiser = Depacketiser()
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

    def traffic(self) -> Traffic:
        """As in Transport."""
        self._catch_up()
        return super().traffic()

    def learned(self, peer: int) -> None:
        """This is where it sends to."""
        self.peer = peer
        if self.direction.speaks:
            self._port.ports.speaks(self._port, self, peer)

    def packet(self, packet: Packet, at: float) -> None:
        """One of its packets, that came at `at`, and is not what its stream was expected to go on with."""
        self.interrupt()
        self.ssrc = packet.ssrc
        if self._reception.arrived(packet, at) and self._hears:
            self._heard(self._depacketiser.push(packet))

    def go_on(self) -> None:
        """From now on its stream is looked after with those of the others, if it is one that goes on."""
        if self._streams.has(self.row) or self.over or not self._hears:
            return
        expected = self._depacketiser.expects()
        if expected is not None and expected == self._reception.expects():
            self._streams.put(self.row, expected, self._reception.timing, self._ear.frames)

    def interrupt(self) -> None:
        """Look after its stream here."""
        if self._streams.has(self.row):
            self._catch_up()
            self._streams.remove(self.row)

    def _catch_up(self) -> None:
        """Count what was looked after elsewhere."""
        self._frames_out += self._port.ports.speakers.sent(self.row)
        packets, timing = self._streams.passed(self.row)
        if packets:
            self._reception.went_on(packets, timing)
            self._depacketiser.went_on(packets)
            self._frames_in += packets

    def refuse(self) -> None:
        """What came is no RTP."""
        self._refused += 1

    def listener_failed(self) -> None:
        """In the handler of its exception."""
        log.exception("a listener failed; its attachment ends")
        self.close("the listener failed")

    def _quality(self) -> Quality:
        return self._reception.quality()

    def _shut(self) -> None:
        self.interrupt()
        self._catch_up()
        self._heard(self._depacketiser.flush())
        self._port.leave(self)
        self.row = NOBODY  # it may become another's


class Port:
    """A socket and its calls."""

    def __init__(self, ports: RtpPorts, host: str) -> None:
        """Raises OSError."""
        self.ports = ports
        #: by where their packets come from: calls, and their rows; and by these, what those say that speak
        self.calls: dict[int, SharedRtp] = {}
        self.rows: dict[int, int] = {}
        self.speakers: dict[int, CodedOutbox] = {}
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

    def take(self, source: int, data: bytes, at: float, now: float) -> SharedRtp | None:
        """A datagram that came at `at`. Returns whose it was."""
        call = self.calls.get(source)
        packet = parse(data)
        if call is None:
            call = self._learn(source, packet, now)
        if call is None:
            self.refused += 1
        elif packet is None:
            call.refuse()
        else:
            call.packet(packet, at)
        return call

    def _learn(self, source: int, packet: Packet | None, now: float) -> SharedRtp | None:
        gone = self._gone.get(source)
        if packet is None or self.pending is None or (gone is not None and gone[0] == packet.ssrc and now < gone[1]):
            return None
        call, self.pending = self.pending, None
        self.calls[source] = call
        self.rows[source] = call.row
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
            del self.calls[call.peer], self.rows[call.peer]
            self.speakers.pop(call.row, None)
            self._gone = {source: gone for source, gone in self._gone.items() if gone[1] > now}
            self._gone[call.peer] = (call.ssrc, now + LINGER)
        self.ports.left(call.row)


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
        self._reader = Ticker(clock, READ_EVERY)
        self._stop_reading: Callable[[], None] | None = None
        self._stop_sending: Callable[[], None] | None = None
        self._ports: list[Port] = []
        self._receiver = Receiver()
        #: whose packets were read: the port, and which are the first and the one after the last
        self._read: list[tuple[Port, int, int]] = []
        self.streams = Streams(self._failed)
        self.speakers = Speakers()
        #: by row; those that are free, and those that will be, once nothing is left of the calls they had
        self._calls: list[SharedRtp | None] = []
        self._free: list[int] = []
        self._freed: list[int] = []
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
        row = self._row()
        port.pending = call = SharedRtp(port, row, ear, direction=direction, payload_type=payload_type)
        self._calls[row] = call
        self.speakers.put(row, payload_type)
        if self._stop_reading is None:
            self._stop_reading = self._reader.add(lambda _periods: self.read())
        return call

    def _row(self) -> int:
        if not self._free:
            before, rows = len(self._calls), max(2 * len(self._calls), ROWS)
            self._calls += [None] * (rows - before)
            self._free = list(range(rows - 1, max(before - 1, NOBODY), -1))
            self.streams.room(rows)
            self.speakers.room(rows)
        return self._free.pop()

    def read(self) -> None:
        """Read all sockets."""
        self._free += self._freed
        self._freed.clear()
        now, receiver = self.clock.now(), self._receiver
        for port in list(self._ports):
            count = TOGETHER
            while count == TOGETHER:
                if receiver.full:
                    self._sort(now)
                first = receiver.count
                count = receiver.receive(port.socket)
                if count:
                    self._read.append((port, first, first + count))
        self._sort(now)
        self.after_reading()

    def _sort(self, now: float) -> None:
        """Give what was read to the calls."""
        receiver, read = self._receiver, self._read
        if not read:
            return
        sources = receiver.sources.tolist()
        whose: list[int] = []
        for port, first, after in read:
            row_of = port.rows.get
            whose += [row_of(source, NOBODY) for source in sources[first:after]]
        unexpected: dict[SharedRtp, None] = {}

        def otherwise(number: int) -> None:
            port = next(port for port, _, after in read if number < after)
            call = port.take(sources[number], receiver.data(number), float(receiver.arrivals(now)[number]), now)
            if call is not None:
                unexpected[call] = None

        self.streams.take(receiver, whose, now, otherwise)
        for call in unexpected:
            call.go_on()
        read.clear()
        receiver.clear()

    def _failed(self, row: int) -> None:
        call = self._calls[row]
        if call is not None:
            call.listener_failed()

    def speaks(self, port: Port, call: SharedRtp, to: int) -> None:
        """It is known where it is (key_of), and it may have something to say from now on."""
        port.speakers[call.row] = call.said
        self.speakers.sender.address(call.row, to)
        if self._stop_sending is None:
            self._stop_sending = self.ticker.add(self._send)

    def _send(self, periods: int) -> None:
        """Say what is due after so many periods of 20 ms."""
        for _ in range(periods):
            rows: list[int] = []
            said: list[bytes] = []
            ends: list[tuple[Port, int]] = []
            for port in self._ports:
                for row, box in port.speakers.items():
                    if box.frames:
                        frame = box.frames.popleft()
                        rows.append(row)
                        said.append(frame if len(frame) == FRAME_SAMPLES else box.filled(frame))
                ends.append((port, len(rows)))
            self.speakers.say(rows, said)
            first = 0
            for port, end in ends:
                if end > first:
                    self.unsent += self.speakers.sender.send(port.socket, first, end)
                    first = end

    def left(self, row: int) -> None:
        """The call of a row is over."""
        self._calls[row] = None
        self._freed.append(row)
        if any(port.members for port in self._ports):
            return
        for stop in (self._stop_reading, self._stop_sending):
            if stop is not None:
                stop()
        self._stop_reading = self._stop_sending = None
        for port in self._ports:
            port.socket.close()
        self._ports.clear()

    def close(self) -> None:
        """End all attachments."""
        for port in list(self._ports):
            for call in [*port.calls.values(), *([port.pending] if port.pending else [])]:
                call.close("the server stops")
