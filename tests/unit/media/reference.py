"""The features of a frame, and what of them is speech, by their definitions: one channel, in double precision and in no
hurry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ari_app.media.frames import FRAME_SAMPLES, RATE

Numbers = NDArray[np.float64]
SHORT, LONG = 256, 512
TINY = 1e-3


def power(samples: Numbers) -> Numbers:
    """Of each bin in a Hann window."""
    count = len(samples)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(count) / count)
    return np.asarray(np.abs(np.fft.rfft(samples * window)) ** 2)


def hertz(bins: Numbers, peak: int) -> float:
    left, middle, right = np.sqrt(bins[peak - 1 : peak + 2])
    ratio = max(left, right) / (middle + TINY)
    shift = min(max((2 * ratio - 1) / (ratio + 1), -0.5), 0.5)
    return float((peak + (shift if right >= left else -shift)) * RATE / SHORT)


#: What single precision leaves of a zero: amplitude, as a share of the loudest.
NOISE = 1e-6


def strongest(bins: Numbers, noise: float) -> list[int]:
    """The strongest bins that a tone may be in: more than one where rounding decides."""
    inside = bins[3:-3]
    return [int(place) + 3 for place in np.flatnonzero(np.sqrt(inside) >= 0.9999 * np.sqrt(inside.max()) - noise)]


@dataclass(frozen=True)
class Choice:
    """Two peaks, and what is measured of them."""

    first: float
    second: float
    purity: float
    pair: float
    twist: float
    #: of single precision, as a share of the amplitude of the first peak, and of the second
    noise: tuple[float, float]


def choices(heard: NDArray[np.int16]) -> Iterator[Choice]:
    """What may be measured of the peaks of the last frame, by which of equal ones is taken for the stronger."""
    bins = power(heard[-SHORT:].astype(float))
    total = bins[2:].sum() + TINY
    noise = NOISE * np.sqrt(bins.max())
    for first in strongest(bins, noise):
        rest = bins.copy()
        rest[first - 2 : first + 3] = 0
        purity = bins[first - 2 : first + 3].sum() / total
        for second in strongest(rest, noise):
            pair = purity + rest[second - 2 : second + 3].sum() / total
            twist = 10 * np.log10((bins[first] + TINY) / (bins[second] + TINY))
            shares = [float(noise / (np.sqrt(bins[peak]) + TINY)) for peak in (first, second)]
            yield Choice(hertz(bins, first), hertz(bins, second), purity, pair, twist, (shares[0], shares[1]))


def features(heard: NDArray[np.int16]) -> dict[str, float]:
    """The others, of the last frame of what was heard: at least LONG samples."""
    frame, short, long = (heard[-count:].astype(float) for count in (FRAME_SAMPLES, SHORT, LONG))
    bins, progress = power(short), power(long)
    everything = progress[3:].sum() + TINY
    low, high = progress[29:33].sum() / everything, progress[38:42].sum() / everything
    return {
        "level": float(20 * np.log10(frame.std() / (32768 / 2**0.5) + 1e-5)),
        "energy": float(np.abs(frame).mean()),
        "fsk": float(bins[51:62].sum() / (bins[2:].sum() + TINY)),
        "ring": float(progress[24:34].sum() / everything),
        "busy": float(low + high if min(low, high) >= 0.1 else 0),
    }


def answer(heard: NDArray[np.int16]) -> tuple[complex, complex]:
    """Amplitude and phase at 2100 Hz in either half of the last frame."""
    frame = heard[-FRAME_SAMPLES:].astype(float)
    half = FRAME_SAMPLES // 2
    turn = np.exp(-2j * np.pi * 2100 / RATE * np.arange(half)) * (2 / half)
    return complex(frame[:half] @ turn), complex(frame[half:] @ turn)


class Gate:
    """The speech gate: what the detector calls speech and is no tone, 7 dB over the noise, 16 under the voice."""

    def __init__(self) -> None:
        self.peak = -45.0
        self.learnt: list[float] = []  # levels from which the noise is known
        self.said: list[bool] = []

    @property
    def floor(self) -> float:
        """The quietest of six whole half seconds and the one that goes on."""
        halves = [self.learnt[at : at + 25] for at in range(0, len(self.learnt), 25)]
        return min((min(0.0, *half) for half in halves[-7:]), default=0.0)

    def hear(self, level: float, energy: float, *, voiced: bool, tonal: bool, lost: bool) -> bool:
        if not lost:
            if level > -90 or energy >= 1:
                self.learnt.append(max(level, -65.0))
            self.peak = max(self.peak - 0.02, -45.0)
            loud = level > max(self.floor + 7, self.peak - 16, -45.0)
            self.said.append(voiced and loud and not tonal)
        smooth = sum(self.said[-5:]) >= 3
        if not lost and self.said[-1] and smooth:
            self.peak = max(self.peak, level)
        return smooth
