"""The place of a caller who was cut off, and rings back."""

from __future__ import annotations

import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.engine import Engine
from tests.unit.acd.scene import Scene, of

NUMBER = "+49301"


@pytest.fixture
def scene() -> Scene:
    """Three wait; the second, who calls from NUMBER, is cut off."""
    made = Scene()
    made.queue(keep_place=60.0)
    for call in "abc":
        made.join(call, number=NUMBER if call == "b" else "")
        made.advance(1)
    made.apply(e.CallerLeft(call="b"))
    return made


def test_he_has_his_place_again(scene: Scene) -> None:
    scene.advance(59)
    (entered,) = of(c.CallerEntered, scene.join("again", number=NUMBER))
    assert entered.position == 2
    assert scene.waiting() == ["a", "again", "c"]
    assert not scene.timers
    # the record has what happened: one who gave up, and one who has not waited yet
    assert scene.engine.counts("500").abandoned == 1
    assert scene.engine.queued_calls("500", scene.now)[1].wait == 0.0


def test_not_after_the_time_is_over(scene: Scene) -> None:
    scene.advance(60)
    scene.join("again", number=NUMBER)
    assert scene.waiting() == ["a", "c", "again"]


def test_not_for_another_number_or_none_or_in_another_queue(scene: Scene) -> None:
    scene.queue("501", keep_place=60.0)
    scene.join("x", "501")
    scene.join("again", "501", number=NUMBER)
    scene.join("d", number="+49302")
    scene.join("f")
    assert scene.waiting("501") == ["x", "again"]
    assert scene.waiting() == ["a", "c", "d", "f"]


def test_it_is_his_once(scene: Scene) -> None:
    scene.join("again", number=NUMBER)
    scene.join("colleague", number=NUMBER)
    assert scene.waiting() == ["a", "again", "c", "colleague"]


def test_cut_off_again_he_has_it_again_and_a_restart_does_not_matter(scene: Scene) -> None:
    scene.join("again", number=NUMBER)
    scene.apply(e.PriorityChanged(call="again", priority=1))
    scene.apply(e.CallerLeft(call="again"))
    scene.engine = Engine.restore(scene.engine.snapshot())
    scene.join("third", number=NUMBER)
    assert scene.waiting() == ["third", "a", "c"]
    assert scene.engine.queued_calls("500", scene.now)[0].priority == 1


def test_of_two_the_better_place_is_kept(scene: Scene) -> None:
    scene.join("late", number="+49302")
    scene.join("later", number="+49302")
    scene.apply(e.CallerLeft(call="late"))
    scene.apply(e.CallerLeft(call="later"))
    scene.join("d")
    scene.join("back", number="+49302")
    assert scene.waiting() == ["a", "c", "back", "d"]


@pytest.mark.parametrize("reason", ["stolen", "transferred"])
def test_not_for_one_who_was_taken_elsewhere(scene: Scene, reason: str) -> None:
    scene.join("d", number="+49302")
    scene.join("f")
    scene.apply(e.CallerLeft(call="d", reason=reason))
    scene.join("again", number="+49302")
    assert scene.waiting() == ["a", "c", "f", "again"]


def test_not_for_one_who_has_talked(scene: Scene) -> None:
    scene.agent(1)
    scene.apply(e.CallerLeft(call="a"))
    scene.answer("c")
    scene.join("d", number="+49302")
    scene.join("f")
    scene.end("c")
    scene.answer("d")
    scene.apply(e.CallerLeft(call="d"))
    scene.apply(e.Paused(agent=1))
    scene.join("again", number="+49302")
    assert scene.waiting() == ["f", "again"]


@pytest.mark.parametrize("how", [e.QueueRemoved(queue="500"), None])
def test_a_queue_that_keeps_no_places_any_more_has_none(scene: Scene, how: e.QueueRemoved | None) -> None:
    if how is None:
        scene.queue(keep_place=0.0)
    else:
        scene.apply(how)
        scene.queue(keep_place=60.0)
        scene.join("a")
        scene.join("c")
    assert not scene.timers
    scene.join("again", number=NUMBER)
    assert scene.waiting() == ["a", "c", "again"]


def test_the_queue_must_let_him_in(scene: Scene) -> None:
    scene.queue(keep_place=60.0, max_callers=2)
    assert [x.reason for x in of(c.CallerRefused, scene.join("again", number=NUMBER))] == ["full"]
    scene.queue(keep_place=60.0)
    scene.join("once more", number=NUMBER)
    assert scene.waiting() == ["a", "once more", "c"]
