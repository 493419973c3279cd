"""Signing in and out, pausing, wrapping up: what agents and supervisors do."""

from __future__ import annotations

from typing import Any

import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.errors import AlreadySignedIn, NotFound, NotSignedIn
from tests.unit.acd.scene import START, Scene, of, plain


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.queue()
    made.queue("501")
    return made


def states(out: list[Any]) -> list[tuple[str | None, str]]:
    return [(x.queue, x.state) for x in of(c.AgentStateChanged, out)]


def refused(scene: Scene, event: e.AnyEvent, error: type[Exception]) -> dict[str, object]:
    before = scene.engine.snapshot()
    with pytest.raises(error) as raised:
        scene.apply(event)
    assert scene.engine.snapshot() == before
    context: dict[str, object] = raised.value.context  # type: ignore[attr-defined]
    return context


def test_an_agent_signs_in_to_the_queues_he_is_bound_to(scene: Scene) -> None:
    scene.apply(e.AgentConfigured(agent=1, bindings={"500": 2, "501": 4, "502": 1, "503": 1}))
    scene.queue("503")
    assert states(scene.apply(e.AgentSignedIn(agent=1, extension="201"))) == [(None, "unavailable")]
    out = scene.apply(e.QueueSignedIn(agent=1, queues=("500",)))
    assert states(out) == [("500", "available"), (None, "available")]
    assert scene.status(1, "501") == "signedOut"
    out = scene.apply(e.QueueSignedIn(agent=1))  # there is no 502
    assert states(out) == [("501", "available"), ("503", "available")]
    assert [x.skill for x in scene.engine.agent_status(agent=1)] == [2, 4, 1]


def test_to_all_he_is_bound_to_means_those_he_is_not_in_yet(scene: Scene) -> None:
    scene.agent(1, "500")
    scene.apply(e.AgentConfigured(agent=1, bindings={"500": 2, "501": 4}))
    scene.apply(e.QueueSignedIn(agent=1))
    assert (scene.status(1, "500"), scene.status(1, "501")) == ("available", "available")
    assert scene.apply(e.QueueSignedIn(agent=1)) == []


def test_the_skill_is_the_given_one_else_the_bound_one_else_three(scene: Scene) -> None:
    scene.apply(e.AgentConfigured(agent=1, bindings={"500": 5}))
    scene.apply(e.AgentSignedIn(agent=1, extension="201"))
    scene.apply(e.QueueSignedIn(agent=1, queues=("500", "501")))
    assert [x.skill for x in scene.engine.agent_status(agent=1)] == [5, 3]
    scene.apply(e.QueueSignedOut(agent=1))
    scene.apply(e.QueueSignedIn(agent=1, queues=("500", "501"), skills=(1, 2)))
    assert [x.skill for x in scene.engine.agent_status(agent=1)] == [1, 2]


def test_skills_go_with_queues(scene: Scene) -> None:
    scene.agent(1, "501")
    with pytest.raises(ValueError, match="as many skills"):
        scene.apply(e.QueueSignedIn(agent=1, queues=("500",), skills=(1, 2)))


def test_signing_in_paused(scene: Scene) -> None:
    scene.join("a")
    scene.agent(1, "500", paused=True)
    assert (scene.status(1), scene.ringing()) == ("paused", {})
    scene.apply(e.Resumed(agent=1))
    assert scene.ringing() == {"a": [1]}


@pytest.mark.parametrize(
    ("event", "error", "context"),
    [
        (e.AgentSignedIn(agent=9, extension="209"), NotFound, {"agent": 9}),
        (e.QueueSignedIn(agent=9), NotSignedIn, {"agent": 9}),
        (e.QueueSignedIn(agent=2), NotSignedIn, {"agent": 2}),
        (e.QueueSignedIn(agent=1, queues=("500",)), AlreadySignedIn, {"agent": 1, "queue": "500"}),
        (e.QueueSignedIn(agent=1, queues=("501", "500")), AlreadySignedIn, {"agent": 1, "queue": "500"}),
        (e.QueueSignedIn(agent=1, queues=("501", "501")), AlreadySignedIn, {"agent": 1, "queue": "501"}),
        (e.QueueSignedIn(agent=1, queues=("501", "999")), NotFound, {"queue": "999"}),
        (e.QueueSignedOut(agent=2), NotSignedIn, {"agent": 2}),
        (e.QueueSignedOut(agent=9), NotSignedIn, {"agent": 9}),
        (e.QueueSignedOut(agent=1, queue="501"), NotSignedIn, {"agent": 1, "queue": "501"}),
        (e.QueueSignedOut(agent=1, queue="999"), NotFound, {"queue": "999"}),
        (e.Paused(agent=1, queue="501"), NotSignedIn, {"agent": 1, "queue": "501"}),
        (e.Resumed(agent=1, queue="501"), NotSignedIn, {"agent": 1, "queue": "501"}),
        (e.WrapUpExited(agent=1, queue="501"), NotSignedIn, {"agent": 1, "queue": "501"}),
        (e.Paused(agent=3), NotSignedIn, {"agent": 3, "queue": None}),
    ],
)
def test_refusals(scene: Scene, event: e.AnyEvent, error: type[Exception], context: dict[str, object]) -> None:
    """1 is signed in to 500, 2 is not signed in, 3 is in no queue, 9 does not exist."""
    scene.agent(1, "500")
    scene.apply(e.AgentConfigured(agent=2))
    scene.apply(e.AgentConfigured(agent=3))
    scene.apply(e.AgentSignedIn(agent=3, extension="203"))
    assert refused(scene, event, error) == context


def test_a_timed_out_agent_cannot_sign_in_to_queues(scene: Scene) -> None:
    scene.agent(1, "500")
    scene.apply(e.AgentTimedOut(agent=1))
    refused(scene, e.QueueSignedIn(agent=1, queues=("501",)), NotSignedIn)


def test_a_timed_out_agent_keeps_his_queues_and_is_not_rung(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    out = scene.apply(e.AgentTimedOut(agent=1))
    assert plain(out) == [("Withdraw", "1", "agent_left")]
    assert (scene.status(1), scene.status(1, None)) == ("unavailable", "unavailable")
    scene.apply(e.AgentSignedIn(agent=1, extension="207"))
    assert scene.ringing() == {"a": [1]}
    assert scene.engine.open_offers()[0].extension == "207"


def test_a_supervisor_may_sign_a_timed_out_agent_out_of_a_queue(scene: Scene) -> None:
    scene.agent(1, "500", "501")
    scene.apply(e.AgentTimedOut(agent=1))
    scene.apply(e.QueueSignedOut(agent=1, queue="500"))
    assert [x.queue for x in scene.engine.agent_status(agent=1)] == ["501"]


@pytest.mark.parametrize("event", [e.AgentTimedOut(agent=1), e.AgentSignedOut(agent=1), e.AgentSignedOut(agent=9)])
def test_the_end_of_a_session_that_is_not_there(scene: Scene, event: e.AnyEvent) -> None:
    scene.apply(e.AgentConfigured(agent=1))
    assert scene.apply(event) == []
    assert scene.engine.ignored.total() == 1


def test_an_extension_has_one_agent(scene: Scene) -> None:
    scene.agent(1)
    scene.agent(2)
    scene.join("a")
    assert scene.ringing() == {"a": [1]}
    scene.apply(e.AgentConfigured(agent=3))
    out = scene.apply(e.AgentSignedIn(agent=3, extension="201"))
    assert ("Withdraw", "1", "agent_left") in plain(out)
    assert scene.ringing() == {"a": [2]}
    assert scene.status(1) == "unavailable"


def test_moving_to_another_phone_ends_the_ringing_of_the_old_one(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    out = scene.apply(e.AgentSignedIn(agent=1, extension="299"))
    assert plain(out) == [("Withdraw", "1", "agent_left"), ("Offer", "2", "a", "500", 1, "299")]


def test_signing_out_takes_him_out_of_every_queue(scene: Scene) -> None:
    scene.agent(1, "500", "501")
    out = scene.apply(e.AgentSignedOut(agent=1))
    assert states(out) == [("500", "signed_out"), ("501", "signed_out"), (None, "signed_out")]
    assert scene.engine.agent_status(agent=1) == []


@pytest.mark.parametrize(
    "event", [e.Paused(agent=1), e.Paused(agent=1, queue="500"), e.QueueSignedOut(agent=1), e.AgentSignedOut(agent=1)]
)
def test_whoever_leaves_while_his_phone_rings_makes_way_for_the_next(scene: Scene, event: e.AnyEvent) -> None:
    scene.agent(1, "500", "501")
    scene.agent(2)
    scene.join("a")
    out = scene.apply(event)
    assert plain(out) == [("Withdraw", "1", "agent_left"), ("Offer", "2", "a", "500", 2, "202")]
    assert [x.outcome for x in of(c.OfferEnded, out)] == ["agent_left"]


@pytest.mark.parametrize("event", [e.Paused(agent=1, queue="501"), e.QueueSignedOut(agent=1, queue="501")])
def test_leaving_another_queue_does_not_stop_the_ringing(scene: Scene, event: e.AnyEvent) -> None:
    scene.agent(1, "500", "501")
    scene.join("a")
    scene.apply(event)
    assert scene.ringing() == {"a": [1]}


def test_it_is_no_miss_to_have_left(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.apply(e.Paused(agent=1))
    scene.apply(e.Resumed(agent=1))
    assert scene.ringing() == {"a": [1]}


def test_a_pause_during_a_call_holds_from_its_end(scene: Scene) -> None:
    scene.queue(wrap_up=10.0)
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    out = scene.apply(e.Paused(agent=1, code=3))
    assert plain(out) == []
    assert states(out) == [("500", "paused")]
    assert (scene.talking(), scene.status(1), scene.row(1).paused) == ({"a": 1}, "onCall", True)
    scene.join("b")
    scene.end("a")
    assert (scene.status(1), scene.row(1).paused) == ("wrapUp", True)
    scene.advance(10)
    assert (scene.status(1), scene.row(1).pause_code, scene.ringing()) == ("paused", 3, {})


def test_signing_out_during_a_call_holds_from_its_end(scene: Scene) -> None:
    scene.queue(wrap_up=10.0)
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.apply(e.AgentSignedOut(agent=1))
    assert (scene.talking(), scene.status(1, None)) == ({"a": 1}, "onCall")
    scene.join("b")
    out = scene.end("a")
    assert states(out) == [(None, "signed_out")]
    assert (scene.status(1, None), scene.ringing()) == ("signedOut", {})
    assert scene.engine.timers() == {}


def test_a_queue_he_has_left_during_the_call_gives_no_wrap_up(scene: Scene) -> None:
    scene.queue(wrap_up=10.0)
    scene.agent(1, "500", "501")
    scene.join("a")
    scene.answer("a")
    scene.apply(e.QueueSignedOut(agent=1, queue="500"))
    scene.end("a")
    assert scene.status(1, None) == "available"


def test_an_agent_who_is_deleted_on_a_call_goes_when_it_ends(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.apply(e.AgentRemoved(agent=1))
    assert scene.talking() == {"a": 1}
    refused(scene, e.AgentSignedIn(agent=1, extension="201"), NotFound)
    scene.end("a")
    with pytest.raises(NotFound):
        scene.engine.agent_status(agent=1)


def test_an_agent_who_is_made_again_during_the_call_stays(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.apply(e.AgentRemoved(agent=1))
    scene.apply(e.AgentConfigured(agent=1))
    scene.end("a")
    assert scene.status(1, None) == "signedOut"


def test_an_agent_who_is_deleted_is_gone(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    out = scene.apply(e.AgentRemoved(agent=1))
    assert plain(out) == [("Withdraw", "1", "agent_left")]
    assert scene.apply(e.AgentRemoved(agent=1)) == []
    assert scene.engine.ignored == {"AgentRemoved": 1}


def test_pause_codes(scene: Scene) -> None:
    scene.agent(1)
    out = scene.apply(e.Paused(agent=1, code=1))
    assert [(x.queue, x.pause_code) for x in of(c.AgentStateChanged, out)] == [("500", 1), (None, 1)]
    scene.advance(5)
    out = scene.apply(e.Paused(agent=1, code=2))
    assert [(x.queue, x.pause_code) for x in of(c.AgentStateChanged, out)] == [("500", 2), (None, 2)]
    scene.advance(5)
    assert scene.apply(e.Paused(agent=1, code=2)) == []
    assert scene.row(1).since == START + 5
    assert states(scene.apply(e.Resumed(agent=1))) == [("500", "available"), (None, "available")]
    assert scene.row(1).pause_code is None
    assert scene.apply(e.Resumed(agent=1)) == []


def test_altogether_the_latest_pause_counts(scene: Scene) -> None:
    scene.agent(1, "500", "501")
    scene.apply(e.Paused(agent=1, queue="501", code=1))
    assert scene.status(1, None) == "available"
    scene.advance(1)
    scene.apply(e.Paused(agent=1, queue="500", code=2))
    (row,) = scene.engine.agent_status(agent=1, combined=True)
    assert (row.status, row.pause_code, row.since) == ("paused", 2, START + 1)
    scene.advance(1)
    scene.apply(e.Paused(agent=1, queue="501", code=3))
    (row,) = scene.engine.agent_status(agent=1, combined=True)
    assert (row.pause_code, row.since) == (3, START + 2)


def test_paused_in_one_queue_he_serves_the_other(scene: Scene) -> None:
    scene.agent(1, "500", "501")
    scene.apply(e.Paused(agent=1, queue="500"))
    assert (scene.status(1, "500"), scene.status(1, "501"), scene.status(1, None)) == (
        "paused",
        "available",
        "available",
    )
    scene.join("a")
    scene.join("b", "501")
    assert scene.ringing() == {"b": [1]}


@pytest.mark.parametrize("seconds", [None, 10.0, 0.0])
def test_wrap_up(scene: Scene, seconds: float | None) -> None:
    scene.queue(wrap_up=seconds)
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.join("b")
    scene.end("a")
    if seconds is None:
        assert scene.ringing() == {"b": [1]}
        return
    assert (scene.status(1), scene.ringing()) == ("wrapUp", {})
    scene.advance(9.9)
    assert scene.status(1) == "wrapUp"
    scene.advance(3600)
    if seconds == 0:
        assert scene.status(1) == "wrapUp"
        scene.apply(e.WrapUpExited(agent=1))
        assert scene.ringing() == {"b": [1]}
    else:
        assert scene.rang()[1] == (10, "b", 1)


def test_wrap_up_ends_early_on_request(scene: Scene) -> None:
    scene.queue(wrap_up=10.0)
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.end("a")
    out = scene.apply(e.WrapUpExited(agent=1, queue="500"))
    assert states(out) == [("500", "available"), (None, "available")]
    assert scene.engine.timers() == {}
    assert scene.apply(e.WrapUpExited(agent=1)) == []


def test_a_pause_ends_the_wrap_up(scene: Scene) -> None:
    scene.queue(wrap_up=0.0)
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.end("a")
    assert states(scene.apply(e.Paused(agent=1))) == [("500", "paused"), (None, "paused")]
    scene.apply(e.Resumed(agent=1))
    assert scene.status(1) == "available"


def test_a_wrap_up_that_holds_everywhere_can_be_ended_from_any_queue(scene: Scene) -> None:
    scene.queue(wrap_up=0.0, wrap_up_all_queues=True)
    scene.agent(1, "500", "501")
    scene.join("a")
    scene.answer("a")
    scene.end("a")
    scene.apply(e.WrapUpExited(agent=1, queue="501"))
    assert (scene.status(1, "500"), scene.status(1, "501")) == ("available", "available")


@pytest.mark.parametrize("everywhere", [False, True])
def test_wrap_up_holds_in_this_queue_or_in_all(scene: Scene, everywhere: bool) -> None:
    scene.queue(wrap_up=10.0, wrap_up_all_queues=everywhere)
    scene.agent(1, "500", "501")
    scene.join("a")
    scene.answer("a")
    out = scene.end("a")
    assert states(out) == [("500", "wrap_up"), (None, "wrap_up" if everywhere else "available")]
    assert scene.status(1, "501") == ("wrapUp" if everywhere else "available")
    scene.join("b", "501")
    assert scene.ringing() == ({} if everywhere else {"b": [1]})
    scene.advance(10)
    assert scene.ringing() == {"b": [1]}


def test_a_private_call_keeps_queue_calls_away(scene: Scene) -> None:
    scene.agent(1)
    scene.apply(e.PhoneStateChanged(extension="201", state="busy"))
    assert (scene.status(1), scene.row(1).reason) == ("unavailable", "busy")
    scene.join("a")
    assert scene.ringing() == {}
    out = scene.apply(e.PhoneStateChanged(extension="201", state="idle"))
    assert plain(out) == [("Offer", "1", "a", "500", 1, "201")]


def test_a_phone_s_state_is_known_to_whoever_signs_in_there_later(scene: Scene) -> None:
    scene.apply(e.PhoneStateChanged(extension="201", state="unavailable"))
    scene.agent(1)
    assert (scene.status(1), scene.row(1).reason) == ("unavailable", "unavailable")


def test_what_a_phone_does_by_itself_does_not_hide_a_pause(scene: Scene) -> None:
    scene.agent(1)
    scene.apply(e.Paused(agent=1, code=1))
    scene.apply(e.PhoneStateChanged(extension="201", state="busy"))
    assert (scene.status(1), scene.status(1, None)) == ("paused", "paused")


def test_the_same_state_of_a_phone_again_changes_nothing(scene: Scene) -> None:
    scene.agent(1)
    assert scene.apply(e.PhoneStateChanged(extension="201", state="idle")) == []
    scene.apply(e.PhoneStateChanged(extension="201", state="busy"))
    assert scene.apply(e.PhoneStateChanged(extension="201", state="busy")) == []


def test_the_history_of_one_call_is_enough_for_handling_time_and_occupancy(scene: Scene) -> None:
    scene.queue(wrap_up=10.0)
    scene.agent(1)
    scene.advance(20)
    scene.join("a")
    scene.advance(3)
    scene.answer("a")
    scene.advance(60)
    scene.end("a")
    scene.advance(12)
    facts = [(at - START, x.queue, x.state) for at, x in scene.out if isinstance(x, c.AgentStateChanged)][1:]
    assert facts == [
        (0, "500", "available"),
        (0, None, "available"),
        (20, None, "ringing"),
        (23, None, "on_call"),
        (83, "500", "wrap_up"),
        (83, None, "wrap_up"),
        (93, "500", "available"),
        (93, None, "available"),
    ]
