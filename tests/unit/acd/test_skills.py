"""Whom a caller is offered to, by skills."""

from __future__ import annotations

from typing import Any

import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.engine import Engine
from ari_app.acd.rules import RuleError
from ari_app.acd.skills import read
from tests.unit.acd.scene import START, Scene, of


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.queue()
    return made


def can(scene: Scene, agent: int, **skills: int) -> list[Any]:
    return scene.apply(e.SkillsConfigured(agent=agent, skills=skills))


def rule(scene: Scene, text: str, **wanted: int) -> list[Any]:
    return scene.apply(e.RoutingConfigured(queue="500", rule=text, wanted=wanted))


def test_the_best_who_fits_is_rung(scene: Scene) -> None:
    for agent in (1, 2, 3):
        scene.agent(agent)
        can(scene, agent, english=agent)
    rule(scene, "english >= 2")
    scene.join("a")
    assert scene.ringing() == {"a": [2]}


def test_who_does_not_fit_is_passed_over_and_keeps_his_place(scene: Scene) -> None:
    scene.agent(1)
    can(scene, 1, english=1)
    scene.join("talks")
    scene.answer("talks")
    scene.join("french", wanted={"french": 1})
    scene.join("english", wanted={"english": 1})
    scene.end("talks")
    assert scene.ringing() == {"english": [1]}
    assert scene.waiting() == ["french", "english"]


def test_a_rule_relaxes_by_a_timer_and_by_nothing_else(scene: Scene) -> None:
    scene.agent(1)
    rule(scene, "english >= 3 and wait < 60 or wait >= 60 and english")
    scene.join("a")
    can(scene, 1, english=2)
    assert scene.timers == {"relax:a": START + 60}
    assert of(c.Offer, scene.advance(59.9)) == []
    assert len(of(c.Offer, scene.advance(0.1))) == 1
    assert "relax:a" not in scene.timers


def test_a_timer_a_little_early_counts(scene: Scene) -> None:
    scene.agent(1)
    rule(scene, "wait >= 60")
    scene.join("a")
    scene.now = START + 59.9995
    assert len(of(c.Offer, scene.apply(e.TimerFired(timer="relax:a")))) == 1


def test_who_joined_earlier_has_waited_already(scene: Scene) -> None:
    scene.agent(1)
    rule(scene, "wait >= 60")
    scene.join("a", joined_at=START - 60)
    assert scene.ringing() == {"a": [1]}


def test_what_has_relaxed_stays_so_when_the_clock_is_set_back(scene: Scene) -> None:
    rule(scene, "wait >= 60")
    scene.join("a")
    scene.advance(60)
    scene.now -= 50
    scene.agent(1)
    assert scene.ringing() == {"a": [1]}


def test_skills_and_rules_hold_at_once(scene: Scene) -> None:
    scene.agent(1)
    rule(scene, "english >= 3")
    scene.join("a")
    assert scene.ringing() == {}
    can(scene, 1, english=3)
    assert scene.ringing() == {"a": [1]}
    scene.agent(2)
    scene.join("b")
    assert len(of(c.Offer, rule(scene, ""))) == 1
    can(scene, 1)
    assert scene.ringing() == {"a": [1], "b": [2]}, "a phone that rings goes on"


def test_what_a_caller_wants_goes_before_what_the_queue_does(scene: Scene) -> None:
    scene.agent(1)
    can(scene, 1, french=1)
    rule(scene, "", english=1)
    scene.join("default")
    assert scene.ringing() == {}
    scene.join("french", wanted={"french": 1})
    assert scene.ringing() == {"french": [1]}
    scene.agent(2)
    assert scene.ringing() == {"french": [1]}
    scene.join("any", wanted={})
    assert scene.ringing() == {"french": [1], "any": [2]}


def test_a_rule_that_speaks_of_what_is_wanted_decides_alone(scene: Scene) -> None:
    scene.agent(1)
    rule(scene, "wait >= 0")
    scene.join("a", wanted={"french": 1})
    assert scene.ringing() == {}
    rule(scene, "wanted or wait >= 30")
    assert scene.ringing() == {}
    scene.advance(30)
    assert scene.ringing() == {"a": [1]}


def test_ringall_rings_those_who_fit_and_the_others_when_they_do(scene: Scene) -> None:
    scene.queue(strategy="ringall", agent_timeout=None)
    for agent in (1, 2):
        scene.agent(agent)
    can(scene, 1, english=1)
    rule(scene, "english or wait >= 10")
    scene.join("a")
    assert scene.ringing() == {"a": [1]}
    scene.advance(10)
    assert scene.ringing() == {"a": [1, 2]}


def test_what_cannot_be_is_refused_and_changes_nothing(scene: Scene) -> None:
    scene.agent(1)
    before = scene.engine.snapshot()
    with pytest.raises(RuleError):
        rule(scene, "english >=")
    with pytest.raises(RuleError):
        rule(scene, "", wait=1)
    with pytest.raises(RuleError):
        can(scene, 1, english=101)
    assert scene.engine.snapshot() == before


def test_a_snapshot_keeps_rules_skills_and_what_is_wanted(scene: Scene) -> None:
    scene.agent(1)
    can(scene, 1, english=1)
    rule(scene, "english >= 3 or wait >= 60", sales=1)
    scene.join("a", wanted={"english": 1})
    engine = Engine.restore(scene.engine.snapshot())
    assert engine.skills(1) == {"english": 1}
    assert (engine.routing("500").rule, engine.routing("500").wanted) == ("english >= 3 or wait >= 60", {"sales": 1})
    assert of(c.Offer, engine.apply(e.TimerFired(timer="relax:a"), START + 60))


def test_who_is_called_back_wants_what_he_wanted_and_has_waited(scene: Scene) -> None:
    rule(scene, "wanted and (english >= 3 or wait >= 60)")
    scene.join("a", wanted={"french": 1})
    scene.advance(40)
    scene.apply(e.CallBackRequested(entry="b", queue="500", number="0301", call="a"))
    scene.agent(1)
    scene.agent(2)
    can(scene, 2, french=1)
    assert scene.timers["relax:b"] == START + 60
    scene.advance(19)
    assert scene.ringing() == {}
    scene.advance(1)
    assert scene.ringing() == {"b": [2]}


def test_the_dialplan_says_what_is_wanted() -> None:
    assert read("english=3&Sales & x_1 = 100") == {"english": 3, "sales": 1, "x_1": 100}
    assert read("") == {}
    for text, position in (("english=", 1), ("a=1&b=101", 5), ("wait=1", 1), ("a=-1", 1), ("a b", 1)):
        with pytest.raises(RuleError) as refused:
            read(text)
        assert refused.value.position == position
