"""From audio to features: what is kept of each 20 ms of a call, for any number of calls at once.

Everything after this works on features alone. Recorded, they replay a decision exactly, in a hundredth of the audio's
size and without a word of what was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ari_app.media import spectrum
from ari_app.media.frames import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES, Frame
from ari_app.media.vad import Vad, WebRtcVad

#: Level of nothing at all, in dBFS. 0 dBFS is a sine of full scale.
NOTHING = -100.0
_FULL_SINE = 32768 / 2**0.5


class Features(NamedTuple):
    """20 ms of one call."""

    at: int  # media time at which the frame begins, in ms
    lost: bool = False  # then nothing below is known
    level: float = NOTHING  # dBFS
    energy: float = 0.0  # mean magnitude of a sample, 0..32767
    voiced: bool = False  # what the voice activity detector says: no more than a hint, see vad.py
    first: float = 0.0  # Hz: the strongest peak
    second: float = 0.0  # Hz: the next
    purity: float = 0.0  # 0..1: share of the power in the first peak
    pair: float = 0.0  # 0..1: share of the power in both
    twist: float = 0.0  # dB: first peak over second
    fsk: float = 0.0  # 0..1: share of the power from 1600 to 1900 Hz
    ring: float = 0.0  # 0..1: share of the power from 385 to 515 Hz, of the last 64 ms
    busy: float = 0.0  # 0..1: share of the power at 480 and 620 Hz, of the last 64 ms
    answer: tuple[complex, complex] | None = None  # phase of 2100 Hz in either half, where that is the strongest


#: Bytes of a channel's past that the long window needs beside the frame.
_TAIL = 2 * (spectrum.LONG - FRAME_SAMPLES)
#: Channels that are measured in one go: as many as fit into the processor's cache.
_BLOCK = 128


class Channel:
    """One call's place in the measuring: its last 44 ms, its voice activity detector, its time."""

    __slots__ = ("at", "tail", "vad")

    def __init__(self, vad: Vad | None = None) -> None:
        self.vad: Vad = vad or WebRtcVad()
        #: what was heard before the next frame, as bytes of samples
        self.tail = bytes(_TAIL)
        self.at = 0


def measure(work: Sequence[tuple[Channel, Frame]]) -> list[Features]:
    """One frame of each of these channels, measured together. A channel may be there once only.

    The result does not depend on which channels are measured together. Raises ValueError for a frame of wrong size.
    """
    found: list[Features | None] = [None] * len(work)
    heard: list[tuple[int, Channel, bytes]] = []
    for index, (channel, frame) in enumerate(work):
        if frame is None:
            found[index] = Features(channel.at, lost=True)
            channel.tail = channel.tail[FRAME_BYTES:] + bytes(FRAME_BYTES)
            channel.at += FRAME_MS
        else:
            if len(frame) != FRAME_BYTES:
                raise ValueError(f"frame: {FRAME_BYTES} bytes are 20 ms, not {len(frame)}")
            heard.append((index, channel, frame))
    for start in range(0, len(heard), _BLOCK):
        block = heard[start : start + _BLOCK]
        for (index, _, _), features in zip(block, _measure(block), strict=True):
            found[index] = features
    return [features for features in found if features is not None]


def _measure(work: list[tuple[int, Channel, bytes]]) -> list[Features]:
    sounds = [channel.tail + frame for _, channel, frame in work]
    windows = np.frombuffer(b"".join(sounds), "<i2").astype(np.float32).reshape(len(work), spectrum.LONG)
    samples = np.ascontiguousarray(windows[:, -FRAME_SAMPLES:])
    peaks = spectrum.peaks(windows[:, -spectrum.SHORT :])
    progress = spectrum.progress(windows)
    phases = spectrum.answer_phase(samples)
    level = 20 * np.log10(np.sqrt((samples**2).mean(axis=1)) / _FULL_SINE + 1e-5)
    energy = np.abs(samples).mean(axis=1)
    numbers = np.stack([level, energy, *peaks, *progress], axis=1).round(4).tolist()
    result: list[Features] = []
    for (_, channel, frame), sound, row, phase in zip(work, sounds, numbers, phases.tolist(), strict=True):
        loud, mean, first, second, purity, pair, twist, fsk, ring, busy = row
        answer = (phase[0], phase[1]) if abs(first - 2100) < 60 else None
        voiced = channel.vad.is_speech(frame)
        result.append(
            Features(channel.at, False, loud, mean, voiced, first, second, purity, pair, twist, fsk, ring, busy, answer)
        )
        channel.tail = sound[FRAME_BYTES:]
        channel.at += FRAME_MS
    return result
