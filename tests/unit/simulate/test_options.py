"""Skills, opening hours, overflow and call-backs of a simulated day: the engine's own, with callers around them."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from pydantic import ValidationError

from ari_app.simulate.callers import CallerPlan, described
from ari_app.simulate.loop import Day
from ari_app.simulate.measure import Figures, Measures
from ari_app.simulate.scenario import Scenario

HOUR = 3600.0
TALK = 100.0


def scenario(*queues: dict[str, Any], agents: list[dict[str, Any]] | None = None) -> Scenario:
    day = [
        {"extension": str(500 + n), "strategy": "linear", "handling": TALK, "patience": "none", **queue}
        for n, queue in enumerate(queues or ({},))
    ]
    groups = [
        {"name": str(n), "queues": ["500"], **group} for n, group in enumerate([{}] if agents is None else agents)
    ]
    return Scenario.model_validate({"queue": day, "agents": groups, "interval": 60})


def run(day: Scenario, *callers: CallerPlan) -> Measures:
    return Day(day, callers, 1, 0).run()


def caller(at: float, queue: str = "500", patience: float = inf, **more: Any) -> CallerPlan:
    return CallerPlan(at, queue, patience, TALK, **more)


def whole(measures: Measures, queue: str | None = None) -> Figures:
    return measures.figures(range(24), queue)


def test_skills_choose_the_agent_and_a_rule_relaxes() -> None:
    """English goes to who can it; the rule lets anybody have who has waited a minute."""
    agents = [{"skills": {"english": 1}}, {"skills": {"english": 50}}]
    day = scenario({"rule": "english >= 3 or wait >= 60"}, agents=agents)
    waits = [whole(run(day, *(caller(HOUR) for _ in range(n))))["max_wait"] for n in (1, 2)]
    assert waits == [0, 60]


def test_callers_want_skills_of_their_own() -> None:
    day = scenario(agents=[{"skills": {"french": 1}}])
    wanted = [caller(HOUR, wanted={"french": 1}), caller(2 * HOUR, wanted={"sales": 1}, patience=30)]
    figures = whole(run(day, *wanted))
    assert (figures["answered"], figures["abandoned"]) == (1, 1)


def test_the_shares_of_what_is_wanted_are_kept_and_move_no_caller() -> None:
    arrivals = {"interval": 60, "calls": [4000.0]}
    plain = described(scenario({"arrivals": arrivals}), 1, 0)
    parts = [{"share": 0.25, "skills": {"french": 1}}, {"share": 0.5, "skills": {"sales": 2}}]
    wishing = described(scenario({"arrivals": arrivals, "wants": parts}), 1, 0)
    assert [c._replace(wanted=None) for c in wishing] == plain
    share = {n: sum(c.wanted == part["skills"] for c in wishing) / len(wishing) for n, part in enumerate(parts)}
    assert share == {0: pytest.approx(0.25, abs=0.03), 1: pytest.approx(0.5, abs=0.03)}


@pytest.mark.parametrize(("closing", "answered"), [("serve", 2), ("leave", 1)])
def test_hours_keep_callers_out_and_closing_serves_or_sends_away(closing: str, answered: int) -> None:
    day = scenario({"hours": [{"from": "09:00", "to": "10:00"}], "closing": closing})
    figures = whole(run(day, caller(HOUR), caller(10 * HOUR - 20), caller(10 * HOUR - 10), caller(11 * HOUR)))
    assert (figures["closed"], figures["offered"]) == (2, 2)
    assert figures["answered"] == answered
    assert figures["left_otherwise"] == 2 - answered


def test_hours_that_touch_are_one() -> None:
    hours = [{"from": "09:00", "to": "10:00"}, {"from": "10:00", "to": "11:00"}]
    assert whole(run(scenario({"hours": hours}), caller(10 * HOUR)))["answered"] == 1


def test_overflow_goes_to_the_other_queue_and_patience_goes_along() -> None:
    """Nobody serves 500: after 20 s he is in 501, with what is left of his patience, and does not come back."""
    rules = [{"when": "wait", "limit": 20, "queue": "501"}]
    back = [{"when": "wait", "limit": 20, "queue": "500"}]
    queues = ({"overflow": rules}, {"overflow": back})
    served = run(scenario(*queues, agents=[{"queues": ["501"]}]), caller(HOUR))
    assert (whole(served, "500")["left_otherwise"], whole(served, "501")["answered"]) == (1, 1)
    gave_up = whole(run(scenario(*queues, agents=[]), caller(HOUR, patience=50)), "501")
    assert (gave_up["abandoned"], gave_up["average_abandon_time"]) == (1, pytest.approx(30))


def test_overflow_at_the_door_and_out_of_the_day() -> None:
    rules = [{"when": "callers", "limit": 1, "message": "busy"}]
    figures = whole(run(scenario({"overflow": rules}, agents=[]), caller(HOUR, patience=50), caller(HOUR + 1)))
    assert (figures["offered"], figures["diverted"], figures["abandoned"]) == (1, 1, 1)


def test_a_caller_is_called_back_when_it_is_his_turn() -> None:
    """He leaves the line after 30 s, keeps his place before the third, and is reached 5 s after the agent is free."""
    day = scenario({"call_back": {"share": 1, "after": 30, "answer": 5}})
    figures = whole(run(day, caller(HOUR), caller(HOUR + 10, asks=30.0), caller(HOUR + 20)))
    assert (figures["call_backs"], figures["call_backs_reached"]) == (1, 1)
    assert (figures["answered"], figures["left_otherwise"]) == (2, 1)
    assert figures["max_wait"] == pytest.approx(2 * TALK + 5 - 20)


def test_one_who_is_not_reached_is_tried_as_often_as_is_set() -> None:
    day = scenario({"call_back": {"share": 1, "after": 0, "reached": 0, "attempts": 2, "retry": 60}})
    figures = whole(run(day, caller(HOUR), caller(HOUR + 10, asks=0.0)))
    assert (figures["call_backs"], figures["call_backs_reached"], figures["answered"]) == (2, 0, 1)


def test_the_share_of_those_who_ask_is_drawn() -> None:
    arrivals = {"interval": 60, "calls": [4000.0]}
    asking = described(scenario({"arrivals": arrivals, "call_back": {"share": 0.3, "after": 40}}), 1, 0)
    asks = [c.asks for c in asking if c.asks is not None]
    assert set(asks) == {40}
    assert len(asks) / len(asking) == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize(
    ("queue", "says"),
    [
        ({"rule": "english >="}, "rule"),
        ({"skills": {"wait": 1}}, "skills"),
        ({"wants": [{"share": 0.7, "skills": {}}, {"share": 0.7, "skills": {}}]}, "more than 1"),
        ({"hours": [{"from": "09:00", "to": "11:00"}, {"from": "10:00", "to": "12:00"}]}, "hours overlap"),
        ({"overflow": [{"when": "wait", "queue": "500"}]}, "wait needs a limit"),
        ({"overflow": [{"when": "full", "limit": 1, "queue": "500"}]}, "full has no limit"),
        ({"overflow": [{"when": "full"}]}, "one of queue, extension and message"),
        ({"overflow": [{"when": "full", "queue": "999"}]}, "there is no queue 999"),
        ({"call_back": {"share": 2, "after": 1}}, "call_back.share"),
    ],
)
def test_what_cannot_be_is_named(queue: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        scenario(queue)
