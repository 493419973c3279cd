"""The estimated wait on simulated days: against what then happened, and against the best that can be known."""

from __future__ import annotations

from math import inf
from statistics import fmean

import pytest

from ari_app.acd import commands as c
from ari_app.simulate.callers import described
from ari_app.simulate.loop import Day
from tests.unit.simulate.test_against_erlang import HANDLING, WARM_UP, listen, steady


@pytest.mark.parametrize(
    ("agents", "load", "patience", "biased"), [(3, 2.7, inf, 0.08), (10, 9.3, inf, 0.05), (10, 12.0, 120.0, 0.1)]
)
def test_it_is_as_good_as_chance_allows(agents: int, load: float, patience: float, biased: float) -> None:
    """Nobody can know when calls will end: who knows the rates tells position * handling time / agents, and errs by as
    much as chance will have it. What is learned from the callers must not err by more than a fifth beyond that; and
    where callers give up, which those rates say nothing of, be nearer than they are."""
    waits: list[float] = []
    errors: list[float] = []
    best: list[float] = []
    for number in range(4):
        scenario = steady(agents, load, patience)
        day = Day(scenario, described(scenario, 3, number), 3, number)
        position: dict[str, int] = {}

        def follow(fact: object, position: dict[str, int] = position) -> None:
            if isinstance(fact, c.CallerEntered):
                position[fact.call] = fact.position
            elif isinstance(fact, c.CallerServed) and fact.estimate is not None and fact.at >= WARM_UP:
                waits.append(fact.wait)
                errors.append(fact.wait - fact.estimate)
                best.append(abs(fact.wait - position[fact.call] * HANDLING / agents))

        listen(day, follow)
        measures = day.run()
        counts = measures.counts(range(48), "500")
        assert counts.estimate_mean_error is not None
    assert len(waits) > 1000
    assert abs(fmean(errors)) <= biased * fmean(waits)
    mean_error = fmean(abs(error) for error in errors)
    assert mean_error <= 1.2 * fmean(best) if patience == inf else mean_error < fmean(best)
