"""What of a call's sound is told to who asks: who has answered, tones, digits, talk, silence; for as long as asked.

Pure, as cpa.py is: features in, findings out, time is the media's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ari_app.media.cadence import CadenceDetector, in_progress_band
from ari_app.media.cpa import CODES, CallProgress, Finding, Parameters
from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS
from ari_app.media.signals import SignalDetector, named_tones
from ari_app.media.talk import Talk, TalkTracker
from ari_app.media.tones import Tone, ToneTracker
from ari_app.media.vad import SpeechGate

#: Talk that began (speech of 100 ms), talk that ended (no speech for 500 ms), and neither speech nor a tone for
#: `silence` ms.
TALK_START, TALK_STOP, SILENCE = "TALKSTART", "TALKSTOP", "SILENCE"
#: What can be asked for, and the codes that are told of it. Tones that a user names are told in any case.
THINGS: Mapping[str, frozenset[str]] = {
    "answer": frozenset({"LV", "AM", "FX", "MD", "BP", "SL", "BPSL", "DT", "SIT"}),
    "fax": frozenset({"FX", "MD"}),
    "beep": frozenset({"BP"}),
    "network": frozenset({"RING", "BUSY", "CONGESTION", "SIT"}),
    "digits": frozenset({"DTMF"}),
    "talk": frozenset({TALK_START, TALK_STOP}),
    "silence": frozenset({SILENCE}),
}
#: So much voice makes a tone that follows a beep, and no fax's or the network's (as cpa.py has it).
_SPOKEN_MS = 200
_BACKGROUND, _FAINT = 9.0, 18.0  # dB


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. Times in ms of media time. Raises ValueError with the parameter named.

    parameters: of the call progress analysis; what of them is about tones, digits and countries holds without it too.
    timeout: the listening ends then; 0: it does not end by itself. With "answer" it is the parameters' total_timeout.
    """

    things: frozenset[str] = frozenset({"answer"})
    parameters: Parameters = field(default_factory=Parameters)
    silence: int = 3000  # that is told as SILENCE; 500..600000
    break_events: frozenset[str] = frozenset()
    timeout: int = 0  # 0, 1000..86400000

    def __post_init__(self) -> None:
        if unknown := self.things - THINGS.keys():
            raise ValueError(f"tell: {', '.join(sorted(unknown))} is none of {', '.join(THINGS)}")
        if not self.things and not self.parameters.tones:
            raise ValueError("tell: there is nothing to tell")
        if not 500 <= self.silence <= 600_000:
            raise ValueError(f"silence: 500 to 600000, not {self.silence}")
        if self.timeout and not 1000 <= self.timeout <= 86_400_000:
            raise ValueError(f"total_timeout: 0, or 1000 to 86400000, not {self.timeout}")
        if taken := self.parameters.tones.keys() & ({*CODES, TALK_START, TALK_STOP, SILENCE} - {"FX", "MD", "BP"}):
            raise ValueError(f"tones: {', '.join(sorted(taken))} is the name of something else")
        if unknown := self.break_events - self.codes:
            raise ValueError(f"break_events: {', '.join(sorted(unknown))} is nothing that is told")

    @property
    def codes(self) -> frozenset[str]:
        """All that may be told."""
        return frozenset(self.parameters.tones).union(*(THINGS[thing] for thing in self.things))


class Detector:
    """One call's. An analyser (calls/verbs/analyse.py); its memory does not grow with the call."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.done = False
        self._codes = wanted.codes
        self._progress = CallProgress(wanted.parameters) if "answer" in wanted.things else None
        told_by_progress = THINGS["answer"] | THINGS["network"] | THINGS["digits"] | {*wanted.parameters.tones}
        if self._progress is None or self._codes - told_by_progress:
            self._sounds: _Sounds | None = _Sounds(wanted)
        else:
            self._sounds = None

    def hear(self, frame: Features) -> list[Finding]:
        """What is known with this frame, in order. After the end: nothing."""
        if self.done:
            return []
        found: list[Finding] = []
        if self._progress is not None:
            found += self._progress.hear(frame)
        if self._sounds is not None:
            found += self._sounds.hear(frame, talk_only=self._progress is not None)
        found = [each for each in found if each.code in self._codes]
        return self._end(found, frame.at + FRAME_MS)

    def _end(self, found: list[Finding], now: int) -> list[Finding]:
        for index, finding in enumerate(found):
            if finding.code in self.wanted.break_events:
                self.done = True
                return found[: index + 1]
        over = self._progress.done if self._progress is not None else 0 < self.wanted.timeout <= now
        self.done = over
        return found


class _Sounds:
    """Tones and talk, without a decision on who has answered."""

    def __init__(self, wanted: Wanted) -> None:
        parameters = wanted.parameters
        self._tracker = ToneTracker()
        self._gate = SpeechGate()
        self._talk = TalkTracker()
        self._signals = SignalDetector(named_tones(parameters.tones))
        self._cadence = CadenceDetector(parameters.countries)
        self._silence, self._quiet = wanted.silence, 0  # ms

    def hear(self, frame: Features, *, talk_only: bool) -> list[Finding]:
        """talk_only: somebody else tells of tones."""
        now = frame.at + FRAME_MS
        ended = self._tracker.hear(frame)
        speech = self._gate.hear(frame, tonal=self._tracker.tonal or in_progress_band(frame))
        progress = self._cadence.hear(frame, speech=speech)
        tonal = self._tracker.tonal or self._cadence.on
        speech = speech and not self._cadence.on
        talk = self._talk.hear(frame.at, speech, lost=frame.lost, sound=tonal)
        found = [_of_talk(each) for each in talk] + self._be_quiet(frame, now, sound=speech or tonal)
        if talk_only:
            return found
        found += self._tones(frame, ended)
        if progress is not None:
            facts: dict[str, float | str] = {"countries": " ".join(progress.countries)}
            found.append(Finding(progress.kind.upper(), now, progress.since, f"cadence of {progress.kind}", facts))
        return found

    def _be_quiet(self, frame: Features, now: int, *, sound: bool) -> list[Finding]:
        """Silence is told once, until there is a sound. In what was lost it is not counted."""
        if sound:
            self._quiet = 0
        elif not frame.lost:
            self._quiet += FRAME_MS
            if self._quiet - FRAME_MS < self._silence <= self._quiet:
                return [Finding(SILENCE, now, now - self._quiet, f"silence of {self._silence} ms")]
        return []

    def _tones(self, frame: Features, ended: Tone | None) -> list[Finding]:
        tone = self._tracker.tone or ended
        peak = self._gate.peak
        spoken = self._talk.voice >= _SPOKEN_MS and (tone is None or peak >= tone.level - _BACKGROUND)
        faint = tone is not None and peak >= tone.level + _FAINT
        found = []
        for signal in self._signals.hear(frame, self._tracker.tone, ended, spoken=spoken, faint=faint):
            facts: dict[str, float | str] = {f"hertz{n}": hz for n, hz in enumerate(signal.hertz, 1)}
            if signal.digit:
                facts["digit"] = signal.digit
            found.append(Finding(signal.name, signal.at, signal.since, signal.reason, facts))
        return found


def _of_talk(talk: Talk) -> Finding:
    if talk.what == "started":
        return Finding(TALK_START, talk.at, talk.since, "speech began")
    return Finding(TALK_STOP, talk.at, talk.since, "speech ended")


def replay(features: Iterable[Features], wanted: Wanted) -> list[Finding]:
    """What was found in a call whose features were kept (recorded.py), or would have been if something else had been
    asked for."""
    detector = Detector(wanted)
    return [finding for frame in features for finding in detector.hear(frame)]
