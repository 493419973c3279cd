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
_BINS = SHORT // 2 + 1
#: A tone's power in a Hann window is in its bin and two on either side.
_REACH = 2
#: Below this bin (94 Hz) is hum and offset, no tone of telephony.
_LOWEST = 3
_AROUND = np.arange(_LOWEST - _REACH, _LOWEST + _REACH + 1)[:, None]
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
    squares: Floats  # mean of the squared samples of the last frame
    magnitude: Floats  # mean of their magnitudes


def _power(windows: Floats, size: int) -> Floats:
    """Of each bin, in memory of its own."""
    spectrum = np.fft.rfft(windows * _HANN[size], axis=1)
    power = np.square(spectrum.real)
    power += np.square(spectrum.imag)
    return np.asarray(power, dtype=np.float32)


def _columns(count: int, *bands: tuple[int, int]) -> Floats:
    """A matrix that adds up bands of bins, ends excluded: a column each."""
    columns = np.zeros((count, len(bands)), np.float32)
    for column, (start, end) in enumerate(bands):
        columns[start:end, column] = 1
    return columns


_TOTAL_AND_FSK = _columns(_BINS, (_LOWEST - 1, _BINS), (51, 62))


def _hertz(left: Floats, middle: Floats, right: Floats, peak: NDArray[np.intp]) -> Floats:
    """Between the bins: a sine in a Hann window has a ratio of neighbours that tells its place exactly."""
    ratio = np.sqrt(np.maximum(left, right)) / (np.sqrt(middle) + _TINY)
    ratio = np.minimum(np.maximum(ratio, np.float32(0.2)), np.float32(1))  # half a bin at most
    shift = 2 - 3 / (ratio + 1)
    np.negative(shift, out=shift, where=right < left)
    return np.asarray((shift + peak) * (RATE / SHORT), np.float32)


def peaks(windows: Floats) -> Peaks:
    """The peaks of windows of SHORT samples: an array of channels by samples."""
    power = _power(windows, SHORT)
    total, fsk = (power @ _TOTAL_AND_FSK).T
    total = total + _TINY
    inside, bins = power[:, _LOWEST:-_LOWEST], power.reshape(-1)
    rows = np.arange(0, bins.size, _BINS)
    place = np.empty((2, len(power)), np.intp)
    inside.argmax(axis=1, out=place[0])
    around_first = place[0] + rows + _AROUND
    first = bins[around_first]
    bins[around_first] = 0  # the second peak is elsewhere, and has nothing of the first
    inside.argmax(axis=1, out=place[1])
    around_second = place[1] + rows + _AROUND
    purity = first.sum(axis=0) / total
    pair = purity + bins[around_second].sum(axis=0) / total
    bins[around_first] = first
    _, left, middle, right, _ = np.stack([first, bins[around_second]], axis=1)
    hertz = _hertz(left, middle, right, place + _LOWEST)
    middle += _TINY
    return Peaks(hertz[0], hertz[1], purity, pair, 10 * np.log10(middle[0] / middle[1]), fsk / total)


#: Bins of the long window: those of ringback, then the upper ones of North America's busy tone; and those that are in
#: Parseval's sum and no part of the total, with their weight there.
_TONES = [*range(24, 34), *range(38, 42)]
_RING, _LOW, _HIGH = (0, 10), (5, 9), (10, 14)  # of these
_OTHERS = {0: 0.5, 1: 1.0, 2: 1.0, LONG // 2: -0.5}
_WANTED = [*_TONES, *_OTHERS]


def _transform() -> Floats:
    """The Fourier transform as a matrix, of nothing but the bins that are wanted: cosines, then sines."""
    turns = 2 * np.pi * np.outer(np.arange(LONG), _WANTED) / LONG
    return np.asarray(np.hstack([np.cos(turns), np.sin(turns)]) * _HANN[LONG][:, None], np.float32)


_TRANSFORM = _transform()
_SHARES = np.hstack(
    [_columns(len(_WANTED), _RING, _LOW, _HIGH), np.array([[_OTHERS.get(place, 0)] for place in _WANTED], np.float32)]
)
#: Parseval's sum over one side of the weighted window's spectrum; and the mean of the last frame's squares.
_SUMS = np.zeros((LONG, 2), np.float32)
_SUMS[:, 0] = _HANN[LONG] ** 2 * (LONG / 2)
_SUMS[-FRAME_SAMPLES:, 1] = 1 / FRAME_SAMPLES
_SUM = np.ones((FRAME_SAMPLES, 1), np.float32)
#: Channels of a matrix product. OpenBLAS, which is behind numpy, shares products of more than 262,144 multiplications
#: with threads of its own, which cost more than they do, and are waited for where the machine is busy.
_GROUP = 14
#: A total that is so small a share of all power is what rounding has left of a difference.
_ROUNDED = 0.02


def whole_groups(count: int) -> int:
    """How many windows `progress` takes where there are so many: the others are of silence."""
    groups = -(-count // _GROUP)
    return groups * max(2, -(-count // groups))


def progress(windows: Floats) -> Progress:
    """Call progress tones in windows of LONG samples: an array of channels by samples. ValueError unless as many as
    `whole_groups` says.

    Of 257 bins 14 are wanted, which a product with a matrix tells in a third of the time of a transform; and the
    sum of all but the lowest, which is that of the squared samples (Parseval) without the lowest.
    """
    count = len(windows)
    groups = windows.reshape(-(-count // _GROUP), -1, LONG)
    parts = np.square(groups @ _TRANSFORM).reshape(count, 2, len(_WANTED))
    ring, low, high, others = ((parts[:, 0] + parts[:, 1]) @ _SHARES).T
    everything, squares = (np.square(groups) @ _SUMS).reshape(count, 2).T
    total = everything - others
    doubtful = np.flatnonzero(total < _ROUNDED * everything)
    if len(doubtful):
        total[doubtful] = _power(windows[doubtful], LONG)[:, 3:].sum(axis=1)
    total += _TINY
    low, high = low / total, high / total
    busy = np.where(np.minimum(low, high) >= 0.1, low + high, np.float32(0))
    magnitude = (np.abs(groups[..., -FRAME_SAMPLES:]) @ _SUM).reshape(count) / np.float32(FRAME_SAMPLES)
    return Progress(ring / total, busy, squares, magnitude)


_HALF = FRAME_SAMPLES // 2
#: 2100 Hz turns 21 times in 10 ms: with this the phase of a steady answer tone stands still from half to half.
_ANSWER = np.exp(-2j * np.pi * 2100 / RATE * np.arange(_HALF)) * (2 / _HALF)
_COSINE, _SINE = _ANSWER.real.astype(np.float32), _ANSWER.imag.astype(np.float32)


def answer_phase(frames: Floats) -> NDArray[np.complex64]:
    """Amplitude and phase at 2100 Hz in either half of a frame: an array of channels by 2 (V.8, V.25)."""
    halves = frames.reshape(len(frames), 2, _HALF)
    found = np.empty((len(frames), 2), np.complex64)
    found.real = np.einsum("chs,s->ch", halves, _COSINE)
    found.imag = np.einsum("chs,s->ch", halves, _SINE)
    return found
