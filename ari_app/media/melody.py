"""Notes: tones of several pitches one after the other. A beep is one tone, or some of one pitch.

A recorder, a whistle or an electronic tune makes tones that are as pure and as steady as a beep is. What tells them
apart is what was heard in the seconds before: other tones, as loud, at other pitches.
"""

from __future__ import annotations

from collections import deque

from ari_app.media.tones import Tone

#: ms for which a note is remembered: longer than the rests of a tune.
MEMORY_MS = 12_000
_NOTES = 16  # that are remembered
#: A shorter tone may be a vowel's, or what is left of one that a lost packet broke.
_SHORTEST = 100  # ms
#: Pitches nearer to each other are the same: half a semitone.
_SAME = 0.03
#: Fainter than a tone by this, in dB, is music behind the voice.
_FAINTER = 9.0


class Melody:
    """The notes of one call. Its memory is _NOTES tones."""

    def __init__(self) -> None:
        self._notes: deque[Tone] = deque(maxlen=_NOTES)

    def hear(self, ended: Tone) -> None:
        """A tone that is over."""
        if ended.duration >= _SHORTEST and ended.is_steady:
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
