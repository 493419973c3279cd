"""DETECT of a call flow: who is there decides which branch of the flow goes on.

on_live_person       a live person, or nobody was known after trigger_live_in_ms
on_voicemail_early   a machine, as soon as it is known
on_voicemail         a machine that takes a message now: after its beep, or when its greeting is over. May come
                     after on_live_person, as the analysis goes on
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ari_app.media.cpa import CallProgress, Finding, Parameters
from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS
from ari_app.media.greeting import Profile

TRIGGER_LIVE_MS, TRIGGER_LIMITS = 3000, (500, 30_000)
#: A machine that speaks at once is known so long before a live person is taken for granted; ms of voice, at most.
_BEFORE_TRIGGER_MS, _MACHINE_VOICE_MS, _LEAST_VOICE_MS = 500, 2500, 1200
#: ms of silence by which a greeting without a beep is over, and for how long the analysis goes on
_GREETING_OVER_MS, _TOTAL_MS = 2500, 60_000


class Branch(StrEnum):
    """Where the flow goes on."""

    LIVE_PERSON = "on_live_person"
    VOICEMAIL_EARLY = "on_voicemail_early"
    VOICEMAIL = "on_voicemail"


class Detected(StrEnum):
    """Who is there, as a call's log has it."""

    FAX = "fax"
    LIVE_PERSON = "live_person"
    VOICEMAIL = "voicemail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Turn:
    """A branch to take. Times are media time in ms."""

    branch: Branch
    at: int
    reason: str


class DetectAnalysis:
    """One call's. Raises ValueError for a trigger that is not 500 to 30,000 ms."""

    def __init__(self, trigger_live_in_ms: int = TRIGGER_LIVE_MS) -> None:
        low, high = TRIGGER_LIMITS
        if not low <= trigger_live_in_ms <= high:
            raise ValueError(f"trigger_live_in_ms: {low} to {high}, not {trigger_live_in_ms}")
        voice = max(_LEAST_VOICE_MS, min(_MACHINE_VOICE_MS, trigger_live_in_ms - _BEFORE_TRIGGER_MS))
        self._trigger = trigger_live_in_ms
        self._progress = CallProgress(
            Parameters(
                total_timeout=_TOTAL_MS,
                silence_detect_limit=_GREETING_OVER_MS,
                detect_dtmf=False,
                profile=Profile(
                    machine_voice=voice, pause=0, long_pause=0, short_voice=900, short_silence=700, long_silence=1000
                ),
            )
        )
        self._taken: set[Branch] = set()
        self.detected = Detected.UNKNOWN
        self.done = False

    def hear(self, frame: Features) -> list[Turn]:
        """The branches to take with this frame; each once."""
        if self.done:
            return []
        now = frame.at + FRAME_MS
        turns: list[Turn] = []
        for finding in self._progress.hear(frame):
            turns += self._turn(finding)
        if now >= self._trigger and self._progress.answer is None:
            turns += self._take(Branch.LIVE_PERSON, now, f"nobody was known after {self._trigger} ms")
        self.done = self.done or self._progress.done
        return turns

    def _turn(self, finding: Finding) -> list[Turn]:
        match finding.code:
            case "LV":
                self.detected = Detected.LIVE_PERSON
                return self._take(Branch.LIVE_PERSON, finding.at, finding.reason)
            case "AM":
                self.detected = Detected.VOICEMAIL
                return self._take(Branch.VOICEMAIL_EARLY, finding.at, finding.reason)
            case "FX" | "MD":
                self.detected, self.done = Detected.FAX, True
            case "BP" | "SL" if self.detected is Detected.VOICEMAIL:
                self.done = True
                return self._take(Branch.VOICEMAIL, finding.at, finding.reason)
        return []

    def _take(self, branch: Branch, at: int, reason: str) -> list[Turn]:
        if branch in self._taken:
            return []
        self._taken.add(branch)
        return [Turn(branch, at, reason)]
