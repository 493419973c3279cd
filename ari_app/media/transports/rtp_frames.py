"""From RTP packets to frames: packets in order again, what was lost marked as lost, what was not sent as silence.

Pure, and without a clock: a packet is given up for lost when enough later ones have come, so media time is counted by
what arrives, and a stream in order is not delayed at all.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from ari_app.media.frames import FRAME_BYTES, FRAME_SAMPLES, MAX_GAP_SAMPLES, Frame, Framer
from ari_app.media.transports.reception import MAX_DROPOUT, MAX_MISORDER
from ari_app.media.transports.rtp import HEADER, PCMU, SEQUENCES, TIMESTAMPS, VERSION, Expected, Packet, distance
from ari_app.media.transports.rtp_codecs import CODECS, DECODERS, ENCODERS

__all__ = ["DECODERS", "DEPTH", "ENCODERS", "Depacketiser", "Order", "Ordered", "Packetiser"]

#: Later packets that have to wait until a missing one is given up: of 20 ms each, 60 ms of jitter are put in order.
DEPTH = 4


class Ordered(NamedTuple):
    """A packet in its place."""

    packet: Packet
    missing: int  # packets lost directly before it
    restart: bool  # the first of a stream: what was before it is of another


class Order:
    """Puts packets in order again. Holds fewer than `depth` packets."""

    def __init__(self, depth: int = DEPTH) -> None:
        """Raises ValueError for a depth under 1."""
        if depth < 1:
            raise ValueError(f"depth: {depth} is not at least 1")
        self._depth = depth
        self._ssrc: int | None = None
        self._next = 0  # the sequence number that is due
        self._held: dict[int, Packet] = {}  # by sequence number
        self._fresh = True
        #: packets that came when their place was given up already, or had been filled
        self.late = 0

    def push(self, packet: Packet) -> list[Ordered]:
        """The packets that have their place now, in order."""
        out: list[Ordered] = []
        ahead = distance(packet.sequence, self._next)
        if self._ssrc is None or packet.ssrc != self._ssrc or not -MAX_MISORDER <= ahead <= MAX_DROPOUT:
            out = self.flush()
            self._ssrc, self._next, self._fresh = packet.ssrc, packet.sequence, True
        elif ahead < 0 or packet.sequence in self._held:
            self.late += 1
            return out
        self._held[packet.sequence] = packet
        self._release(out)
        if len(self._held) >= self._depth:
            self._skip(out)
            self._release(out)
        return out

    def pass_on(self, packet: Packet) -> bool:
        """Whether it is the next of its stream and none is held, so it needs not be pushed: it has its place."""
        if self._held or self._fresh or packet.sequence != self._next or packet.ssrc != self._ssrc:
            return False
        self._next = (self._next + 1) % SEQUENCES
        return True

    def expects(self, timestamp: int) -> Expected | None:
        """The packet that pass_on would take, as of its number and stream; None if there is no such."""
        if self._held or self._fresh or self._ssrc is None:
            return None
        return Expected(self._next, timestamp, self._ssrc)

    def went_on(self, packets: int) -> None:
        """So many packets have passed, each of which was expected."""
        self._next = (self._next + packets) % SEQUENCES

    def flush(self) -> list[Ordered]:
        """What is still held, in order: nothing more is waited for."""
        out: list[Ordered] = []
        while self._held:
            self._skip(out)
            self._release(out)
        return out

    def _release(self, out: list[Ordered], missing: int = 0) -> None:
        while (packet := self._held.pop(self._next, None)) is not None:
            out.append(Ordered(packet, missing, self._fresh))
            self._next = (self._next + 1) % 65536
            missing, self._fresh = 0, False

    def _skip(self, out: list[Ordered]) -> None:
        """Give up what is missing before the first that is held."""
        missing = min(distance(sequence, self._next) for sequence in self._held)
        self._next = (self._next + missing) % 65536
        self._release(out, missing)


class Depacketiser:
    """Frames from the packets of a stream: of 8 kHz; of a codec of 16 kHz, two pieces for each (Attachment)."""

    def __init__(self, depth: int = DEPTH, payload_type: int = PCMU) -> None:
        """`payload_type`: a key of CODECS: by which who sends it is answered."""
        codec = CODECS[payload_type]
        self._order = Order(depth)
        self._decoders = codec.decoders()
        self._samples_a_tick = codec.samples_a_tick
        self._plain = codec.pieces == 1
        self._framer = Framer()
        self._due = 0  # the timestamp that comes next
        self._samples = FRAME_SAMPLES * codec.pieces  # in the last packet
        #: packets of another payload type (comfort noise, telephone-event); their time is silence
        self.foreign = 0

    @property
    def late(self) -> int:
        """Packets that came too late for their place, or twice."""
        return self._order.late

    def push(self, packet: Packet) -> list[Frame]:
        """The frames that are complete with this packet."""
        decode = self._decoders.get(packet.payload_type)
        if decode is None:
            self.foreign += 1
        elif (
            self._plain
            and len(packet.payload) == FRAME_SAMPLES
            and packet.timestamp == self._due
            and self._framer.empty
            and self._order.pass_on(packet)
        ):  # nearly all there are: in order, on time, and of 20 ms
            self._samples = FRAME_SAMPLES
            self._due = (self._due + FRAME_SAMPLES) % TIMESTAMPS
            return [decode(packet.payload)]
        return self._frames(self._order.push(packet))

    def expects(self) -> Expected | None:
        """The packet that, with 20 ms of G.711, would be a frame of its own at once; None if there is no such."""
        return self._order.expects(self._due) if self._framer.empty else None

    def went_on(self, packets: int) -> None:
        """So many packets were frames of their own, each of which was expected."""
        self._order.went_on(packets)
        self._samples = FRAME_SAMPLES
        self._due = (self._due + packets * FRAME_SAMPLES) % TIMESTAMPS

    def flush(self) -> list[Frame]:
        """The frames that only waited for missing packets; at the end of a stream."""
        return self._frames(self._order.flush())

    def _frames(self, ordered: list[Ordered]) -> list[Frame]:
        frames: list[Frame] = []
        for packet, missing, restart in ordered:
            gap = 0 if restart else distance(packet.timestamp, self._due, TIMESTAMPS) * self._samples_a_tick
            if missing:
                # a sender whose timestamps stand still, or jump back, has lost what its packets hold
                frames += self._framer.lose(gap if gap > 0 else missing * self._samples)
            elif gap > 0:
                # Nothing is missing: the sender had nothing to say (RFC 3551, 4.1).
                frames += self._framer.feed(bytes(2 * min(gap, MAX_GAP_SAMPLES)))
            decode = self._decoders.get(packet.payload_type)
            if decode is None:
                # its time is filled by whatever comes next
                self._due = self._due if gap <= 0 and not restart else packet.timestamp
                continue
            samples = decode(packet.payload)
            frames += self._framer.feed(samples)
            self._samples = len(samples) // 2
            self._due = (packet.timestamp + self._samples // self._samples_a_tick) % TIMESTAMPS
        return frames


class Packetiser:
    """Packets of 20 ms, of one codec. Sequence number, timestamp and SSRC begin at random, so that nobody guesses them
    (RFC 3550, 5.1)."""

    def __init__(self, payload_type: int) -> None:
        """`payload_type`: a key of CODECS. Raises KeyError for another, CodecMissing."""
        codec = CODECS[payload_type]
        self._payload_type = payload_type
        self._encode = codec.encoder()
        self._size = FRAME_BYTES * codec.pieces
        self._ticks = codec.ticks
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(16)
        self._timestamp = secrets.randbits(32)
        self._talking = False

    def packet(self, frame: bytes) -> bytes:
        """The datagram of the next 20 ms; empty if nothing is said in them. Time passes in silence too: the gap of the
        timestamps says how long it was, and the marker where speech begins again (RFC 3551, 4.1)."""
        timestamp, self._timestamp = self._timestamp, (self._timestamp + self._ticks) % TIMESTAMPS
        if not frame:
            self._talking = False
            return b""
        frame = frame.ljust(self._size, b"\0")  # of the last of what was said there may be less
        second = self._payload_type if self._talking else self._payload_type | 0x80
        head = HEADER.pack(VERSION << 6, second, self._sequence, timestamp, self._ssrc)
        self._talking = True
        self._sequence = (self._sequence + 1) % SEQUENCES
        return head + self._encode(frame)
