"""Notes: tones of several pitches one after the other. A beep is one tone, or some of one pitch.

A recorder, a whistle or an electronic tune makes tones that are as pure and as steady as a beep is. What tells them
apart is what was heard in the seconds before: other tones, as loud, at other pitches.
"""

from __future__ import annotations

from collections import deque
from math import sqrt

from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS
from ari_app.media.tones import Tone

#: ms for which a note is remembered: longer than the rests of a tune.
MEMORY_MS = 12_000
_NOTES = 16  # that are remembered
#: A shorter tone may be a vowel's, or what is left of one that a lost packet broke.
_SHORTEST = 100  # ms
#: Hz, of one frequency and of two: what the network plays before the answer may be heard yet, and is no music.
_RINGING = (515.0, 640.0)
#: Pitches nearer to each other are the same: half a semitone.
_SAME = 0.03
#: Fainter than a tone by this, in dB, is music behind the voice.
_FAINTER = 12.0


class Melody:
    """The notes of one call. Its memory is _NOTES tones."""

    def __init__(self) -> None:
        self._notes: deque[Tone] = deque(maxlen=_NOTES)

    def hear(self, ended: Tone, *, spoken: bool) -> None:
        """A tone that is over. spoken: a voice was heard before it; else it may be the network's ringback."""
        ringing = ended.first <= _RINGING[0] and (ended.second is None or ended.second <= _RINGING[1])
        if ended.duration >= _SHORTEST and (spoken or not ringing):
            self._notes.append(ended)

    def is_going_on(self, tone: Tone) -> bool:
        """Whether there was a note shortly before this tone, of whatever pitch, and as loud."""
        return any(
            note.start < tone.start and tone.start - note.end <= MEMORY_MS and note.level >= tone.level - _FAINTER
            for note in self._notes
        )

    def others(self, tone: Tone) -> int:
        """How many other pitches there were shortly before this tone, and as loud."""
        pitches: list[float] = [tone.first] if tone.second is None else [tone.first, tone.second]
        own = len(pitches)
        for note in self._notes:
            if note.start >= tone.start or tone.start - note.end > MEMORY_MS or note.level < tone.level - _FAINTER:
                continue
            if all(abs(note.first - pitch) > _SAME * pitch for pitch in pitches):
                pitches.append(note.first)
        return len(pitches) - own


#: An overtone, or another note, is no more than so much fainter than the tone, in dB: a codec's distortion is fainter.
_OVERTONE, _OTHER_NOTE = 26.0, 16.0
_OVERTONES = (2, 3)
_EXACT = 0.02  # share of a pitch
_STILL = 12.0  # Hz from frame to frame
_HUM = 200.0  # Hz: what stands still below it may be the mains
#: dB a second: a level that falls faster is that of a note that was struck. GSM's codec lets a beep's sway by 20.
_STRUCK = 28.0
#: Where the level is no further than this, in dB, from a straight line, and the pitch, in Hz, no codec has made a slope
#: of it that is greater, in dB a second.
_CLEAN_LEVEL, _CLEAN_HZ, _SLOPE = 0.12, 0.4, 2.5
#: A level that is further, in dB, from a straight line than nine of ten beeps' are, or a steeper line, in dB a second,
#: is a note's, or one that a mobile network's codec has made of a beep; a still steeper one hardly ever the codec's.
_SWAYS, _LEANS, _STEEP = 0.2, 4.0, 16.0
#: A pitch that moves along a line faster than this, in Hz a second, glides: no codec does that.
_GLIDES = 15.0
#: ms from a tone's beginning that say how it goes on.
_SHAPE_MS = 240
_BESIDE = 0.2  # share of a pitch: nearer than this a codec makes something of its own


class Timbre:
    """What the tone that goes on sounds like: whether it is a sine alone, as beeps are, or has company, as notes of
    instruments have (an overtone in most of its frames, or another note that stands still beneath it); and whether it
    keeps its level, as beeps do, or fades, as what is struck or plucked does."""

    def __init__(self) -> None:
        self._start = -1
        self._frames = self._company = 0
        self._second = 0.0
        self._level = Line()
        self._hertz = Line()

    def hear(self, frame: Features, tone: Tone) -> bool:
        """The next frame of that tone. Whether it has company so far."""
        if tone.start != self._start:
            self._start, self._frames, self._company, self._second = tone.start, 0, 0, 0.0
            self._level, self._hertz = Line(), Line()
        elif not frame.lost and tone.end > frame.at and tone.duration <= _SHAPE_MS:
            # The first frame holds the tone's beginning, and so does the window of the second one.
            self._level.add(frame.at / 1000, frame.level)
            if tone.duration > 2 * FRAME_MS:
                self._hertz.add(frame.at / 1000, frame.first)
        if frame.lost or abs(frame.first - tone.first) > _SAME * tone.first:
            return self._has_company
        self._frames += 1
        ratio = frame.second / frame.first
        overtone = frame.twist <= _OVERTONE and any(abs(ratio - n) <= _EXACT for n in _OVERTONES)
        still = frame.second >= _HUM and abs(frame.second - self._second) <= _STILL and abs(ratio - 1) > _BESIDE
        self._company += overtone or (still and frame.twist <= _OTHER_NOTE)
        self._second = frame.second
        return self._has_company

    @property
    def is_struck(self) -> bool:
        """Whether it fades faster than any codec lets a steady tone sway."""
        return self._level.slope < -_STRUCK

    @property
    def is_level(self) -> bool:
        """Whether it keeps its level, be it roughly."""
        return self._level.apart <= _SWAYS and abs(self._level.slope) <= _LEANS

    @property
    def is_steep(self) -> bool:
        """Whether it fades or swells faster than most codecs let a steady tone sway."""
        return abs(self._level.slope) > _STEEP

    @property
    def glides(self) -> bool:
        """Whether its pitch is on the way to another, as in a vibrato."""
        return self._hertz.apart <= _CLEAN_HZ and abs(self._hertz.slope) > _GLIDES

    @property
    def is_flat(self) -> bool:
        """Whether level and pitch stand still."""
        return self._is_clean and abs(self._level.slope) <= _SLOPE

    @property
    def slopes(self) -> bool:
        """Whether it fades or swells where nothing else sways: on a line that is clean, and not by the codec."""
        return self._is_clean and abs(self._level.slope) > _SLOPE

    @property
    def _is_clean(self) -> bool:
        return self._level.apart <= _CLEAN_LEVEL and self._hertz.apart <= _CLEAN_HZ

    @property
    def _has_company(self) -> bool:
        return 2 * self._company > self._frames


class Line:
    """The straight line through points, as they come: its slope, and how far they are from it."""

    __slots__ = ("_count", "_x", "_xx", "_xy", "_y", "_yy")

    def __init__(self) -> None:
        self._count = 0
        self._x = self._y = 0.0  # means
        self._xx = self._xy = self._yy = 0.0  # sums of products of what is beside them

    def add(self, x: float, y: float) -> None:
        self._count += 1
        x_off, y_off = x - self._x, y - self._y
        self._x += x_off / self._count
        self._y += y_off / self._count
        self._xx += x_off * (x - self._x)
        self._xy += x_off * (y - self._y)
        self._yy += y_off * (y - self._y)

    @property
    def slope(self) -> float:
        """Of three points and more; else 0."""
        return self._xy / self._xx if self._count > 2 else 0.0

    @property
    def apart(self) -> float:
        """The standard deviation from the line; of less than three points 0."""
        if self._count <= 2:
            return 0.0
        return sqrt(max(0.0, self._yy - self._xy * self._xy / self._xx) / self._count)
