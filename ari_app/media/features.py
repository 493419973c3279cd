"""From audio to features: what is kept of each 20 ms of a call, for any number of calls at once.

Everything after this works on features alone. Recorded, they replay a decision exactly, in a hundredth of the audio's
size and without a word of what was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import repeat
from typing import NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ari_app.media import spectrum
from ari_app.media.compiled import built
from ari_app.media.frames import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES, Frame
from ari_app.media.vad import Vad, WebRtcVad

#: Level of nothing at all, in dBFS. 0 dBFS is a sine of full scale.
NOTHING = -100.0


class Features(NamedTuple):
    """20 ms of one call."""

    at: int  # media time at which the frame begins, in ms
    lost: bool = False  # then nothing below is known
    level: float = NOTHING  # dBFS, without the line's offset
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


_Samples = NDArray[np.int16]
Phases = tuple[complex, complex]


class Compiled(Protocol):
    """_measure.c."""

    def measure(self, past: _Samples, slots: NDArray[np.int64], frames: bytes, out: spectrum.Floats) -> None:
        """Measure a frame of each of these slots, which becomes part of its past. `out`: the rows of spectrum.py, as
        float32. Raises ValueError unless there is a slot of `past`, a frame and a column of `out` for each."""

    def tell(
        self,
        kind: type[Features],
        times: NDArray[np.int64],
        frames: tuple[Frame, ...],
        voiced: tuple[bool, ...],
        answers: tuple[Phases | None, ...],
        numbers: spectrum.Floats,
    ) -> list[Features]:
        """The features of these frames, of what was measured. Raises ValueError unless there are as many of each."""


#: What spectrum.py measures, in a quarter of the time; None: it was not built, and numpy measures.
compiled: Compiled | None = built("ari_app.media._measure")


class Channel:
    """One call's place in the measuring: its voice activity detector, its time, and where its past is kept."""

    __slots__ = ("measurer", "slot", "vad")

    def __init__(self, vad: Vad | None = None, measurer: Measurer | None = None) -> None:
        """`measurer`: of those that are measured together; without it this one is measured alone."""
        self.vad: Vad = vad or WebRtcVad()
        self.measurer = Measurer() if measurer is None else measurer
        self.slot = self.measurer.join()

    @property
    def at(self) -> int:
        """Media time of the next frame, in ms; until it leaves its measurer."""
        return self.measurer.time(self.slot)


class Measurer:
    """Measures any number of channels together. The last 44 ms of all are in one array, a row each."""

    def __init__(self) -> None:
        self._past: _Samples = np.zeros((1, _PAST), np.int16)
        #: media time in ms
        self._at = np.zeros(1, np.int64)
        #: frames without a sound that were the last ones; up to _STILL
        self._still = np.zeros(1, np.intp)
        self._free: list[int] = []
        self._used = 0

    def join(self) -> int:
        """The slot of another channel."""
        if not self._free:
            if self._used == len(self._past):
                self._past = np.concatenate([self._past, np.zeros_like(self._past)])
                self._at = np.concatenate([self._at, np.zeros_like(self._at)])
                self._still = np.concatenate([self._still, np.zeros_like(self._still)])
            self._free.append(self._used)
            self._used += 1
        slot = self._free.pop()
        self._past[slot] = 0
        self._at[slot] = 0
        self._still[slot] = _STILL
        return slot

    def time(self, slot: int) -> int:
        """Media time of the next frame of a slot, in ms."""
        return int(self._at[slot])

    def leave(self, channel: Channel) -> None:
        """It is measured no more. Call it once."""
        self._free.append(channel.slot)

    def measure(self, channels: Sequence[Channel], frames: Sequence[Frame]) -> list[Features]:
        """One frame of each of these channels, which are of this measurer, and each there once.

        Raises ValueError for a frame of wrong size.
        """
        there = [frame for frame in frames if frame is not None] if None in frames else cast("Sequence[bytes]", frames)
        if wrong := {*map(len, there)} - {FRAME_BYTES}:
            raise ValueError(f"frame: {FRAME_BYTES} bytes are 20 ms, not {wrong.pop()}")
        found: list[Features] = []
        blocks = -(-len(frames) // _BLOCK) if compiled is None else 1
        size = -(-len(frames) // max(1, blocks))
        for start in range(0, len(frames), max(1, size)):
            found += self._measure(channels[start : start + size], frames[start : start + size])
        return found

    def _measure(self, channels: Sequence[Channel], frames: Sequence[Frame]) -> list[Features]:
        slots = np.array([channel.slot for channel in channels], np.int64)
        times = self._at[slots]
        self._at[slots] += FRAME_MS
        numbers, answers = self._numbers(slots, frames)
        voiced = [
            frame is not None and channel.vad.is_speech(frame) for channel, frame in zip(channels, frames, strict=True)
        ]
        if compiled is not None:
            return compiled.tell(Features, times, tuple(frames), tuple(voiced), tuple(answers), numbers)
        level, twist, energy, first, second, purity, pair, fsk, ring, busy = numbers.tolist()
        some_lost = None in frames
        lost = [frame is None for frame in frames] if some_lost else repeat(False, len(voiced))
        rows = zip(
            times.tolist(), lost, level, energy, voiced, first, second, purity, pair, twist, fsk, ring, busy, answers,
            strict=True,
        )  # fmt: skip
        found: list[Features] = list(map(_new, rows))
        return [Features(one.at, lost=True) if one.lost else one for one in found] if some_lost else found

    def _numbers(
        self, slots: NDArray[np.int64], frames: Sequence[Frame]
    ) -> tuple[spectrum.Floats, Sequence[Phases | None]]:
        """What is a number in the features, in the rows of spectrum.py; and the answer tone."""
        count = len(slots)
        data = b"".join([frame or _SILENCE for frame in frames])
        sound = np.frombuffer(data, "<i2").reshape(count, FRAME_SAMPLES)
        if compiled is not None:
            numbers = np.empty((spectrum.ROWS, count), np.float32)
            compiled.measure(self._past, slots, data, numbers)
            return numbers, _answers(numbers, sound)
        windows = self._windows_of(slots, sound)
        energy = spectrum.magnitude(windows[:, _PAST:], count)
        if energy.all():
            self._still[slots] = 0
            numbers = _spectra(windows, energy)
            return numbers, _answers(numbers, sound)
        still = self._still[slots] = np.where(energy == 0, np.minimum(self._still[slots] + 1, _STILL), 0)
        numbers = np.repeat(_NOTHING, count, axis=1)
        if len(heard := np.flatnonzero(still < _STILL)):
            some = _windows(len(heard))
            some[: len(heard)] = windows[heard]
            numbers[:, heard] = _spectra(some, energy[heard])
        return numbers, _answers(numbers, sound)

    def _windows_of(self, slots: NDArray[np.int64], sound: _Samples) -> spectrum.Floats:
        """The past of these channels and these frames, which are past from now on."""
        count = len(slots)
        windows = _windows(count)
        past = np.concatenate([self._past[slots], sound], axis=1)
        windows[:count] = past
        self._past[slots] = past[:, FRAME_SAMPLES:]
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
    numbers[spectrum.LEVEL] = spectrum.amplitude(windows[:count, _PAST:])
    spectrum.progress(windows, numbers)
    spectrum.peaks(windows[:count, -spectrum.SHORT :], numbers)
    numbers[spectrum.LEVEL] += _NOTHING_AT_ALL
    logarithmic = numbers[spectrum.LEVEL : spectrum.TWIST + 1]
    np.log10(logarithmic, out=logarithmic)
    logarithmic *= _DECIBELS
    return numbers.round(4)


def _answers(numbers: spectrum.Floats, sound: _Samples) -> Sequence[Phases | None]:
    """What is measured of an answer tone, of each channel."""
    low, high = _ANSWER
    first = numbers[spectrum.FIRST]
    found = np.flatnonzero((low < first) & (first < high))
    if not len(found):
        return (None,) * len(sound)
    answers: list[Phases | None] = [None] * len(sound)
    phases = spectrum.answer_phase(sound[found].astype(np.float32)).tolist()
    for index, (one, other) in zip(found.tolist(), phases, strict=True):
        answers[index] = (one, other)
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
