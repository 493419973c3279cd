"""What waiting callers are told, and when."""

from __future__ import annotations

from typing import Any

import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.conversation import prompts
from ari_app.acd.engine import Engine
from ari_app.acd.settings import AnnounceHoldTime
from tests.unit.acd.scene import START, Scene


def scene_with(**settings: Any) -> Scene:
    scene = Scene()
    scene.queue(**{"announce_frequency": 60.0, "announce_position": True, **settings})
    return scene


def said(scene: Scene) -> list[tuple[float, str, int | None, int | None]]:
    """Seconds since the start, call, position, minutes."""
    return [(at - START, x.call, x.position, x.minutes) for at, x in scene.out if isinstance(x, c.Announce)]


def test_at_once_and_then_each_time() -> None:
    scene = scene_with()
    scene.join("a")
    scene.advance(130)
    assert said(scene) == [(0.0, "a", 1, None), (60.0, "a", 1, None), (120.0, "a", 1, None)]


def test_a_new_position_is_told_at_once_but_not_within_15_seconds() -> None:
    scene = scene_with()
    for call in "abc":
        scene.join(call)
    scene.advance(5)
    scene.apply(e.CallerLeft(call="a"))
    scene.advance(20)
    assert said(scene)[3:] == [(15.0, "b", 1, None), (15.0, "c", 2, None)]
    scene.advance(15)  # 40: both listen
    scene.apply(e.CallerLeft(call="b"))
    assert said(scene)[5:] == [(40.0, "c", 1, None)]
    scene.advance(61)
    assert said(scene)[6:] == [(100.0, "c", 1, None)]


def test_who_comes_in_front_moves_the_others_back() -> None:
    scene = scene_with()
    scene.join("a")
    scene.advance(20)
    scene.join("b", priority=1)
    scene.advance(0)
    assert said(scene)[1:] == [(20.0, "a", 2, None), (20.0, "b", 1, None)]


def test_frequencies_below_15_seconds_are_15() -> None:
    scene = scene_with(announce_frequency=1.0)
    scene.join("a")
    scene.advance(31)
    assert [at for at, *_ in said(scene)] == [0.0, 15.0, 30.0]


@pytest.mark.parametrize(
    "settings",
    [{"announce_frequency": 0.0}, {"announce_position": False}],
)
def test_off(settings: dict[str, Any]) -> None:
    scene = scene_with(**settings)
    scene.join("a")
    scene.advance(200)
    assert said(scene) == []
    assert scene.timers == {}


def test_not_while_a_phone_rings_for_him() -> None:
    scene = scene_with(agent_timeout=20.0)
    scene.agent(1)
    scene.join("a")
    scene.join("b")
    scene.advance(19)
    assert [call for _, call, *_ in said(scene)] == ["b"]
    scene.advance(1)  # 1 does not answer; a waits for the retry, and b, who has not been missed, is rung for
    scene.advance(1)
    assert said(scene)[1:] == [(20.0, "a", 1, None)]
    scene.answer("b")
    assert not [timer for timer in scene.timers if timer == "say:b"]


def test_a_position_that_changes_while_his_phone_rings_is_not_told_then() -> None:
    scene = scene_with(agent_timeout=None)
    scene.join("a")
    scene.join("b")
    scene.advance(20)
    for agent in (1, 2):
        scene.agent(agent)
    told = said(scene)
    scene.apply(e.CallerLeft(call="a"))
    scene.advance(200)
    assert said(scene) == told
    scene.fail("b", "busy")
    scene.advance(0)
    assert said(scene) == told  # the other agent is rung for him


def test_hold_time_is_the_estimate_for_where_he_stands() -> None:
    scene = scene_with(announce_hold_time=AnnounceHoldTime.YES, agent_timeout=None)
    for call in "abcd":
        scene.join(call)
    scene.advance(61)
    assert [minutes for *_, minutes in said(scene)] == [None] * 8  # nobody knows yet
    scene.advance(39)
    scene.agent(1)
    scene.answer("a")  # after 100 s in the first place, so a place costs 100 s of one agent's work
    scene.advance(0)
    start = scene.now - START
    assert said(scene)[8:] == [(start, "b", 1, None), (start, "c", 2, 3), (start, "d", 3, 5)]  # 200 s, 300 s
    scene.agent(2)  # two agents at work: half the time; and he is rung for b
    scene.advance(60)
    assert said(scene)[11:] == [(start + 60, "c", 2, 2), (start + 60, "d", 3, 3)]  # 100 s, 150 s
    scene.answer("b")  # after 260 s in the first place before 2 agents: (31 * 100 + 520) / 32 = 113 s
    scene.advance(15)
    assert said(scene)[13:] == [(start + 75, "c", 1, None), (start + 75, "d", 2, 2)]  # 113 s


def test_hold_time_below_half_a_minute_is_not_told() -> None:
    scene = scene_with(announce_hold_time=AnnounceHoldTime.YES, agent_timeout=None)
    scene.join("a")
    scene.advance(14.9)
    scene.agent(1)
    scene.answer("a")
    for call in "bcd":
        scene.join(call)
    scene.advance(0)
    assert [x[1:] for x in said(scene)[1:]] == [("b", 1, None), ("c", 2, None), ("d", 3, 1)]  # 15 s, 30 s, 45 s


def test_hold_time_once_and_alone() -> None:
    scene = scene_with(announce_hold_time=AnnounceHoldTime.ONCE, announce_position=False)
    scene.join("x")
    scene.advance(100)
    scene.agent(1)
    scene.answer("x")
    scene.join("a")
    scene.advance(200)
    assert said(scene) == [(100.0, "a", None, 2)]


def test_hold_time_once_with_the_first_announcement_only() -> None:
    scene = scene_with(announce_hold_time=AnnounceHoldTime.ONCE, agent_timeout=None)
    scene.join("x")
    scene.advance(100)
    scene.agent(1)
    scene.answer("x")
    scene.join("a")
    scene.join("b")
    scene.advance(60)
    assert [x[1:] for x in said(scene)[2:]] == [("a", 1, None), ("b", 2, 3), ("a", 1, None), ("b", 2, None)]


def test_changes_hold_at_once() -> None:
    scene = scene_with(announce_frequency=0.0)
    scene.join("a")
    scene.advance(100)
    scene.queue(announce_frequency=60.0, announce_position=True)
    scene.advance(30)
    assert said(scene) == [(100.0, "a", 1, None)]
    scene.queue(announce_frequency=20.0, announce_position=True)
    scene.advance(0)
    assert said(scene)[1:] == [(130.0, "a", 1, None)]
    scene.queue()
    assert scene.timers == {}


def test_nothing_is_left_when_he_has_gone_and_a_restart_goes_on() -> None:
    scene = scene_with()
    for call in "abc":
        scene.join(call)
    scene.advance(30)
    twin = Engine.restore(scene.engine.snapshot())
    assert twin.snapshot() == scene.engine.snapshot()
    left = e.CallerLeft(call="b")
    assert twin.apply(left, scene.now) == scene.apply(left)
    assert [x[1:3] for x in said(scene)[3:]] == [("c", 2)]
    assert twin.snapshot() == scene.engine.snapshot()
    scene.apply(e.CallerLeft(call="a"))
    scene.apply(e.CallerLeft(call="c"))
    assert scene.timers == {}


def test_one_minute_has_its_gender() -> None:
    assert prompts(None, 1, "es-mx")[1:3] == ["sound:digits/1M", "sound:queue-minute"]
    assert prompts(None, 1, "de")[1:3] == ["sound:digits/1F", "sound:queue-minute"]


@pytest.mark.parametrize(
    ("position", "minutes", "expected"),
    [
        (1, None, "queue-youarenext queue-thankyou"),
        (3, None, "queue-thereare 3 queue-callswaiting queue-thankyou"),
        (2, 1, "queue-thereare 2 queue-callswaiting queue-holdtime 1 queue-minute queue-thankyou"),
        (None, 5, "queue-holdtime 5 queue-minutes queue-thankyou"),
    ],
)
def test_prompts(position: int | None, minutes: int | None, expected: str) -> None:
    assert " ".join(x.partition(":")[2] for x in prompts(position, minutes)) == expected
