"""Where callers go whom a queue does not serve, and how long they are expected to wait."""

from __future__ import annotations

import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.destination import LIMITED, Destination, Kind, Overflow, When
from ari_app.acd.overflow import RETRY
from tests.unit.acd.scene import Scene, of, plain

MESSAGE = Destination(kind=Kind.MESSAGE, to="vm-goodbye")
PHONE = Destination(kind=Kind.EXTENSION, to="205")


def to_queue(extension: str) -> Destination:
    return Destination(kind=Kind.QUEUE, to=extension)


def rule(when: When, destination: Destination = MESSAGE, limit: float = 0.0) -> Overflow:
    return Overflow(when=when, destination=destination, limit=limit)


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.queue()
    made.queue("501")
    return made


def overflow(scene: Scene, *rules: Overflow, queue: str = "500") -> None:
    scene.apply(e.OverflowConfigured(queue=queue, rules=rules))


@pytest.mark.parametrize("destination", [MESSAGE, PHONE, to_queue("501")])
def test_who_has_waited_long_enough_goes_elsewhere(scene: Scene, destination: Destination) -> None:
    overflow(scene, rule(When.WAIT, destination, 30.0))
    scene.join("a")
    assert plain(scene.advance(29)) == []
    out = scene.advance(1)
    assert plain(out) == [("Release", "a", "500", "overflow", destination)]
    (exited,) = of(c.CallerExited, out)
    assert (exited.outcome, exited.to, exited.wait) == ("overflow", str(destination), 30.0)
    assert scene.engine.counts("500").flow_outs == 1
    assert scene.timers == {}


def test_rules_hold_at_once_for_those_who_wait(scene: Scene) -> None:
    scene.join("a")
    scene.advance(100)
    scene.join("b")
    overflow(scene, rule(When.WAIT, limit=60.0))
    assert plain(scene.advance(0)) == [("Release", "a", "500", "overflow", MESSAGE)]
    overflow(scene)
    assert scene.advance(1000) == []


def test_nobody_leaves_while_a_phone_rings_for_him(scene: Scene) -> None:
    scene.agent(1)
    overflow(scene, rule(When.WAIT, limit=10.0))
    scene.join("a")
    assert plain(scene.advance(12)) == []
    assert plain(scene.advance(3)) == [
        ("Withdraw", "1", "noanswer"),
        ("Release", "a", "500", "overflow", MESSAGE),
    ]


def test_one_who_is_answered_does_not_go(scene: Scene) -> None:
    scene.agent(1)
    overflow(scene, rule(When.WAIT, limit=10.0))
    scene.join("a")
    scene.answer("a")
    assert scene.advance(100) == []


def test_he_leaves_his_place_only_for_a_queue_that_takes_him(scene: Scene) -> None:
    """And is looked at again; a later rule may have somewhere for him."""
    scene.queue("501", max_callers=1)
    overflow(scene, rule(When.WAIT, to_queue("501"), 10.0), rule(When.WAIT, MESSAGE, 10 + 3 * RETRY))
    scene.join("there", "501")
    scene.join("a")
    scene.join("b")
    assert plain(scene.advance(10 + RETRY)) == []
    scene.apply(e.CallerLeft(call="there"))
    assert plain(scene.advance(RETRY)) == [("Release", call, "500", "overflow", to_queue("501")) for call in "ab"]


def test_the_first_rule_that_can_be_followed_is(scene: Scene) -> None:
    overflow(scene, rule(When.WAIT, to_queue("599"), 5.0), rule(When.WAIT, MESSAGE, 20.0), rule(When.WAIT, PHONE, 20.0))
    scene.join("a")
    assert plain(scene.advance(30)) == [("Release", "a", "500", "overflow", MESSAGE)]


@pytest.mark.parametrize("when", [When.WAIT, When.CALLERS, When.FULL])
def test_nobody_goes_back_to_a_queue_he_came_from(scene: Scene, when: When) -> None:
    scene.queue(max_callers=1)
    overflow(scene, rule(when, to_queue("501"), 1.0 if when in LIMITED else 0.0))
    scene.join("first", visited=("501",))
    scene.advance(5)
    out = scene.join("second", visited=("501",))
    assert plain(out) == [("Reject", "second", "500", "full")]


@pytest.mark.parametrize(
    ("rules", "waiting", "agents", "sent"),
    [
        ([rule(When.CALLERS, PHONE, 2.0)], 1, 0, False),
        ([rule(When.CALLERS, PHONE, 2.0)], 2, 0, True),
        ([rule(When.CALLERS_PER_AGENT, PHONE, 1.5)], 2, 2, False),
        ([rule(When.CALLERS_PER_AGENT, PHONE, 1.5)], 3, 2, True),
        ([rule(When.CALLERS_PER_AGENT, PHONE, 1.5)], 0, 0, True),
        ([rule(When.ESTIMATED_WAIT, PHONE, 60.0)], 5, 0, False),  # nobody knows
    ],
)
def test_at_the_door(scene: Scene, rules: list[Overflow], waiting: int, agents: int, sent: bool) -> None:
    for number in range(1, agents + 1):
        scene.agent(number)
        scene.join(f"talk{number}")
        scene.answer(f"talk{number}", number)
    for number in range(waiting):
        scene.join(f"wait{number}")
    overflow(scene, *rules)
    out = scene.join("a")
    if sent:
        assert plain(out) == [("Reject", "a", "500", "diverted", PHONE)]
        assert of(c.CallerRefused, out)[0].to == "extension:205"
    else:
        assert plain(out) == [("Wait", "a", "500")]
    counts = scene.engine.counts("500")
    assert (counts.diverted, counts.refused) == (int(sent), 0)


def test_paused_and_unreachable_agents_are_not_at_work(scene: Scene) -> None:
    overflow(scene, rule(When.CALLERS_PER_AGENT, PHONE, 1.0))
    scene.agent(1)
    scene.agent(2, paused=True)
    scene.agent(3)
    scene.apply(e.PhoneStateChanged(extension="203", state="unavailable"))
    scene.join("a")
    scene.answer("a", 1)
    assert plain(scene.join("b")) == [("Wait", "b", "500")]
    assert plain(scene.join("c")) == [("Reject", "c", "500", "diverted", PHONE)]


@pytest.mark.parametrize(
    ("when", "settings", "reason"),
    [
        (When.FULL, {"max_callers": 0}, "full"),
        (When.EMPTY, {"join_empty": "no"}, "empty"),
    ],
)
def test_instead_of_being_refused(scene: Scene, when: When, settings: dict[str, object], reason: str) -> None:
    scene.queue(**settings)
    overflow(scene, rule(when, to_queue("501")))
    assert plain(scene.join("a")) == [("Reject", "a", "500", reason, to_queue("501"))]
    assert scene.engine.counts("500").refused == 1


def test_instead_of_being_refused_when_closed(scene: Scene) -> None:
    overflow(scene, rule(When.CLOSED, MESSAGE))
    scene.join("a")
    out = scene.apply(e.QueueClosed(queue="500", leave=True))
    assert plain(out) == [("Release", "a", "500", "closed", MESSAGE)]
    assert plain(scene.join("b")) == [("Reject", "b", "500", "closed", MESSAGE)]


def test_instead_of_being_let_go(scene: Scene) -> None:
    scene.queue(max_wait=20.0, retry=None, leave_empty="loose")
    overflow(scene, rule(When.TIMEOUT, MESSAGE), rule(When.NO_ANSWER, PHONE), rule(When.LEAVE_EMPTY, to_queue("501")))
    scene.agent(1)
    scene.join("a")
    assert ("Release", "a", "500", "no_retry", PHONE) in plain(scene.advance(15))
    scene.advance(200)
    scene.join("b")
    scene.answer("b")
    scene.join("c")
    assert plain(scene.advance(20)) == [("Release", "c", "500", "timeout", MESSAGE)]
    scene.join("d")
    out = scene.apply(e.AgentSignedOut(agent=1))
    assert ("Release", "d", "500", "leave_empty", to_queue("501")) in plain(out)


def test_a_queue_that_is_gone_is_nowhere_to_go(scene: Scene) -> None:
    scene.queue(max_callers=0)
    overflow(scene, rule(When.FULL, to_queue("501")), rule(When.FULL, MESSAGE))
    scene.apply(e.QueueRemoved(queue="501"))
    assert plain(scene.join("a")) == [("Reject", "a", "500", "full", MESSAGE)]


def test_rules_of_a_queue_there_is_not(scene: Scene) -> None:
    scene.apply(e.OverflowConfigured(queue="599", rules=(rule(When.FULL),)))
    assert scene.engine.ignored["OverflowConfigured"] == 1
    assert scene.engine.overflow("599") == ()


# estimates


def test_what_a_position_costs_is_learned(scene: Scene) -> None:
    """One agent, 60 s a call: the one behind n others waits n + 1 times that."""
    scene.agent(1)
    scene.join("0")
    scene.answer("0")
    for n in range(1, 4):
        scene.join(str(n))
    for n in range(1, 4):
        scene.advance(60)
        scene.end(str(n - 1))
        scene.answer(str(n))
    counts = scene.engine.counts("500")
    assert counts.estimated == 0, "nobody could know yet"
    scene.join("4")
    scene.join("5")
    assert [row.estimate for row in scene.engine.queued_calls("500", scene.now)] == [60.0, 120.0]
    scene.agent(2)  # two agents: half the time
    scene.end("3")
    assert scene.engine.open_offers()[0].call == "4"


def test_the_estimate_is_compared_with_what_happened(scene: Scene) -> None:
    scene.agent(1)
    for n, wait in enumerate([0, 60, 90]):
        scene.join(f"w{n}")
        scene.advance(wait)
        if n:
            scene.end(f"w{n - 1}")
        scene.answer(f"w{n}")
    counts = scene.engine.counts("500")
    assert (counts.estimated, counts.estimate_error, counts.estimate_error_abs) == (1, 30.0, 30.0)
    assert (counts.estimate_bias, counts.estimate_mean_error) == (30.0, 30.0)
    (served,) = [x for _, x in scene.out if isinstance(x, c.CallerServed) and x.call == "w2"]
    assert (served.wait, served.estimate) == (90.0, 60.0)


def test_nobody_stands_in_line_while_an_agent_is_free(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    (row,) = scene.engine.queued_calls("500", scene.now)
    assert row.estimate == 0.0
    scene.advance(8)
    scene.answer("a")
    assert scene.engine.counts("500").estimated == 0


def test_at_the_door_by_the_estimate(scene: Scene) -> None:
    test_what_a_position_costs_is_learned(scene)
    overflow(scene, rule(When.ESTIMATED_WAIT, PHONE, 100.0))
    assert plain(scene.join("6")) == [("Wait", "6", "500")]  # third of two agents: 90 s
    assert plain(scene.join("7")) == [("Reject", "7", "500", "diverted", PHONE)]
