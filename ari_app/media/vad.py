"""Whether somebody speaks: a voice activity detector, and the gate that keeps tones, music and noise from it.

WebRTC's detector calls beeps, busy tones, fax, music and loud noise speech at any of its settings. So its word counts
only for a frame that is no tone, that stands out of the line's noise, and that is not far below the speaker's voice.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Protocol

import _webrtcvad

from ari_app.media.frames import FRAME_BYTES, FRAME_SAMPLES, RATE

if TYPE_CHECKING:
    from ari_app.media.features import Features


class Vad(Protocol):
    """A voice activity detector of one channel."""

    def is_speech(self, frame: bytes) -> bool:
        """Whether these 20 ms (8 kHz, 16 bit) may be speech. Frames come in order."""


_process = _webrtcvad.process
_SILENCE = bytes(FRAME_BYTES)
#: Frames without a sound after which more of them change nothing in the detector: its filters are empty, its hangover
#: is over, and of silence it learns nothing.
_RINGS_OUT = 50


class WebRtcVad:
    """WebRTC's detector. aggressiveness: 0 (takes most for speech) to 3; ValueError for anything else."""

    def __init__(self, aggressiveness: int = 2) -> None:
        if aggressiveness not in range(4):
            raise ValueError(f"aggressiveness: 0 to 3, not {aggressiveness}")
        # As webrtcvad.Vad does, without its Python: a tenth of a frame's time.
        self._state = _webrtcvad.create()
        _webrtcvad.init(self._state)
        _webrtcvad.set_mode(self._state, aggressiveness)

        self._still = 0  # frames without a sound that were the last ones

    def is_speech(self, frame: bytes) -> bool:
        """As in Vad. Raises ValueError for a frame of another size."""
        if len(frame) != FRAME_BYTES:
            raise ValueError(f"frame: {FRAME_BYTES} bytes are 20 ms, not {len(frame)}")
        if frame != _SILENCE:
            self._still = 0
        elif self._still == _RINGS_OUT:
            return False
        else:
            self._still += 1
        speech: bool = _process(self._state, RATE, frame, FRAME_SAMPLES)
        return speech


#: Speech is above this level, in dBFS, however quiet the line.
_QUIETEST = -45.0
#: Quieter than this, in dBFS, and with smaller samples, is a sender's digital silence, which tells nothing about the
#: noise of the line. A-law has no zero: its silence is samples of 8, and is that of a line which is open.
_DIGITAL_SILENCE, _NO_SAMPLES = -90.0, 1.0
_LOWEST_FLOOR = -65.0
_ABOVE_FLOOR = 7.0  # dB
_BELOW_PEAK = 16.0  # dB
_PEAK_DECAY = 0.02  # dB a frame: a second voice may be fainter than the first
#: The noise is the quietest of this many half seconds.
_FLOOR_BUCKETS = 6
_BUCKET_FRAMES = 25
_SMOOTHING = 5  # frames, of which three must be speech
_RECENT = (1 << _SMOOTHING) - 1
#: Who is heard from the first frame on speaks before the noise of the line is known. So many frames are kept until it
#: is; so many of them make a word, and the noise must be so much fainter, in dB.
_FIRST_FRAMES, _WORD_FRAMES, _ABOVE_NOISE = 150, 6, 12.0


class SpeechGate:
    """Speech or not, frame by frame. Its memory is of constant size."""

    def __init__(self) -> None:
        self._peak = _QUIETEST
        self._buckets: deque[float] = deque(maxlen=_FLOOR_BUCKETS)
        self._quietest = math.inf  # of those
        self._bucket = 0.0
        self._bucket_frames = 0
        self._recent = 0  # a bit a frame: whether it was speech
        self._first: list[tuple[int, float]] | None = []  # when, how loud: what may be speech from the first frame on

    @property
    def floor(self) -> float:
        """Level of the line's noise in dBFS; 0 while nothing but digital silence was heard."""
        return min(self._bucket, self._quietest)

    @property
    def peak(self) -> float:
        """Level of the voice in dBFS; falls by 1 dB a second while nobody speaks."""
        return self._peak

    @property
    def stirs(self) -> bool:
        """Whether the frame that was heard last may be the first of speech."""
        return self._recent & 1 == 1

    @property
    def knows_the_noise(self) -> bool:
        """Whether `before_the_noise` has no more to tell."""
        return self._first is None

    def before_the_noise(self, frame: Features) -> tuple[int, ...]:
        """Told once, with the frame that shows how quiet the line is: when the frames were that were speech, and were
        not taken for it, since nothing quieter had been heard yet. Mostly: none."""
        first = self._first
        if first is None or frame.lost:
            return ()
        if len(self._buckets) * _BUCKET_FRAMES + self._bucket_frames > _FIRST_FRAMES:
            self._first = None
            return ()
        if len(first) < _WORD_FRAMES or frame.level > max(level for _, level in first) - _ABOVE_NOISE:
            return ()
        self._first = None
        loudest = max(level for _, level in first)
        there = [(at, level) for at, level in first if level > max(loudest - _BELOW_PEAK, self.floor + _ABOVE_FLOOR)]
        if len(there) < _WORD_FRAMES:
            return ()
        self._peak = max(self._peak, loudest)
        return tuple(at for at, _ in there)

    def hear(self, frame: Features, *, tonal: bool) -> bool:
        """Whether there is speech at this frame. tonal: whether the frame belongs to a tone (see tones.py)."""
        if frame.lost:
            return self._recent.bit_count() > _SMOOTHING // 2  # as before: nobody knows
        level = frame.level
        if level > _DIGITAL_SILENCE or frame.energy >= _NO_SAMPLES:
            self._learn(max(level, _LOWEST_FLOOR))
        self._peak = peak = max(self._peak - _PEAK_DECAY, _QUIETEST)
        speech = False
        if level > _QUIETEST and frame.voiced and not tonal:
            speech = level > max(min(self._bucket, self._quietest) + _ABOVE_FLOOR, peak - _BELOW_PEAK)
            if not speech and self._first is not None:
                self._first.append((frame.at, level))
        self._recent = (self._recent << 1 | speech) & _RECENT
        smooth = self._recent.bit_count() > _SMOOTHING // 2
        if speech and smooth and level > peak:  # not yet at the first frames of a tone
            self._peak = level
        return smooth

    def _learn(self, level: float) -> None:
        if self._bucket_frames == _BUCKET_FRAMES:
            self._buckets.append(self._bucket)
            self._quietest = min(self._buckets)
            self._bucket, self._bucket_frames = 0.0, 0
        if level < self._bucket:
            self._bucket = level
        self._bucket_frames += 1
