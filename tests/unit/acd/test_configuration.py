"""Changes of configuration hold at once, for calls that wait and phones that ring too."""

from __future__ import annotations

import msgspec
import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.settings import QueueSettings
from tests.unit.acd.scene import START, Scene, of, plain


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.queue()
    return made


@pytest.mark.parametrize(("before", "after", "due"), [(60.0, 90.0, 90), (None, 30.0, 30), (60.0, None, None)])
def test_the_longest_wait_moves(scene: Scene, before: float | None, after: float | None, due: float | None) -> None:
    scene.queue(max_wait=before)
    scene.join("a")
    scene.advance(10)
    scene.queue(max_wait=after)
    assert scene.engine.timers().get("wait:a") == (due and START + due)


def test_a_longest_wait_that_has_passed_already_ends_it(scene: Scene) -> None:
    scene.join("a")
    scene.advance(100)
    scene.queue(max_wait=60.0)
    assert plain(scene.advance(0)) == [("Release", "a", "500", "timeout")]


@pytest.mark.parametrize(("after", "due"), [(40.0, 40), (5.0, 5), (None, None)])
def test_the_ringing_time_moves(scene: Scene, after: float | None, due: float | None) -> None:
    scene.agent(1)
    scene.join("a")
    scene.advance(4)
    scene.queue(agent_timeout=after)
    assert scene.engine.timers().get("ring:1") == (due and START + due)


@pytest.mark.parametrize(("after", "due"), [(20.0, 35), (3.0, 18)])
def test_the_retry_pause_moves(scene: Scene, after: float, due: float) -> None:
    scene.agent(1)
    scene.join("a")
    scene.advance(16)
    scene.queue(retry=after)
    assert scene.engine.timers()["retry:a"] == START + due


def test_a_retry_pause_that_is_over_by_the_new_setting_ends(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.advance(18)
    scene.queue(retry=2.0)
    assert scene.ringing() == {"a": [1]}
    assert "retry:a" not in scene.engine.timers()


def test_a_caller_who_pauses_is_released_when_there_is_no_retry_any_more(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.advance(16)
    out = scene.apply(e.QueueConfigured(queue=QueueSettings(extension="500", retry=None)))
    assert plain(out) == [("Release", "a", "500", "no_retry")]


def test_the_strategy_changes_for_those_who_are_free(scene: Scene) -> None:
    scene.agent(1)
    scene.agent(2)
    scene.join("a")
    scene.answer("a")
    scene.end("a")
    scene.queue(strategy="leastrecent")
    scene.join("b")
    assert scene.ringing() == {"b": [2]}


def test_a_round_robin_begins_anew_when_the_strategy_becomes_one(scene: Scene) -> None:
    scene.queue(strategy="rrmemory")
    scene.agent(2)
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.end("a")
    scene.queue(strategy="rrordered")
    scene.join("b")
    assert scene.ringing() == {"b": [1]}
    scene.answer("b")
    scene.end("b")
    scene.queue(strategy="rrmemory")
    scene.join("c")
    assert scene.ringing() == {"c": [2]}


def test_nobody_rings_along_when_the_strategy_is_ringall_no_more(scene: Scene) -> None:
    scene.queue(strategy="ringall")
    scene.agent(1)
    scene.join("a")
    scene.queue(strategy="linear")
    scene.agent(2)
    assert scene.ringing() == {"a": [1]}


def test_the_weight_changes_for_those_who_wait(scene: Scene) -> None:
    scene.queue("501")
    scene.join("a")
    scene.advance(1)
    scene.join("b", "501")
    scene.queue("501", weight=3)
    scene.agent(1, "500", "501")
    assert scene.ringing() == {"b": [1]}


@pytest.mark.parametrize(("after", "due"), [(60.0, 60), (0.0, None), (None, "over")])
def test_a_running_wrap_up_moves(scene: Scene, after: float | None, due: object) -> None:
    scene.queue(wrap_up=30.0)
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.end("a")
    scene.advance(5)
    scene.queue(wrap_up=after)
    if due == "over":
        assert (scene.status(1), scene.engine.timers()) == ("available", {})
    else:
        assert scene.status(1) == "wrapUp"
        assert scene.engine.timers() == ({"wrap:1:500": START + 60} if due else {})


def test_wrap_up_for_all_queues_holds_when_it_is_set(scene: Scene) -> None:
    scene.queue("501")
    scene.queue(wrap_up=30.0)
    scene.agent(1, "500", "501")
    scene.join("a")
    scene.answer("a")
    scene.end("a")
    assert scene.status(1, "501") == "available"
    scene.queue(wrap_up=30.0, wrap_up_all_queues=True)
    assert scene.status(1, "501") == "wrapUp"


@pytest.mark.parametrize(("after", "due"), [(60.0, 75), (None, None)])
def test_the_end_of_a_system_pause_moves(scene: Scene, after: float | None, due: float | None) -> None:
    scene.queue(auto_pause="yes", system_resume=30.0)
    scene.agent(1)
    scene.join("a")
    scene.advance(15)
    scene.queue(auto_pause="yes", system_resume=after)
    assert scene.engine.timers().get("resume:1:500") == (due and START + due)


def test_settings_can_be_read_back(scene: Scene) -> None:
    settings = scene.engine.settings("500")
    assert settings is not None
    assert (settings.strategy, settings.retry) == ("linear", 5.0)
    assert scene.engine.settings("999") is None


def test_settings_that_are_none_are_refused_whole(scene: Scene) -> None:
    before = scene.engine.snapshot()
    with pytest.raises(msgspec.ValidationError):
        scene.queue(strategy="whoever")
    assert scene.engine.snapshot() == before


def test_numbers_are_what_they_are_declared_to_be(scene: Scene) -> None:
    """Else a snapshot read back would differ from the one that was written."""
    scene.queue(max_wait=60, agent_timeout=15)
    assert scene.engine.restore(scene.engine.snapshot()).snapshot() == scene.engine.snapshot()


def test_a_queue_that_is_removed_lets_its_callers_go_and_its_agents_out(scene: Scene) -> None:
    scene.agent(1)
    scene.agent(2)
    for call in ("talking", "rung", "waiting"):
        scene.join(call)
    scene.answer("talking")
    out = scene.apply(e.QueueRemoved(queue="500"))
    assert plain(out) == [
        ("Withdraw", "2", "caller_left"),
        ("Release", "rung", "500", "queue_removed"),
        ("Release", "waiting", "500", "queue_removed"),
    ]
    assert [x.outcome for x in of(c.CallerExited, out)] == ["queue_removed"] * 2
    assert {(x.agent, x.state) for x in of(c.AgentStateChanged, out) if x.queue} == {
        (1, "signed_out"),
        (2, "signed_out"),
    }
    assert scene.talking() == {"talking": 1}
    out = scene.end("talking")
    assert [x.call for x in of(c.CallCompleted, out)] == ["talking"]
    assert scene.engine.timers() == {}


def test_a_queue_that_is_not_there_is_not_removed(scene: Scene) -> None:
    assert scene.apply(e.QueueRemoved(queue="999")) == []
    assert scene.engine.ignored == {"QueueRemoved": 1}


def test_a_bound_skill_that_is_changed_holds_at_once(scene: Scene) -> None:
    scene.apply(e.AgentConfigured(agent=1, bindings={"500": 2}))
    scene.apply(e.AgentSignedIn(agent=1, extension="201"))
    scene.apply(e.QueueSignedIn(agent=1))
    scene.agent(2, skill=3)
    scene.apply(e.AgentConfigured(agent=1, bindings={"500": 4}))
    assert scene.row(1).skill == 4
    scene.join("a")
    assert scene.ringing() == {"a": [2]}


def test_a_skill_that_was_given_at_signing_in_stays_when_something_else_is_configured(scene: Scene) -> None:
    scene.apply(e.AgentConfigured(agent=1, bindings={"500": 2}))
    scene.apply(e.AgentSignedIn(agent=1, extension="201"))
    scene.apply(e.QueueSignedIn(agent=1, queues=("500",), skills=(5,)))
    scene.apply(e.AgentConfigured(agent=1, bindings={"500": 2, "501": 1}))
    assert scene.row(1).skill == 5


def test_counts_begin_anew(scene: Scene) -> None:
    scene.queue("501")
    scene.join("a")
    scene.join("b", "501")
    scene.apply(e.StatisticsReset(queue="500"))
    assert (scene.engine.counts("500").entered, scene.engine.counts("501").entered) == (0, 1)
    scene.apply(e.StatisticsReset())
    assert scene.engine.counts("501").entered == 0
    assert scene.engine.counts("500").threshold == 20.0
