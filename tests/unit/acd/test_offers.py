"""Ringing, answering, not answering, and who is next."""

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


def test_an_answer_connects(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.advance(4)
    out = scene.answer("a")
    assert plain(out) == [("Connect", "1", "a", "500", 1)]
    assert of(c.CallerServed, out) == [
        c.CallerServed(at=START + 4, call="a", queue="500", agent=1, wait=4.0, ring=4.0),
    ]
    assert [x.outcome for x in of(c.OfferEnded, out)] == ["answered"]
    assert (scene.talking(), scene.waiting(), scene.status(1)) == ({"a": 1}, [], "onCall")


def test_a_phone_rings_as_long_as_the_queue_says_then_the_next_agent_s(scene: Scene) -> None:
    scene.agent(1)
    scene.agent(2)
    scene.join("a")
    out = scene.advance(15)
    assert plain(out) == [("Withdraw", "1", "noanswer"), ("Offer", "2", "a", "500", 2, "202")]
    assert [(x.outcome, x.ring) for x in of(c.OfferEnded, out)] == [("noanswer", 15.0)]


def test_without_agent_timeout_it_rings_on(scene: Scene) -> None:
    scene.queue(agent_timeout=None)
    scene.agent(1)
    scene.join("a")
    assert scene.advance(3600) == []
    assert scene.ringing() == {"a": [1]}


def test_when_all_have_missed_him_he_pauses_and_then_it_begins_again(scene: Scene) -> None:
    scene.agent(1)
    scene.agent(2)
    scene.join("a")
    scene.advance(60)
    assert scene.rang() == [(0, "a", 1), (15, "a", 2), (35, "a", 1), (50, "a", 2)]


def test_the_pause_does_not_keep_him_from_an_agent_who_has_not_missed_him(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.advance(17)
    assert scene.ringing() == {}
    scene.agent(2)
    assert scene.ringing() == {"a": [2]}
    scene.advance(13)
    assert scene.ringing() == {"a": [2]}  # his first pause would have ended at 20: it is over
    scene.advance(2)  # agent 2 missed him at 32
    assert scene.ringing() == {}
    scene.advance(5)
    assert scene.ringing() == {"a": [1]}


def test_he_keeps_his_place_while_he_pauses(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.join("b")
    scene.advance(16)
    assert scene.ringing() == {"b": [1]}  # a pauses, and agent 1 is free for b
    assert scene.waiting() == ["a", "b"]
    scene.agent(2)
    assert scene.ringing() == {"a": [2], "b": [1]}


def test_no_pause_while_nobody_is_there_who_could_have_missed_him(scene: Scene) -> None:
    scene.queue(auto_pause="yes")
    scene.agent(1)
    scene.join("a")
    scene.advance(15)
    assert scene.row(1).paused
    scene.advance(30)
    scene.apply(e.Resumed(agent=1))
    assert scene.ringing() == {"a": [1]}


def test_without_retry_he_is_released_when_every_free_agent_has_missed_him(scene: Scene) -> None:
    scene.queue(retry=None)
    scene.agent(1)
    scene.agent(2)
    scene.agent(3)
    scene.join("other")
    scene.answer("other")  # agent 1: not free, and not waited for
    scene.join("a")
    scene.advance(29)
    assert scene.ringing() == {"a": [3]}
    out = scene.advance(1)
    assert plain(out) == [("Withdraw", "3", "noanswer"), ("Release", "a", "500", "no_retry")]
    assert [x.outcome for x in of(c.CallerExited, out)] == ["no_retry"]


def test_without_retry_he_waits_for_an_agent_while_there_is_none(scene: Scene) -> None:
    scene.queue(retry=None)
    scene.join("a")
    scene.advance(600)
    assert scene.waiting() == ["a"]
    scene.agent(1)
    assert scene.ringing() == {"a": [1]}


def test_without_retry_an_offer_that_ended_for_the_agent_s_own_reasons_is_no_miss(scene: Scene) -> None:
    scene.queue(retry=None)
    scene.agent(1)
    scene.join("a")
    scene.apply(e.Paused(agent=1))
    assert scene.waiting() == ["a"]


def test_whoever_just_did_not_answer_comes_after_the_others_of_his_level(scene: Scene) -> None:
    scene.queue(strategy="leastrecent")
    scene.agent(1)
    scene.agent(2)
    scene.join("a")
    scene.advance(15)
    scene.answer("a")
    scene.end("a")
    scene.join("b")
    assert scene.ringing() == {"b": [2]}  # least recent would be 1, who has had no call at all
    scene.join("c")
    assert scene.ringing()["c"] == [1]  # while others are free, only


@pytest.mark.parametrize("sign", ["answer", "pause", "wrap_up", "phone", "time"])
def test_until_there_is_a_sign_of_him(scene: Scene, sign: str) -> None:
    scene.queue(strategy="leastrecent", agent_timeout=15.0)
    scene.agent(1)
    scene.agent(2)
    scene.join("a")
    scene.advance(15)
    scene.apply(e.CallerLeft(call="a"))
    if sign == "answer":
        scene.apply(e.Paused(agent=2))
        scene.join("b")
        scene.answer("b")
        scene.apply(e.Resumed(agent=2))
        scene.join("c")
        scene.answer("c", 2)
        scene.end("b")
        scene.advance(1)
        scene.end("c")
    elif sign == "pause":
        scene.apply(e.Paused(agent=1))
        scene.apply(e.Resumed(agent=1))
    elif sign == "wrap_up":
        scene.apply(e.WrapUpExited(agent=1))
    elif sign == "phone":
        scene.apply(e.PhoneStateChanged(extension="201", state="busy"))
        scene.apply(e.PhoneStateChanged(extension="201", state="idle"))
    else:
        scene.advance(120)
    scene.join("z")
    assert scene.ringing() == {"z": [1]}


@pytest.mark.parametrize("reason", ["busy", "unavailable", "declined", "error", "noanswer"])
def test_a_phone_that_refuses_is_left_alone_for_a_while(scene: Scene, reason: str) -> None:
    scene.agent(1)
    scene.agent(2)
    scene.join("a")
    scene.join("b")
    scene.join("c")
    out = scene.fail("a", reason)
    assert [x.outcome for x in of(c.OfferEnded, out)] == [reason]
    assert of(c.Withdraw, out) == []
    assert scene.ringing() == {"b": [2]}  # not c at agent 1, whose phone would refuse again at once
    assert (scene.status(1), scene.row(1).reason) == ("unavailable", reason)
    assert scene.waiting() == ["a", "b", "c"]
    scene.advance(5)
    assert scene.ringing() == {"a": [1], "b": [2]}


def test_the_time_it_is_left_alone_for_is_retry_or_five_seconds(scene: Scene) -> None:
    for retry, seconds in ((20.0, 20.0), (None, 5.0)):
        scene.queue(retry=retry)
        scene.agent(int(seconds))
        scene.join(f"a{seconds}")
        scene.fail(f"a{seconds}", "busy")
        assert scene.engine.timers()[f"cool:{int(seconds)}"] == scene.now + seconds


def test_a_phone_that_refuses_does_not_pause_its_agent_but_one_that_does_not_answer_does(scene: Scene) -> None:
    scene.queue(auto_pause="yes")
    scene.agent(1)
    for call, reason, paused in (("a", "busy", False), ("b", "noanswer", True)):
        scene.join(call)
        scene.fail(call, reason)
        assert scene.row(1).paused == paused
        scene.apply(e.CallerLeft(call=call))
        scene.advance(10)


@pytest.mark.parametrize(("auto_pause", "here", "there"), [("no", 0, 0), ("yes", 1, 0), ("all", 1, 1)])
def test_auto_pause(scene: Scene, auto_pause: str, here: bool, there: bool) -> None:
    scene.queue(auto_pause=auto_pause, system_resume=60.0)
    scene.queue("501")
    scene.agent(1, "500", "501")
    scene.join("a")
    out = scene.advance(15)
    assert (scene.row(1).paused, scene.row(1, "501").paused) == (here, there)
    told = {x.queue: x.reason for x in of(c.AgentStateChanged, out) if x.state == "paused"}
    assert told == {queue: "noanswer" for queue in (["500"] if here else []) + (["501", None] if there else [])}
    scene.apply(e.CallerLeft(call="a"))
    scene.advance(59)
    assert scene.row(1).paused == here
    scene.advance(1)
    assert not scene.row(1).paused
    assert not scene.row(1, "501").paused


def test_auto_pause_without_system_resume_lasts(scene: Scene) -> None:
    scene.queue(auto_pause="yes", system_resume=None)
    scene.agent(1)
    scene.join("a")
    scene.advance(36_000)
    assert scene.row(1).paused


def test_auto_pause_leaves_a_pause_of_his_own_as_it_is(scene: Scene) -> None:
    scene.queue(auto_pause="all", system_resume=10.0)
    scene.queue("501")
    scene.agent(1, "500", "501")
    scene.apply(e.Paused(agent=1, queue="501", code=7))
    scene.join("a")
    scene.advance(60)
    assert (scene.row(1, "501").paused, scene.row(1, "501").pause_code) == (True, 7)


def test_a_pause_of_his_own_replaces_the_system_s(scene: Scene) -> None:
    scene.queue(auto_pause="yes", system_resume=30.0)
    scene.agent(1)
    scene.join("a")
    scene.advance(15)
    scene.apply(e.Paused(agent=1, code=2))
    scene.advance(600)
    assert (scene.row(1).paused, scene.row(1).pause_code, scene.row(1).reason) == (True, 2, "")


def test_ringall_rings_all_of_the_first_level_at_once_and_the_first_answer_wins(scene: Scene) -> None:
    scene.queue(strategy="ringall")
    for number, skill in ((1, 2), (2, 1), (3, 1)):
        scene.agent(number, skill=skill)
    scene.join("a")
    assert scene.ringing() == {"a": [2, 3]}
    out = scene.answer("a", 3)
    assert plain(out) == [("Withdraw", "1", "answered_elsewhere"), ("Connect", "2", "a", "500", 3)]
    assert {(x.agent, x.outcome) for x in of(c.OfferEnded, out)} == {(2, "answered_elsewhere"), (3, "answered")}
    assert scene.status(2) == "available"


def test_ringall_goes_to_the_next_level_when_all_of_this_one_are_done(scene: Scene) -> None:
    scene.queue(strategy="ringall")
    for number, skill in ((1, 1), (2, 1), (3, 2)):
        scene.agent(number, skill=skill)
    scene.join("a")
    scene.fail("a", "busy", agent=1)
    assert scene.ringing() == {"a": [2]}
    scene.advance(15)
    assert scene.ringing() == {"a": [3]}
    scene.advance(15)
    assert scene.ringing() == {}
    scene.advance(5)
    assert scene.ringing() == {"a": [1, 2]}


def test_ringall_an_agent_who_gets_free_rings_along(scene: Scene) -> None:
    scene.queue(strategy="ringall", agent_timeout=None)
    for number, skill in ((1, 2), (2, 2), (3, 1), (4, 3)):
        scene.agent(number, skill=skill)
        if number != 1:
            scene.apply(e.Paused(agent=number))
    scene.join("a")
    assert scene.ringing() == {"a": [1]}
    scene.apply(e.Resumed(agent=2))
    assert scene.ringing() == {"a": [1, 2]}
    scene.apply(e.Resumed(agent=3))
    assert scene.ringing() == {"a": [1, 2, 3]}
    scene.apply(e.Resumed(agent=4))  # of a level that is not rung yet
    assert scene.ringing() == {"a": [1, 2, 3]}


def test_ringall_nobody_rings_along_whom_another_caller_waits_for_or_who_has_missed_this_one(scene: Scene) -> None:
    scene.queue(strategy="ringall")
    scene.agent(1)
    scene.agent(2)
    scene.join("a")
    scene.fail("a", "busy", agent=1)
    scene.advance(5)
    assert scene.ringing() == {"a": [2]}
    scene.join("b")
    assert scene.ringing() == {"a": [2], "b": [1]}
    scene.agent(3)
    assert scene.ringing() == {"a": [2, 3], "b": [1]}
    scene.join("c")
    scene.answer("a", 3)
    assert scene.ringing() == {"b": [1], "c": [2]}


def test_ringall_phones_that_began_together_stop_together_and_all_ring_for_the_next(scene: Scene) -> None:
    scene.queue(strategy="ringall")
    for number in (1, 2, 3):
        scene.agent(number)
    scene.join("a")
    scene.join("b")
    scene.advance(15)
    assert scene.ringing() == {"b": [1, 2, 3]}


def test_the_others_of_a_ringall_go_to_the_next_caller_at_once(scene: Scene) -> None:
    scene.queue(strategy="ringall")
    for number in (1, 2, 3):
        scene.agent(number)
    scene.join("a")
    scene.join("b")
    scene.answer("a", 2)
    assert scene.ringing() == {"b": [1, 3]}


@pytest.mark.parametrize("how", ["noanswer", "caller_left", "answered_elsewhere"])
def test_an_answer_that_comes_too_late_is_hung_up_and_counted(scene: Scene, how: str) -> None:
    scene.queue(strategy="ringall")
    scene.agent(1)
    scene.agent(2)
    scene.join("a")
    if how == "noanswer":
        scene.advance(15)
    elif how == "caller_left":
        scene.apply(e.CallerLeft(call="a"))
    else:
        scene.answer("a", 2)
    before = scene.engine.snapshot()
    assert plain(scene.apply(e.OfferAnswered(offer="1"))) == [("Withdraw", "1", "late")]
    assert scene.engine.ignored == {"OfferAnswered": 1}
    assert scene.engine.snapshot() == before


def test_the_answer_of_a_conversation_said_again_does_not_end_it(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    assert scene.apply(e.OfferAnswered(offer="1")) == []
    assert scene.talking() == {"a": 1}


@pytest.mark.parametrize("offer", ["", "0", "-1", "7", "x", "1x"])
@pytest.mark.parametrize("event", [e.OfferRinging, e.OfferAnswered, e.OfferFailed, e.ConnectFailed])
def test_foreign_offers_are_ignored_and_counted(scene: Scene, event: type, offer: str) -> None:
    scene.agent(1)
    scene.join("a")
    before = scene.engine.snapshot()
    assert scene.apply(event(offer=offer)) == []
    assert scene.engine.ignored == {event.__name__: 1}
    assert scene.engine.snapshot() == before


def test_a_failed_join_gives_the_caller_his_place_and_time_back(scene: Scene) -> None:
    scene.queue(max_wait=100.0)
    scene.agent(1)
    scene.join("a")
    scene.join("b")
    scene.advance(3)
    scene.answer("a")
    out = scene.apply(e.ConnectFailed(offer="1"))
    assert of(c.CallerUnserved, out) == [c.CallerUnserved(at=START + 3, call="a", queue="500", agent=1)]
    assert plain(out) == [("Wait", "a", "500"), ("Offer", "2", "b", "500", 1, "201")]
    assert scene.waiting() == ["a", "b"]
    assert scene.engine.timers()["wait:a"] == START + 100
    scene.agent(2)
    assert scene.ringing() == {"b": [1], "a": [2]}


def test_after_a_failed_join_the_same_agent_gets_him_after_the_pause_if_there_is_no_other(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.apply(e.ConnectFailed(offer="1"))
    assert (scene.ringing(), scene.status(1)) == ({}, "available")
    scene.advance(5)
    assert scene.ringing() == {"a": [1]}


def test_a_failed_join_is_no_miss_where_a_miss_would_release_him(scene: Scene) -> None:
    scene.queue(retry=None)
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.apply(e.ConnectFailed(offer="1"))
    assert scene.waiting() == ["a"]
    scene.advance(5)
    assert scene.ringing() == {"a": [1]}


def test_a_failed_join_leaves_no_wrap_up_and_counts_for_no_call(scene: Scene) -> None:
    scene.queue(wrap_up=30.0)
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.apply(e.ConnectFailed(offer="1"))
    assert (scene.status(1), scene.row(1).calls_taken, scene.row(1).last_call_at) == ("available", 0, None)


def test_a_failed_join_in_a_queue_that_is_gone_releases(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.apply(e.QueueRemoved(queue="500"))
    assert plain(scene.apply(e.ConnectFailed(offer="1"))) == [("Release", "a", "500", "queue_removed")]
    assert not scene.engine.knows("a")


def test_ringing_is_taken_once(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    assert scene.apply(e.OfferRinging(offer="1")) == []
    assert scene.engine.ignored == {}
    scene.apply(e.OfferRinging(offer="1"))
    assert scene.engine.ignored == {"OfferRinging": 1}


def test_a_timer_that_is_not_set_is_ignored(scene: Scene) -> None:
    assert scene.apply(e.TimerFired(timer="ring:1")) == []
    assert scene.apply(e.TimerFired(timer="nonsense")) == []
    assert scene.engine.ignored == {"TimerFired": 2}


def test_a_timer_that_fires_early_is_set_again(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.now += 14.998
    assert scene.apply(e.TimerFired(timer="ring:1")) == [c.StartTimer(timer="ring:1", at=START + 15)]
    assert scene.ringing() == {"a": [1]}
    scene.now += 0.0015
    assert ("Withdraw", "1", "noanswer") in plain(scene.apply(e.TimerFired(timer="ring:1")))


def test_an_agent_in_several_queues_takes_the_heaviest_then_the_most_important_then_who_came_first(
    scene: Scene,
) -> None:
    scene.queue("501")
    scene.queue("502", weight=1)
    scene.join("first")
    scene.advance(1)
    scene.join("other", "501")
    scene.advance(1)
    scene.join("important", "501", priority=1)
    scene.advance(1)
    scene.join("heavy", "502")
    scene.agent(1, "500", "501", "502")
    order = []
    for _ in range(4):
        ((call, _agent),) = scene.ringing().items()
        order.append(call)
        scene.answer(call)
        scene.end(call)
    assert order == ["heavy", "important", "first", "other"]


def test_agents_who_get_free_together_go_where_they_are_needed_most(scene: Scene) -> None:
    """Of two who stop ringing, the one who is in the heavier queue goes there, and the other to who is left."""
    scene.queue(strategy="ringall")
    scene.queue("501", weight=5)
    scene.agent(1, "500")
    scene.agent(2, "500", "501")
    scene.agent(3, "500")
    scene.join("a")
    scene.join("b")
    scene.join("heavy", "501")
    scene.answer("a", 1)
    assert scene.ringing() == {"heavy": [2], "b": [3]}
