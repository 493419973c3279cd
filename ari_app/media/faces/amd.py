"""Answering machine detection as XML over HTTP has it: MachineDetection in, AnsweredBy out, once.

Enable            human | machine_start | unknown, as soon as it is known
DetectMessageEnd  human | machine_end_beep | machine_end_other | unknown: a machine when its greeting is over
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ari_app.media.cpa import CallProgress, Finding, Parameters, State
from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS
from ari_app.media.greeting import Profile

#: Silence, in ms, by which a machine's greeting is over when no beep comes: longer than the pause before most beeps.
GREETING_OVER_MS = 2000


class AnsweredBy(StrEnum):
    """Who has answered."""

    HUMAN = "human"
    MACHINE_START = "machine_start"
    MACHINE_END_BEEP = "machine_end_beep"
    MACHINE_END_OTHER = "machine_end_other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MachineDetection:
    """What a call asks for. Raises ValueError with the parameter named."""

    message_end: bool = False  # DetectMessageEnd, not Enable
    timeout: int = 30  # seconds until it is given up; 3..59
    speech_threshold: int = 2400  # ms of speech that are a machine's; 1000..6000
    speech_end_threshold: int = 1200  # ms of silence after less speech, by which it is a human; 500..5000
    silence_timeout: int = 5000  # ms of silence from the answer on, by which nobody is known; 2000..10000

    def __post_init__(self) -> None:
        limits = {
            "timeout": (3, 59),
            "speech_threshold": (1000, 6000),
            "speech_end_threshold": (500, 5000),
            "silence_timeout": (2000, 10_000),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: {low} to {high}, not {getattr(self, name)}")

    def parameters(self) -> Parameters:
        """As the analyser has it."""
        silence = self.speech_end_threshold
        return Parameters(
            total_timeout=1000 * self.timeout,
            silence_detect_limit=GREETING_OVER_MS,
            detect_dtmf=False,
            profile=Profile(
                machine_voice=self.speech_threshold,
                pause=0,
                long_pause=0,
                short_voice=self.speech_threshold,
                short_silence=silence,
                long_silence=silence,
            ),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """The one that is told."""

    answered_by: AnsweredBy
    duration: int  # ms of media time from the answer of the call to this
    reason: str


class MachineAnalysis:
    """One call's."""

    def __init__(self, wanted: MachineDetection) -> None:
        self._wanted = wanted
        self._progress = CallProgress(wanted.parameters())
        self._machine = False
        self.done = False

    def hear(self, frame: Features) -> list[Answer]:
        """The answer, with the frame by which it is known; nothing before and after."""
        if self.done:
            return []
        now = frame.at + FRAME_MS
        for finding in self._progress.hear(frame):
            if (answered_by := self._answer(finding)) is not None:
                return self._tell(answered_by, finding.at, finding.reason)
        if self._progress.state is State.WAIT and now >= self._wanted.silence_timeout:
            return self._tell(AnsweredBy.UNKNOWN, now, f"silence of {self._wanted.silence_timeout} ms from the answer")
        if self._progress.done:
            answered_by = AnsweredBy.MACHINE_END_OTHER if self._machine else AnsweredBy.UNKNOWN
            return self._tell(answered_by, now, f"not known within {self._wanted.timeout} s")
        return []

    def _tell(self, answered_by: AnsweredBy, at: int, reason: str) -> list[Answer]:
        self.done = True
        return [Answer(answered_by, at, reason)]

    def _answer(self, finding: Finding) -> AnsweredBy | None:
        """A fax and a modem are machines, and have no greeting to wait for."""
        match finding.code:
            case "LV":
                return AnsweredBy.HUMAN
            case "AM" if self._wanted.message_end:
                self._machine = True
            case "AM":
                return AnsweredBy.MACHINE_START
            case "FX" | "MD":
                return AnsweredBy.MACHINE_END_OTHER if self._wanted.message_end else AnsweredBy.MACHINE_START
            case "BP" if self._machine:
                return AnsweredBy.MACHINE_END_BEEP
            case "SL" if self._machine:
                return AnsweredBy.MACHINE_END_OTHER
        return None
