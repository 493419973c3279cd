"""8 kHz to 16 kHz and back: levels, images and aliases, and that chunks make no difference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.resample import TAPS, Doubler, Halver


def sine(hz: float, rate: int, seconds: float = 1.0) -> bytes:
    return (10000 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.int16).tobytes()


def level(data: bytes, hz: float, rate: int) -> float:
    """In dB of the sine above, after the filter has filled."""
    samples = np.frombuffer(data, np.int16)[TAPS:].astype(float)
    window = np.hanning(len(samples))
    turn = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / rate)
    return float(20 * np.log10(2 * abs(np.sum(window * samples * turn)) / np.sum(window) / 10000 + 1e-9))


@pytest.mark.parametrize("hz", [300, 1000, 3000, 3400])
def test_what_a_telephone_passes_is_passed(hz: int) -> None:
    up = Doubler().feed(sine(hz, 8000))
    assert abs(level(up, hz, 16000)) < 0.3
    assert level(up, 8000 - hz, 16000) < -55 if hz <= 3000 else level(up, 8000 - hz, 16000) < -25
    assert abs(level(Halver().feed(sine(hz, 16000)), hz, 8000)) < 0.3


@pytest.mark.parametrize("hz", [5000, 6000, 7500])
def test_what_it_cannot_pass_does_not_come_as_something_else(hz: int) -> None:
    assert level(Halver().feed(sine(hz, 16000)), 8000 - hz, 8000) < -55


@given(st.lists(st.integers(0, 400), max_size=30))
def test_chunks_make_no_difference(sizes: list[int]) -> None:
    data = sine(440, 16000, 0.3)
    for kind in (Doubler, Halver):
        whole, parts = kind().feed(data), kind()
        out, at = b"", 0
        for size in [*sizes, len(data)]:
            out += parts.feed(data[at : at + 2 * size])
            at += 2 * size
        assert out == whole


def test_a_frame_gives_a_frame_at_once() -> None:
    up, down = Doubler(), Halver()
    for _ in range(5):
        wide = up.feed(bytes(320))
        assert len(wide) == 640
        assert len(down.feed(wide)) == 320


def test_full_scale_is_clipped_and_does_not_turn_over() -> None:
    square = np.repeat(np.array([32767, -32768] * 100, np.int16), 20).tobytes()
    out = np.frombuffer(Doubler().feed(square), np.int16)[TAPS + 40 :]
    expected = np.repeat(np.frombuffer(square, np.int16), 2)[40:]
    middles = slice(20, None, 40)  # away from the edges
    assert (np.sign(out[: len(expected)][middles]) != 0).all()
    assert out.max() == 32767
    assert out.min() == -32768
