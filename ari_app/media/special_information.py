"""Special information tones: three tones in turn, each higher, that say why a call failed.

Of E.180 (950, 1400, 1800 Hz, 330 ms each, within 50 Hz) and of North America (913.8 or 985.2, 1370.6 or 1428.5, 1776.7
Hz, 274 or 380 ms). Followed by their bands, not by their exact pitch: a packet that is lost, a codec, or music in the
background breaks a tone, but not its place among the three. The first, or some of it, may be missing where the sound
begins with it: the call was answered late, or the recording cut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS

BANDS = ((880, 1010), (1320, 1480), (1720, 1860))  # Hz
_QUIETEST = -50.0  # dBFS
_PURITY = 0.6
_SHORTEST, _LONGEST = 180, 480  # ms: of a tone
_KNOWN = 120  # ms: so much of the third
#: The same where the first is not there: two tones are not as sure as three.
_KNOWN_OF_TWO = 240
_AT_ONCE = 60  # ms: before it nothing was heard but the end of the tone before
_GAP = 120  # ms without any of them, lost frames not counted
_FEW = 3  # frames: fewer are no tone
_THERE = 0.5  # share of a tone's frames


@dataclass(frozen=True, slots=True)
class _Run:
    band: int
    start: int
    end: int
    frames: int
    lost: int
    hertz: float
    level: float

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Tones:
    """The three. Times are media time in ms."""

    since: int
    hertz: tuple[float, ...]
    level: float  # dBFS


class SpecialInformation:
    """Looks for them on one call. Its memory is three tones."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self._lost = 0  # frames since the last one that was in a band
        self._told = False
        self._begun: int | None = None  # when anything was heard first

    def hear(self, frame: Features) -> Tones | None:
        """The tones, once, with the frame by which they are known."""
        if frame.lost:
            self._lost += 1
            return None
        if self._begun is None and frame.level >= _QUIETEST:
            self._begun = frame.at
        band = self._band(frame)
        if band is None:
            if self._runs and frame.at - self._runs[-1].end > _GAP + self._lost * FRAME_MS:
                self._runs, self._told = [], False
            return None
        self._follow(band, frame)
        self._lost = 0
        return self._complete()

    @staticmethod
    def _band(frame: Features) -> int | None:
        if frame.level < _QUIETEST or frame.purity < _PURITY:
            return None
        for band, (low, high) in enumerate(BANDS):
            if low <= frame.first <= high:
                return band
        return None

    def _follow(self, band: int, frame: Features) -> None:
        end = frame.at + FRAME_MS
        for index in range(len(self._runs) - 1, -1, -1):
            run = self._runs[index]
            if run.band == band:
                del self._runs[index + 1 :]
                hertz = run.hertz + (frame.first - run.hertz) / (run.frames + 1)
                level = run.level + (frame.level - run.level) / (run.frames + 1)
                lost = run.lost + self._lost
                self._runs[index] = replace(run, end=end, frames=run.frames + 1, lost=lost, hertz=hertz, level=level)
                return
            if run.frames >= _FEW:
                break
        self._runs = [*self._runs[-2:], _Run(band, frame.at, end, 1, 0, frame.first, frame.level)]
        self._told = False

    def _complete(self) -> Tones | None:
        runs = [run for run in self._runs if run.frames >= _FEW]
        if self._told or len(runs) < 2 or runs[-1].band != 2:
            return None
        # Of what was there when the sound began, nobody knows how long it was.
        cut = self._begun is not None and runs[0].start <= self._begun + _AT_ONCE
        bands = [run.band for run in runs]
        if bands != [0, 1, 2] and not (cut and bands == [1, 2]):
            return None
        if runs[-1].length < (_KNOWN if len(runs) == 3 else _KNOWN_OF_TWO):
            return None
        if not all(
            (run.length >= _SHORTEST or (cut and run is runs[0])) and run.length <= _LONGEST for run in runs[:-1]
        ):
            return None
        if not all(run.frames >= _THERE * (run.length / FRAME_MS - run.lost) for run in runs):
            return None
        self._told = True
        return Tones(runs[0].start, tuple(round(run.hertz, 1) for run in runs), max(run.level for run in runs))
