"""RTP packets: what is built is read, whatever comes is read or refused, and headers of every shape are read over."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.transports.rtp import RTCP_TYPES, TIMESTAMPS, Packet, build, distance, parse

PACKETS = st.builds(
    Packet,
    st.integers(0, 127),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=400),
    st.booleans(),
).filter(lambda packet: packet.payload_type + 128 * packet.marker not in RTCP_TYPES)


@given(PACKETS)
def test_what_is_built_is_read(packet: Packet) -> None:
    assert parse(build(packet)) == packet


@given(PACKETS, st.lists(st.integers(0, 0xFFFFFFFF), max_size=15), st.binary(max_size=40), st.integers(0, 255))
def test_contributors_extension_and_padding_are_read_over(
    packet: Packet, contributors: list[int], extension: bytes, padding: int
) -> None:
    data = bytearray(build(packet))
    extension = extension[: len(extension) // 4 * 4]
    middle = b"".join(struct.pack("!I", each) for each in contributors)
    data[0] |= len(contributors) | 0x10
    middle += struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension
    data[12:12] = middle
    if padding:
        data[0] |= 0x20
        data += bytes(padding - 1) + bytes([padding])
    assert parse(bytes(data)) == packet


@given(st.binary(max_size=200))
def test_garbage_is_no_packet_or_one_within_its_bytes(data: bytes) -> None:
    packet = parse(data)
    if packet is not None:
        assert data[0] >> 6 == 2
        assert packet.payload in data[12:]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        build(Packet(0, 1, 2, 3, b""))[:11],
        b"\x40" + build(Packet(0, 1, 2, 3, b"x"))[1:],  # version 1
        b"\x80\xc8" + bytes(26),  # an RTCP sender report
        b"\x81" + build(Packet(0, 1, 2, 3, b""))[1:],  # a contributor is missing
        b"\x90" + build(Packet(0, 1, 2, 3, b"abc"))[1:],  # half the head of an extension
        b"\x90" + build(Packet(0, 1, 2, 3, b"\0\0\0\1abc"))[1:],  # an extension longer than the packet
        b"\xa0" + build(Packet(0, 1, 2, 3, b"a\0"))[1:],  # padding of nothing
        b"\xa0" + build(Packet(0, 1, 2, 3, b"a\3"))[1:],  # padding longer than the payload
    ],
)
def test_what_is_no_packet(data: bytes) -> None:
    assert parse(data) is None


@given(st.integers(0, 0xFFFF), st.integers(-0x7FFF, 0x7FFF))
def test_distance_goes_round(old: int, step: int) -> None:
    assert distance((old + step) % 0x10000, old) == step


def test_distance_of_timestamps() -> None:
    assert distance(100, TIMESTAMPS - 60, TIMESTAMPS) == 160
