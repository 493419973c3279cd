"""G.711 against points of the standard, and there and back again."""

import struct

import numpy as np
import pytest
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


@pytest.mark.parametrize("way", {"numpy": None} | ({} if g711.compiled is None else {"compiled": g711.compiled}))
def test_frames_of_codes_are_the_codes(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sample there is, and any number of them."""
    if way == "numpy":
        monkeypatch.setattr(g711, "compiled", None)
    every = np.arange(1 << 16, dtype=np.uint16).tobytes()
    for encode, frames in ((g711.ulaw_encode, g711.ulaw_frames), (g711.alaw_encode, g711.alaw_frames)):
        for said in (every, b"", *(every[:size] for size in (2, 318, 320, 322, 640, 1000))):
            found = frames(said)
            assert b"".join(found) == encode(said)
            assert {len(one) for one in found[:-1]} <= {160}
        with pytest.raises(ValueError):  # noqa: PT011  # numpy says it in words of its own
            frames(every[:3])


def test_compiled_code_refuses_what_is_not_there() -> None:
    """It would read beside it."""
    if g711.compiled is None:
        return
    table = np.zeros(1 << 16, np.uint8)
    for wrong in ((table[1:], b"", 1), (table, b"a", 1), (table, b"", 0), (table, b"", -1)):
        with pytest.raises(ValueError, match="whole samples"):
            g711.compiled.code(*wrong)
    assert g711.compiled.code(table, bytes(6), 2**62) == [bytes(3)]
