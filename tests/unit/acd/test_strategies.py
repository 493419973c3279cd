"""Whom each strategy rings. Agents sign in in the order of their numbers, with the skills given."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from ari_app.acd import events as e
from ari_app.acd.settings import Strategy
from ari_app.acd.strategies import RULES, Dice
from tests.unit.acd.scene import Scene


def centre(strategy: str, *skills: int) -> Scene:
    scene = Scene()
    scene.queue(strategy=strategy)
    for number, skill in enumerate(skills, 1):
        scene.agent(number, skill=skill)
    return scene


def serve(scene: Scene, calls: int, talk: float = 1.0) -> list[int]:
    """One call after the other; who got them."""
    served = []
    for n in range(calls):
        scene.join(f"s{scene.now}:{n}")
        ((call, (agent,)),) = scene.ringing().items()
        served.append(agent)
        scene.answer(call)
        scene.advance(talk)
        scene.end(call)
    return served


def test_every_strategy_has_its_functions() -> None:
    assert set(RULES) == set(Strategy)


@pytest.mark.parametrize("strategy", [x for x in Strategy if x not in (Strategy.RINGALL, Strategy.WRANDOM)])
def test_penalties_make_levels(strategy: str) -> None:
    """5 only while 1 is busy."""
    scene = centre(strategy, 5, 1)
    assert serve(scene, 4) == [2, 2, 2, 2]
    scene.join("a")
    scene.join("b")
    assert scene.ringing() == {"a": [2], "b": [1]}


@pytest.mark.parametrize("strategy", [x for x in Strategy if x is not Strategy.RINGALL])
def test_missing_a_call_sets_back_within_the_level_only(strategy: str) -> None:
    scene = centre(strategy, 1, 1, 2)
    scene.apply(e.Paused(agent=2))
    scene.join("a")
    if strategy == "wrandom" and scene.ringing() == {"a": [3]}:
        pytest.skip("no levels, and chance would have the other")
    scene.advance(15)
    scene.apply(e.CallerLeft(call="a"))
    scene.advance(5)
    scene.apply(e.Resumed(agent=2))
    scene.join("b")
    if strategy != "wrandom":
        assert scene.ringing() == {"b": [2]}
    scene.join("c")
    if strategy != "wrandom":
        assert scene.ringing()["c"] == [1]


def test_leastrecent_is_the_end_of_the_last_conversation() -> None:
    scene = centre("leastrecent", 1, 1, 1)
    assert serve(scene, 3) == [1, 2, 3]
    scene.join("long")  # 1
    scene.answer("long")
    scene.advance(10)
    assert serve(scene, 2) == [2, 3]
    scene.advance(1)
    scene.end("long")
    assert serve(scene, 3) == [2, 3, 1]


def test_leastrecent_is_not_moved_by_a_no_answer() -> None:
    scene = centre("leastrecent", 1, 1)
    serve(scene, 2)
    before = scene.row(1).last_call_at
    scene.join("a")
    scene.advance(15)
    assert scene.row(1).last_call_at == before


def test_fewestcalls() -> None:
    scene = centre("fewestcalls", 1, 1)
    assert serve(scene, 2) == [1, 2]
    scene.apply(e.Paused(agent=1))
    assert serve(scene, 2) == [2, 2]
    scene.apply(e.Resumed(agent=1))
    assert serve(scene, 3) == [1, 1, 1]


@pytest.mark.parametrize("strategy", ["rrmemory", "rrordered"])
def test_round_robin_goes_on_after_whoever_was_rung_last(strategy: str) -> None:
    scene = centre(strategy, 1, 1, 1)
    assert serve(scene, 4) == [1, 2, 3, 1]
    scene.join("a")
    assert scene.ringing() == {"a": [2]}
    scene.apply(e.CallerLeft(call="a"))  # rung, though not answered
    assert serve(scene, 1) == [3]


def test_rrmemory_is_in_the_order_of_signing_in_and_rrordered_is_not_changed_by_it() -> None:
    for strategy, order in (("rrmemory", [2, 3, 1]), ("rrordered", [2, 3, 1])):
        scene = centre(strategy, 1, 1, 1)
        assert serve(scene, 1) == [1]
        scene.apply(e.QueueSignedOut(agent=1))
        scene.apply(e.QueueSignedIn(agent=1, queues=("500",), skills=(1,)))
        assert serve(scene, 3) == order
    for strategy, order in (("rrmemory", [1, 3, 2, 1]), ("rrordered", [1, 2, 3, 1])):
        scene = centre(strategy, 1, 1, 1)
        scene.apply(e.QueueSignedOut(agent=2))
        scene.apply(e.QueueSignedIn(agent=2, queues=("500",), skills=(1,)))
        assert serve(scene, 4) == order


def test_linear_begins_with_the_first_for_each_caller() -> None:
    scene = centre("linear", 1, 1, 1)
    assert serve(scene, 3) == [1, 1, 1]
    scene.join("a")
    scene.join("b")
    assert scene.ringing() == {"a": [1], "b": [2]}
    scene.advance(15)
    assert scene.ringing() == {"a": [3], "b": [1]}


def test_random_is_even() -> None:
    served = Counter(serve(centre("random", 1, 1, 1, 1), 2000))
    assert all(430 < served[n] < 570 for n in (1, 2, 3, 4)), served


def test_random_leaves_out_whom_he_was_missed_by() -> None:
    scene = centre("random", 1, 1, 1)
    scene.join("a")
    scene.advance(44)
    assert sorted(agent for _, _, agent in scene.rang()) == [1, 2, 3]


def test_wrandom_favours_small_penalties_without_levels() -> None:
    """app_queue: the least of draws below 2000 and below 4000: 3 in 4."""
    served = Counter(serve(centre("wrandom", 1, 3), 2000))
    assert 1400 < served[1] < 1600, served


def test_wrandom_draws_for_each_agent() -> None:
    """Two with penalty 1 against one with 3: least of two below 2000 wins with 1 - 1/4 + 1/12 = 5 in 6."""
    served = Counter(serve(centre("wrandom", 1, 1, 3), 2000))
    assert 260 < served[3] < 410, served
    assert abs(served[1] - served[2]) < 200


@pytest.mark.parametrize("strategy", ["random", "wrandom"])
@pytest.mark.parametrize("penalties", [(1, 1, 1), (1, 3), (1, 2, 5, 5)])
def test_chances_are_those_of_app_queue(strategy: str, penalties: tuple[int, ...]) -> None:
    """Against its formulas (calc_metric), drawn by another generator: rand % 1000, of the least penalty only, and
    rand % ((1 + penalty) * 1000); the least is rung."""
    chance, theirs = Random(1), Counter[int]()
    for _ in range(10_000):
        if strategy == "random":
            drawn = {n: chance.randrange(1000) for n, p in enumerate(penalties, 1) if p == min(penalties)}
        else:
            drawn = {n: chance.randrange((1 + p) * 1000) for n, p in enumerate(penalties, 1)}
        least = min(drawn.values())
        theirs[chance.choice([n for n, metric in drawn.items() if metric == least])] += 1
    ours = Counter(serve(centre(strategy, *penalties), 1500))
    for agent in range(1, len(penalties) + 1):
        assert ours[agent] / 1500 == pytest.approx(theirs[agent] / 10_000, abs=0.05), (ours, theirs)


def test_dice_are_even_and_repeat_from_their_state() -> None:
    dice = Dice(1)
    rolls = [dice.roll() for _ in range(1000)]
    again = Dice(1)
    assert rolls == [again.roll() for _ in range(1000)]
    assert all(0 <= x < 1 for x in rolls)
    assert 0.47 < sum(rolls) / 1000 < 0.53
