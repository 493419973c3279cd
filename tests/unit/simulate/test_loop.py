"""The world around the engine: patience, phones, wrap-up, shifts, breaks; and that nothing is lost or counted twice."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

import pytest

from ari_app.simulate import dayfile
from ari_app.simulate.callers import CallerPlan, described
from ari_app.simulate.loop import Day
from ari_app.simulate.measure import Figures, Measures
from ari_app.simulate.scenario import Scenario

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "day.toml"
HOUR = 3600.0


def scenario(agents: list[dict[str, Any]] | None = None, **queue: Any) -> Scenario:
    settings = {"extension": "500", "strategy": "linear", "handling": 60, "patience": "none", **queue}
    groups = [{"queues": ["500"], **group} for group in ([{"name": "a"}] if agents is None else agents)]
    return Scenario.model_validate({"queue": [settings], "agents": groups, "interval": 60})


def run(day: Scenario, *callers: tuple[float, float, float]) -> Measures:
    """callers: (at, patience, handling)."""
    return Day(day, [CallerPlan(at, "500", patience, handling) for at, patience, handling in callers], 1, 0).run()


def whole(measures: Measures) -> Figures:
    return measures.figures(range(24))


def test_one_agent_two_callers() -> None:
    figures = whole(run(scenario(), (HOUR, inf, 100), (HOUR + 40, inf, 100), (HOUR + 50, 30, 100)))
    assert (figures["answered"], figures["abandoned"]) == (2, 1)
    assert figures["average_speed_of_answer"] == pytest.approx(30)
    assert figures["average_abandon_time"] == pytest.approx(30)
    assert figures["max_wait"] == pytest.approx(60)
    assert figures["occupancy"] == pytest.approx(200 / (24 * HOUR))


def test_patience_counts_until_the_answer_only() -> None:
    assert whole(run(scenario(), (HOUR, 5, 1000)))["answered"] == 1


def test_a_phone_takes_its_time_and_may_not_be_answered() -> None:
    slow = scenario([{"name": "a", "answer_delay": 7}])
    assert whole(run(slow, (HOUR, inf, 60)))["average_speed_of_answer"] == pytest.approx(7)
    # The first does not answer: after 15 s the second is rung.
    absent = scenario([{"name": "a", "answer_delay": 100}, {"name": "b", "answer_delay": 3}])
    assert whole(run(absent, (HOUR, inf, 60)))["average_speed_of_answer"] == pytest.approx(18)


def test_no_answer_has_its_chance() -> None:
    day = scenario([{"name": "a", "no_answer": 0.5}], retry=5)
    calls = [(HOUR + 600 * i, inf, 1.0) for i in range(100)]
    asa = whole(run(day, *calls))["average_speed_of_answer"]
    # On average one miss of 15 s and its pause of 5 s (less 0: the pause counts from the miss) before the answer.
    assert asa == pytest.approx(20, rel=0.25)


@pytest.mark.parametrize(
    ("settings", "second_wait"),
    [
        ({"wrap_up": 30}, 70.0),
        ({"wrap_up": 30, "wrap_up_time": 10}, 50.0),
        ({"wrap_up": 30, "wrap_up_time": 100}, 70.0),
        ({"wrap_up": 0, "wrap_up_time": 45}, 85.0),
    ],
)
def test_wrap_up_ends_when_the_agent_or_the_queue_ends_it(settings: dict[str, Any], second_wait: float) -> None:
    figures = whole(run(scenario(**settings), (HOUR, inf, 60), (HOUR + 20, inf, 60)))
    assert figures["average_speed_of_answer"] == pytest.approx(second_wait / 2)


def test_shifts_and_breaks() -> None:
    times = {
        "shifts": [{"from": "09:00", "to": "12:00"}, {"from": "13:00", "to": "15:00"}],
        "breaks": [{"from": "10:00", "to": "10:30"}],
    }
    measures = run(
        scenario([{"name": "a", **times}]),
        (8 * HOUR, inf, 60),  # before anyone is there
        (10 * HOUR + 60, inf, 60),  # in the break
        (11.99 * HOUR, inf, 300),  # beyond the end of the shift
        (12 * HOUR + 60, inf, 60),  # while nobody is there
        (16 * HOUR, 40, 60),  # after hours
        (17 * HOUR, inf, 60),  # never answered
    )
    waits = {h: measures.figures(range(h, h + 1))["average_speed_of_answer"] for h in (8, 10, 11, 12, 16)}
    assert waits == {8: 3600, 10: pytest.approx(1740), 11: 0, 12: pytest.approx(3540), 16: None}
    assert measures.figures(range(16, 17))["abandoned"] == 1
    assert measures.figures(range(17, 18))["still_waiting"] == 1
    assert measures.figures(range(9, 10))["agents"] == 1
    assert measures.figures(range(8, 9))["agents"] == 0
    # Half of the hour is a break: not idle, not busy.
    assert measures.figures(range(10, 11))["occupancy"] == pytest.approx(60 / 1800)
    # What is finished after the shift is no working time.
    assert whole(measures)["agent_hours"] == pytest.approx(5)


def test_a_full_queue_refuses() -> None:
    figures = whole(run(scenario(max_callers=1), (HOUR, inf, 60), (HOUR + 1, inf, 60), (HOUR + 2, inf, 60)))
    assert (figures["offered"], figures["refused"]) == (2, 1)


def test_a_longest_wait() -> None:
    figures = whole(run(scenario(max_wait=20), (HOUR, inf, 100), (HOUR + 1, inf, 60)))
    assert (figures["left_otherwise"], figures["max_wait"]) == (1, 20)


@pytest.mark.parametrize("strategy", ["ringall", "rrmemory", "wrandom"])
def test_nothing_is_lost_on_a_day_with_everything(strategy: str) -> None:
    (day, _) = dayfile.load(EXAMPLE)
    day = day.model_copy(update={"queue": [q.model_copy(update={"strategy": strategy}) for q in day.queue]})
    plans = described(day, 3, 0)
    simulated = Day(day, plans, 3, 0)
    measures = simulated.run()
    figures = whole_of(measures)
    gone = [figures[n] or 0 for n in ("answered", "abandoned", "left_otherwise", "still_waiting")]
    assert figures["offered"] == len(plans) == sum(gone)
    assert not simulated.engine.known_calls()
    counts = measures.counts(range(48), None)
    # The record of the calls and that of the agents say the same, but for what was finished after hours.
    on_call = sum(agents.time["on_call"] + agents.time["overtime"] for agents in measures.agents)
    assert on_call == pytest.approx(counts.talk, rel=1e-6)


def whole_of(measures: Measures) -> Figures:
    return measures.figures(range(len(measures.calls)))


def test_the_same_seed_is_the_same_day_and_scenarios_meet_the_same_callers() -> None:
    base, more = dayfile.load(EXAMPLE)
    assert described(base, 1, 0) == described(more, 1, 0)
    assert described(base, 1, 0) != described(base, 2, 0)
    assert described(base, 1, 0) != described(base, 1, 1)
    first, again = (whole_of(Day(base, described(base, 1, 0), 1, 0).run()) for _ in range(2))
    assert first == again
