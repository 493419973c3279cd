"""Where callers stand, changed while they wait."""

from __future__ import annotations

import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.destination import Destination, Kind
from ari_app.errors import CommandRefused, NotFound
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


def send(scene: Scene, call: str, queue: str) -> list[c.AnyCommand | c.AnyFact]:
    return scene.apply(e.CallerSent(call=call, queue=queue))


def test_sent_to_another_queue_he_leaves_this_one_and_nobody_is_blamed(scene: Scene) -> None:
    scene.queue("501")
    scene.agent(1)
    scene.join("a")
    scene.advance(4)
    out = send(scene, "a", "501")
    there = Destination(kind=Kind.QUEUE, to="501")
    assert plain(out) == [("Withdraw", "1", "caller_left"), ("Release", "a", "500", "sent", there)]
    (exited,) = of(c.CallerExited, out)
    assert (exited.outcome, exited.wait, exited.to) == ("sent", 4.0, "queue:501")
    assert scene.status(1) == "available"
    scene.join("a", "501")
    assert scene.waiting("501") == ["a"]
    counts = scene.engine.counts("500")
    assert (counts.abandoned, scene.engine.counts("501").entered) == (0, 1)


def test_stolen_he_is_sent_to_a_number_and_nobody_is_blamed(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.advance(4)
    out = scene.apply(e.CallerStolen(call="a", to="1005"))
    there = Destination(kind=Kind.EXTENSION, to="1005")
    assert plain(out) == [("Withdraw", "1", "caller_left"), ("Release", "a", "500", "stolen", there)]
    (exited,) = of(c.CallerExited, out)
    assert (exited.outcome, exited.wait, exited.to) == ("stolen", 4.0, "extension:1005")
    assert scene.status(1) == "available"
    counts = scene.engine.counts("500")
    assert (counts.abandoned, counts.flow_outs) == (0, 1)
    scene.join("b")
    scene.answer("b")
    for call in ("a", "b"):  # gone; answered
        with pytest.raises(NotFound):
            scene.apply(e.CallerStolen(call=call, to="1005"))


@pytest.mark.parametrize("reason", ["there_already", "full", "closed", "empty"])
def test_he_is_left_where_he_stands_if_he_would_not_be_let_in(scene: Scene, reason: str) -> None:
    scene.queue("501", max_callers=1, join_empty="no" if reason == "empty" else "yes")
    if reason == "full":
        scene.join("b", "501")
    elif reason == "closed":
        scene.apply(e.QueueClosed(queue="501"))
    scene.join("a")
    with pytest.raises(CommandRefused) as refused:
        send(scene, "a", "500" if reason == "there_already" else "501")
    assert refused.value.context["reason"] == reason
    assert scene.waiting() == ["a"]


def test_only_one_who_waits_on_the_line_is_sent_and_only_where_there_is_something(scene: Scene) -> None:
    scene.queue("501")
    scene.join("a")
    scene.apply(e.CallBackRequested(entry="cb", queue="500", number="1009"))
    for call, queue in (("a", "999"), ("x", "501"), ("cb", "501")):
        with pytest.raises(NotFound):
            send(scene, call, queue)
    scene.agent(1)
    scene.answer("a")
    with pytest.raises(NotFound):
        send(scene, "a", "501")
