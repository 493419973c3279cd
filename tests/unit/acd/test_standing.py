"""Where callers stand, changed while they wait."""

from __future__ import annotations

import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.errors import NotFound
from tests.unit.acd.scene import Scene, of, plain


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.queue()
    return made


def prioritise(scene: Scene, call: str, priority: int) -> list[c.AnyCommand | c.AnyFact]:
    return scene.apply(e.PriorityChanged(call=call, priority=priority))


def test_among_equals_he_stands_by_his_time_of_joining(scene: Scene) -> None:
    for call in "abcd":
        scene.join(call)
        scene.advance(1)
    prioritise(scene, "d", 1)
    assert scene.waiting() == ["d", "a", "b", "c"]
    prioritise(scene, "b", 1)
    assert scene.waiting() == ["b", "d", "a", "c"]
    prioritise(scene, "d", -1)
    assert scene.waiting() == ["b", "a", "c", "d"]
    prioritise(scene, "b", 0)
    prioritise(scene, "d", 0)
    assert scene.waiting() == ["a", "b", "c", "d"]


def test_the_next_agent_takes_who_stands_first_now(scene: Scene) -> None:
    scene.join("a")
    scene.join("b", wanted={})
    scene.join("c")
    prioritise(scene, "c", 3)
    scene.agent(1)
    assert scene.ringing() == {"c": [1]}


def test_with_skills_wanted_too(scene: Scene) -> None:
    scene.join("a", wanted={"french": 1})
    scene.join("b", wanted={"french": 1})
    scene.join("c")
    prioritise(scene, "b", 3)
    scene.apply(e.AgentConfigured(agent=1))
    scene.apply(e.SkillsConfigured(agent=1, skills={"french": 3}))
    scene.agent(1)
    assert scene.ringing() == {"b": [1]}
    scene.agent(2)
    assert scene.ringing() == {"b": [1], "c": [2]}


@pytest.mark.parametrize("strategy", ["linear", "ringall"])
def test_phones_that_ring_go_on_ringing(scene: Scene, strategy: str) -> None:
    scene.queue(strategy=strategy)
    scene.join("a")
    scene.agent(1)
    scene.join("b")
    assert plain(prioritise(scene, "b", 9)) == []
    assert plain(prioritise(scene, "a", -9)) == []
    assert scene.ringing() == {"a": [1]}
    assert scene.waiting() == ["b", "a"]
    assert plain(scene.fail("a", "busy"))[-1:] == []
    scene.advance(5)
    assert scene.ringing() == {"b": [1]}


def test_those_who_are_passed_are_told_where_they_stand(scene: Scene) -> None:
    scene.queue(announce_frequency=60.0, announce_position=True)
    for call in "abc":
        scene.join(call)
    scene.advance(20)
    out = of(c.Announce, prioritise(scene, "c", 1))
    assert [(x.call, x.position) for x in out] == [("c", 1), ("a", 2), ("b", 3)]


def test_one_who_is_to_be_called_back_moves_too(scene: Scene) -> None:
    scene.join("a")
    scene.apply(e.CallBackRequested(entry="cb", queue="500", number="1009"))
    prioritise(scene, "cb", 1)
    scene.agent(1)
    assert scene.ringing() == {"cb": [1]}


def test_it_says_nothing_if_nothing_changes(scene: Scene) -> None:
    scene.join("a", priority=2)
    before = scene.engine.snapshot()
    assert prioritise(scene, "a", 2) == []
    assert scene.engine.snapshot() == before


def test_refused_for_one_who_does_not_wait(scene: Scene) -> None:
    with pytest.raises(NotFound):
        prioritise(scene, "a", 1)
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    with pytest.raises(NotFound):
        prioritise(scene, "a", 1)
