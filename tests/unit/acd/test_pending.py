"""Pause and sign-out during a call, and a phone that turns to another call while it rings."""

from __future__ import annotations

import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.engine import Engine
from ari_app.errors import AlreadySignedIn
from tests.unit.acd.scene import Scene, of, plain


@pytest.fixture
def scene() -> Scene:
    """An agent of two queues on a call of the first."""
    made = Scene()
    made.queue(wrap_up=10.0)
    made.queue("501")
    made.agent(1, "500", "501")
    made.join("a")
    made.answer("a")
    return made


def pending(scene: Scene, queue: str = "500") -> tuple[bool, bool]:
    row = scene.row(1, queue)
    return row.pending_pause, row.pending_sign_out


def test_a_pause_is_pending_until_the_call_and_the_time_after_it_are_over(scene: Scene) -> None:
    assert pending(scene) == (False, False)
    scene.apply(e.Paused(agent=1, queue="500", code=4))
    assert (pending(scene), pending(scene, "501")) == ((True, False), (False, False))
    scene.end("a")
    assert (scene.status(1), pending(scene)) == ("wrapUp", (True, False))
    scene.advance(10)
    assert (scene.status(1), pending(scene)) == ("paused", (False, False))


def test_a_sign_out_is_pending_until_the_call_is_over_and_has_no_wrap_up(scene: Scene) -> None:
    out = scene.apply(e.QueueSignedOut(agent=1))
    assert of(c.AgentStateChanged, out) == []
    assert (scene.status(1), pending(scene), pending(scene, "501")) == ("onCall", (False, True), (False, True))
    out = scene.end("a")
    told = [(x.queue, x.state) for x in of(c.AgentStateChanged, out)]
    assert told == [("500", "signed_out"), ("501", "signed_out"), (None, "unavailable")]
    assert not any(timer.startswith("wrap") for timer in scene.timers)
    assert scene.engine.agent_status() == []
    scene.join("b")
    assert scene.ringing() == {}


def test_he_leaves_only_the_queue_he_meant(scene: Scene) -> None:
    scene.apply(e.QueueSignedOut(agent=1, queue="501"))
    scene.end("a")
    assert (scene.status(1), scene.row(1).calls_taken) == ("wrapUp", 1)
    assert [row.queue for row in scene.engine.agent_status()] == ["500"]


def test_he_may_change_his_mind(scene: Scene) -> None:
    scene.apply(e.QueueSignedOut(agent=1))
    scene.apply(e.QueueSignedIn(agent=1, queues=("500",), skills=(1,), paused=True))
    assert (pending(scene), pending(scene, "501"), scene.row(1).skill) == ((True, False), (False, True), 1)
    with pytest.raises(AlreadySignedIn):
        scene.apply(e.QueueSignedIn(agent=1, queues=("500",)))
    scene.end("a")
    assert [row.queue for row in scene.engine.agent_status()] == ["500"]
    assert scene.row(1).calls_taken == 1


def test_it_holds_after_a_join_that_failed_and_after_a_restart(scene: Scene) -> None:
    scene.apply(e.QueueSignedOut(agent=1))
    (talk,) = scene.engine.conversations()
    scene.engine = Engine.restore(scene.engine.snapshot())
    assert pending(scene) == (False, True)
    scene.apply(e.ConnectFailed(offer=talk.offer))
    assert scene.engine.agent_status() == []
    assert scene.waiting() == ["a"]


def test_the_end_of_his_session_does_not_wait(scene: Scene) -> None:
    """His extension may be another's in this moment."""
    scene.apply(e.AgentSignedOut(agent=1))
    assert scene.engine.agent_status() == []
    assert scene.talking() == {"a": 1}


def test_an_offer_goes_to_the_next_when_the_phone_is_busy_with_another_call(scene: Scene) -> None:
    scene.agent(2)
    scene.agent(3)
    scene.join("b")
    assert scene.ringing() == {"b": [2]}
    out = scene.apply(e.PhoneStateChanged(extension="202", state="busy"))
    assert plain(out) == [("Withdraw", "2", "private_call"), ("Offer", "3", "b", "500", 3, "203")]
    assert [x.outcome for x in of(c.OfferEnded, out)] == ["private_call"]
    assert scene.status(2) == "unavailable"
    # nobody blames him: when his call is over he is available at once
    scene.apply(e.PhoneStateChanged(extension="202", state="idle"))
    assert scene.status(2) == "available"
    scene.join("d")
    assert scene.ringing() == {"b": [3], "d": [2]}


def test_a_phone_that_seems_gone_goes_on_ringing(scene: Scene) -> None:
    """A registration that lapses says nothing of the call that rings."""
    scene.agent(2)
    scene.join("b")
    assert plain(scene.apply(e.PhoneStateChanged(extension="202", state="unavailable"))) == []
    assert scene.ringing() == {"b": [2]}
