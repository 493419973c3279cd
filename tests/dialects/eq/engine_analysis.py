"""Analyses for tests of the EQ API: of calls that a test says there are, on which always the same is found. That the
real ones hear is shown with phones (tests/integration/test_analysis.py)."""

from __future__ import annotations

from typing import Unpack

from ari_app.calls.analysis import AnalysisRequest, AnalysisView
from ari_app.calls.desk import Whom
from ari_app.errors import NotFound
from ari_app.media.cpa import Finding
from ari_app.media.features import Features
from ari_app.media.recorded import FeatureRecord
from tests.dialects.eq.engine_centre import EngineCentre
from tests.dialects.eq.engine_desk import EngineDesk


class EngineAnalysis(EngineDesk[AnalysisView]):
    """Analyses, active at once."""

    def __init__(self, centre: EngineCentre) -> None:
        super().__init__(centre, "analysis", limit=2, nouns="analyses")

    async def start(self, account: int, request: AnalysisRequest, **whom: Unpack[Whom]) -> str:
        found = self.leg(account, **whom)
        self.require_room()
        now = self.centre.clock.now()
        live = Finding("LV", 2440, 1000, "short voice, then silence of 840 ms", {"voice": 600, "silence": 840})
        view = AnalysisView(
            id=self.next_id,
            call=found.call,
            leg=found.unique_id,
            request=request,
            state="active",
            reason="",
            created_at=now,
            started_at=now,
            ended_at=None,
            heard_ms=2500,
            answer="LV",
            count=1,
            findings=[live],
            kept=request.keep,
        )
        return self.begin(account, view)

    def features(self, account: int, analysis: str) -> bytes:
        view = self.view(account, analysis)
        if not view.kept:
            raise NotFound("its features were not kept", parameter="features")
        record = FeatureRecord(view.request.wanted)
        record.add(Features(0))
        return record.file()
