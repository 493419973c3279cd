"""Who answers, tones, digits, talk and silence on live calls: analyses that users begin over REST.

    leg -- verbs/analyse.py --> features --> media/detection.py --> findings: the newest kept, each told as an event
                                         \\-> media/recorded.py, if they are to be kept

The call does not notice. An analysis ends with its process: it is media, which no restart brings back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Unpack

import structlog

from ari_app.calls.desk import Desk, FindLeg, Whom
from ari_app.calls.leg import Leg
from ari_app.calls.registry import Registry
from ari_app.calls.session import CallSession, SessionView
from ari_app.calls.verbs.analyse import LEG_GONE, Analysis
from ari_app.calls.verbs.attach import Side
from ari_app.errors import NotFound
from ari_app.media.cpa import ANSWERS, Finding
from ari_app.media.detection import Detector, Wanted
from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS
from ari_app.media.ports import MediaPorts
from ari_app.media.recorded import FeatureRecord
from ari_app.media.vad import Vad

log = structlog.get_logger(__name__)

#: Findings that are kept of one analysis: the newest. Analyses of one call at a time.
FINDINGS, PER_CALL = 200, 4
#: ms that an analysis may last whose features are kept, and analyses of an account that keep theirs: those that began
#: last. Ten minutes are 3 MB at most.
KEEP_LIMIT, KEEPING = 600_000, 20


@dataclass(frozen=True, kw_only=True)
class AnalysisRequest:
    """What users ask for. profile: its name. keep: the features, for a replay."""

    wanted: Wanted
    profile: str = "balanced"
    hear: Side = Side.PARTY
    keep: bool = False

    def __post_init__(self) -> None:
        wanted = self.wanted
        lasts = wanted.parameters.total_timeout if "answer" in wanted.things else wanted.timeout
        if self.keep and not 0 < lasts <= KEEP_LIMIT:
            raise ValueError(f"keep_features: the analysis has to end within {KEEP_LIMIT} ms")


class AnalysisView(SessionView, frozen=True, kw_only=True):
    """An analysis as it is now."""

    request: AnalysisRequest
    #: ms of media time that were analysed
    heard_ms: int
    #: the last that was told of who has answered: LV, AM, FX, MD
    answer: str | None
    #: that were told so far, of which the newest are here
    count: int
    findings: list[Finding]
    #: there are features to be fetched
    kept: bool


class AnalysisSession(CallSession):
    """One analysis of a user."""

    def __init__(self, leg: Leg, request: AnalysisRequest, ports: MediaPorts, vad: Vad | None = None) -> None:
        super().__init__(leg, "analysis")
        self.request = request
        self.record = FeatureRecord(request.wanted) if request.keep else None
        self._heard_ms = 0
        self._answer: str | None = None
        self._count = 0
        self._findings: deque[Finding] = deque(maxlen=FINDINGS)
        self._detector = Detector(request.wanted)
        self._analysis = Analysis(leg, ports, self, self._found, hear=request.hear, vad=vad)

    # as an analyser

    def hear(self, frame: Features) -> Sequence[Finding]:
        """The next 20 ms."""
        self.started()
        self._heard_ms = frame.at + FRAME_MS
        if self.record is not None:
            self.record.add(frame)
        return self._detector.hear(frame)

    @property
    def done(self) -> bool:
        """Whether nothing more will be found."""
        return self._detector.done

    def _found(self, finding: Finding) -> None:
        self._count += 1
        self._findings.append(finding)
        if finding.code in ANSWERS:
            self._answer = finding.code
        self.tell(
            "Found",
            code=finding.code,
            foundAt=finding.at,
            since=finding.since,
            reason=finding.reason,
            facts=dict(finding.facts),
        )

    # as a session of a desk

    async def run(self) -> None:
        """Analyse, to the end."""
        outcome = await self._analysis.run()
        self.reason = self.reason or ("" if outcome.ended == LEG_GONE else outcome.ended)

    def stop(self, reason: str) -> None:
        """End it; the first reason stays."""
        super().stop(reason)
        self._analysis.stop()

    def finish(self) -> None:
        """It is over, whatever has become of the task."""
        if not self.leg.alive:
            self.stop("call: it has ended")
        super().finish()

    def view(self) -> AnalysisView:
        """As it is now."""
        return AnalysisView(
            **self.shown(),
            request=self.request,
            heard_ms=self._heard_ms,
            answer=self._answer,
            count=self._count,
            findings=list(self._findings),
            kept=self.record is not None,
        )


class AnalysisDesk(Desk[AnalysisView]):
    """All analyses of users."""

    def __init__(self, registry: Registry, ports: MediaPorts, find: FindLeg, *, limit: int) -> None:
        """limit: analyses at a time; each costs about 0.1 % of a core."""
        super().__init__(registry, find, "analysis", limit=limit, nouns="analyses")
        self._ports = ports
        #: makes what tells speech, for each; None: WebRTC's
        self.vad: Callable[[], Vad] | None = None
        self._keeping: dict[int, deque[AnalysisSession]] = {}

    async def start(self, account: int, request: AnalysisRequest, **whom: Unpack[Whom]) -> str:
        """Begin one on the leg that is meant; its id.

        Raises:
            NotFound: there is no such leg; context "parameter": what of `whom` it is.
            TooMany: altogether, or on that call.
        """
        leg = self.find_leg(account, **whom)
        self.require_room(leg, PER_CALL)
        session = AnalysisSession(leg, request, self._ports, self.vad() if self.vad is not None else None)
        if session.record is not None:
            keeping = self._keeping.setdefault(account, deque())
            keeping.append(session)
            if len(keeping) > KEEPING:
                keeping.popleft().record = None
        log.info("= analysis", call=leg.call.id, analysis=session.id, things=sorted(request.wanted.things))
        return self.begin(account, session)

    def features(self, account: int, analysis: str) -> bytes:
        """The features so far, as media/recorded.py packs them.

        Raises:
            NotFound: there is no such analysis (context "parameter": "id"), or its features were not, or are no
                longer, kept (context "parameter": "features").
        """
        session = self._session(account, analysis)
        if not isinstance(session, AnalysisSession) or session.record is None:
            raise NotFound("its features were not kept", parameter="features")
        return session.record.file()
