"""Call progress analysis as a dialler asks for it: `set_cpa_params`, then `cpa_detection` events.

Told are LV, AM, FX, MD, BP, SL, BPSL, DT and the names of the user's tones; a digit is an event of its own. What else
the analyser finds (ringback, busy, special information tones) has no name there, and is not told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ari_app.media.cpa import CallProgress, Finding, Parameters
from ari_app.media.features import Features
from ari_app.media.greeting import PROFILES

#: What a detection may be, beside the names of the user's tones.
DETECTIONS = ("LV", "AM", "FX", "MD", "BP", "SL", "BPSL", "DT")
#: Parameters that are whole numbers.
_NUMBERS = (
    "min_ambient_energy",
    "initial_silence_ignore",
    "total_timeout",
    "silence_detect_limit",
    "beep_to_silence_gap",
)
_YES = {"yes": True, "true": True, "no": False, "false": False}


class BadParameter(ValueError):
    """A parameter that cannot be used. The text begins with its name."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name, self.what = name, what


@dataclass(frozen=True, slots=True)
class CpaConfig:
    """What set_cpa_params keeps under a name."""

    parameters: Parameters
    log_voice: bool = False  # keep the audio that is analysed
    log_rtp_history: bool = False  # keep the times at which it came


@dataclass(frozen=True, slots=True)
class CpaEvent:
    """What is told. Times are media time in ms."""

    event: Literal["cpa_setup", "cpa_detection", "dtmf", "cpa_done"]
    event_data: str  # one of DETECTIONS, a tone's name, a digit; of cpa_done the last answer, or ""
    at: int
    reason: str = ""


def read(body: Mapping[str, object]) -> CpaConfig:
    """The parameters of set_cpa_params; what is left out has its default, what is not known is ignored. Raises
    BadParameter."""
    analysis = body.get("analysis", "amd")
    if analysis != "amd":
        raise BadParameter("analysis", f'"amd", not {analysis!r}')
    numbers: dict[str, Any] = {name: _number(name, body[name]) for name in _NUMBERS if body.get(name) is not None}
    tones = _tones(body.get("tones"))
    try:
        parameters = Parameters(
            **numbers,
            tones=tones,
            break_events=_break_events(body.get("break_events"), tones),
            beep_is_am=_flag("beep_is_am", body, default=True),
            detect_dtmf=_flag("detect_dtmf", body, default=True),
            profile=PROFILES[_profile(body.get("profile"))],
        )
    except BadParameter:
        raise
    except ValueError as error:
        name, _, what = str(error).partition(": ")
        raise BadParameter(name, what) from None
    return CpaConfig(
        parameters,
        log_voice=_flag("log_voice", body, default=False),
        log_rtp_history=_flag("log_rtp_history", body, default=False),
    )


def _number(name: str, value: object) -> int:
    """Numbers come as numbers or as text."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise BadParameter(name, "a whole number, 0 or more")


def _flag(name: str, body: Mapping[str, object], *, default: bool) -> bool:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _YES:
        return _YES[value.lower()]
    raise BadParameter(name, "yes or no")


def _tones(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        raise BadParameter("tones", 'an object of "frequency|tolerance" by name')
    return {str(name): str(text) for name, text in value.items()}


def _break_events(value: object, tones: Mapping[str, str]) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, str):
        raise BadParameter("break_events", "names with commas between them")
    names = frozenset(name for part in value.split(",") if (name := part.strip()))
    if unknown := names - {*DETECTIONS, *tones}:
        raise BadParameter("break_events", f"{', '.join(sorted(unknown))} is neither an event nor one of the tones")
    return names


def _profile(value: object) -> str:
    if value is None:
        return "balanced"
    if not isinstance(value, str) or value not in PROFILES:
        raise BadParameter("profile", f"one of {', '.join(PROFILES)}")
    return value


class DialerAnalysis:
    """One call's analysis, told as a dialler's events: cpa_setup first, cpa_done last."""

    def __init__(self, parameters: Parameters) -> None:
        self._progress = CallProgress(parameters)
        self._told = {*DETECTIONS, *parameters.tones}
        self._begun = False

    @property
    def done(self) -> bool:
        """cpa_done was told."""
        return self._progress.done

    def hear(self, frame: Features) -> list[CpaEvent]:
        """What is to be told with this frame; nothing after cpa_done."""
        if self.done:
            return []
        events = [] if self._begun else [CpaEvent("cpa_setup", "", frame.at)]
        self._begun = True
        found = self._progress.hear(frame)
        events += [event for finding in found if (event := self._event(finding)) is not None]
        if self._progress.done:
            at, answer = (found[-1].at if found else frame.at), self._progress.answer or ""
            events.append(CpaEvent("cpa_done", answer, at))
        return events

    def _event(self, finding: Finding) -> CpaEvent | None:
        if finding.code == "DTMF":
            return CpaEvent("dtmf", str(finding.facts["digit"]), finding.at, finding.reason)
        if finding.code not in self._told:
            return None
        return CpaEvent("cpa_detection", finding.code, finding.at, finding.reason)
