"""From audio to features: what is kept of each 20 ms of a call, for any number of calls at once.

Everything after this works on features alone. Recorded, they replay a decision exactly, in a hundredth of the audio's
size and without a word of what was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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


#: Samples of a channel's past that the long window needs beside the frame.
_PAST = spectrum.LONG - FRAME_SAMPLES
#: Frames without a sound after which nothing else is in the long window.
_STILL = -(-spectrum.LONG // FRAME_SAMPLES)
#: Channels that are measured in one go: as many as fit into the processor's cache; whole groups for the matrix product.
_BLOCK = 154
_SILENCE = bytes(FRAME_BYTES)
_ANSWER_HZ, _ANSWER_TOLERANCE = 2100, 60
_Samples = NDArray[np.int16]
_new = partial(tuple.__new__, Features)


class Channel:
    """One call's place in the measuring: its voice activity detector, its time, and where its past is kept."""

    __slots__ = ("at", "measurer", "slot", "vad")

    def __init__(self, vad: Vad | None = None, measurer: Measurer | None = None) -> None:
        """`measurer`: of those that are measured together; without it this one is measured alone."""
        self.vad: Vad = vad or WebRtcVad()
        self.measurer = Measurer() if measurer is None else measurer
        self.slot = self.measurer.join()
        self.at = 0


class Measurer:
    """Measures any number of channels together. The last 44 ms of all are in one array, a row each."""

    def __init__(self) -> None:
        self._past = np.zeros((1, _PAST), np.int16)
        #: frames without a sound that were the last ones; up to _STILL
        self._still = np.zeros(1, np.intp)
        self._free: list[int] = []
        self._used = 0

    def join(self) -> int:
        """The slot of another channel."""
        if not self._free:
            if self._used == len(self._past):
                self._past = np.concatenate([self._past, np.zeros_like(self._past)])
                self._still = np.concatenate([self._still, np.zeros_like(self._still)])
            self._free.append(self._used)
            self._used += 1
        slot = self._free.pop()
        self._past[slot] = 0
        self._still[slot] = _STILL
        return slot

    def leave(self, channel: Channel) -> None:
        """It is measured no more. Call it once."""
        self._free.append(channel.slot)

    def measure(self, work: Sequence[tuple[Channel, Frame]]) -> list[Features]:
        """As `measure`, of channels of this measurer."""
        for _, frame in work:
            if frame is not None and len(frame) != FRAME_BYTES:
                raise ValueError(f"frame: {FRAME_BYTES} bytes are 20 ms, not {len(frame)}")
        if not work:
            return []
        blocks = -(-len(work) // _BLOCK)
        size = -(-len(work) // blocks)
        parts = [self._measure(work[start : start + size]) for start in range(0, len(work), size)]
        return parts[0] if blocks == 1 else [features for part in parts for features in part]

    def _measure(self, work: Sequence[tuple[Channel, Frame]]) -> list[Features]:
        numbers, answers = self._numbers(work)
        times: list[int] = []
        lost: list[bool] = []
        voiced: list[bool] = []
        for channel, frame in work:
            times.append(channel.at)
            channel.at += FRAME_MS
            lost.append(frame is None)
            voiced.append(frame is not None and channel.vad.is_speech(frame))
        level, energy, *others = numbers.tolist()
        found: list[Features] = list(map(_new, zip(times, lost, level, energy, voiced, *others, answers, strict=True)))
        if True in lost:
            found = [Features(one.at, lost=True) if one.lost else one for one in found]
        return found

    def _numbers(self, work: Sequence[tuple[Channel, Frame]]) -> tuple[spectrum.Floats, list[Phases | None]]:
        """What is a number in the features: a row each, from `level` on without `voiced`; and the answer tone."""
        count = len(work)
        slots = np.array([channel.slot for channel, _ in work])
        data = b"".join([_SILENCE if frame is None else frame for _, frame in work])
        sound = np.frombuffer(data, "<i2").reshape(count, FRAME_SAMPLES)
        past = self._past[slots]
        self._past[slots] = np.concatenate([past[:, FRAME_SAMPLES:], sound], axis=1)
        silent = np.frombuffer(data, np.uint64).reshape(count, -1).max(axis=1) == 0
        still = self._still[slots] = np.where(silent, np.minimum(self._still[slots] + 1, _STILL), 0)
        heard = np.flatnonzero(still < _STILL)
        answers: list[Phases | None] = [None] * count
        if len(heard) == count:
            numbers, phases = _spectra(past, sound)
        else:
            numbers, phases = np.repeat(_NOTHING, count, axis=1), {}
            if len(heard):
                numbers[:, heard], phases = _spectra(past[heard], sound[heard])
        for index, phase in phases.items():
            answers[heard[index]] = phase
        return numbers, answers


Phases = tuple[complex, complex]


def _spectra(past: _Samples, sound: _Samples) -> tuple[spectrum.Floats, dict[int, Phases]]:
    """The numbers of these channels, a row each; and by channel what is measured of an answer tone."""
    count = len(sound)
    windows = np.empty((spectrum.whole_groups(count), spectrum.LONG), np.float32)
    windows[:count, :_PAST] = past
    windows[:count, _PAST:] = sound
    windows[count:] = 0
    peaks = spectrum.peaks(windows[:count, -spectrum.SHORT :])
    progress = spectrum.progress(windows)
    level = 20 * np.log10(np.sqrt(progress.squares) / np.float32(_FULL_SINE) + np.float32(1e-5))
    rows = [level, progress.magnitude, *peaks, progress.ring, progress.busy]
    numbers = np.array([row[:count] for row in rows]).round(4)
    found = np.flatnonzero(np.abs(numbers[2] - _ANSWER_HZ) < _ANSWER_TOLERANCE)
    phases = spectrum.answer_phase(windows[found, _PAST:]).tolist() if len(found) else []
    return numbers, {index: (first, second) for index, (first, second) in zip(found.tolist(), phases, strict=True)}


#: What is measured where there is no sound at all.
_NOTHING, _ = _spectra(np.zeros((1, _PAST), np.int16), np.zeros((1, FRAME_SAMPLES), np.int16))


def measure(work: Sequence[tuple[Channel, Frame]]) -> list[Features]:
    """One frame of each of these channels. A channel may be there once only.

    The result does not depend on which channels are measured together; what it costs does: those of one measurer are
    cheapest. Raises ValueError for a frame of wrong size.
    """
    measurers = {channel.measurer for channel, _ in work}
    if len(measurers) == 1:
        return measurers.pop().measure(work)
    return [features for one in work for features in one[0].measurer.measure([one])]
