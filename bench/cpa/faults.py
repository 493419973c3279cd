"""What lines do to a call beside noise, codec and loss. Half of the calls on hard lines have one of these."""

from __future__ import annotations

import random

import numpy as np

from bench.cpa.voices import RATE, Samples

#: Those that change when the call begins are for calls on which somebody speaks.
BEGINNINGS = ("begins late", "ringback before")
FAULTS = ("hum", "offset", "street", "silence suppressed", "comfort noise", "loss concealed", "coded twice")
_FRAME = RATE // 50


def draw_fault(draw: random.Random, *, spoken: bool) -> str:
    """A fault, or "none"."""
    return draw.choice(FAULTS + BEGINNINGS if spoken else FAULTS) if draw.random() < 0.5 else "none"


def begun(draw: random.Random, fault: str, sound: Samples, level: float, end: int) -> tuple[Samples, int]:
    """The sound with another beginning, and how many ms later what is in it comes then (earlier, if negative).
    end: of what is said first, in ms."""
    if fault == "begins late":  # the audio opens after the first syllable has begun
        first = int(np.argmax(np.abs(sound) > 1e-4))
        cut = first + min(int(draw.uniform(0.05, 0.3) * RATE), int(0.3 * (end * RATE / 1000 - first)))
        return sound[cut:], -1000 * cut // RATE
    if fault == "ringback before":  # the end of what the network played
        hertz = draw.choice([(440, 480), (425,), (400, 450)])
        time = np.arange(int(draw.uniform(0.2, 1.2) * RATE)) / RATE
        ring = np.asarray(sum(np.sin(2 * np.pi * hz * time) for hz in hertz)) / len(hertz) * 10 ** (level / 20)
        return np.concatenate([ring, sound]), 1000 * len(ring) // RATE
    return sound, 0


def disturbed(draw: random.Random, fault: str, sound: Samples, clean: Samples, level: float) -> Samples:
    """The sound, with its noise, as it goes into the codec. clean: without the noise."""
    time = np.arange(len(sound)) / RATE
    if fault == "hum":
        mains = draw.choice([50, 60])
        size = 10 ** ((level - draw.uniform(12, 30)) / 20)
        return sound + size * sum(np.sin(2 * np.pi * mains * n * time) / n for n in (1, 2, 3, 5, 7))
    if fault == "offset":
        return sound + draw.choice([-1, 1]) * draw.uniform(0.001, 0.02)
    if fault == "street":
        size = 10 ** ((level - draw.uniform(14, 28)) / 20)
        white = np.random.default_rng(draw.getrandbits(32)).standard_normal(len(sound))
        spectrum = np.fft.rfft(white) / np.sqrt(np.maximum(np.arange(len(sound) // 2 + 1), len(sound) * 100 / RATE))
        passing = 0.4 + np.sin(2 * np.pi * draw.uniform(0.1, 0.6) * time + draw.uniform(0, 6)) ** 2
        noise = np.fft.irfft(spectrum, len(sound))
        return np.asarray(sound + size * passing * noise / noise.std() / 2**0.5)
    if fault in ("silence suppressed", "comfort noise"):
        there = _speech(clean)
        filled = np.random.default_rng(draw.getrandbits(32)).standard_normal(len(sound)) * 10 ** (-65 / 20)
        return np.where(there, sound, filled if fault == "comfort noise" else 0)
    return sound


def _speech(clean: Samples) -> np.ndarray:
    """Where something is said, and 0.2 s after it."""
    loud = np.abs(clean) > 1e-3
    return np.convolve(loud, np.ones(RATE // 5), "full")[: len(clean)] > 0


def concealed(sound: Samples, lost: frozenset[int]) -> Samples:
    """Lost frames as a gateway hides them: the one before again, fainter and fainter."""
    heard = sound.copy()
    for number in sorted(lost):
        if number:
            at = number * _FRAME
            heard[at : at + _FRAME] = 0.7 * heard[at - _FRAME : at][: len(heard[at : at + _FRAME])]
    return heard
