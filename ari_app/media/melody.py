"""Notes: tones of several pitches one after the other. A beep is one tone, or some of one pitch.

A recorder, a whistle or an electronic tune makes tones that are as pure and as steady as a beep is. What tells them
apart is what was heard in the seconds before: other tones, as loud, at other pitches.
"""

from __future__ import annotations

from collections import deque

from ari_app.media.features import NOTHING, Features
from ari_app.media.tones import PURITY, Tone

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
#: So many frames in a row fainter, and that many dB below its loudest one, within so many ms: the tone fades.
_FALLS, _DECAY, _DECAY_MS = 3, 1.2, 200
_BESIDE = 0.2  # share of a pitch: nearer than this a codec makes something of its own


class Timbre:
    """Whether the tone that goes on is a sine alone, as beeps are, or has company, as notes of instruments have: an
    overtone in most of its frames, or another note that stands still beneath it."""

    def __init__(self) -> None:
        self._start = -1
        self._frames = self._company = 0
        self._second = 0.0
        self._loudest, self._before = NOTHING, 0.0  # dBFS: of its frames, and of the last one
        self._falls = 0  # frames, each fainter than the one before
        self.decays = False  # it is struck or plucked, and fades: a beep keeps its level

    def hear(self, frame: Features, tone: Tone) -> bool:
        """The next frame of that tone. Whether it has company so far."""
        if tone.start != self._start:
            self._start, self._frames, self._company, self._second = tone.start, 0, 0, 0.0
            self._loudest, self._before, self._falls, self.decays = NOTHING, 0.0, 0, False
        if not frame.lost and frame.purity >= PURITY and tone.duration <= _DECAY_MS:
            self._loudest = max(self._loudest, frame.level)
            self._falls = self._falls + 1 if frame.level < self._before else 0
            self.decays |= self._falls >= _FALLS and frame.level < self._loudest - _DECAY
            self._before = frame.level
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
    def _has_company(self) -> bool:
        return 2 * self._company > self._frames
