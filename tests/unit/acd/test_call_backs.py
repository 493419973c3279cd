"""Call-backs in the engine: the place kept, the order of agent and customer, attempts, and what is counted."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.engine import Engine
from ari_app.acd.settings import QueueSettings
from ari_app.errors import AlreadyRequested, CommandRefused, NotFound
from tests.unit.acd.scene import START, Scene, of, plain


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.queue(call_back_attempts=3, call_back_retry=60.0)
    return scene


def ask(scene: Scene, entry: str = "cb1", number: str = "0301", **more: Any) -> list[Any]:
    return scene.apply(e.CallBackRequested(entry=entry, queue=more.pop("queue", "500"), number=number, **more))


def order(scene: Scene) -> list[tuple[int, str]]:
    callers = [(x.position, x.call) for x in scene.engine.queued_calls("500", scene.now)]
    return sorted(callers + [(x.position, x.entry) for x in scene.engine.call_backs("500")])


def test_he_keeps_the_place_he_had(scene: Scene) -> None:
    for call in ("a", "b", "c"):
        scene.join(call)
        scene.advance(1)
    out = ask(scene, call="b", shown="0800")
    assert plain(out) == [("Release", "b", "500", "call_back")]
    left, entered = of(c.CallerExited, out)[0], of(c.CallerEntered, out)[0]
    assert (left.outcome, left.wait, left.call_back) == ("call_back", 2.0, False)
    assert (entered.call, entered.position, entered.call_back) == ("cb1", 2, True)
    assert order(scene) == [(1, "a"), (2, "cb1"), (3, "c")]
    scene.agent(1)
    scene.answer("a")
    scene.end("a")
    assert scene.ringing() == {"cb1": [1]}


def test_one_who_never_called_stands_at_the_end(scene: Scene) -> None:
    scene.join("a")
    ask(scene)
    scene.join("b")
    assert order(scene) == [(1, "a"), (2, "cb1"), (3, "b")]
    ask(scene, "cb2", "0302", priority=1)
    assert order(scene)[0] == (1, "cb2")


def test_the_customer_is_called_when_the_agent_has_answered(scene: Scene) -> None:
    scene.agent(1)
    assert plain(ask(scene)) == [("Offer", "1", "cb1", "500", 1, "201")]
    scene.advance(4)
    out = scene.answer("cb1")
    assert plain(out) == [("Connect", "1", "cb1", "500", 1)]
    assert not of(c.CallerServed, out)
    assert scene.engine.call_backs(None)[0].state == "calling"
    scene.advance(7)
    (served,) = of(c.CallerServed, scene.apply(e.CallBackReached(entry="cb1")))
    assert (served.wait, served.ring, served.agent, served.call_back) == (11.0, 4.0, 1, True)
    scene.advance(30)
    (done,) = of(c.CallCompleted, scene.end("cb1"))
    assert (done.talk, done.wait, done.call_back) == (30.0, 11.0, True)
    assert scene.row(1).calls_taken == 1
    assert scene.engine.call_backs(None) == []


@pytest.mark.parametrize("reason", ["busy", "noanswer", "declined", "unavailable", "error"])
def test_he_is_called_again_after_a_while_and_keeps_his_place(scene: Scene, reason: str) -> None:
    scene.agent(1)
    ask(scene)
    scene.answer("cb1")
    scene.join("a")
    out = scene.apply(e.CallBackFailed(entry="cb1", reason=reason))
    # the agent is free at once, without wrap-up, and for those who wait
    assert plain(out) == [("Release", "cb1", "500", "not_reached"), ("Offer", "2", "a", "500", 1, "201")]
    (view,) = scene.engine.call_backs("500")
    assert (view.request, view.entry, view.failures, view.state, view.due) == (
        "cb1",
        "cb1-2",
        1,
        "later",
        START + 60,
    )
    scene.answer("a")
    scene.advance(59)
    scene.join("b")
    scene.end("a")
    assert scene.ringing() == {"b": [1]}
    scene.answer("b")
    scene.join("late")
    scene.advance(1)
    scene.end("b")
    assert scene.ringing() == {"cb1-2": [1]}


def test_after_the_last_attempt_it_is_given_up(scene: Scene) -> None:
    scene.agent(1)
    ask(scene)
    outcomes = []
    for entry in ("cb1", "cb1-2", "cb1-3"):
        scene.answer(entry)
        out = scene.apply(e.CallBackFailed(entry=entry, reason="noanswer"))
        outcomes += [x.outcome for x in of(c.CallerExited, out)]
        scene.advance(60)
    assert outcomes == ["not_reached", "not_reached", "given_up"]
    assert scene.engine.call_backs(None) == []
    assert scene.engine.timers() == {}
    assert scene.status(1) == "available"


def test_an_agent_who_goes_before_the_customer_answers_is_no_attempt(scene: Scene) -> None:
    scene.agent(1)
    ask(scene)
    offer = scene.offer("cb1")
    scene.answer("cb1")
    scene.agent(2)
    out = scene.apply(e.ConnectFailed(offer=offer))
    assert [x.outcome for x in of(c.CallerExited, out)] == ["not_reached"]
    (view,) = scene.engine.call_backs(None)
    assert (view.entry, view.failures, view.state) == ("cb1-2", 0, "ringing")


def test_a_failure_to_connect_comes_too_late_for_one_who_was_reached(scene: Scene) -> None:
    ask(scene)
    scene.agent(1)
    offer = scene.offer("cb1")
    scene.answer("cb1")
    scene.apply(e.CallBackReached(entry="cb1"))
    before = scene.engine.snapshot()
    assert scene.apply(e.ConnectFailed(offer=offer)) == []
    assert scene.engine.snapshot() == before
    out = scene.end("cb1")
    assert len(of(c.CallCompleted, out)) == 1
    assert not of(c.CallerExited, out)


def test_what_nobody_saw_is_no_attempt(scene: Scene) -> None:
    scene.agent(1)
    ask(scene)
    out = scene.apply(e.CallBackFailed(entry="cb1", reason="lost"))  # while the agent's phone rings
    assert ("Withdraw", "1", "caller_left") in plain(out)
    (view,) = scene.engine.call_backs(None)
    assert (view.failures, view.state) == (0, "ringing")


def test_no_number_waits_twice_in_a_queue(scene: Scene) -> None:
    scene.queue("501")
    ask(scene)
    with pytest.raises(AlreadyRequested):
        ask(scene, "cb2")
    ask(scene, "cb3", queue="501")
    scene.apply(e.CallBackCancelled(entry="cb1"))
    ask(scene, "cb4")


def test_refusals(scene: Scene) -> None:
    for bad in ({"queue": "999"}, {"call": "nobody"}):
        with pytest.raises(NotFound):
            ask(scene, **bad)
    with pytest.raises(NotFound):
        scene.apply(e.CallBackCancelled(entry="cb1"))
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    with pytest.raises(NotFound):
        ask(scene, call="a")
    scene.end("a")
    ask(scene)
    scene.answer("cb1")
    with pytest.raises(CommandRefused):
        scene.apply(e.CallBackCancelled(entry="cb1"))


def test_he_is_not_on_the_line() -> None:
    """What makes callers leave does not concern him, and he takes no caller's place in a full queue."""
    scene = Scene()
    scene.queue(max_wait=10.0, max_callers=1, retry=None, announce_frequency=5.0)
    ask(scene)
    assert plain(scene.join("a"))[0][0] == "Wait"
    assert plain(scene.join("b")) == [("Reject", "b", "500", "full")]
    scene.apply(e.QueueConfigured(queue=QueueSettings(extension="500", max_wait=5.0, retry=None, leave_empty="strict")))
    scene.advance(100)
    scene.agent(1)
    scene.fail("cb1", "busy")  # every agent has missed him, and the queue has no retry
    assert [x.entry for x in scene.engine.call_backs(None)] == ["cb1"]
    scene.advance(6)
    assert scene.ringing() == {"cb1": [1]}
    scene.apply(e.QueueRemoved(queue="500"))
    assert scene.engine.call_backs(None) == []


def test_his_waits_are_not_those_of_callers(scene: Scene) -> None:
    scene.agent(1)
    scene.join("a")
    scene.answer("a")
    scene.join("b")
    ask(scene, call="b")
    scene.advance(5000)
    scene.end("a")
    scene.answer("cb1")
    scene.apply(e.CallBackReached(entry="cb1"))
    scene.end("cb1")
    counts = scene.engine.counts("500")
    assert (counts.entered, counts.answered, counts.abandoned, counts.flow_outs) == (2, 1, 0, 1)
    assert (counts.call_backs, counts.call_backs_reached, counts.call_backs_exited) == (1, 1, 0)
    assert counts.longest_answered_wait == 0
    (row,) = scene.engine.statistics("500", scene.now)
    assert row.calls_waiting == 0


class History:
    """What happens, by chance."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.scene = Scene()
        wrap_up = self.dice.choice([None, 5.0])
        self.scene.queue(call_back_attempts=2, call_back_retry=20.0, wrap_up=wrap_up, max_wait=40.0)
        for agent in (1, 2, 3):
            self.scene.agent(agent)
        self.requests: set[str] = set()

    def step(self, number: int) -> None:
        offers, talks = self.scene.engine.open_offers(), self.scene.engine.conversations()
        match self.dice.randrange(9):
            case 0 | 1:
                self.scene.join(f"c{number}")
            case 2:
                self.ask(f"cb{number}")
            case 3 | 4 if offers:
                self.scene.apply(e.OfferAnswered(offer=self.dice.choice(offers).offer))
            case 5 if offers:
                reason = self.dice.choice(["busy", "noanswer"])
                self.scene.apply(e.OfferFailed(offer=self.dice.choice(offers).offer, reason=reason))
            case 6 | 7 if talks:
                self.go_on(self.dice.choice(talks).call)
            case _:
                self.scene.advance(self.dice.choice([1, 10, 30]))

    def ask(self, entry: str) -> None:
        call = self.dice.choice([None, *self.scene.waiting()])
        with suppress(AlreadyRequested):
            ask(self.scene, entry, f"03{self.dice.randrange(6)}", call=call)
            self.requests.add(entry)

    def go_on(self, call: str) -> None:
        back = self.scene.engine.call_back(call)
        if back is None or back.reached:
            self.scene.end(call, self.dice.choice(["agent", "caller"]))
        elif self.dice.random() < 0.5:
            self.scene.apply(e.CallBackReached(entry=call))
        else:
            self.scene.apply(e.CallBackFailed(entry=call, reason=self.dice.choice(["busy", "lost"])))

    def ended(self) -> list[str]:
        """Requests that are done with, one way or the other."""
        facts = [x for _, x in self.scene.out if isinstance(x, c.CallCompleted | c.CallerExited) and x.call_back]
        over = [x.call for x in facts if isinstance(x, c.CallCompleted) or x.outcome in ("given_up", "cancelled")]
        return [call.rpartition("-")[0] or call for call in over]


@pytest.mark.parametrize("seed", range(60))
def test_any_history(seed: int) -> None:
    """Never more called than agents who took one; none lost or doubled; the snapshot is the whole state."""
    history = History(seed)
    for number in range(150):
        history.step(number)
        engine = history.scene.engine
        views = engine.call_backs(None)
        agents = [x.agent for x in engine.conversations()]
        assert len(agents) == len(set(agents))
        assert sum(x.state in ("calling", "talking") for x in views) <= len(agents)
        assert len({x.request for x in views}) == len(views)
        numbers = [x.number for x in views if x.position]
        assert len(set(numbers)) == len(numbers)
        restored = Engine.restore(engine.snapshot())
        assert restored.snapshot() == engine.snapshot()
        assert restored.call_backs(None) == views
    live = [x.request for x in history.scene.engine.call_backs(None)]
    assert sorted(history.ended() + live) == sorted(history.requests)
