"""Spectra of many channels at once: the strongest tones of a frame, and how much of its power is in them.

numpy's cost is per call, not per channel: one call for a hundred channels costs a twentieth of a hundred calls.
"""

from __future__ import annotations

from functools import cache

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
_TINY = np.float32(1e-3)


#: The rows of what is measured, an element a channel: Features says what each is. Those that are neighbours are worked
#: on together.
LEVEL, TWIST, ENERGY, FIRST, SECOND, PURITY, PAIR, FSK, RING, BUSY = range(10)
ROWS = 10


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


_FSK_AND_TOTAL = _columns(_BINS, (51, 62), (_LOWEST - 1, _BINS))


@cache
def _around(count: int) -> NDArray[np.intp]:
    """Where the bins about the lowest peak are, of so many channels."""
    return np.arange(_LOWEST - _REACH, _LOWEST + _REACH + 1)[:, None] + np.arange(0, count * _BINS, _BINS)


def _hertz(around: Floats, place: NDArray[np.intp], out: Floats) -> None:
    """Between the bins: a sine in a Hann window has a ratio of neighbours that tells its place exactly.

    With r for the greater neighbour by the peak that is (2r - 1) / (r + 1), or 2 - 3 / (r + 1), and half a bin at most.
    """
    size = np.sqrt(around)
    left, middle, right = size[:, 0], size[:, 1], size[:, 2]
    middle += _TINY
    share = np.maximum(left, right)
    share += middle
    np.divide(middle, share, out=share)
    np.minimum(share, np.float32(2.5 / 3), out=share)
    np.maximum(share, np.float32(0.5), out=share)
    share *= -3
    share += 2
    np.negative(share, out=share, where=right < left)
    np.multiply(share + place, RATE / SHORT, out=out, casting="same_kind")


def peaks(windows: Floats, out: Floats) -> None:
    """The two strongest tones in windows of SHORT samples, a row a channel: `out` from FIRST to FSK, and the power
    of the first by that of the second at TWIST.
    """
    power = _power(windows, SHORT)
    count = len(power)
    inside, bins = power[:, _LOWEST:-_LOWEST], power.reshape(-1)
    fsk, total = (power @ _FSK_AND_TOTAL).T
    place = np.empty((2, count), np.intp)
    around = np.empty((2, 3, count), np.float32)
    inside.argmax(axis=1, out=place[0])
    first = _around(count) + place[0]
    top = bins[first]
    bins[first] = 0  # the second peak is elsewhere, and has nothing of the first
    inside.argmax(axis=1, out=place[1])
    second = _around(count) + place[1]
    top.sum(axis=0, out=out[PURITY])
    np.add(bins[second].sum(axis=0), out[PURITY], out=out[PAIR])
    out[FSK] = fsk
    out[PURITY : FSK + 1] /= total + _TINY
    bins[first] = top
    around[0] = top[1:4]
    around[1] = bins[second[1:4]]
    place += _LOWEST
    _hertz(around, place, out[FIRST : SECOND + 1])
    strongest = around[:, 1] + _TINY
    np.divide(strongest[0], strongest[1], out=out[TWIST])


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
#: Ringback; busy, as the sum of its two bands; and those.
_SHARES = np.zeros((len(_WANTED), 5), np.float32)
_SHARES[:, [0, 2, 3]] = _columns(len(_WANTED), _RING, _LOW, _HIGH)
_SHARES[:, 1] = _SHARES[:, 2] + _SHARES[:, 3]
_SHARES[:, 4] = [_OTHERS.get(place, 0) for place in _WANTED]
#: Parseval's sum over one side of the weighted window's spectrum.
_SQUARES = (_HANN[LONG] ** 2 * (LONG / 2))[:, None]
#: The power of a frame of which this is the sum of the squares, 1 for a full sine.
_FULL = np.float32(2 / 32768**2 / FRAME_SAMPLES)
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


def progress(windows: Floats, out: Floats) -> None:
    """Call progress tones in windows of LONG samples, a row a channel: `out` at RING and BUSY. ValueError unless the
    windows are as many as `whole_groups` says for those of `out`.

    Of 257 bins 14 are wanted, which a product with a matrix tells in a third of the time of a transform; and the
    sum of all but the lowest, which is that of the squared samples (Parseval) without the lowest.
    """
    count = out.shape[1]
    groups = windows.reshape(-(-count // _GROUP), -1, LONG)
    parts = np.square(groups @ _TRANSFORM).reshape(len(windows), 2, len(_WANTED))
    shares = ((parts[:, 0] + parts[:, 1]) @ _SHARES).T[:, :count]
    everything = (np.square(groups) @ _SQUARES).reshape(-1)[:count]
    total = everything - shares[4]
    doubtful = np.flatnonzero(total < _ROUNDED * everything)
    if len(doubtful):
        total[doubtful] = _power(windows[doubtful], LONG)[:, 3:].sum(axis=1)
    shares /= total + _TINY
    shares[1] *= np.minimum(shares[2], shares[3]) >= 0.1  # busy, where both are there
    out[RING : BUSY + 1] = shares[:2]


def amplitude(frames: Floats) -> Floats:
    """Of what swings in frames, 1 for a full sine: an offset of the line cannot be heard."""
    swing = frames - frames.mean(axis=1, keepdims=True)
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", swing, swing) * _FULL))


def magnitude(frames: Floats, count: int) -> Floats:
    """Mean magnitude of the samples of the first so many frames. ValueError unless the frames are as many as
    `whole_groups` says.
    """
    groups = np.abs(frames).reshape(-(-count // _GROUP), -1, FRAME_SAMPLES)
    return np.asarray((groups @ _SUM).reshape(-1)[:count] / np.float32(FRAME_SAMPLES))


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
