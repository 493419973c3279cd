"""The silence that proves a beep: after a beep a machine listens, after a note the music goes on."""

from __future__ import annotations

from ari_app.media.features import NOTHING, Features
from ari_app.media.frames import FRAME_MS
from ari_app.media.tones import Tone

_FALL = 12.0  # dB: so much fainter than the tone is silence
_WITHIN = 500  # ms after the tone, within which the silence begins
#: A beep is cut off: from this near to its level, in dB, it is gone within so many frames, a codec's echo included.
_STILL_LOUD, _CUT_OFF = 4.0, 2
#: A share of the silence that may be lost: more, and nobody knows whether it was one.
_LOST = 1 / 3


class Proof:
    """Waits for the silence after one tone, which may go on still."""

    def __init__(self) -> None:
        self.tone: Tone | None = None  # the one that is waited for
        self._frames = 0  # of silence that are wanted
        self._quiet = self._lost = 0  # frames of the silence so far, and those of them that were lost
        self._level = NOTHING  # dBFS: its mean where that was highest
        self._falling = 0  # frames since it was as loud
        self._refused = -1  # since when the tone is there that died away: what is left of it is no other one

    def want(self, tone: Tone, frames: int) -> None:
        """So many frames of silence after this tone, as it is so far. One that dies away is a note."""
        if tone.start == self._refused:
            return
        if self.tone is None or self.tone.start != tone.start:
            self._level, self._falling = tone.level, 0
        # A tone that dies away takes its mean with it.
        self._level = max(self._level, tone.level)
        self.tone, self._frames = tone, frames
        self._quiet = self._lost = 0

    def drop(self) -> None:
        """The tone is no beep."""
        self.tone = None

    def hear(self, frame: Features, now: int) -> Tone | None:
        """The tone, with the frame that proves it. now: the frame's end, ms of media time."""
        tone = self.tone
        if tone is None:
            return None
        if now - tone.end > _WITHIN + self._frames * FRAME_MS:
            self.tone = None
        if frame.lost:
            # Silence goes on in what is lost, and begins in nothing of it.
            self._quiet += self._quiet > 0
            self._lost += self._quiet > 0
            return None
        if frame.level >= self._level - _FALL:
            self._quiet = self._lost = 0
            self._falling = 0 if frame.level >= self._level - _STILL_LOUD else self._falling + 1
            return None
        if not self._quiet and self._falling >= _CUT_OFF:
            self.tone, self._refused = None, tone.start
            return None
        self._quiet += 1
        if self._quiet < self._frames or self._lost > _LOST * self._quiet:
            return None
        self.tone = None
        return tone
