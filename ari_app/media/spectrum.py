"""Spectra of many channels at once: the strongest tones of a frame, and how much of its power is in them.

numpy's cost is per call, not per channel: one call for a hundred channels costs a twentieth of a hundred calls.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ari_app.media.frames import FRAME_SAMPLES, RATE

Floats = NDArray[np.float32]

#: The window of tones: 32 ms, bins of 31.25 Hz. Long enough for a tenth of a hertz, short enough for a DTMF digit.
SHORT = 256
#: The window of call progress tones: 64 ms. 440 + 480 Hz would melt into one in the short window.
LONG = 512
_HANN = {size: np.hanning(size + 1)[:-1].astype(np.float32) for size in (SHORT, LONG)}
#: A tone's power in a Hann window is in its bin and two on either side.
_REACH = np.arange(-2, 3)
#: Below this bin (94 Hz) is hum and offset, no tone of telephony.
_LOWEST = 3
_TINY = np.float32(1e-3)


class Peaks(NamedTuple):
    """The two strongest peaks, one element a channel."""

    first: Floats  # Hz
    second: Floats  # Hz
    purity: Floats  # 0..1: share of the power that the first peak has
    pair: Floats  # 0..1: share of the power that both have
    twist: Floats  # dB: level of the first over that of the second, >= 0
    fsk: Floats  # 0..1: share of the power between 1600 and 1900 Hz (V.21 channel 2)


class Progress(NamedTuple):
    """Where call progress tones are, one element a channel: shares of the power, 0..1."""

    ring: Floats  # 385..515 Hz: every country's ringback, the busy tone of those that have one frequency
    busy: Floats  # 480 + 620 Hz, North America's busy; 0 unless both are there


def _power(windows: Floats, size: int) -> Floats:
    spectrum = np.fft.rfft(windows * _HANN[size], axis=1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2, dtype=np.float32)


def _hertz(power: Floats, rows: NDArray[np.intp], peak: NDArray[np.intp]) -> Floats:
    """Between the bins: a sine in a Hann window has a ratio of neighbours that tells its place exactly."""
    left, middle, right = (np.sqrt(power[rows, peak + step]) for step in (-1, 0, 1))
    above = right >= left
    ratio = np.where(above, right, left) / (middle + _TINY)
    shift = np.clip((2 * ratio - 1) / (ratio + 1), -0.5, 0.5)
    return np.asarray((peak + np.where(above, shift, -shift)) * (RATE / SHORT), dtype=np.float32)


def peaks(windows: Floats) -> Peaks:
    """The peaks of windows of SHORT samples: an array of channels by samples."""
    power = _power(windows, SHORT)
    rows = np.arange(len(power))
    total = power[:, _LOWEST - 1 :].sum(axis=1) + _TINY
    fsk = power[:, 51:62].sum(axis=1) / total
    inside = power[:, _LOWEST:-_LOWEST]
    first = inside.argmax(axis=1) + _LOWEST
    around = first[:, None] + _REACH
    purity = power[rows[:, None], around].sum(axis=1) / total
    hertz = _hertz(power, rows, first)
    top = power[rows, first]
    rest = power.copy()
    rest[rows[:, None], around] = 0
    second = rest[:, _LOWEST:-_LOWEST].argmax(axis=1) + _LOWEST
    pair = purity + rest[rows[:, None], second[:, None] + _REACH].sum(axis=1) / total
    twist = 10 * np.log10((top + _TINY) / (power[rows, second] + _TINY))
    return Peaks(hertz, _hertz(power, rows, second), purity, pair, twist.astype(np.float32), fsk)


def progress(windows: Floats) -> Progress:
    """Call progress tones in windows of LONG samples: an array of channels by samples."""
    power = _power(windows, LONG)
    total = power[:, 3:].sum(axis=1) + _TINY
    low = power[:, 29:33].sum(axis=1) / total
    high = power[:, 38:42].sum(axis=1) / total
    both = np.where(np.minimum(low, high) >= 0.1, low + high, 0)
    return Progress(power[:, 24:34].sum(axis=1) / total, both.astype(np.float32))


_HALF = FRAME_SAMPLES // 2
#: 2100 Hz turns 21 times in 10 ms: with this the phase of a steady answer tone stands still from half to half.
_ANSWER = np.exp(-2j * np.pi * 2100 / RATE * np.arange(_HALF)) * (2 / _HALF)
_COSINE, _SINE = _ANSWER.real.astype(np.float32), _ANSWER.imag.astype(np.float32)


def answer_phase(frames: Floats) -> NDArray[np.complex64]:
    """Amplitude and phase at 2100 Hz in either half of a frame: an array of channels by 2 (V.8, V.25).

    By einsum and not by a matrix product: the BLAS behind that shares so little work with threads of its own, which
    costs more than the work, and waits for them where the machine is busy.
    """
    halves = frames.reshape(len(frames), 2, _HALF)
    found = np.empty((len(frames), 2), np.complex64)
    found.real = np.einsum("chs,s->ch", halves, _COSINE)
    found.imag = np.einsum("chs,s->ch", halves, _SINE)
    return found
