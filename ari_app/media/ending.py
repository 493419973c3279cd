"""When speech ended, told by the silence that follows it.

The gate hears the end of speech late, as its detector and its smoothing hold on, or early: a faint last consonant
("message", "yes") is no speech to it. Once there has been silence for a while its level is known, and the end is where
the sound before fell to it.
"""

from __future__ import annotations

from collections import deque
from statistics import median

from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS

#: Silence of so many ms tells.
SETTLED_MS = 320
#: So many of its last frames tell its level, and what is quieter than this, in dBFS, is nothing on any line.
_LEVEL_FRAMES, _NOTHING = 8, -65.0
#: The end of speech is so much louder, in dB, and no more than this below the voice: a codec rings on, fainter.
_ABOVE, _BELOW_VOICE = 8.0, 30.0
#: Frames before and after the gate's end among which the end is: a gate holds on for 80 ms, a faint end lasts 160 ms.
_EARLIER, _LATER = 4, 8
_KEPT = 40  # frames: with a tone or some loss in it, silence of SETTLED_MS takes so many


class SpeechEnd:
    """Follows the pauses of one call. Its memory is _KEPT levels."""

    def __init__(self) -> None:
        self._levels: deque[float | None] = deque(maxlen=_KEPT)  # dBFS; None: lost
        self._since = 0  # frames since the gate's last speech
        self._settled = False
        self.late = 0  # ms by which the speech before this pause ended later than at the gate; below 0: earlier

    def hear(self, frame: Features, quiet: int, peak: float) -> None:
        """The next frame. quiet: ms of silence so far, by the gate; 0: there is speech. peak: the voice's, in dBFS."""
        self._levels.append(None if frame.lost else frame.level)
        if quiet == 0:
            self._since, self._settled, self.late = 0, False, 0
            return
        self._since += 1
        if not self._settled and quiet >= SETTLED_MS:
            self._settled = True
            self.late = self._measure(peak)

    def _measure(self, peak: float) -> int:
        levels = list(self._levels)
        end = len(levels) - 1 - self._since
        if end < _EARLIER:
            return 0
        silence = [level for level in levels[end + _LATER + 1 :][-_LEVEL_FRAMES:] if level is not None]
        if not silence:
            return 0
        sound = max(median(silence) + _ABOVE, _NOTHING + _ABOVE, peak - _BELOW_VOICE)
        for later in range(_LATER, -_EARLIER, -1):
            level = levels[end + later]
            if level is not None and level > sound:
                return later * FRAME_MS
        return -_EARLIER * FRAME_MS
