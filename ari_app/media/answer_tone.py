"""2100 Hz, the answer tone: a fax if it is plain (CED of T.30, ANS of V.25), a modem if its phase turns over every
450 ms (V.25) or its level swings at 15 Hz (ANSam of V.8).

Decided on all that was heard of it, not frame by frame: a fit of frequency and phase over a second or two finds
reversals through lost packets and a mobile network's codec. On a clean line it is known after a second; where a codec
makes the level flutter it is heard for two, as a swing shows only then.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS

HERTZ, TOLERANCE = 2100, 20
_STEP_MS = FRAME_MS // 2  # of a measured phase
_QUIETEST = -50.0  # dBFS
_BEGIN, _GO_ON = 0.8, 0.5  # purity of a frame
_GAP_FRAMES, _LOST_FRAMES = 6, 25  # that end it: without it, and lost
_THERE = 0.4  # share of its frames in which it must be heard, lost ones not counted
_FIRST_MS, _EVERY_MS = 900, 100  # when it is looked at
_CLEAN_MS, _STEADY_MS, _LAST_MS = 1000, 1600, 2100
_ENDED_MS = 700  # a shorter one may be what is left of something else
_REVERSAL_MS = (380, 520)
_SIDE_MS = 100  # before and after a reversal
_TURNED = 0.75  # share of the signs on its sides
_SWING = 0.09  # of the level; V.8: 0.2
_CLEAR_SWING = 0.12
_CLEAN = 0.95  # share of the samples that is one sine
_CLEAR_OVER_REST, _OVER_REST, _OVER_PHASE = 6.0, 2.2, 2.0
_SWING_HZ = 15.0

_FFT = 1024
_BINS = np.arange(4, 30, 0.25)
_SWINGS = np.exp(-2j * np.pi * np.outer(_BINS, np.arange(1 + _LAST_MS // _STEP_MS)) * _STEP_MS / 1000)
_AT_15 = np.abs(_BINS - _SWING_HZ) <= 0.25
_BESIDE = np.abs(_BINS - _SWING_HZ) > 1.5

Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer tone is. Times are media time in ms."""

    name: Literal["FX", "MD"]
    since: int
    reason: str
    hertz: float
    level: float  # dBFS


class _Swing(NamedTuple):
    """Of a level at 15 Hz, and what else is in it."""

    size: float
    over_rest: float


def _swing(values: NDArray[np.float64], steps: NDArray[np.int64]) -> _Swing:
    power = np.abs(_SWINGS[:, steps] @ (values - values.mean())) * 2 / len(values)
    size = float(power[_AT_15].max())
    return _Swing(size, size / float(np.sqrt((power[_BESIDE] ** 2).mean()) + 1e-9))


def _fit(values: Complex, steps: NDArray[np.int64]) -> tuple[float, float, float]:
    """The sine that the values are: turns a step, phase, and the share of them (0..1) that it is."""
    filled = np.zeros(_FFT, complex)
    filled[steps] = values
    spectrum = np.fft.fft(filled)
    best = int(np.abs(spectrum).argmax())
    share = abs(spectrum[best]) / (np.abs(values).sum() + 1e-9)
    return (best if best < _FFT // 2 else best - _FFT) / _FFT, float(np.angle(spectrum[best])), float(share)


def _reversals(phases: Complex, steps: NDArray[np.int64]) -> list[int]:
    """The steps at which the phase turns over. Squared, a phase has no reversals: its sine is that without them."""
    turns, phase, _ = _fit(phases**2 / (np.abs(phases) + 1e-9), steps)
    signs = np.zeros(int(steps[-1]) + 1)
    signs[steps] = np.sign((phases * np.exp(-1j * (np.pi * turns * steps + phase / 2))).real)
    side = _SIDE_MS // _STEP_MS
    sums, there = (np.concatenate([[0.0], np.cumsum(row)]) for row in (signs, np.abs(signs)))
    middle = np.arange(side, len(signs) - side + 1)
    before, after = (sums[middle] - sums[middle - side]), (sums[middle + side] - sums[middle])
    few, more = (there[middle] - there[middle - side]), (there[middle + side] - there[middle])
    turned = np.where(np.minimum(few, more) >= side / 2, np.abs(after - before) / (few + more + 1e-9), 0)
    found: list[int] = []
    for index in np.argsort(-turned, kind="stable"):
        if turned[index] < _TURNED:
            break
        if all(abs(int(middle[index]) - other) > side for other in found):
            found.append(int(middle[index]))
    return sorted(found)


class AnswerTone:
    """Looks for the answer tone on one call. Its memory is two seconds of it."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._start = -1  # of the tone that goes on
        self._steps: list[int] = []
        self._phases: list[complex] = []
        self._level = 0.0
        self._frames = self._missing = self._lost = self._lost_in_a_row = 0
        self._told = False

    def hear(self, frame: Features) -> Answer | None:
        """What it is, once, with the frame by which it is known."""
        if frame.lost:
            self._lost, self._lost_in_a_row = self._lost + 1, self._lost_in_a_row + 1
            return self._end() if self._start >= 0 and self._lost_in_a_row > _LOST_FRAMES else None
        self._lost_in_a_row = 0
        purest = _GO_ON if self._start >= 0 else _BEGIN
        if frame.answer is None or frame.level < _QUIETEST or frame.purity < purest:
            self._missing += 1
            return self._end() if self._start >= 0 and self._missing >= _GAP_FRAMES else None
        if self._start < 0:
            self._forget()
            self._start = frame.at
        self._missing = 0
        self._frames += 1
        self._level += (frame.level - self._level) / self._frames
        # The first frame holds the beginning; no more than is decided on is kept.
        step = (frame.at - self._start) // _STEP_MS
        if 0 < step < _LAST_MS // _STEP_MS:
            self._steps += [step, step + 1]
            self._phases += frame.answer
        span = frame.at + FRAME_MS - self._start
        if self._told or span < _FIRST_MS or span % _EVERY_MS:
            return None
        return self._look(span)

    def _end(self) -> Answer | None:
        span = self._steps[-1] * _STEP_MS if self._steps else 0
        found = None
        if not self._told and span >= _ENDED_MS and self._is_there(span):
            steps, phases = np.array(self._steps), np.array(self._phases)
            turned = bool(_reversals(phases, steps))
            found = self._answer("MD" if turned else "FX", "answer tone of 2100 Hz that ended", phases, steps)
        self._forget()
        return found

    def _is_there(self, span: int) -> bool:
        return self._frames >= _THERE * (span // FRAME_MS - self._lost)

    def _look(self, span: int) -> Answer | None:
        if not self._is_there(span):
            self._forget()
            return None
        steps, phases = np.array(self._steps), np.array(self._phases)
        turns, phase, share = _fit(phases, steps)
        still = phases * np.exp(-1j * (2 * np.pi * turns * steps + phase)) / np.median(np.abs(phases))
        swing = _swing(np.abs(still), steps)
        reversals = _reversals(phases, steps)
        gaps = [(later - earlier) * _STEP_MS for earlier, later in itertools.pairwise(reversals)]
        if any(_REVERSAL_MS[0] <= gap <= _REVERSAL_MS[1] for gap in gaps):
            return self._answer("MD", "phase reversals of 2100 Hz", phases, steps)
        whole = self._frames >= 0.9 * span / FRAME_MS
        clear = whole and swing.size > _CLEAR_SWING and swing.over_rest > _CLEAR_OVER_REST
        # In a codec's flutter the swing is in the level, and less so in the phase.
        late = span >= _LAST_MS - _EVERY_MS and swing.size > _SWING and swing.over_rest > _OVER_REST
        if clear or (late and self._is_of_level(still, steps)):
            return self._answer("MD", "15 Hz in the level of 2100 Hz", phases, steps)
        steady = swing.size < _SWING / 2 and not reversals
        clean = steady and share > _CLEAN and whole
        wanted = _CLEAN_MS if clean else _STEADY_MS if steady else _LAST_MS
        return self._answer("FX", "plain answer tone of 2100 Hz", phases, steps) if span >= wanted else None

    @staticmethod
    def _is_of_level(still: Complex, steps: NDArray[np.int64]) -> bool:
        return _swing(still.real, steps).size > _OVER_PHASE * _swing(still.imag, steps).size

    def _answer(self, name: Literal["FX", "MD"], reason: str, phases: Complex, steps: NDArray[np.int64]) -> Answer:
        self._told = True
        turns, _, _ = _fit(phases**2 / (np.abs(phases) + 1e-9), steps)
        return Answer(name, self._start, reason, HERTZ + turns / 2 * 1000 / _STEP_MS, self._level)
