"""Tones in the features of one call: where one begins and ends, at which frequencies, how loud, how steady.

A tone is one sine or two that keep their frequency and level. What a tone means (a beep, a fax, a digit) is decided
by signals.py, from the runs found here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS

#: Share of the power that one sine, or two, must have. Speech reaches it in single frames only.
PURITY = 0.90
#: And where one goes on as near to its frequency, in Hz, and to its level, in dB: noise and codecs take from it.
_STILL_PURE, _STILL_NEAR, _STILL_STEADY = 0.80, 4.0, 1.5
#: Below this nothing is a tone: the fundamental of a voice may be pure for a while.
_LOWEST_HZ = 350.0
_QUIETEST = -50.0  # dBFS
_DRIFT = 6.0  # Hz from the tone so far; 8-bit coding and noise move a measured sine by less
#: From a tone that has lasted so many frames, a mobile network's codec lets the measured frequency wander further.
_WANDERING_FRAMES = 7
_WANDER = 25.0  # Hz
#: Two tones that were there for so many frames are two, even if one of them is hidden for a frame.
_PAIR_FRAMES = 3
_STEADY = 3.0  # dB from the tone so far
#: From here on the codec moves a tone much further, and no voice is a pure tone for even a few frames.
_HIGH_HZ, _HIGH_DRIFT, _HIGH_STEADY = 1200.0, 15.0, 6.0
#: Frames that may be lost or spoilt in a tone: three lost ones, and the next, whose window they spoil. More end it.
_GAP = 4
#: And so many where nothing else was heard between: five packets, and what they spoil.
_BURST = 6
#: So many frames that are so much fainter, in dB, end it at once: a digit that is pressed again is two tones.
_QUIET = 2
_FALL = 15.0
#: A tone's frames from here on are no speech.
_TONAL_FRAMES = 2
#: Share of a tone's frames that must be there and steady in level.
_STEADY_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Tone:
    """A tone so far, or all of it. Times are media time in ms, frequencies in Hz."""

    start: int
    end: int  # the end of its last frame
    first: float  # the lower frequency
    second: float | None  # the higher one of a dual tone
    level: float  # dBFS
    frames: int  # those in which it was heard
    steady: int  # those of them that were as loud as the rest
    lost: int = 0  # frames of it that were lost, or spoilt by a loss

    @property
    def duration(self) -> int:
        """In ms."""
        return self.end - self.start

    @property
    def is_steady(self) -> bool:
        """Whether it keeps its level and is there nearly all the time, as no voice and few instruments do."""
        return self.steady * FRAME_MS >= _STEADY_SHARE * (self.duration - self.lost * FRAME_MS)

    def matches(self, hz: float, tolerance: float) -> bool:
        """Whether it is the single tone of this frequency, give or take."""
        return self.second is None and abs(self.first - hz) <= tolerance

    def pairs(self, low: float, high: float, tolerance: float) -> bool:
        """Whether it is the dual tone of these frequencies, give or take."""
        return self.second is not None and abs(self.first - low) <= tolerance and abs(self.second - high) <= tolerance


def _heard(frame: Features) -> tuple[float, float | None] | None:
    """The frequencies of a frame that is all tone."""
    if frame.level < _QUIETEST or frame.lost:
        return None
    if frame.purity >= PURITY and frame.first >= _LOWEST_HZ:
        return frame.first, None
    low, high = sorted((frame.first, frame.second))
    if frame.pair >= PURITY and frame.twist <= 12 and low >= _LOWEST_HZ:
        return low, high
    return None


def _goes_on(tone: Tone, frame: Features) -> bool:
    """Whether a frame that is no tone by itself is one of this one."""
    if tone.second is not None or tone.frames <= _TONAL_FRAMES or frame.lost or frame.purity < _STILL_PURE:
        return False
    return abs(frame.first - tone.first) <= _STILL_NEAR and abs(frame.level - tone.level) <= _STILL_STEADY


def _same(tone: Tone, heard: tuple[float, float | None]) -> bool:
    low, high = heard
    drift = _HIGH_DRIFT if tone.first >= _HIGH_HZ else _DRIFT
    limit = _WANDER if tone.frames >= _WANDERING_FRAMES else drift
    if tone.second is not None and high is None:  # one of the two is so much louder in this frame
        return tone.frames >= _PAIR_FRAMES and min(abs(tone.first - low), abs(tone.second - low)) <= limit
    if abs(tone.first - low) > limit or (tone.second is None) != (high is None):
        return False
    return high is None or tone.second is None or abs(tone.second - high) <= limit


class ToneTracker:
    """Follows the tones of one call, one at a time. Its memory is two tones."""

    def __init__(self) -> None:
        self.tone: Tone | None = None  # the one that goes on
        self._missing = 0  # frames since the last one of the tone
        self._quiet = 0  # those of them that were silent
        self._lost = 0  # those of them that were lost, or spoilt by a loss
        self._other: Tone | None = None  # another tone that may have begun

    @property
    def tonal(self) -> bool:
        """Whether the frame that was heard last belongs to a tone."""
        return self.tone is not None and self.tone.frames >= _TONAL_FRAMES

    def hear(self, frame: Features) -> Tone | None:
        """The tone that has ended with this frame, if one has. `tone` is the one that goes on or begins."""
        heard = _heard(frame)
        if heard is None and self.tone is not None and _goes_on(self.tone, frame):
            heard = frame.first, None
        if self.tone is not None and heard is not None and _same(self.tone, heard):
            self.tone = self._longer(replace(self.tone, lost=self.tone.lost + self._lost), frame, heard)
            self._missing, self._quiet, self._lost, self._other = 0, 0, 0, None
            return None
        fresh = heard and Tone(frame.at, frame.at + FRAME_MS, heard[0], heard[1], frame.level, 1, 1)
        if self.tone is None:
            self.tone = fresh
            return None
        self._missing += 1
        # The frame after a lost one has it in its window.
        self._lost += frame.lost or (0 < self._lost == self._missing - 1)
        self._quiet += not frame.lost and frame.level < self.tone.level - _FALL
        another = self._other is not None and heard is not None and _same(self._other, heard)
        limit = _BURST if self._lost == self._missing else _GAP
        if self.tone.frames > 1 and self._missing <= limit and self._quiet < _QUIET and not another:
            # One frame that is not of the tone may be spoilt; the next will tell.
            self._other = fresh
            return None
        ended = self.tone
        self.tone = fresh
        if another and self._other is not None and heard is not None:
            self.tone = self._longer(self._other, frame, heard)
        self._missing, self._quiet, self._lost, self._other = 0, 0, 0, None
        return ended if ended.frames > 1 else None

    def _longer(self, tone: Tone, frame: Features, heard: tuple[float, float | None]) -> Tone:
        # The first frame holds the tone's beginning: fainter, and beside its pitch. The second one corrects it.
        weight = 1 / min(tone.frames, 25)
        alone = tone.second is not None and heard[1] is None
        steady = abs(frame.level - tone.level) <= (_HIGH_STEADY if tone.first >= _HIGH_HZ else _STEADY)
        level = tone.level + (frame.level - tone.level) * weight
        return replace(
            tone,
            end=frame.at + FRAME_MS,
            first=tone.first if alone else tone.first + (heard[0] - tone.first) * weight,
            second=tone.second
            if tone.second is None or heard[1] is None
            else tone.second + (heard[1] - tone.second) * weight,
            level=level,
            frames=tone.frames + 1,
            steady=tone.steady + (steady or tone.frames == 1),
        )
