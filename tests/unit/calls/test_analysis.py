"""Analyses that users begin: what is made for them, what is told and kept, and that nothing of it is left."""

from __future__ import annotations

from typing import Any

import pytest

from ari_app.calls.analysis import KEEPING, PER_CALL, AnalysisDesk, AnalysisRequest, AnalysisView
from ari_app.calls.call import Call
from ari_app.calls.desk import TooMany
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.attach import Side
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.errors import NotFound
from ari_app.media.cpa import Parameters
from ari_app.media.detection import Wanted, replay
from ari_app.media.features import Features
from ari_app.media.recorded import read
from ari_app.media.transports.pacing import Ticker
from tests.unit.calls.stage import Stage, stay
from tests.unit.media.calls import HUMAN
from tests.unit.media.signals import features

ACCOUNT, OTHER = 1, 2


async def answered(call: Call) -> None:
    await answer(call.caller)
    await stay(call)


class Analyses:
    """A call, and what analyses it."""

    def __init__(self, stage: Stage, call: Call) -> None:
        self.stage, self.call = stage, call
        self.ports = MediaPorts(stage.clock, Ticker(stage.clock), TransportKind.RTP)
        self.desk = AnalysisDesk(stage.registry, self.ports, lambda _account, _extension: None, limit=30)
        self.told: list[tuple[int, str, dict[str, Any]]] = []
        self.desk.tell = lambda *told: self.told.append(told)

    async def start(self, **asked: Any) -> str:
        request = AnalysisRequest(**{"wanted": Wanted(), **asked})
        return await self.desk.start(ACCOUNT, request, call=self.call.id)

    async def hear(self, analysis: str, frames: list[Features]) -> None:
        """What its one line hears."""
        await self.stage.until(lambda: len(self.ports.batch) == 1)
        (line,) = self.ports.batch._lines
        for frame in frames:
            line.hear(frame, None)

    async def ended(self, analysis: str) -> AnalysisView:
        await self.stage.until(lambda: self.desk.view(ACCOUNT, analysis).state == "ended")
        return self.desk.view(ACCOUNT, analysis)

    def events(self) -> list[str]:
        return [name for _, name, _ in self.told]


@pytest.fixture
async def analyses(stage: Stage) -> Analyses:
    call, _ = await stage.incoming(answered)
    await stage.until(lambda: call.answered_at)
    return Analyses(stage, call)


async def test_what_is_found_is_told_kept_and_replayed(analyses: Analyses) -> None:
    wanted = Wanted(things=frozenset({"answer", "talk"}), break_events=frozenset({"SL"}))
    made = await analyses.start(wanted=wanted, hear=Side.OTHERS, keep=True)
    assert analyses.desk.view(ACCOUNT, made).state == "connecting"
    heard = features(HUMAN)
    await analyses.hear(made, heard)
    view = await analyses.ended(made)
    (snoop,) = analyses.stage.asked("channels.snoopChannelWithId")
    assert snoop["spy"] == "out"
    found = replay(heard, wanted)
    assert [finding.code for finding in found] == ["TALKSTART", "TALKSTOP", "LV", "SL"]
    assert (view.findings, view.count, view.answer, view.reason) == (found, 4, "LV", "done")
    assert view.heard_ms == found[-1].at
    assert analyses.events() == ["AnalysisStarted", *["AnalysisFound"] * 4, "AnalysisEnded"]
    account, _, live = analyses.told[3]
    assert (account, live["analysis"], live["call"], live["code"]) == (ACCOUNT, made, analyses.call.id, "LV")
    assert (live["foundAt"], live["since"], live["facts"]) == (found[2].at, found[2].since, found[2].facts)
    asked, kept = read(analyses.desk.features(ACCOUNT, made))
    assert (asked, kept) == (wanted, heard[: len(kept)])
    assert replay(kept, asked) == found
    await analyses.stage.until(lambda: not analyses.stage.registry.helpers)
    assert len(analyses.desk) == 0


async def test_stopped_and_hung_up(analyses: Analyses) -> None:
    first, second = await analyses.start(), await analyses.start()
    analyses.desk.stop(ACCOUNT, first)
    assert (await analyses.ended(first)).reason == "stopped by request"
    analyses.stage.fake.hangup_from_far_end(analyses.call.caller.id)
    assert (await analyses.ended(second)).reason == "call: it has ended"
    assert analyses.events() == ["AnalysisEnded"] * 2
    await analyses.stage.nothing_left()


async def test_no_more_than_a_few_of_a_call(analyses: Analyses) -> None:
    for _ in range(PER_CALL):
        await analyses.start()
    with pytest.raises(TooMany):
        await analyses.start()


async def test_features_are_kept_of_the_newest_that_ask_for_it(analyses: Analyses) -> None:
    with pytest.raises(ValueError, match="keep_features"):
        AnalysisRequest(wanted=Wanted(things=frozenset({"talk"})), keep=True)
    AnalysisRequest(wanted=Wanted(parameters=Parameters(total_timeout=600_000)), keep=True)
    plain = await analyses.start()
    analyses.desk.stop(ACCOUNT, plain)
    made = []
    for _ in range(KEEPING + 1):
        made.append(await analyses.start(keep=True))
        analyses.desk.stop(ACCOUNT, made[-1])
        await analyses.ended(made[-1])
    for gone in (plain, made[0]):
        assert not analyses.desk.view(ACCOUNT, gone).kept
        with pytest.raises(NotFound) as missing:
            analyses.desk.features(ACCOUNT, gone)
        assert missing.value.context["parameter"] == "features"
    read(analyses.desk.features(ACCOUNT, made[1]))
    with pytest.raises(NotFound) as missing:
        analyses.desk.features(OTHER, made[1])
    assert missing.value.context["parameter"] == "id"
