"""Analyses of live calls: ours, the reference has none. Parameters: docs/cpa.md. Times are UNIX seconds, with
fractions; within findings, milliseconds of the analysis's own time."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import msgspec
from pydantic import Field, StrictInt, StrictStr

from ari_app.calls.analysis import AnalysisRequest, AnalysisView
from ari_app.calls.verbs.attach import Side
from ari_app.dialects.eq.wire.fields import Boolean, Given, JsonObject, Parameters, Printable, or_default
from ari_app.dialects.eq.wire.media import OfCall
from ari_app.media import cpa
from ari_app.media.cadence import COUNTRIES
from ari_app.media.cpa import Finding
from ari_app.media.detection import THINGS, Wanted
from ari_app.media.greeting import PROFILES

_Code = Annotated[StrictStr, Field(min_length=1, max_length=20), Printable]
_Tone = Annotated[StrictStr, Field(max_length=20, description='"Hz|tolerance": "1000|10"')]


class AnalysisCreate(OfCall):
    """What is listened for, and on which call."""

    hear: Annotated[
        Literal["party", "others", "both"],
        Field(description="Who is listened to: the party of the leg, the others of the call, or both"),
        or_default("party"),
    ] = "party"
    tell: Annotated[
        tuple[Literal["answer", "fax", "beep", "network", "digits", "talk", "silence"], ...],
        Field(
            max_length=len(THINGS),
            description=(
                "answer: who has answered (LV, AM, FX, MD, BP, SL, BPSL, DT, SIT), as call progress analysis decides;"
                " fax: FX, MD; beep: BP; network: RING, BUSY, CONGESTION, SIT; digits: DTMF; talk: TALKSTART, TALKSTOP;"
                " silence: SILENCE"
            ),
        ),
        or_default(("answer",)),
    ] = ("answer",)
    profile: Annotated[
        Literal["fast", "balanced", "safe-for-humans"],
        Field(description="How long it listens before it says who has answered"),
        or_default("balanced"),
    ] = "balanced"
    tones: Annotated[
        dict[_Code, _Tone], Field(max_length=20, description="Tones that are told by name"), or_default({})
    ] = {}  # noqa: RUF012 - frozen
    break_events: Annotated[
        tuple[_Code, ...],
        Field(max_length=40, description="Codes, and names of tones: the analysis ends with the first of them"),
        or_default(()),
    ] = ()
    total_timeout: Annotated[
        StrictInt | None,
        Field(
            ge=0,
            le=86_400_000,
            description=(
                "Milliseconds after which it ends: 1000 to 600000 with answer (15000). Else 0, or up to 86400000"
                " (0: with the call)"
            ),
        ),
        or_default(None),
    ] = None
    min_ambient_energy: Annotated[
        StrictInt, Field(ge=0, le=32767, description="Mean magnitude below which there is no audio"), or_default(2)
    ] = 2
    initial_silence_ignore: Annotated[
        StrictInt, Field(ge=0, le=5000, description="For so long no audio is not analysed, ms"), or_default(750)
    ] = 750
    silence_detect_limit: Annotated[
        StrictInt, Field(ge=0, le=10_000, description="Silence told as SL, ms: 0 (none), from 1000"), or_default(2000)
    ] = 2000
    beep_to_silence_gap: Annotated[
        StrictInt, Field(ge=0, le=10_000, description="Silence after a beep told as BPSL, ms; 0: none"), or_default(0)
    ] = 0
    beep_is_am: Annotated[Boolean, Field(description="A beep is a machine"), or_default(True)] = True
    countries: Annotated[
        tuple[StrictStr, ...],
        Field(max_length=len(COUNTRIES), description="Whose ringback, busy and congestion tones: de, us, ..; all"),
        or_default(()),
    ] = ()
    silence: Annotated[
        StrictInt, Field(ge=500, le=600_000, description="Silence told as SILENCE, ms"), or_default(3000)
    ] = 3000
    keep_features: Annotated[
        Boolean, Field(description="They can be fetched, of ten minutes at most (totalTimeout)"), or_default(False)
    ] = False

    def to_request(self) -> AnalysisRequest:
        """Raises ValueError: values that do not go together; it begins with the name of one of them, in snake_case."""
        things = frozenset(self.tell)
        if unknown := set(self.countries) - COUNTRIES.keys():
            raise ValueError(f"countries: nothing is known of {', '.join(sorted(unknown))}")
        parameters = cpa.Parameters(
            min_ambient_energy=self.min_ambient_energy,
            initial_silence_ignore=self.initial_silence_ignore,
            tones=self.tones,
            silence_detect_limit=self.silence_detect_limit,
            beep_to_silence_gap=self.beep_to_silence_gap,
            beep_is_am=self.beep_is_am,
            countries=self.countries,
            profile=PROFILES[self.profile],
        )
        timeout = self.total_timeout
        if "answer" in things and timeout is not None:
            parameters = replace(parameters, total_timeout=timeout)
        wanted = Wanted(
            things=things,
            parameters=parameters,
            silence=self.silence,
            break_events=frozenset(self.break_events),
            timeout=0 if "answer" in things else timeout or 0,
        )
        return AnalysisRequest(wanted=wanted, profile=self.profile, hear=Side(self.hear), keep=self.keep_features)


class AnalysisBody(Parameters):
    """POST /x/analysis"""

    data: Annotated[AnalysisCreate, JsonObject, Given]


class AnalysisFinding(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that was found."""

    #: one of docs/cpa.md, or the name of a tone
    code: str
    #: when it was known
    found_at: int
    #: when it began
    since: int
    reason: str
    #: the numbers that the reason stands on
    facts: dict[str, float | str]

    @classmethod
    def of(cls, finding: Finding) -> AnalysisFinding:
        return cls(
            code=finding.code,
            found_at=finding.at,
            since=finding.since,
            reason=finding.reason,
            facts=dict(finding.facts),
        )


class Analysis(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An analysis."""

    id: str
    call: str
    leg: str
    hear: str
    tell: list[str]
    profile: str
    state: Literal["connecting", "active", "ended"]
    #: why it ended: "done" (a break event, its time), "stopped by request", "call: ..", "media: .."; null: it has not
    reason: str | None
    create_time: float
    #: from which the times of findings count
    start_time: float | None
    end_time: float | None
    #: milliseconds that were analysed
    heard: int
    #: who has answered, as it was told last: LV, AM, FX or MD
    answer: str | None
    #: findings so far
    found: int
    #: the newest two hundred
    findings: list[AnalysisFinding]
    #: GET /x/analysis/{id}/features has them
    features: bool

    @classmethod
    def of(cls, view: AnalysisView) -> Analysis:
        return cls(
            id=view.id,
            call=view.call,
            leg=view.leg,
            hear=view.request.hear.value,
            tell=sorted(view.request.wanted.things),
            profile=view.request.profile,
            state=view.state,  # type: ignore[arg-type]  # the session's word
            reason=view.reason or None,
            create_time=view.created_at,
            start_time=view.started_at,
            end_time=view.ended_at,
            heard=view.heard_ms,
            answer=view.answer,
            found=view.count,
            findings=[AnalysisFinding.of(finding) for finding in view.findings],
            features=view.kept,
        )
