"""Counts and every service level made from them."""

from __future__ import annotations

import pytest

from ari_app.acd import commands as c
from ari_app.acd import stats
from ari_app.acd.stats import Counts, Statistics
from tests.unit.acd.scene import Scene

#: Cisco's own example: of 100 calls 70 answered in time, 10 abandoned in time, 20 answered late or abandoned late
CISCO = Counts(threshold=20.0, entered=100, answered=85, answered_within=70, abandoned=15, abandoned_within=10)


@pytest.mark.parametrize(
    ("level", "percent"),
    [
        (stats.service_level_cisco_ignore, 77.8),
        (stats.service_level_cisco_negative, 70.0),
        (stats.service_level_cisco_positive, 80.0),
    ],
)
def test_cisco_example(level: object, percent: float) -> None:
    assert round(100 * level(CISCO), 1) == percent  # type: ignore[operator]


def test_cisco_counts_those_who_wait_beyond_the_threshold() -> None:
    fewer = Counts(threshold=20.0, answered=80, answered_within=70, abandoned=10, abandoned_within=10)
    assert stats.service_level_cisco_ignore(fewer, waiting_beyond=10) == pytest.approx(70 / 90)
    assert stats.service_level_cisco_negative(fewer, waiting_beyond=10) == pytest.approx(0.7)
    assert stats.service_level_cisco_positive(fewer, waiting_beyond=10) == pytest.approx(0.8)


#: 60 answered (50 in 20 s), 50 of them done (44 in 20 s); 20 abandoned (12 in 20 s, 5 of them in 5 s); 10 left
#: otherwise (4 in 20 s)
DAY = Counts(
    threshold=20.0,
    entered=92,
    answered=60,
    answered_within=50,
    answered_wait=900.0,
    completed=50,
    completed_within=44,
    talk=9000.0,
    abandoned=20,
    abandoned_within=12,
    abandoned_short=5,
    abandoned_short_within=5,
    abandoned_wait=400.0,
    timeouts=6,
    no_retry=1,
    flow_outs=3,
    exited_within=4,
)


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (stats.service_level_asterisk(DAY), 44 / 50),
        (stats.service_level_asterisk_2(DAY), (44 + 12 + 4) / (50 + 20 + 10)),
        (stats.service_level_cisco_ignore(DAY), 50 / (90 - 12)),
        (stats.service_level_cisco_negative(DAY), 50 / 90),
        (stats.service_level_cisco_positive(DAY), 62 / 90),
        (stats.service_level_genesys(DAY), 50 / 80),
        (stats.service_level_genesys(DAY, flow_outs=True), 50 / 90),
        (stats.service_level_genesys(DAY, exclude_short=True), 50 / 75),
        (stats.service_level_genesys(DAY, exclude_abandons=True), 50 / 60),
        (stats.service_level_genesys(DAY, exclude_abandons=True, exclude_short=True, flow_outs=True), 50 / 70),
        (stats.service_level_amazon(DAY), 66 / 90),
        (stats.service_level_ringcentral(DAY), 50 / 75),
        (stats.service_level_ringcentral(DAY, include_abandoned=False), 50 / 60),
        (stats.answer_rate(DAY), 60 / 92),
        (stats.abandon_rate(DAY), 20 / 92),
        (stats.abandon_rate_google(DAY), 15 / 65),
        (DAY.average_speed_of_answer, 15.0),
        (DAY.average_abandon_time, 20.0),
        (DAY.average_talk, 180.0),
    ],
)
def test_figures(figure: float | None, expected: float) -> None:
    assert figure == pytest.approx(expected)


def test_nothing_to_divide_by() -> None:
    empty = Counts(threshold=20.0)
    assert {name: level(empty) for name, level in stats.SERVICE_LEVELS.items()} == dict.fromkeys(stats.SERVICE_LEVELS)
    assert empty.average_talk is None


def test_what_is_counted_at_the_answer_and_what_at_the_end() -> None:
    scene = Scene()
    scene.queue(service_level=10.0)
    scene.agent(1)
    scene.join("a")
    scene.advance(10)  # within is "not longer than"
    scene.answer("a")
    counts = scene.engine.counts("500")
    assert (counts.entered, counts.answered, counts.answered_within, counts.answered_wait) == (1, 1, 1, 10.0)
    assert (counts.completed, counts.talk, stats.service_level_asterisk(counts)) == (0, 0.0, None)
    scene.advance(30)
    scene.end("a")
    assert (counts.completed, counts.completed_within, counts.talk) == (1, 1, 30.0)
    assert counts.open == {}


def test_the_threshold_is_the_one_at_the_answer() -> None:
    scene = Scene()
    scene.queue(service_level=10.0)
    scene.agent(1)
    scene.join("a")
    scene.advance(8)
    scene.answer("a")
    scene.queue(service_level=5.0)
    scene.end("a")
    assert scene.engine.counts("500").completed_within == 1


def test_a_failed_join_is_taken_back() -> None:
    statistics = Statistics()
    statistics.configure("500", 20.0)
    before = statistics.counts["500"].average_speed_of_answer
    statistics.apply(c.CallerServed(at=1.0, call="a", queue="500", agent=1, wait=4.0, ring=2.0))
    statistics.apply(c.CallerUnserved(at=1.0, call="a", queue="500", agent=1))
    counts = statistics.counts["500"]
    assert (counts.answered, counts.answered_within, counts.answered_wait, counts.ring) == (0, 0, 0.0, 0.0)
    assert counts.average_speed_of_answer == before


@pytest.mark.parametrize(
    ("outcome", "where"),
    [
        ("abandoned", "abandoned"),
        ("timeout", "timeouts"),
        ("no_retry", "no_retry"),
        ("stolen", "flow_outs"),
        ("transferred", "flow_outs"),
        ("queue_removed", "flow_outs"),
    ],
)
def test_ways_out(outcome: str, where: str) -> None:
    statistics = Statistics()
    statistics.configure("500", 20.0)
    statistics.apply(c.CallerExited(at=1.0, call="a", queue="500", outcome=outcome, wait=3.0, position=1))
    counts = statistics.counts["500"]
    assert getattr(counts, where) == 1
    assert (counts.exited, counts.exited_within) == ((0, 0) if where == "abandoned" else (1, 1))


def test_refusals_are_counted_where_there_is_a_queue() -> None:
    scene = Scene()
    scene.queue(max_callers=0)
    scene.join("a")
    scene.join("b", "999")
    assert scene.engine.counts("500").refused == 1
    assert scene.engine.counts("500").entered == 0
