"""What is in a stretch of audio: which tones, how loud, with which gaps. Bounded answers, never "probably".

Levels are in dB of a full-scale sine (dBFS). The phones' tones are sent at TONE_LEVEL; what arrives within 10 dB of
that is heard, what is 25 dB below is not, and anything between raises AmbiguousLevel: then the test is wrong about
what it measures (a window across a change, a clipped mix), or the system under test is.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 8000
TONE_LEVEL = -12.0
HEARD = TONE_LEVEL - 10
NOT_HEARD = TONE_LEVEL - 25

Samples = NDArray[np.float64]


class AmbiguousLevel(AssertionError):
    """A tone is neither clearly there nor clearly absent."""


def sine(hz: float, seconds: float, level: float = TONE_LEVEL) -> Samples:
    """A sine between -1 and 1."""
    return 10 ** (level / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


def from_pcm(data: bytes) -> Samples:
    """16-bit little-endian samples as numbers between -1 and 1."""
    return np.frombuffer(data, "<i2").astype(np.float64) / 32768


def to_pcm(samples: Samples) -> bytes:
    return np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2").tobytes()


def level(samples: Samples, hz: float) -> float:
    """Level of one frequency in dBFS, -120 at least. 50 ms tell tones apart that differ by 100 Hz."""
    if len(samples) == 0:
        return -120.0
    window = np.hanning(len(samples) + 2)[1:-1]
    turn = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE)
    amplitude = 2 * abs(np.sum(window * samples * turn)) / np.sum(window)
    return max(-120.0, 20 * float(np.log10(amplitude + 1e-12)))


def hops(samples: Samples, window: float, step: float) -> list[Samples]:
    """Pieces of `window` seconds, a new one each `step` seconds; all of it as one piece if it is shorter."""
    size, hop = round(window * RATE), round(step * RATE)
    return [samples[start : start + size] for start in range(0, len(samples) - size + 1, hop)] or [samples]


def mean_level(samples: Samples, hz: float) -> float:
    """Level of one frequency in dBFS by its mean power in windows of 100 ms.

    A packet lost or played twice turns the phase of what follows. Over a stretch of seconds measured in one piece the
    two sides would then cancel; in short windows one of them suffers.
    """
    powers = [10 ** (level(piece, hz) / 10) for piece in hops(samples, 0.1, 0.05)]
    return max(-120.0, 10 * float(np.log10(np.mean(powers))))


def loudness(samples: Samples) -> float:
    """Level of everything together, as that of a sine with the same power, in dBFS."""
    return max(-120.0, 10 * float(np.log10(2 * np.mean(samples**2) + 1e-12))) if len(samples) else -120.0


def together(samples: Samples, *tones: int, window: float = 0.3) -> bool:
    """Whether all of the tones are heard at once, for `window` seconds, somewhere."""
    return any(all(level(piece, hz) >= HEARD for hz in tones) for piece in hops(samples, window, 0.05))


def hears(samples: Samples, hz: float) -> bool:
    """Whether the tone is there. Raises AmbiguousLevel."""
    found = mean_level(samples, hz)
    if NOT_HEARD < found < HEARD:
        raise AmbiguousLevel(f"{hz} Hz at {found:.1f} dBFS: heard is above {HEARD}, not heard below {NOT_HEARD}")
    return found >= HEARD


@dataclass(frozen=True)
class Heard:
    """Audio with its place in time: `started_at` is the time (seconds of the epoch) of the first sample."""

    samples: Samples
    started_at: float

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

    @property
    def ended_at(self) -> float:
        return self.started_at + self.seconds

    def between(self, start: float, end: float) -> "Heard":
        """The part from one moment to another (seconds of the epoch), as far as it was heard."""
        first = max(0, round((start - self.started_at) * RATE))
        last = max(first, round((end - self.started_at) * RATE))
        return Heard(self.samples[first:last], self.started_at + first / RATE)

    def last(self, seconds: float) -> "Heard":
        return self.between(self.ended_at - seconds, self.ended_at)

    def level(self, hz: float) -> float:
        return mean_level(self.samples, hz)

    def hears(self, hz: float) -> bool:
        return hears(self.samples, hz)

    def tones(self, candidates: Iterable[int]) -> set[int]:
        """Those of the frequencies that are heard. Raises AmbiguousLevel."""
        return {hz for hz in candidates if self.hears(hz)}

    def presence(self, hz: float, step: float = 0.01, window: float = 0.02) -> NDArray[np.bool_]:
        """Whether the tone is there, for each step of time: above half-way between heard and not heard."""
        threshold = (HEARD + NOT_HEARD) / 2
        pieces = hops(self.samples, window, step) if self.seconds >= window else []
        return np.array([level(piece, hz) > threshold for piece in pieces], dtype=np.bool_)

    def onset(self, hz: float) -> float | None:
        """When the tone is first there (seconds of the epoch, within 20 ms), or None."""
        found = np.flatnonzero(self.presence(hz))
        return self.started_at + 0.01 * float(found[0]) + 0.01 if len(found) else None

    def gaps(self, hz: float, longer_than: float = 0.06) -> list[tuple[float, float]]:
        """Pauses of a tone longer than so many seconds, between its first and its last presence: (start, end)."""
        present = np.flatnonzero(self.presence(hz))
        pauses = itertools.pairwise(present)
        return [
            (self.started_at + 0.01 * float(before), self.started_at + 0.01 * float(after))
            for before, after in pauses
            if 0.01 * (after - before - 1) > longer_than
        ]
