"""From audio to features: what is kept of each 20 ms of a call, for any number of calls at once.

Everything after this works on features alone. Recorded, they replay a decision exactly, in a hundredth of the audio's
size and without a word of what was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from itertools import repeat
from typing import NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ari_app.media import spectrum
from ari_app.media.frames import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES, Frame
from ari_app.media.vad import Vad, WebRtcVad

#: Level of nothing at all, in dBFS. 0 dBFS is a sine of full scale.
NOTHING = -100.0


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
#: Channels that are measured in one go: as many as fit into the processor's cache.
_BLOCK = 154
_SILENCE = bytes(FRAME_BYTES)
_ANSWER = 2100 - 60, 2100 + 60  # Hz
#: An amplitude that is added to each, of a full sine's: NOTHING.
_NOTHING_AT_ALL = np.float32(10 ** (NOTHING / 20))
#: As Features._make, without its Python: one of ten microseconds a frame.
_new = partial(tuple.__new__, Features)


class Compiled(Protocol):
    """_measure.c."""

    def measure(self, past: spectrum.Floats, slots: NDArray[np.int64], frames: bytes, out: spectrum.Floats) -> None:
        """Measure a frame of each of these slots, which becomes part of its past. `out`: the rows of spectrum.py, as
        float32. Raises ValueError unless there is a slot of `past`, a frame and a column of `out` for each."""


def _built() -> Compiled | None:
    try:
        return cast(Compiled, import_module("ari_app.media._measure"))
    except ImportError:  # no C compiler was there when the package was installed
        return None


#: What spectrum.py measures, in a quarter of the time; None: it was not built, and numpy measures.
compiled = _built()

Phases = tuple[complex, complex]


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
        self._past = np.zeros((1, _PAST), np.float32)
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

    def measure(self, channels: Sequence[Channel], frames: Sequence[Frame]) -> list[Features]:
        """One frame of each of these channels, which are of this measurer, and each there once.

        Raises ValueError for a frame of wrong size.
        """
        if wrong := {len(frame) for frame in frames if frame is not None} - {FRAME_BYTES}:
            raise ValueError(f"frame: {FRAME_BYTES} bytes are 20 ms, not {wrong.pop()}")
        found: list[Features] = []
        blocks = -(-len(frames) // _BLOCK) if compiled is None else 1
        size = -(-len(frames) // max(1, blocks))
        for start in range(0, len(frames), max(1, size)):
            found += self._measure(channels[start : start + size], frames[start : start + size])
        return found

    def _measure(self, channels: Sequence[Channel], frames: Sequence[Frame]) -> list[Features]:
        numbers, answers = self._numbers([channel.slot for channel in channels], frames)
        level, twist, energy, first, second, purity, pair, fsk, ring, busy = numbers.tolist()
        times: list[int] = []
        voiced: list[bool] = []
        for channel, frame in zip(channels, frames, strict=True):
            times.append(channel.at)
            channel.at += FRAME_MS
            voiced.append(frame is not None and channel.vad.is_speech(frame))
        some_lost = None in frames
        lost = [frame is None for frame in frames] if some_lost else repeat(False, len(times))
        rows = zip(
            times, lost, level, energy, voiced, first, second, purity, pair, twist, fsk, ring, busy, answers,
            strict=True,
        )  # fmt: skip
        found: list[Features] = list(map(_new, rows))
        return [Features(one.at, lost=True) if one.lost else one for one in found] if some_lost else found

    def _numbers(self, slots: list[int], frames: Sequence[Frame]) -> tuple[spectrum.Floats, list[Phases | None]]:
        """What is a number in the features, in the rows of spectrum.py; and the answer tone."""
        rows, count = np.array(slots, np.int64), len(slots)
        if compiled is not None:
            data = b"".join([_SILENCE if frame is None else frame for frame in frames])
            numbers = np.empty((spectrum.ROWS, count), np.float32)
            compiled.measure(self._past, rows, data, numbers)
            numbers = numbers.round(4)
            sound = np.frombuffer(data, "<i2").reshape(count, FRAME_SAMPLES)
            return numbers, _answers(numbers, sound)
        windows = self._windows_of(rows, frames)
        energy = spectrum.magnitude(windows[:, _PAST:], count)
        sound = windows[:count, _PAST:]
        if energy.all():
            self._still[rows] = 0
            numbers = _spectra(windows, energy)
            return numbers, _answers(numbers, sound)
        still = self._still[rows] = np.where(energy == 0, np.minimum(self._still[rows] + 1, _STILL), 0)
        numbers = np.repeat(_NOTHING, count, axis=1)
        if len(heard := np.flatnonzero(still < _STILL)):
            some = _windows(len(heard))
            some[: len(heard)] = windows[heard]
            numbers[:, heard] = _spectra(some, energy[heard])
        return numbers, _answers(numbers, sound)

    def _windows_of(self, rows: NDArray[np.intp], frames: Sequence[Frame]) -> spectrum.Floats:
        """The past of these channels and these frames, which are past from now on; of a lost one nothing is known."""
        count = len(rows)
        data = b"".join([_SILENCE if frame is None else frame for frame in frames])
        windows = _windows(count)
        windows[:count, :_PAST] = self._past[rows]
        windows[:count, _PAST:] = np.frombuffer(data, "<i2").reshape(count, FRAME_SAMPLES)
        self._past[rows] = windows[:count, FRAME_SAMPLES:]
        return windows


def _windows(count: int) -> spectrum.Floats:
    """For so many channels, and those of silence that make their groups whole."""
    windows = np.empty((spectrum.whole_groups(count), spectrum.LONG), np.float32)
    windows[count:] = 0
    return windows


#: Of an amplitude and of a ratio of powers.
_DECIBELS = np.array([[20], [10]], np.float32)


def _spectra(windows: spectrum.Floats, energy: spectrum.Floats) -> spectrum.Floats:
    """The numbers of channels."""
    count = len(energy)
    numbers = np.empty((spectrum.ROWS, count), np.float32)
    numbers[spectrum.ENERGY] = energy
    spectrum.progress(windows, numbers)
    spectrum.peaks(windows[:count, -spectrum.SHORT :], numbers)
    numbers[spectrum.LEVEL] += _NOTHING_AT_ALL
    logarithmic = numbers[spectrum.LEVEL : spectrum.TWIST + 1]
    np.log10(logarithmic, out=logarithmic)
    logarithmic *= _DECIBELS
    return numbers.round(4)


def _answers(numbers: spectrum.Floats, sound: NDArray[np.int16] | spectrum.Floats) -> list[Phases | None]:
    """What is measured of an answer tone, of each channel."""
    low, high = _ANSWER
    answers: list[Phases | None] = [None] * len(sound)
    if found := [index for index, hz in enumerate(numbers[spectrum.FIRST].tolist()) if low < hz < high]:
        phases = spectrum.answer_phase(sound[found].astype(np.float32)).tolist()
        for index, (first, second) in zip(found, phases, strict=True):
            answers[index] = (first, second)
    return answers


#: What is measured where there is no sound at all.
_NOTHING = _spectra(np.zeros((spectrum.whole_groups(1), spectrum.LONG), np.float32), np.zeros(1, np.float32))


def measure(work: Sequence[tuple[Channel, Frame]]) -> list[Features]:
    """One frame of each of these channels. A channel may be there once only.

    The result does not depend on which channels are measured together; what it costs does: those of one measurer are
    cheapest. Raises ValueError for a frame of wrong size.
    """
    measurers = {channel.measurer for channel, _ in work}
    if len(measurers) == 1:
        return measurers.pop().measure([channel for channel, _ in work], [frame for _, frame in work])
    return [features for channel, frame in work for features in channel.measurer.measure([channel], [frame])]
