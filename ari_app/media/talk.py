"""Talk on one call: when somebody starts and stops to speak, for how long there is silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ari_app.media.frames import FRAME_MS

#: Pauses within words and between them, up to this many ms, belong to the talk.
PAUSE_MS = 240
#: A pause of so many ms is one between phrases, and one of so many between sentences.
PHRASE_MS, SENTENCE_MS = 300, 500
#: What was lost for no longer than this, in ms, was what it was before it and after it: no word is as short.
_GAP_MS = 140
#: Before so much was said, what pauses may be a click or a breath.
_SAID_MS = 200


@dataclass(frozen=True, slots=True)
class Talk:
    """Talk or silence that began or ended. Times are media time in ms."""

    what: Literal["started", "stopped", "silent"]
    at: int  # when it was known
    since: int  # when it began to be so


class TalkTracker:
    """Follows the speech gate.

    start_ms: speech of that length is talk, shorter is a click. stop_ms: silence of that length ends it.
    silence_ms: silence of that length, from the start or from the end of talk, is told once; 0: never.
    Lost frames are neither: time passes, and talk and silence go on where they were. A few of them (_GAP_MS) are what
    is on both sides of them, if that is the same.
    """

    def __init__(self, *, start_ms: int = 100, stop_ms: int = 500, silence_ms: int = 0) -> None:
        self._start_ms, self._stop_ms, self._silence_ms = start_ms, stop_ms, silence_ms
        self.talking = False
        self.voice = 0  # ms of speech so far, with its short pauses
        self.span = 0  # with all of its pauses; what was lost, and tones, are not in it
        self.quiet = 0  # ms since the last speech, without what was lost
        self.phrases = 0  # pauses of PHRASE_MS and more, after which it went on
        self.sentences = 0  # those of them of SENTENCE_MS and more
        self.onset: int | None = None  # when the first speech began
        self.end = 0  # when the last speech ended
        self._burst = 0  # ms of the speech that may become talk
        self._burst_at = 0
        self._silence_told = False
        self._lost = 0  # ms that were lost since the last frame that was not

    def hear(self, at: int, speech: bool, *, lost: bool = False, sound: bool = False) -> list[Talk]:
        """The frame that begins at this media time. sound: a tone, which is neither speech nor silence."""
        if lost:
            self._lost += FRAME_MS
            return []
        gap, self._lost = self._lost, 0
        if sound and not speech:
            return []
        gap = gap if gap <= _GAP_MS else 0
        if not speech:
            return self._silence(at, gap if self.quiet else 0)
        filled = self.quiet if self.voice and self.quiet <= PAUSE_MS else 0
        filled += gap if self.voice and not self.quiet else 0
        self.span += FRAME_MS + (self.quiet if self.voice else 0)
        if self.voice >= _SAID_MS:
            self.phrases += self.quiet >= PHRASE_MS
            self.sentences += self.quiet >= SENTENCE_MS
        if self.onset is None:
            self.onset = at
        if self._burst == 0 or self.quiet > PAUSE_MS:
            self._burst, self._burst_at = 0, at
        self._burst += FRAME_MS + (filled if self._burst else 0)
        self.voice += FRAME_MS + filled
        self.quiet, self.end, self._silence_told = 0, at + FRAME_MS, False
        if self.talking or self._burst < self._start_ms:
            return []
        self.talking = True
        return [Talk("started", at + FRAME_MS, self._burst_at)]

    def heard_before(self, frames: Sequence[int], at: int) -> None:
        """What was speech is known only now: when its frames began, in order, all of them before this media time.
        Nothing may have been taken for speech yet."""
        self.onset, self.end = frames[0], frames[-1] + FRAME_MS
        self.voice = len(frames) * FRAME_MS
        for earlier, later in pairwise(frames):
            gap = later - earlier - FRAME_MS
            self.voice += gap if gap <= PAUSE_MS else 0
        self.span = self.end - self.onset
        self.quiet = at - self.end

    def _silence(self, at: int, before: int) -> list[Talk]:
        found: list[Talk] = []
        self.quiet += FRAME_MS + before
        if self.talking and self.quiet >= self._stop_ms:
            self.talking = False
            found.append(Talk("stopped", at + FRAME_MS, self.end))
        if self._silence_ms and self.quiet >= self._silence_ms and not self._silence_told:
            self._silence_told = True
            found.append(Talk("silent", at + FRAME_MS, self.end))
        return found

    def forget(self) -> None:
        """What was heard was no voice."""
        self.voice, self.span, self.onset, self._burst = 0, 0, None, 0
        self.phrases = self.sentences = 0
