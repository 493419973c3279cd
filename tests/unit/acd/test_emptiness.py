"""joinEmpty and leaveEmpty, by app_queue's sets. (test_properties.py judges them in every history too.)"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.engine import Engine
from ari_app.acd.settings import JoinEmpty, LeaveEmpty
from tests.unit.acd.scene import Scene, of, plain


def nobody(scene: Scene) -> None:
    pass


def free(scene: Scene) -> None:
    scene.agent(1)


def paused(scene: Scene) -> None:
    scene.agent(1, paused=True)


def timed_out(scene: Scene) -> None:
    scene.agent(1)
    scene.apply(e.AgentTimedOut(agent=1))


def unreachable(scene: Scene) -> None:
    scene.agent(1)
    scene.apply(e.PhoneStateChanged(extension="201", state="unavailable"))


def phoneless(scene: Scene) -> None:
    scene.agent(1)
    scene.apply(e.AgentConfigured(agent=2))
    scene.apply(e.AgentSignedIn(agent=2, extension="201"))


def on_a_private_call(scene: Scene) -> None:
    scene.agent(1)
    scene.apply(e.PhoneStateChanged(extension="201", state="busy"))


def on_a_call(scene: Scene) -> None:
    scene.agent(1)
    scene.join("other")
    scene.answer("other")


def in_wrap_up(scene: Scene) -> None:
    on_a_call(scene)
    scene.end("other")


#: what the agent is -> the options whose test he fails
FAILS: dict[Callable[[Scene], None], set[str]] = {
    free: set(),
    nobody: {"loose", "paused", "strict", "ultrastrict"},
    phoneless: {"loose", "paused", "strict", "ultrastrict"},
    paused: {"paused", "strict", "ultrastrict"},
    timed_out: {"strict", "ultrastrict"},
    unreachable: {"strict", "ultrastrict"},
    on_a_private_call: {"ultrastrict"},
    on_a_call: {"ultrastrict"},
    in_wrap_up: {"ultrastrict"},
}
#: the same set has another name for joining and for leaving
JOIN = {JoinEmpty.YES: "", JoinEmpty.NO: "paused"}
LEAVE = {LeaveEmpty.NO: "", LeaveEmpty.YES: "paused"}


@pytest.mark.parametrize("option", JoinEmpty)
@pytest.mark.parametrize("agent", FAILS)
def test_who_is_let_in(option: JoinEmpty, agent: Callable[[Scene], None]) -> None:
    scene = Scene()
    scene.queue(wrap_up=0.0)
    agent(scene)
    scene.queue(wrap_up=0.0, join_empty=option)
    out = plain(scene.join("a"))
    refused = JOIN.get(option, option) in FAILS[agent]
    assert (("Reject", "a", "500", "empty") in out) == refused
    assert (("Wait", "a", "500") in out) == (not refused)


@pytest.mark.parametrize("option", LeaveEmpty)
@pytest.mark.parametrize("agent", FAILS)
def test_who_may_stay(option: LeaveEmpty, agent: Callable[[Scene], None]) -> None:
    """Two wait, so that one of them does when the other has the agent's phone ringing."""
    scene = Scene()
    scene.queue(wrap_up=0.0)
    agent(scene)
    scene.join("a")
    scene.join("b")
    scene.queue(wrap_up=0.0, leave_empty=option)
    sent_away = LEAVE.get(option, option) in FAILS[agent]
    if agent is free:  # his phone rings for a; b could not be rung for, but a is not sent away
        assert scene.waiting() == (["a"] if option is LeaveEmpty.ULTRASTRICT else ["a", "b"])
    else:
        assert scene.waiting() == ([] if sent_away else ["a", "b"])


def test_when_the_last_agent_pauses_those_who_wait_leave_at_once() -> None:
    scene = Scene()
    scene.queue(leave_empty=LeaveEmpty.YES)
    scene.agent(1)
    scene.agent(2)
    for call in "abc":
        scene.join(call)
    scene.answer("a")
    scene.apply(e.Paused(agent=2))
    assert scene.waiting() == ["b", "c"]  # 1 is on a call: that is somebody
    out = scene.apply(e.Paused(agent=1))
    assert [x for x in plain(out) if x[0] == "Release"] == [
        ("Release", "b", "500", "leave_empty"),
        ("Release", "c", "500", "leave_empty"),
    ]
    assert [(x.call, x.outcome, x.position) for x in of(c.CallerExited, out)] == [
        ("b", "leave_empty", 1),
        ("c", "leave_empty", 1),
    ]
    assert scene.talking() == {"a": 1}
    counts = scene.engine.counts("500")
    assert (counts.left_empty, counts.abandoned, counts.exited) == (2, 0, 2)


def test_a_caller_whose_last_agent_does_not_answer_leaves_after_the_ringing() -> None:
    scene = Scene()
    scene.queue(leave_empty=LeaveEmpty.STRICT)
    scene.agent(1)
    scene.join("a")
    scene.apply(e.PhoneStateChanged(extension="201", state="unavailable"))
    assert scene.ringing() == {"a": [1]}
    out = scene.fail("a", "unavailable")
    assert ("Release", "a", "500", "leave_empty") in plain(out)


def test_who_loses_his_phone_when_his_session_has_timed_out_is_nobody_any_more() -> None:
    scene = Scene()
    scene.queue(leave_empty=LeaveEmpty.LOOSE)
    timed_out(scene)
    scene.join("a")
    assert scene.waiting() == ["a"]
    scene.apply(e.AgentConfigured(agent=2))
    scene.apply(e.AgentSignedIn(agent=2, extension="201"))
    assert scene.waiting() == []


def test_empty_is_said_before_full() -> None:
    """As app_queue looks."""
    scene = Scene()
    scene.queue(max_callers=1)
    scene.join("a")
    scene.queue(max_callers=1, join_empty=JoinEmpty.STRICT)
    assert plain(scene.join("b")) == [("Reject", "b", "500", "empty")]


def test_signing_in_and_out_of_one_queue_counts_for_that_queue() -> None:
    scene = Scene()
    for extension in ("500", "501"):
        scene.queue(extension, leave_empty=LeaveEmpty.LOOSE)
    scene.agent(1, "500", "501", paused=True)
    scene.join("a", "500")
    scene.join("b", "501")
    scene.apply(e.QueueSignedOut(agent=1, queue="500"))
    assert (scene.waiting("500"), scene.waiting("501")) == ([], ["b"])


def test_the_counts_are_made_again_after_a_restart() -> None:
    scene = Scene()
    scene.queue(join_empty=JoinEmpty.STRICT, leave_empty=LeaveEmpty.STRICT)
    scene.agent(1, paused=True)
    scene.agent(2)
    scene.apply(e.PhoneStateChanged(extension="202", state="busy"))
    scene.join("a")
    scene.engine = Engine.restore(scene.engine.snapshot())
    scene.join("b")
    assert scene.waiting() == ["a", "b"]
    scene.apply(e.AgentSignedOut(agent=2))
    assert scene.waiting() == []


def test_a_queue_kept_before_there_were_these_options_lets_everybody_in() -> None:
    scene = Scene()
    scene.queue()
    kept = scene.engine.snapshot()
    old = kept.replace(b'"join_empty":"yes","leave_empty":"no",', b"").replace(b'"left_empty":0,', b"")
    assert old != kept
    scene.engine = Engine.restore(old)
    scene.join("a")
    assert scene.waiting() == ["a"]


ENGLISH, FRENCH = {"english": 3}, {"french": 3}


def two_languages(leave: LeaveEmpty = LeaveEmpty.YES) -> Scene:
    """1 speaks English and 2 French; both are on calls, and one waits for each."""
    scene = Scene()
    scene.queue(leave_empty=leave)
    for agent, skills in ((1, ENGLISH), (2, FRENCH)):
        scene.agent(agent)
        scene.apply(e.SkillsConfigured(agent=agent, skills=skills))
        scene.join(f"with {agent}", wanted=skills)
        scene.answer(f"with {agent}")
    scene.join("english", wanted=ENGLISH)
    scene.join("french", wanted=FRENCH)
    return scene


def test_who_waits_for_a_skill_stays_for_those_who_have_it() -> None:
    scene = two_languages()
    scene.apply(e.Paused(agent=2))
    assert scene.waiting() == ["english"]
    scene.apply(e.Paused(agent=1))
    assert scene.waiting() == []


def test_a_skill_that_is_lost_leaves_nobody() -> None:
    scene = two_languages(LeaveEmpty.LOOSE)
    scene.apply(e.SkillsConfigured(agent=1, skills={"english": 2, "french": 3}))
    assert scene.waiting() == ["french"]


def test_another_rule_leaves_nobody() -> None:
    scene = two_languages(LeaveEmpty.STRICT)
    scene.join("anybody")
    scene.apply(e.RoutingConfigured(queue="500", rule="wanted and english"))
    assert scene.waiting() == ["english", "anybody"]
    scene.apply(e.RoutingConfigured(queue="500", rule="french >= 4"))
    assert scene.waiting() == []


def test_who_will_be_offered_to_others_when_he_has_waited_stays() -> None:
    """And one whom fewer agents fit by then leaves by then."""
    scene = two_languages()
    scene.apply(e.RoutingConfigured(queue="500", rule="wanted or wait >= 60 and wait < 90"))
    scene.apply(e.Paused(agent=2))
    assert scene.waiting() == ["english", "french"]
    scene.advance(89)
    assert scene.waiting() == ["english", "french"]
    scene.advance(1)
    assert scene.waiting() == ["english"]


def test_those_who_leave_go_in_the_order_of_their_places() -> None:
    scene = two_languages()
    scene.join("urgent", wanted={"french": 2}, priority=1)
    out = scene.apply(e.Paused(agent=2))
    assert [x[1] for x in plain(out) if x[0] == "Release"] == ["urgent", "french"]


def test_who_wants_what_nobody_can_does_not_enter() -> None:
    """An agent counts who would be offered him, now or when the rule has relaxed. One whose skills are another's wish
    does not; without joinEmpty everybody enters as ever."""
    scene = Scene()
    scene.queue(join_empty="no")
    scene.agent(1)
    scene.apply(e.SkillsConfigured(agent=1, skills={"english": 2}))
    scene.join("french", wanted={"french": 1})
    assert scene.waiting() == []
    scene.apply(e.RoutingConfigured(queue="500", rule="wanted or wait >= 60"))
    scene.join("relaxes", wanted={"french": 1})
    assert scene.waiting() == ["relaxes"]
    scene.apply(e.RoutingConfigured(queue="500", rule="english >= 3"))
    assert "empty" in str(scene.join("never"))
    scene.apply(e.SkillsConfigured(agent=1, skills={"english": 3}))
    scene.join("english")
    assert scene.ringing() == {"english": [1]}
    assert scene.waiting() == ["relaxes", "english"]
    scene.queue(join_empty="yes")
    scene.join("anyway", wanted={"french": 1})
    assert scene.waiting()[-1] == "anyway"
