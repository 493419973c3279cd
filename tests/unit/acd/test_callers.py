"""Joining, waiting, leaving."""

from __future__ import annotations

import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from tests.unit.acd.scene import START, Scene, of, plain


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.queue()
    return made


def test_a_caller_who_joins_waits_at_his_position(scene: Scene) -> None:
    scene.join("a")
    out = scene.join("b")
    assert plain(out) == [("Wait", "b", "500")]
    assert of(c.CallerEntered, out) == [c.CallerEntered(at=START, call="b", queue="500", position=2, priority=0)]


def test_a_caller_is_offered_the_instant_he_joins(scene: Scene) -> None:
    scene.agent(1)
    assert plain(scene.join("a")) == [("Wait", "a", "500"), ("Offer", "1", "a", "500", 1, "201")]


def test_an_unknown_queue_is_rejected(scene: Scene) -> None:
    out = scene.join("a", "999")
    assert plain(out) == [("Reject", "a", "999", "nonexistent")]
    assert of(c.CallerRefused, out) == [c.CallerRefused(at=START, call="a", queue="999", reason="nonexistent")]
    assert not scene.engine.knows("a")


def test_a_full_queue_is_rejected_and_takes_callers_again_when_one_is_answered(scene: Scene) -> None:
    scene.queue(max_callers=2)
    scene.agent(1)
    for call in ("a", "b"):
        scene.join(call)
    assert plain(scene.join("c")) == [("Reject", "c", "500", "full")]
    scene.answer("a")
    scene.join("d")
    assert scene.waiting() == ["b", "d"]


def test_a_call_that_is_there_does_not_join_again(scene: Scene) -> None:
    scene.join("a")
    before = scene.engine.snapshot()
    assert scene.join("a") == []
    assert scene.engine.ignored == {"CallerJoined": 1}
    assert scene.engine.snapshot() == before


def test_order_is_priority_then_time_of_joining_then_arrival(scene: Scene) -> None:
    scene.join("late")
    scene.join("same")
    scene.join("important", priority=5)
    scene.join("moved", joined_at=START - 10)
    scene.join("unimportant", priority=-1, joined_at=START - 60)
    assert scene.waiting() == ["important", "moved", "late", "same", "unimportant"]
    (first, *_) = scene.engine.queued_calls("500", START + 7)
    assert (first.position, first.priority, first.wait, first.offered) == (1, 5, 7.0, False)


def test_nobody_has_joined_in_the_future(scene: Scene) -> None:
    scene.join("a", joined_at=START + 60)
    scene.advance(1)
    scene.join("b")
    assert [(x.call, x.wait) for x in scene.engine.waiting(scene.now)] == [("a", 1.0), ("b", 0.0)]


def test_the_next_caller_gets_the_agent_the_instant_he_is_free(scene: Scene) -> None:
    scene.agent(1)
    for call in ("a", "b", "c"):
        scene.join(call)
    scene.answer("a")
    out = scene.end("a")
    assert [(x.call, x.agent) for x in of(c.Offer, out)] == [("b", 1)]


@pytest.mark.parametrize(("reason", "outcome"), [("hangup", "abandoned"), ("stolen", "stolen"), ("transferred",) * 2])
def test_a_waiting_caller_leaves(scene: Scene, reason: str, outcome: str) -> None:
    scene.queue(max_wait=60.0)
    scene.join("a")
    scene.join("b")
    scene.advance(7)
    out = scene.apply(e.CallerLeft(call="b", reason=reason))
    assert out == [
        c.CancelTimer(timer="wait:b"),
        c.CallerExited(at=START + 7, call="b", queue="500", outcome=outcome, wait=7.0, position=2),
    ]


def test_an_unknown_caller_leaves(scene: Scene) -> None:
    assert scene.apply(e.CallerLeft(call="x")) == []
    assert scene.engine.ignored == {"CallerLeft": 1}


def test_a_caller_who_leaves_while_a_phone_rings_stops_it_and_nobody_is_blamed(scene: Scene) -> None:
    scene.agent(1)
    scene.agent(2)
    scene.join("a")
    out = scene.apply(e.CallerLeft(call="a"))
    assert plain(out) == [("Withdraw", "1", "caller_left")]
    assert [x.outcome for x in of(c.OfferEnded, out)] == ["caller_left"]
    scene.join("b")
    assert scene.ringing() == {"b": [1]}  # not behind agent 2: he has missed nothing


def test_the_longest_wait(scene: Scene) -> None:
    scene.queue(max_wait=30.0)
    scene.join("a")
    out = scene.advance(30)
    assert plain(out) == [("Release", "a", "500", "timeout")]
    assert of(c.CallerExited, out) == [
        c.CallerExited(at=START + 30, call="a", queue="500", outcome="timeout", wait=30.0, position=1)
    ]


def test_the_longest_wait_runs_from_joining_wherever_that_was(scene: Scene) -> None:
    scene.queue(max_wait=30.0)
    scene.join("a", joined_at=START - 25)
    assert scene.advance(4.9) == []
    assert plain(scene.advance(0.2)) == [("Release", "a", "500", "timeout")]


def test_the_longest_wait_ends_offers(scene: Scene) -> None:
    scene.queue(max_wait=10.0)
    scene.agent(1)
    scene.join("a")
    assert plain(scene.advance(10)) == [("Withdraw", "1", "caller_left"), ("Release", "a", "500", "timeout")]
    assert scene.status(1) == "available"


def test_the_longest_wait_does_not_touch_whom_an_agent_has_answered(scene: Scene) -> None:
    scene.queue(max_wait=10.0)
    scene.agent(1)
    scene.join("a")
    scene.advance(9)
    scene.answer("a")
    assert plain(scene.advance(60)) == []
    assert scene.talking() == {"a": 1}


def test_the_longest_wait_holds_again_after_a_failed_join(scene: Scene) -> None:
    scene.queue(max_wait=10.0)
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.advance(11)
    scene.apply(e.ConnectFailed(offer="1"))
    assert ("Release", "a", "500", "timeout") in plain(scene.advance(0))


@pytest.mark.parametrize("by", ["agent", "system"])
def test_the_caller_is_released_when_the_agent_or_the_system_ended_it(scene: Scene, by: str) -> None:
    scene.agent(1)
    scene.advance(1)
    scene.join("a")
    scene.advance(3)
    scene.answer("a")
    scene.advance(20)
    out = scene.end("a", by)
    assert plain(out) == [("Release", "a", "500", "completed")]
    assert of(c.CallCompleted, out) == [
        c.CallCompleted(at=scene.now, call="a", queue="500", agent=1, talk=20.0, wait=3.0, by=by)
    ]
    assert not scene.engine.knows("a")


@pytest.mark.parametrize("by", ["caller", "transfer"])
def test_the_caller_is_not_released_when_he_has_gone_or_been_transferred(scene: Scene, by: str) -> None:
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    out = scene.end("a", by)
    assert plain(out) == []
    assert [x.by for x in of(c.CallCompleted, out)] == [by]


@pytest.mark.parametrize(("reason", "by"), [("hangup", "caller"), ("stolen", "transfer"), ("transferred", "transfer")])
def test_a_talking_caller_who_leaves_ends_the_conversation(scene: Scene, reason: str, by: str) -> None:
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    out = scene.apply(e.CallerLeft(call="a", reason=reason))
    assert plain(out) == []
    assert [x.by for x in of(c.CallCompleted, out)] == [by]
    assert scene.status(1) == "available"


@pytest.mark.parametrize("call", ["a", "x"])
def test_a_conversation_that_is_not_there_does_not_end(scene: Scene, call: str) -> None:
    scene.join("a")
    assert scene.end(call) == []
    assert scene.engine.ignored == {"ConversationEnded": 1}
    assert scene.waiting() == ["a"]


def test_a_clock_that_is_set_back_makes_no_negative_durations(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.now -= 100
    out = scene.answer("a")
    scene.now -= 100
    out += scene.end("a")
    assert [(x.wait, x.ring) for x in of(c.CallerServed, out)] == [(0.0, 0.0)]
    assert [(x.wait, x.talk) for x in of(c.CallCompleted, out)] == [(0.0, 0.0)]
