"""Pieces of speech cut out of what a call says. Pure: frames and their features in, segments out, time is the media's.

Recognisers hear something in everything, so they are given nothing but speech: what the speech gate lets through, with
a little before it (a word begins softly) and the silence that ended it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from ari_app.media.features import Features
from ari_app.media.frames import FRAME_BYTES, FRAME_MS, Frame
from ari_app.media.talk import TalkTracker
from ari_app.media.tones import ToneTracker
from ari_app.media.vad import SpeechGate

#: ms of audio that are kept of before the first speech
BEFORE_MS = 300
_SILENCE = bytes(FRAME_BYTES)


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of speech. Times in ms of media time."""

    samples: bytes  # 8 kHz, 16 bit; what was lost on the way is silence
    audio_from: int  # when they begin
    start: int  # when the speech begins
    end: int  # and when it ends
    cut: bool = False  # it goes on: it was longer than a piece may be


@dataclass(frozen=True, slots=True)
class Part:
    """What was said of a piece since its last part; the first has what is before its beginning, as the Segment has."""

    samples: bytes
    start: int  # of the piece, as of its Segment


class Sign(Enum):
    """What is known of a piece beside its audio."""

    #: speech has begun: a segment will follow
    STARTED = "started"
    #: that of which parts were told has ended, and was nothing: the silence after one that was cut
    NOTHING = "nothing"


class Segmenter:
    """Follows one side of a call.

    start_ms: speech of that length is talk, shorter is a click. end_ms: silence of that length ends a piece.
    longest_ms: a piece is no longer. parts_ms: of what is being said, so much at a time is told; 0: none.

    Raises ValueError with the parameter named.
    """

    def __init__(self, *, start_ms: int = 100, end_ms: int = 800, longest_ms: int = 15_000, parts_ms: int = 0) -> None:
        for name, value, low, high in (
            ("start_ms", start_ms, 20, 1000),
            ("end_ms", end_ms, 200, 5000),
            ("longest_ms", longest_ms, 1000, 60_000),
            ("parts_ms", parts_ms, 0, 60_000),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name}: {low} to {high}, not {value}")
        self._tones, self._gate = ToneTracker(), SpeechGate()
        self._talk = TalkTracker(start_ms=start_ms, stop_ms=end_ms)
        self._longest = longest_ms
        #: what may come to be the beginning: the talk that is not yet known for one, and what is before it
        self._before: deque[bytes] = deque(maxlen=(BEFORE_MS + start_ms + 2 * 240) // FRAME_MS)
        self._audio: list[bytes] | None = None
        self._audio_from = self._start = 0
        self._parts = parts_ms // FRAME_MS
        self._parted = 0  # frames of the piece that were told in parts
        #: media time so far, in ms
        self.at = 0

    @property
    def talking(self) -> bool:
        """A piece of speech has begun and is not over."""
        return self._audio is not None

    def hear(self, features: Features, frame: Frame) -> list[Segment | Sign | Part]:
        """What begins and ends with these 20 ms, in order; None is lost."""
        self.at = features.at + FRAME_MS
        self._tones.hear(features)
        tonal = self._tones.tonal
        speech = self._gate.hear(features, tonal=tonal)
        (self._before if self._audio is None else self._audio).append(frame or _SILENCE)
        found: list[Segment | Sign | Part] = []
        for talk in self._talk.hear(features.at, speech, lost=features.lost):  # a tone is silence here
            if talk.what == "started" and self._audio is None:
                self._begin(talk.since)
                found.append(Sign.STARTED)
            elif talk.what == "stopped" and self._audio is not None:
                segment = self._segment(talk.since)
                if segment.end > segment.start:  # not the silence after one that was cut
                    found.append(segment)
                elif self._parted:
                    found.append(Sign.NOTHING)
        if self._audio is not None and len(self._audio) * FRAME_MS >= self._longest:
            found.append(self._segment(self.at, cut=True))
            self._begin(self.at)
        if self._parts and self._audio is not None and len(self._audio) - self._parted >= self._parts:
            found.append(Part(b"".join(self._audio[self._parted :]), self._start))
            self._parted = len(self._audio)
        return found

    def finish(self) -> list[Segment | Sign]:
        """Nothing more comes: what was being said, if something was."""
        return [self._segment(self.at)] if self._audio is not None else []

    def _begin(self, since: int) -> None:
        wanted = (self.at - since + BEFORE_MS) // FRAME_MS
        kept = list(self._before)[-wanted:]
        self._audio, self._start, self._audio_from = kept, since, self.at - len(kept) * FRAME_MS
        self._parted = 0
        self._before.clear()

    def _segment(self, end: int, *, cut: bool = False) -> Segment:
        samples = b"".join(self._audio or ())
        self._audio = None
        return Segment(samples, self._audio_from, self._start, end, cut)
