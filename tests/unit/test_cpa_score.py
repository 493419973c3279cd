"""The scoring of the CPA evaluation, on calls whose score is known."""

import numpy as np
import pytest

from ari_app.media.cpa import Finding
from bench.cpa.calls import Call, coded, tone
from bench.cpa.score import Verdict, compare, figures, shares, wilson


def verdict(kind: str, *found: tuple[str, int], beep: int | None = None, number: int = 0) -> Verdict:
    call = Call(number, kind, {}, np.zeros(0), frozenset(), 1000, beep, {"length": 0.3})
    return Verdict(call, [Finding(code, at, at - 140, "") for code, at in found])


def test_wilsons_interval() -> None:
    assert wilson(0, 0) == (0, 100)
    assert wilson(8, 10) == pytest.approx((49.0, 94.3), abs=0.1)
    assert wilson(0, 480)[1] == pytest.approx(0.8, abs=0.05)
    assert wilson(480, 480) == pytest.approx((99.2, 100), abs=0.05)


def test_a_later_beep_corrects_the_first_decision() -> None:
    corrected = verdict("short machine", ("LV", 1900), ("AM", 2640), ("BP", 2640), beep=2500)
    assert not corrected.right
    assert corrected.right_at_last
    assert corrected.beep_after == 140
    assert verdict("machine", ("AM", 2000), ("BP", 4000), beep=2500).beep_after is None


def test_shares_and_times() -> None:
    verdicts = [
        verdict("live", ("LV", 1840)),
        verdict("live", ("AM", 1840)),
        verdict("machine", ("AM", 3000), ("BP", 5150), beep=5000),
        verdict("fax", ("FX", 2000)),
        verdict("fax"),
    ]
    by_name = {share.name: share for share in shares(verdicts)}
    assert by_name["first decision right"].percent == pytest.approx(200 / 3)
    assert by_name["human taken for a machine"].percent == 50
    assert by_name["human taken for a machine"].reached is False
    assert by_name["fax"].hits == 1
    assert {figure.name: figure.value for figure in figures(verdicts)}[
        "live voice after the greeting's end, p50"
    ] == 840


def test_the_baseline_is_compared_on_the_calls_it_heard() -> None:
    verdicts = [verdict("live", ("LV", 1840), number=1), verdict("machine", ("AM", 3000), number=2)]
    right, ours, *_ = compare("peer", {1: "MACHINE"}, verdicts)
    assert (right.hits, right.count, ours.hits, ours.count) == (0, 1, 1, 1)


@pytest.mark.parametrize("codec", ["ulaw", "alaw", "gsm"])
def test_a_codec_keeps_the_time(codec: str) -> None:
    sound = 0.3 * tone(1.0, 1000)
    assert abs(len(coded(sound, codec)) - len(sound)) <= 320
