"""Who of the free agents fits, kept up as things change, is what a look at each of them would say."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.acd.agent import Agent, Membership
from ari_app.acd.engine import Engine
from ari_app.acd.fitting import KEPT, NOTHING, Fitting, Need
from ari_app.acd.queue import Queue, QueueRecord
from ari_app.acd.ranking import Ranking
from ari_app.acd.settings import QueueSettings, Strategy
from tests.unit.acd.history import History, Pick
from tests.unit.acd.model_state import RULES, SKILLS
from tests.unit.acd.test_properties import CONFIGURATION, PEOPLE, TRAFFIC, TROUBLE

AGENTS = range(6)
LEVELS = st.dictionaries(st.sampled_from(SKILLS), st.integers(0, 4))
AGENT = st.sampled_from(AGENTS)
STEPS = st.one_of(
    st.tuples(st.just("free"), AGENT, st.integers(1, 3)),
    st.tuples(st.just("taken"), AGENT),
    st.tuples(st.just("learns"), AGENT, LEVELS),
    st.tuples(st.just("ruled"), st.sampled_from(("", *RULES))),
    st.tuples(st.just("asked"), st.integers(0, 60), LEVELS),
)


def naive(queue: Queue, waited: int, wanted: dict[str, int]) -> list[int]:
    """A look at each free agent, with Python's own understanding of the rule."""
    found = []
    for rank in queue.idle.keys:
        skills = queue.members[rank[-1]].skills
        has = all(skills.get(name, 0) >= level for name, level in wanted.items())
        names = {name: skills.get(name, 0) for name in SKILLS}
        rule = queue.record.rule
        ruled = not rule or bool(eval(rule, {}, {**names, "wait": waited, "wanted": has}))
        if ruled and (has or "wanted" in rule):
            found.append(rank[-1])
    return found


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_the_free_who_fit_are_those_a_look_at_each_finds(steps: list[tuple[Any, ...]]) -> None:
    queue = Queue(QueueRecord(settings=QueueSettings(extension="500", strategy=Strategy.LINEAR)))
    queue.members.update({n: Agent(id=n) for n in AGENTS})
    for step, *given_ in steps:
        match step:
            case "free":
                agent, skill = given_
                queue.admit(queue.members[agent], Membership(skill=skill, order=agent, signed_in_at=0.0))
            case "taken":
                queue.dismiss(given_[0])
            case "learns":
                agent, queue.members[given_[0]].skills = given_[0], dict(given_[1])
                queue.fitting.learned(agent)
            case "ruled":
                queue.route(given_[0], {})
            case "asked":
                waited, wanted = given_
                turn = queue.rule.next_turn(waited) if queue.rule else None
                need: Need = (turn, tuple(sorted(wanted.items())))
                maybe, who = queue.fitting.anybody(need), queue.fitting.who(need)
                expected = naive(queue, waited, wanted)
                assert maybe or not expected
                assert [key[-1] for key in who.keys] == expected
                assert set(who.key_of) == set(expected)


class Naive(Fitting):
    """Looks at each free agent each time."""

    def anybody(self, need: Need) -> bool:
        return True

    def who(self, need: Need) -> Ranking[int]:
        self._of.clear()
        return super().who(need)


@pytest.mark.parametrize("seed", range(3))
def test_an_engine_that_looks_at_each_decides_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands, facts and snapshots of a long history with rules, skills, and callers who want some."""
    chance = Random(f"fitting {seed}")
    pick = Pick(chance.choice)
    history = History()
    history.open(pick)
    steps = TRAFFIC * 4 + TROUBLE + PEOPLE + CONFIGURATION[:-1] + 3 * (History.configure_skills, History.staff)
    for _ in range(600):
        chance.choice(steps)(history, pick)
    indexed = Engine.restore(history.states[0])
    monkeypatch.setattr("ari_app.acd.queue.Fitting", Naive)
    looking = Engine.restore(history.states[0])
    for event, at in history.journal:
        looking.replay(event, at)
    monkeypatch.undo()
    for (event, at), state in zip(history.journal, [*history.states[1:], looking.snapshot()], strict=True):
        indexed.replay(event, at)
        assert indexed.snapshot() == state
    assert indexed.snapshot() == looking.snapshot()


def test_without_rule_and_wish_it_is_all_who_are_free() -> None:
    queue = Queue(QueueRecord(settings=QueueSettings(extension="500")))
    assert queue.fitting.who(NOTHING) is queue.idle


def test_needs_that_nobody_has_do_not_pile_up() -> None:
    queue = Queue(QueueRecord(settings=QueueSettings(extension="500")))
    for level in range(3 * KEPT):
        queue.fitting.who((None, (("english", level),)))
        assert len(queue.fitting._of) <= KEPT
