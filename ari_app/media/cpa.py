"""Call progress analysis: who or what has answered, decided from the features of one call.

    WAIT --voice--> GREETING --long--> AM        then, until total_timeout or a break event:
      |                 |----short, then silence--> LV      a beep: BP (after LV it corrects: AM), silence: SL
      |--fax, modem, beep, ring--> FX MD AM

Pure: features in, findings out, time is the media's. The same features give the same findings, so a decision that
surprises is replayed from its record (`replay`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from ari_app.media.cadence import CadenceDetector, Heard, in_progress_band
from ari_app.media.ending import SpeechEnd
from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS
from ari_app.media.greeting import PROFILES, Classifier, Greeting, Profile, by_length
from ari_app.media.signals import Signal, SignalDetector, named_tones
from ari_app.media.syllables import Syllables
from ari_app.media.talk import TalkTracker
from ari_app.media.tones import ToneTracker
from ari_app.media.vad import SpeechGate

#: What an analysis tells by its built-in rules; beside these, the names of a user's tones.
CODES = ("LV", "AM", "FX", "MD", "BP", "SL", "DT", "BPSL", "SIT", "DTMF", "RING", "BUSY", "CONGESTION")
#: Those that say who has answered. One is told first, a later AM may correct LV.
ANSWERS = frozenset({"LV", "AM", "FX", "MD"})
#: Voice shorter than this, in ms, with silence after it was a click or a cough.
_CLICK_MS = 120
_CLICK_SILENCE_MS = 1000
#: So much voice makes a tone that follows a beep, rather than the network's or a fax's.
_SPOKEN_MS = 200
#: Who says no more than this in all is a human rather than a machine.
_BRIEF_MS = 2000
#: A syllable that fades is over within so many ms of the last speech.
_FADING_MS = 100
#: Voice that is so much fainter, in dB, than the caller's voice or a beep is somebody else's.
_BACKGROUND = 9.0
#: A tone that is so much fainter than the voice, in dB, is music in the background rather than the machine's beep.
_FAINT = 18.0
_SURE_FRAMES = 3  # without a tone: then those before were a voice, and not the beginning of a tone


@dataclass(frozen=True, slots=True)
class Parameters:
    """What `set_cpa_params` sets; times in ms. Raises ValueError with the parameter named."""

    min_ambient_energy: int = 2  # mean magnitude of a sample: below it is perfect silence
    initial_silence_ignore: int = 750  # for so long perfect silence is not analysed; 0..5000
    tones: Mapping[str, str] = field(default_factory=dict)  # {"BP": "1000|10"}: frequency and tolerance in Hz
    break_events: frozenset[str] = frozenset()  # the analysis ends with any of them
    total_timeout: int = 15000
    silence_detect_limit: int = 2000  # silence after LV or AM that is told as SL; 0: none; 1000..10000
    beep_to_silence_gap: int = 0  # silence after a beep that is told as BPSL; 0: none; up to 10000
    beep_is_am: bool = True  # a beep means a machine
    detect_dtmf: bool = True
    countries: tuple[str, ...] = ()  # whose ringback and busy tones; none: all countries'
    profile: Profile = PROFILES["balanced"]

    def __post_init__(self) -> None:
        limits = {
            "min_ambient_energy": (0, 32767),
            "initial_silence_ignore": (0, 5000),
            "total_timeout": (1000, 600_000),
            "silence_detect_limit": (0, 10_000),
            "beep_to_silence_gap": (0, 10_000),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: {low} to {high}, not {getattr(self, name)}")
        if 0 < self.silence_detect_limit < 1000:
            raise ValueError(f"silence_detect_limit: 0, or 1000 to 10000, not {self.silence_detect_limit}")
        named_tones(self.tones)
        if unknown := self.break_events - {*CODES, *self.tones}:
            raise ValueError(f"break_events: {', '.join(sorted(unknown))} is neither an event nor one of the tones")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found. Times are media time in ms from the first frame."""

    code: str  # one of CODES, or the name of a user's tone
    at: int  # when it was known
    since: int  # when it began
    reason: str  # why, in words
    facts: Mapping[str, float | str] = field(default_factory=dict)  # the numbers that the reason stands on


class State(Enum):
    """Where the analysis of a call is."""

    WAIT = "wait"  # nothing but silence and tones so far
    GREETING = "greeting"  # somebody speaks, or has just spoken
    DECIDED = "decided"  # it is known who has answered; a beep or silence may follow
    DONE = "done"  # a break event or the timeout has ended it


class CallProgress:
    """The analysis of one call, from the first frame after the answer. Its memory does not grow with the call."""

    def __init__(self, parameters: Parameters | None = None, classifier: Classifier = by_length) -> None:
        self.parameters = parameters or Parameters()
        self.state = State.WAIT
        self.answer: str | None = None  # the last of ANSWERS that was told
        self._classify = classifier
        self._tracker = ToneTracker()
        self._gate = SpeechGate()
        self._talk = TalkTracker()
        self._ending = SpeechEnd()
        self._syllables = Syllables()
        self._signals = SignalDetector(named_tones(self.parameters.tones))
        self._cadence = CadenceDetector(self.parameters.countries)
        self._nobody: tuple[str, float] | None = None  # a special information or busy tone that was heard, and its dBFS
        self._spoken_at = -100.0  # dBFS: the loudest voice so far that no tone followed at once
        self._unsure: list[float] = []  # dBFS of the last frames: the voice's, unless a tone begins with them
        self._quiet = 0  # ms of silence, tones excluded, since the decision's last sound
        self._silence_told = False
        self._beep: int | None = None  # since when a beep waits for its silence
        self._loudest = -100.0  # dBFS: the voice so far
        self._begun = False  # something else than perfect silence was heard
        self._beep_expected: bool | None = None  # after a machine's voice, but not after a human's or after a beep

    @property
    def done(self) -> bool:
        """Whether nothing more will be found."""
        return self.state is State.DONE

    def hear(self, frame: Features) -> list[Finding]:
        """What is known with this frame, in order. After the end: nothing."""
        if self.done:
            return []
        now = frame.at + FRAME_MS
        found: list[Finding] = []
        if self._begun or not self._is_ignored(frame):
            found = self._analyse(frame, now)
        return self._end(found, now) if found or now >= self.parameters.total_timeout else found

    def _is_ignored(self, frame: Features) -> bool:
        """The perfect silence between the answer and the first audio: it says nothing about the line's noise."""
        if frame.energy >= self.parameters.min_ambient_energy:
            self._begun = True
        return not self._begun and frame.at < self.parameters.initial_silence_ignore

    def _analyse(self, frame: Features, now: int) -> list[Finding]:
        tracker, gate, talk = self._tracker, self._gate, self._talk
        ended = tracker.hear(frame)
        tonal = tracker.tonal
        # Whether it is a tone is asked only of what may be speech.
        speech = gate.hear(frame, tonal=frame.voiced and (tonal or in_progress_band(frame)))
        progress = self._cadence.hear(frame, speech=speech)
        if self._cadence.on:
            tonal, speech = True, False
        if speech or self._unsure:
            self._hear_level(frame, speech, tonal)
        tone = tracker.tone or ended
        spoken = talk.voice >= _SPOKEN_MS and (tone is None or self._spoken_at >= tone.level - _BACKGROUND)
        self._hear_voice(frame, speech, tonal)
        found: list[Finding] = []
        faint = tone is not None and gate.peak >= tone.level + _FAINT
        end = talk.end if talk.onset is not None else None
        for signal in self._signals.hear(
            frame,
            tracker.tone,
            ended,
            spoken=spoken,
            faint=faint,
            voice_end=end,
            expected=self._beep_expected,
            brief=talk.voice <= _BRIEF_MS,
        ):
            found += self._signal(signal)
        if progress is not None:
            if self.answer is None:
                self._progress(progress)
            facts = {"countries": " ".join(progress.countries)}
            found.append(Finding(progress.kind.upper(), now, progress.since, f"cadence of {progress.kind}", facts))
        if self.answer is None:
            found += self._greeting(now)
        elif not frame.lost:
            found += self._afterwards(now, quiet=not speech and not tonal)
        return found

    def _hear_voice(self, frame: Features, speech: bool, tonal: bool) -> None:
        """Counts speech. What was spoken so much fainter before was spoken in the background."""
        gate, talk = self._gate, self._talk
        if not gate.knows_the_noise and (before := gate.before_the_noise(frame)) and talk.onset is None:
            talk.heard_before(before, frame.at)
            self._spoken_at = gate.peak if self._nobody is None else self._spoken_at
            self._loudest = max(self._loudest, gate.peak)
        if speech:
            peak = gate.peak
            if peak > self._loudest + _BACKGROUND and self.state is State.GREETING:
                self._forget()
            if peak > self._loudest:
                self._loudest = peak
        # A tone that is so much fainter than the voice is behind it, and the voice is silent meanwhile.
        talk.hear(frame.at, speech, lost=frame.lost, sound=tonal and frame.level > self._loudest - _FAINT)
        if self.answer is None:
            quiet = talk.quiet
            self._ending.hear(frame, quiet, gate.peak)
            if quiet <= _FADING_MS and talk.voice and not frame.lost:
                self._syllables.hear(frame.level)

    def _hear_level(self, frame: Features, speech: bool, tonal: bool) -> None:
        """Learns how loud the voice is, but not from the frames with which a tone begins."""
        if tonal:
            self._unsure.clear()
        elif not frame.lost:
            if len(self._unsure) == _SURE_FRAMES or not speech:
                self._spoken_at = max(self._spoken_at, self._unsure.pop(0))
            if speech:
                self._unsure.append(frame.level)

    def _progress(self, heard: Heard) -> None:
        """Nobody has answered where it is busy, nor before it rang: what is so much fainter is in the background."""
        if heard.kind != "ring":
            self._nobody = f"{heard.kind} tone", heard.level
        elif self._nobody is not None and self._nobody[0] != "special information tone":
            self._nobody = None  # it was the beginning of the ring
        if self._spoken_at < heard.level - (_FAINT if heard.kind == "ring" else _BACKGROUND):
            self._forget()
            self.state = State.WAIT

    def _forget(self) -> None:
        """What was heard was not the voice of who has answered."""
        self._talk.forget()
        self._spoken_at, self._unsure = -100.0, []
        self._syllables = Syllables()

    def _signal(self, signal: Signal) -> list[Finding]:
        facts: dict[str, float | str] = {f"hertz{n}": hz for n, hz in enumerate(signal.hertz, 1)}
        if signal.name == "DTMF":
            facts["digit"] = signal.digit
            return (
                [Finding("DTMF", signal.at, signal.since, signal.reason, facts)] if self.parameters.detect_dtmf else []
            )
        finding = Finding(signal.name, signal.at, signal.since, signal.reason, facts)
        if signal.name == "SIT":
            self._nobody = "special information tone", signal.level
            self._forget()
        if signal.name in ("FX", "MD"):
            if self.answer in ("FX", "MD", "AM"):
                return [] if self.answer == signal.name else [finding]
            self._decide(signal.name)
        if signal.name != "BP":
            return [finding]
        self._beep, self._quiet = signal.at, 0
        if not self.parameters.beep_is_am or self.answer not in (None, "LV"):
            return [finding]
        reason = "beep after live voice: the decision is corrected" if self.answer == "LV" else "beep"
        self._decide("AM")
        self._beep_expected = False
        return [replace(finding, code="AM", reason=reason), finding]

    def _greeting(self, now: int) -> list[Finding]:
        talk = self._talk
        if talk.onset is None:
            return []
        self.state = State.GREETING
        if talk.voice < _CLICK_MS:
            if talk.quiet >= _CLICK_SILENCE_MS:
                self._forget()
                self.state = State.WAIT
            return []
        if self._nobody is not None:
            tone, level = self._nobody
            if talk.voice < _SPOKEN_MS or self._spoken_at < level - _BACKGROUND:
                return []
            self._decide("AM")
            self._beep_expected = True
            return [Finding("AM", now, talk.onset, f"voice after a {tone}", self._facts())]
        greeting = Greeting(talk.voice, self._silence, talk.onset, talk.phrases, talk.sentences, self._syllables.count)
        decision = self._classify(greeting, self.parameters.profile)
        if decision is None or (decision[0] == "LV" and self._stirs):
            return []
        code, reason = decision
        self._decide(code)
        self._beep_expected = code == "AM"
        facts = {"span": talk.span, "pauses": talk.phrases, "long_pauses": talk.sentences}
        facts["syllables"] = self._syllables.count
        return [Finding(code, now, talk.onset, reason, self._facts() | facts)]

    @property
    def _stirs(self) -> bool:
        """Whether speech or a beep may just have begun: the next frames tell, so nobody is told to be waiting yet."""
        tone = self._tracker.tone
        return self._gate.stirs or (tone is not None and tone.level > self._loudest - _FAINT)

    @property
    def _silence(self) -> int:
        """ms since the last speech."""
        return max(0, self._talk.quiet - self._ending.late)

    def _facts(self) -> dict[str, float | str]:
        """Of the voice so far."""
        talk, gate = self._talk, self._gate
        facts: dict[str, float | str] = {"voice": talk.voice, "silence": self._silence, "onset": talk.onset or 0}
        return facts | {"floor": round(gate.floor, 1), "peak": round(gate.peak, 1)}

    def _decide(self, code: str) -> None:
        self.answer, self.state = code, State.DECIDED

    def _afterwards(self, now: int, *, quiet: bool) -> list[Finding]:
        """Silence after the decision, and after a beep."""
        self._quiet = self._quiet + FRAME_MS if quiet else 0
        found: list[Finding] = []
        gap, limit = self.parameters.beep_to_silence_gap, self.parameters.silence_detect_limit
        if self._beep is not None and gap and self._quiet >= gap:
            found.append(Finding("BPSL", now, self._beep, f"silence of {gap} ms after a beep"))
            self._beep = None
        if limit and self._quiet >= limit and not self._silence_told:
            self._silence_told = True
            found.append(Finding("SL", now, now - self._quiet, f"silence of {limit} ms after the decision"))
        return found

    def _end(self, found: list[Finding], now: int) -> list[Finding]:
        for index, finding in enumerate(found):
            if finding.code in self.parameters.break_events:
                self.state = State.DONE
                return found[: index + 1]
        if now >= self.parameters.total_timeout:
            self.state = State.DONE
            if self.answer is None:
                reason = f"nobody was recognised within {self.parameters.total_timeout} ms"
                facts: dict[str, float | str] = {"voice": self._talk.voice, "silence": self._silence}
                found = [*found, Finding("DT", now, 0, reason, facts)]
        return found


def replay(
    features: Iterable[Features], parameters: Parameters | None = None, classifier: Classifier = by_length
) -> list[Finding]:
    """The findings of a recorded call, or what they would be with other parameters."""
    progress = CallProgress(parameters, classifier)
    return [finding for frame in features for finding in progress.hear(frame)]
