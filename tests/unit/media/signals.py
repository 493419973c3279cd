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


def cadence(parts: list[int], *hertz: float, level: float = -18) -> Samples:
    """Tone and pause in turn, of these lengths in ms."""
    sound = [sum((sine(hz, ms, level) for hz in hertz), silence(ms)) for ms in parts]
    return np.concatenate(
        [tone if index % 2 == 0 else silence(ms) for index, (tone, ms) in enumerate(zip(sound, parts, strict=True))]
    )


def special_information(ms: float = 330, level: float = -18) -> Samples:
    """The three tones of E.180."""
    return np.concatenate([sine(hz, ms, level) for hz in (950, 1400, 1800)])


def answer_tone(ms: int, *, reversals: bool = False, swings: bool = False, level: float = -18) -> Samples:
    """2100 Hz as a fax or a modem sends it (V.25, V.8)."""
    time = np.arange(ms * RATE // 1000) / RATE
    turned = np.pi * (time // 0.45) if reversals else 0
    swing = 1 + 0.2 * np.sin(2 * np.pi * 15 * time) if swings else 1
    return np.asarray(32767 * 10 ** (level / 20) * swing * np.sin(2 * np.pi * 2100 * time + turned))


def v21(bits: str, level: float = -18) -> Samples:
    """Bits at 300 baud in V.21's channel 2: 1 is 1650 Hz, 0 is 1850 Hz, the phase goes on."""
    ends = np.round(np.arange(len(bits) + 1) * RATE / 300).astype(int)
    hertz = np.concatenate(
        [np.full(b - a, 1650.0 if bit == "1" else 1850.0) for bit, a, b in zip(bits, ends, ends[1:], strict=False)]
    )
    return np.asarray(32767 * 10 ** (level / 20) * np.sin(2 * np.pi * np.cumsum(hertz) / RATE))
