"""The wall clock is set while calls wait, ring and talk: everything lasts as long as it is set to, by a clock that
nobody sets, and no duration is negative."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.commands import AnyFact
from ari_app.acd.dispatcher import Dispatcher
from ari_app.acd.engine import Engine
from ari_app.acd.settings import QueueSettings
from ari_app.clock import ManualClock, Timer

START = 1_790_000_000.0
MAX_WAIT, RING, WRAP_UP, RESUME = 60.0, 15.0, 20.0, 45.0
AGENTS = (1, 2, 3)


class WallClock(ManualClock):
    """As the machine's: what it shows is set now and then, its timers are not moved by that."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.offset = START

    @property
    def passed(self) -> float:
        """Seconds, as they really pass."""
        return self._now

    def now(self) -> float:
        return self._now + self.offset

    def call_at(self, when: float, callback: Any) -> Timer:
        return super().call_at(max(self._now, when - self.offset), callback)


class Floor:
    """A dispatcher whose calls are nowhere, and when everything really began."""

    def __init__(self) -> None:
        self.clock = WallClock()
        registry: Any = SimpleNamespace(on_ended=[], calls={}, legs={}, nodes={})
        self.journal: list[tuple[float, e.AnyEvent]] = []
        self.facts: list[AnyFact] = []
        self.joined: dict[str, float] = {}
        self.rings: dict[str, float] = {}
        self.wraps: dict[int, float] = {}
        self.pauses: dict[int, float] = {}
        self.dispatcher = Dispatcher(Engine(1), registry, self, self.clock, str)
        self.number = 0
        settings = QueueSettings(
            extension="500",
            max_wait=MAX_WAIT,
            agent_timeout=RING,
            wrap_up=WRAP_UP,
            retry=5.0,
            system_resume=RESUME,
            auto_pause="yes",  # type: ignore[arg-type]  # the engine converts
            strategy="linear",  # type: ignore[arg-type]
        )
        self.tell(e.QueueConfigured(queue=settings))
        for agent in AGENTS:
            self.tell(e.AgentConfigured(agent=agent))
            self.tell(e.AgentSignedIn(agent=agent, extension=f"10{agent}"))
            self.tell(e.QueueSignedIn(agent=agent, queues=("500",)))

    def tell(self, event: e.AnyEvent) -> None:
        self.dispatcher.apply(event)

    # the store

    def event(self, account: int, at: float, event: e.AnyEvent) -> None:
        self.journal.append((at, event))
        open_now = {offer.offer for offer in self.dispatcher.engine.open_offers()}
        for offer in open_now:
            self.rings.setdefault(offer, self.clock.passed)

    def fact(self, account: int, fact: AnyFact) -> None:
        self.facts.append(fact)
        for name in ("wait", "talk", "ring"):
            assert getattr(fact, name, 0.0) >= 0.0
        match fact:
            case c.CallerEntered():
                self.joined[fact.call] = self.clock.passed
            case c.CallerExited(outcome="timeout"):
                self.lasted(self.joined[fact.call], MAX_WAIT)
            case c.OfferEnded(outcome="noanswer"):
                self.lasted(self.rings[fact.offer], RING)
            case c.AgentStateChanged(queue="500"):
                self.turned(fact)

    def snapshot(self, account: int, at: float, state: bytes) -> None:
        raise AssertionError

    def turned(self, fact: c.AgentStateChanged) -> None:
        for since, seconds, kind in ((self.wraps, WRAP_UP, "wrap_up"), (self.pauses, RESUME, "paused")):
            if fact.state == kind:
                since.setdefault(fact.agent, self.clock.passed)
            elif fact.agent in since:
                self.lasted(since.pop(fact.agent), seconds)

    def lasted(self, since: float, seconds: float) -> None:
        assert self.clock.passed - since == pytest.approx(seconds, abs=0.01)

    # what happens

    def join(self) -> None:
        self.number += 1
        self.tell(e.CallerJoined(call=f"c{self.number}", queue="500"))

    def answer(self) -> None:
        for offer in self.dispatcher.engine.open_offers()[:1]:
            self.tell(e.OfferAnswered(offer=offer.offer))

    def end(self) -> None:
        for talk in self.dispatcher.engine.conversations()[:1]:
            self.tell(e.ConversationEnded(call=talk.call))

    def set(self, seconds: float) -> None:
        self.clock.offset += seconds

    def nothing_is_overdue(self) -> None:
        passed, engine = self.clock.passed, self.dispatcher.engine
        for waiting in engine.waiting(self.clock.now()):
            assert passed - self.joined[waiting.call] <= MAX_WAIT + 0.01
        for offer in engine.open_offers():
            assert passed - self.rings[offer.offer] <= RING + 0.01
        for since, seconds in ((self.wraps, WRAP_UP), (self.pauses, RESUME)):
            assert all(passed - begun <= seconds + 0.01 for begun in since.values())


_HAPPENS = st.one_of(
    st.sampled_from(["join", "join", "answer", "end"]),
    st.floats(0.1, 40.0).map(lambda seconds: ("passes", round(seconds, 1))),
    st.sampled_from([-86400.0, -3600.0, -7.5, -1.0, 1.0, 7.5, 3600.0, 86400.0]).map(lambda seconds: ("set", seconds)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_HAPPENS, max_size=40))
def test_everything_lasts_as_long_as_it_should(history: list[Any]) -> None:
    floor = Floor()
    for happens in history:
        match happens:
            case ("passes", seconds):
                floor.clock.advance(seconds)
            case ("set", seconds):
                floor.set(seconds)
            case name:
                getattr(floor, name)()
        floor.nothing_is_overdue()
    again = Engine(1)
    for at, event in floor.journal:
        again.replay(event, at)
    assert again.snapshot() == floor.dispatcher.engine.snapshot()


def test_the_next_phone_rings_as_long_as_the_first_when_the_clock_was_set_back_meanwhile() -> None:
    floor = Floor()
    floor.join()
    floor.set(-3600.0)
    floor.clock.advance(RING + 0.1)
    (offer,) = floor.dispatcher.engine.open_offers()
    assert offer.agent == 2
    floor.clock.advance(RING)
    assert [fact.agent for fact in floor.facts if isinstance(fact, c.OfferEnded)] == [1, 2]


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_nobody_is_let_go_at_once(step: float) -> None:
    floor = Floor()
    for _ in range(20):
        floor.join()
    floor.clock.advance(5.0)
    floor.set(step)
    floor.clock.advance(5.0)
    assert not [fact for fact in floor.facts if isinstance(fact, c.CallerExited)]
    floor.clock.advance(50.1)
    exited = [fact for fact in floor.facts if isinstance(fact, c.CallerExited)]
    assert {fact.outcome for fact in exited} == {"timeout"}
    assert len(exited) == 20
