"""G.711 against points of the standard, and there and back again."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from ari_app.media import g711


def samples(*values: int) -> bytes:
    return struct.pack(f"={len(values)}h", *values)


def test_points_of_the_standard() -> None:
    """ITU-T G.711, tables 1 and 2: the ends and the middle of both laws, at 16 bits."""
    assert g711.ulaw_decode(b"\x00\x80\xff\x7f") == samples(-32124, 32124, 0, 0)
    assert g711.alaw_decode(b"\x2a\xaa\xd5\x55") == samples(-32256, 32256, 8, -8)


@given(st.integers(-32000, 32000))
def test_a_sample_there_and_back(value: int) -> None:
    """The error is half a step: 1/16 of the value in the segments, and a few units around nothing."""
    for encode, decode in ((g711.ulaw_encode, g711.ulaw_decode), (g711.alaw_encode, g711.alaw_decode)):
        (back,) = struct.unpack("=h", decode(encode(samples(value))))
        assert abs(back - value) <= abs(value) / 16 + 16
