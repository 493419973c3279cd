"""What holds after every event of any history.

A random history is told to an engine and to a model that judges it (model.py). After each event:

* No caller is offered to two agents at once, except by ringall; nobody has two of offers and calls; no agent is on two.
* Each offer goes to an agent who is free in that queue, fits its rule and what the caller wants, whom this caller has
  not been missed by in this round, and whom the strategy would have; and at that moment nobody stood before this caller
  (weight, priority, joining) who could have been offered to that agent.
* Nobody who wants an agent waits while somebody is free whom he has not been missed by in this round, and a retry pause
  follows only upon a miss and ends when it should.
* Every caller who joined is waiting, or talks, or has left by exactly one fact.
* Who is sent away, and who has waited long enough, goes where the first rule that can be followed says.
* Exactly the timers are set that must be; exactly the commands came out that must; late and foreign events change
  nothing and are counted; refused commands change nothing.
* What the facts say is what the views show: agents' states, queues' counts.
* The snapshot is the state: engines restored on the way, and told the rest, give the same answers and snapshots.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.unit.acd.history import History, Pick

#: the walk of calls
TRAFFIC: tuple[Any, ...] = (
    *(4 * [History.join]),
    *(3 * [History.answer]),
    *(3 * [History.end]),
    *(3 * [History.fire]),
    History.wait,
    History.leave,
    History.prioritise,
    History.send,
    History.steal,
)
TROUBLE: tuple[Any, ...] = (History.fail, History.fail_to_connect, History.phone, History.be_late)
PEOPLE: tuple[Any, ...] = (
    History.sign_in,
    History.time_out_or_sign_out,
    History.sign_in_to_queues,
    History.act,
    History.pause,
)
CONFIGURATION: tuple[Any, ...] = (
    History.configure_queue,
    History.configure_agent,
    History.configure_routing,
    History.configure_skills,
    History.configure_overflow,
    History.open_or_close,
    History.remove,
)

anything = st.data()


def pick_by(data: st.DataObject) -> Pick:
    return Pick(lambda options: data.draw(st.sampled_from(options)))


class Histories(RuleBasedStateMachine):
    """Short histories, which hypothesis shrinks to the least that fails."""

    def __init__(self) -> None:
        super().__init__()
        self.history = History()

    @initialize(data=anything)
    def open(self, data: st.DataObject) -> None:
        self.history.open(pick_by(data))

    @rule(data=anything, steps=st.lists(st.sampled_from(TRAFFIC), min_size=1, max_size=8))
    def traffic(self, data: st.DataObject, steps: list[Any]) -> None:
        for step in steps:
            step(self.history, pick_by(data))

    @rule(data=anything, step=st.sampled_from(TROUBLE))
    def trouble(self, data: st.DataObject, step: Any) -> None:
        step(self.history, pick_by(data))

    @rule(data=anything, step=st.sampled_from(PEOPLE))
    def people(self, data: st.DataObject, step: Any) -> None:
        step(self.history, pick_by(data))

    @precondition(lambda self: len(self.history.journal) % 3 == 0)
    @rule(data=anything, step=st.sampled_from((*CONFIGURATION, History.staff)))
    def configuration(self, data: st.DataObject, step: Any) -> None:
        step(self.history, pick_by(data))

    @rule(data=anything)
    def restart(self, data: st.DataObject) -> None:
        self.history.restart(pick_by(data))

    def teardown(self) -> None:
        self.history.replay()


Histories.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestHistories = Histories.TestCase


@pytest.mark.parametrize("seed", range(5))
def test_long_histories(seed: int) -> None:
    """Long ones, which get into states that short ones do not."""
    chance = Random(seed)
    pick = Pick(chance.choice)
    history = History()
    history.open(pick)
    steps = TRAFFIC * 6 + TROUBLE * 3 + PEOPLE + CONFIGURATION[:-1] + (History.restart, History.staff)
    for n in range(1200):
        chance.choice(steps)(history, pick)
        if n % 100 == 99:
            History.remove(history, pick)
            History.configure_queue(history, pick)
            history.staff(pick)
    history.replay()


#: the walk of calls and of people, where nothing is configured otherwise
WORK = (
    *(3 * TRAFFIC),
    *TROUBLE,
    *PEOPLE,
    *(3 * [History.leave_during_a_call]),
    History.open_or_close,
    History.open_or_close,
    History.restart,
)
#: what happens in each of the histories with all options on, beside calls that are just answered
ALL_ON = frozenset(
    {
        *("answered by rule", "skills wanted", "timer relax"),
        *("overflow", "timer over", "refused diverted"),
        *("refused closed", "refused empty", "refused full", "leave_empty", "timeout"),
        *("priority changed", "pending pause", "pending sign-out"),
        *("timer keep", "timer resume", "timer wrap", "timer cool", "timer say"),
        *("abandoned", "completed", "sent", "stolen", "ringall"),
    }
)


@pytest.mark.parametrize("seed", range(3))
def test_histories_with_all_options_on(seed: int) -> None:
    """And all of them at work: what the options are for has happened in each."""
    chance = Random(seed)
    pick = Pick(chance.choice)
    history = History()
    history.open(pick)
    for n in range(1500):
        if n % 50 == 0:
            history.all_on(pick)
        chance.choice(WORK)(history, pick)
    history.replay()
    assert history.come_to >= ALL_ON, ALL_ON - history.come_to
