"""Audio made for the tests: everything about it is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ari_app.media.features import Channel, Features, measure
from ari_app.media.frames import RATE, Frame, Framer

Samples = NDArray[np.float64]
FULL = 32768 / 1.0


def sine(hz: float, ms: float, level: float = -18, phase: float = 0) -> Samples:
    """A sine of this level in dBFS (0 is full scale), as samples of -32768..32767."""
    time = np.arange(round(ms * RATE / 1000)) / RATE
    return np.asarray(32767 * 10 ** (level / 20) * np.sin(2 * np.pi * hz * time + phase))


def silence(ms: float) -> Samples:
    return np.zeros(round(ms * RATE / 1000))


def noise(ms: float, level: float = -60, seed: int = 1) -> Samples:
    """White noise with the power of a sine of this level."""
    count = round(ms * RATE / 1000)
    return np.asarray(np.random.default_rng(seed).standard_normal(count) * 32768 / 2**0.5 * 10 ** (level / 20))


def voice(ms: float, level: float = -20, hz: float = 120, seed: int = 1) -> Samples:
    """A voice-like sound: a gliding harmonic series under formants that move, in syllables of about 180 ms."""
    count = round(ms * RATE / 1000)
    time = np.arange(count) / RATE
    random = np.random.default_rng(seed)
    pitch = hz * (1 + 0.15 * np.sin(2 * np.pi * 1.3 * time) + 0.05 * np.sin(2 * np.pi * 4.1 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = np.zeros(count)
    formants = [(500 + 250 * np.sin(2 * np.pi * 2.7 * time), 90), (1500 + 500 * np.sin(2 * np.pi * 2.1 * time), 150)]
    for harmonic in range(1, int(3400 / (hz * 1.2))):
        at = harmonic * pitch
        gain = sum(np.exp(-(((at - centre) / (2 * width)) ** 2)) for centre, width in formants) + 0.02
        sound += gain * np.sin(harmonic * phase + random.uniform(0, 2 * np.pi))
    syllables = 0.25 + 0.75 * np.abs(np.sin(np.pi * time / 0.18)) ** 0.5
    sound *= syllables
    return np.asarray(sound * (32768 / 2**0.5 * 10 ** (level / 20)) / np.sqrt(np.mean(sound**2)))


def pcm(*parts: Samples) -> bytes:
    return np.clip(np.round(np.concatenate(parts)), -32768, 32767).astype("<i2").tobytes()


def frames(*parts: Samples) -> list[Frame]:
    return Framer().feed(pcm(*parts))


def features(*parts: Samples, lose: frozenset[int] = frozenset()) -> list[Features]:
    """The features of this audio, with the frames of these numbers lost."""
    channel = Channel()
    found: list[Features] = []
    for index, frame in enumerate(frames(*parts)):
        found += measure([(channel, None if index in lose else frame)])
    return found
