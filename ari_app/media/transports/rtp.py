"""RTP packets (RFC 3550, 5.1): bytes to values and back. Pure; whatever comes is either a packet or it is not."""

from __future__ import annotations

import struct
from typing import NamedTuple

VERSION = 2
HEADER = struct.Struct("!BBHII")
_WORDS = struct.Struct("!HH")
#: Second bytes that are RTCP packet types and no marker with a payload type (RFC 5761, 4).
RTCP_TYPES = range(192, 224)
#: Static payload types (RFC 3551, 6).
PCMU, PCMA, G722 = 0, 8, 9
#: The dynamic one (RFC 3551, 3) by which Asterisk sends L16 of 16 kHz, one channel (`format=slin16` of external media):
#: there is no SDP that could name another.
L16_16K = 118
#: sequence numbers, and timestamps, begin again after so many
SEQUENCES, TIMESTAMPS = 1 << 16, 1 << 32


#: The first byte of a header with nothing after it; and of each second byte, whether it is of RTCP.
_PLAIN = VERSION << 6
_RTCP = tuple(second in RTCP_TYPES for second in range(256))
#: tuple's own: it does what Packet(..) does, in a third of the time
_new = tuple.__new__


class Packet(NamedTuple):
    """An RTP packet; CSRC list, extension and padding are read over."""

    payload_type: int  # 0..127
    sequence: int  # 0..65535
    timestamp: int  # 0..2**32-1, in samples
    ssrc: int  # 0..2**32-1
    payload: bytes
    marker: bool = False


class Expected(NamedTuple):
    """The packet that goes on with a stream: the next number, and no time between."""

    sequence: int
    timestamp: int
    ssrc: int


def parse(data: bytes) -> Packet | None:
    """The packet in a datagram. None if it is none: too short, another version, RTCP, or lengths that do not fit."""
    if len(data) < HEADER.size:
        return None
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if first == _PLAIN and not _RTCP[second]:  # nearly all there are
        return _new(Packet, (second & 0x7F, sequence, timestamp, ssrc, data[HEADER.size :], second > 0x7F))
    if first >> 6 != VERSION or _RTCP[second]:
        return None
    start = HEADER.size + 4 * (first & 0x0F)  # after the CSRC list
    end = len(data)
    if first & 0x10:  # an extension: its length counts words, without its own head
        if start + _WORDS.size > end:
            return None
        start += _WORDS.size + 4 * _WORDS.unpack_from(data, start)[1]
    if first & 0x20:  # padding: the last byte says how much, itself included
        if data[-1] == 0:
            return None
        end -= data[-1]
    if start > end:
        return None
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))


def build(packet: Packet) -> bytes:
    """The datagram of a packet. Raises struct.error for a value out of its range."""
    second = packet.payload_type | (0x80 if packet.marker else 0)
    head = HEADER.pack(VERSION << 6, second, packet.sequence, packet.timestamp, packet.ssrc)
    return head + packet.payload


def distance(new: int, old: int, modulus: int = SEQUENCES) -> int:
    """How far `new` lies after `old` on the circle of numbers, the short way round: negative if before."""
    half = modulus >> 1
    return (new - old + half) % modulus - half
