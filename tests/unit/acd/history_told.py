"""What is told to the engine of a random history (history.py), and what is checked after each event."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.agent import SIGNED_OUT, State, shown
from ari_app.acd.changes import Changes
from ari_app.acd.destination import When
from ari_app.acd.engine import Engine
from ari_app.acd.overflow import RETRY
from ari_app.acd.views import STATUS, AgentQueueStatus
from ari_app.errors import AppError
from tests.unit.acd import recount
from tests.unit.acd.model import Model
from tests.unit.acd.scene import Scene, of

QUEUES = ("500", "501", "502")
AGENTS = (1, 2, 3, 4, 5)
EXTENSIONS = ("201", "202", "203", "204", "205")


class Told:
    def __init__(self) -> None:
        self.scene = Scene()
        self.model = Model()
        self.calls = 0
        self.journal: list[tuple[e.AnyEvent, float]] = []
        #: the state before each event of the journal
        self.states: list[bytes] = []
        #: engines restored on the way
        self.shadows: list[Engine] = []
        #: facts of each queue since its counts began
        self.histories: dict[str, recount.History] = {queue: [] for queue in QUEUES}
        #: what has happened that not every history comes to
        self.come_to: set[str] = set()
        self.ends: Counter[str] = Counter()
        self.entered: Counter[str] = Counter()
        self.together: dict[int, State] = {}
        self.apart: dict[tuple[int, str], State] = {}
        #: what `changes` are followed from: the engine's, their count, and what agents were then
        self.watched: tuple[Changes | None, int, list[list[AgentQueueStatus]]] = (None, 0, [])
        self.seen_since: dict[tuple[int, str], tuple[str, str | None, float]] = {}

    # telling

    def tell(self, event: e.AnyEvent) -> None:
        engine = self.scene.engine
        before, ignored = engine.snapshot(), engine.ignored.total()
        self.states.append(before)
        self.journal.append((event, self.scene.now))
        due = engine.timers()
        if (refusal := self.model.refusal(event)) is not None:
            self.refused(event, refusal, before)
            return
        out = self.scene.apply(event)
        self.model.told(event, self.scene.now, due)
        self.model.rung(out)
        for queue in QUEUES:
            reset = isinstance(event, e.StatisticsReset) and event.queue in (None, queue)
            if reset or queue not in self.model.queues:
                self.histories[queue] = []
        commands = Counter(_short(x) for x in out if isinstance(x, c.Command) and not isinstance(x, _NOT_COMPARED))
        assert commands == Counter(self.model.expected)
        assert engine.ignored.total() - ignored == self.model.ignored
        if self.model.ignored:
            assert engine.snapshot() == before
            assert not of(c.Fact, out)
        self.follow(of(c.Fact, out))
        self.note(event)
        for shadow in self.shadows:
            assert shadow.apply(event, self.scene.now) == out
        for holds in HOLDS:
            holds(self)

    def refused(self, event: e.AnyEvent, refusal: type[Exception], before: bytes) -> None:
        with pytest.raises(refusal) as refused:
            self.scene.apply(event)
        assert isinstance(refused.value, AppError)
        assert self.scene.engine.snapshot() == before
        for shadow in self.shadows:
            shadow.replay(event, self.scene.now)

    def note(self, event: e.AnyEvent) -> None:
        match event:
            case e.TimerFired() if not self.model.ignored:
                self.come_to.add(f"timer {event.timer.partition(':')[0]}")
            case e.PriorityChanged():
                self.come_to.add("priority changed")
            case e.CallerJoined() if event.call in self.model.calls and event.wanted:
                self.come_to.add("skills wanted")
            case e.OfferAnswered() if not self.model.ignored:
                queue = next(x.queue for x in self.model.calls.values() if x.offer == event.offer)
                self.come_to.add(str(self.model.queues[queue].strategy))
                if self.model.routing.get(queue, ("", {}))[0]:
                    self.come_to.add("answered by rule")

    def follow(self, facts: list[Any]) -> None:
        for fact in facts:
            queue = getattr(fact, "queue", None)
            if queue in self.model.queues:
                self.histories[queue].append((fact, self.model.queues[queue].service_level))
            assert fact.at == self.scene.now
            assert all(getattr(fact, name, 0.0) >= 0 for name in ("wait", "talk", "ring"))
            match fact:
                case c.CallerEntered():
                    self.entered[fact.call] += 1
                case c.CallerExited() | c.CallCompleted():
                    self.ends[fact.call] += 1
                    self.come_to.add(getattr(fact, "outcome", "completed"))
                case c.CallerRefused():
                    self.come_to.add(f"refused {fact.reason}")
                case c.AgentStateChanged(queue=None):
                    state = State(fact.state, fact.pause_code, fact.reason, fact.call)
                    assert state != self.together.get(fact.agent, SIGNED_OUT), "told twice"
                    self.together[fact.agent] = state
                case c.AgentStateChanged():
                    state = State(fact.state, fact.pause_code, fact.reason, fact.call)
                    assert state != self.apart.get((fact.agent, fact.queue), SIGNED_OUT), "told twice"
                    self.apart[fact.agent, fact.queue] = state

    # what holds

    def calls_and_agents_are_where_they_must_be(self) -> None:
        engine, model = self.scene.engine, self.model
        waiting = engine.waiting(self.scene.now)
        assert {x.call for x in waiting} == {x.call for x in model.calls.values() if x.agent is None}
        assert {x.call for x in waiting if x.offered} == {x.call for x in model.rings.values()}
        for queue in model.queues:
            rows = engine.queued_calls(queue, self.scene.now)
            expected = sorted((x for x in model.calls.values() if x.queue == queue and x.agent is None), key=_place)
            assert [(x.position, x.call) for x in rows] == list(enumerate((x.call for x in expected), 1))
        rings = {x.offer: (x.call, x.agent, x.queue, x.since) for x in engine.open_offers()}
        assert rings == {name: (x.call, x.agent, x.queue, x.since) for name, x in model.rings.items()}
        talks = {x.call: (x.agent, x.offer, x.answered_at) for x in engine.conversations()}
        assert talks == {x.call: (x.agent, x.offer, x.answered) for x in model.calls.values() if x.agent is not None}
        assert sorted(engine.known_calls()) == sorted(model.calls)

    def nobody_has_two(self) -> None:
        at_work = [x.agent for x in self.model.rings.values()] + [x.agent for x in self.model.calls.values() if x.agent]
        assert len(at_work) == len(set(at_work))
        for call in self.model.calls.values():
            rung = self.model.offers_of(call.call)
            assert not (rung and call.agent is not None)

    def nobody_waits_while_somebody_is_free(self) -> None:
        for caller in self.model.wanting():
            assert not self.model.takers(caller), f"{caller.call} waits in vain"
        for caller in self.model.calls.values():
            assert not self.model.along(caller), f"not all ring for {caller.call}"

    def no_call_is_forgotten(self) -> None:
        for call, entered in self.entered.items():
            assert entered == self.ends[call] + (call in self.model.calls)
        assert set(self.model.calls) <= set(self.entered)

    def timers_are_those_that_must_be(self) -> None:
        timers = dict(self.scene.timers)
        for call in self.model.wanting():  # a pause that is over may end before its timer comes round
            if f"retry:{call.call}" not in timers:
                self.model.rested(call)
        to_be_told = {timer for timer in timers if timer.startswith("say:")}
        to_go = {timer: timers.pop(timer) for timer in list(timers) if timer.startswith("over:")}
        self.they_are_looked_at_in_time(to_go)
        assert {timer: at for timer, at in timers.items() if timer not in to_be_told} == self.model.timers()
        waiting = {x.call: self.model.queues[x.queue].announces for x in self.model.calls.values() if x.agent is None}
        assert to_be_told <= {f"say:{call}" for call, announced in waiting.items() if announced}
        assert to_be_told >= {f"say:{x.call}" for x in self.model.wanting() if waiting[x.call]}

    def they_are_looked_at_in_time(self, timers: dict[str, float]) -> None:
        """Those whom a rule of overflow takes when they have waited long enough; one for whom phones ring later."""
        waiting = {}
        for call in self.model.calls.values():
            limits = [x.limit for x in self.model.overflow.get(call.queue, ()) if x.when is When.WAIT]
            if call.agent is None and limits:
                waiting[f"over:{call.call}"] = call.joined + min(limits)
        assert set(timers) <= set(waiting)
        assert set(timers) >= {f"over:{call.call}" for call in self.model.wanting()} & set(waiting)
        clock = max(at for _, at in [*self.journal, (None, self.scene.now)])  # it may have been set back since
        assert all(at <= max(waiting[timer], clock + RETRY) for timer, at in timers.items())

    def agents_are_what_they_must_be(self) -> None:
        rows = {(x.agent, x.queue): x for x in self.scene.engine.agent_status()}
        for number, person in self.model.people.items():
            for queue, member in person.queues.items():
                row = rows.pop((number, queue))
                status = self.model.status(number, queue)
                assert row.status == status
                told = shown(self.together[number], self.apart[number, queue])
                assert STATUS.get(told, told) == status
                assert (row.skill, row.calls_taken, row.last_call_at) == (member.skill, member.calls, member.last)
                assert (row.paused, row.pause_code) == (member.paused is not None, member.code)
                assert row.pending_pause == (row.paused and status in ("onCall", "wrapUp"))
                assert row.pending_sign_out == member.leaving
                self.come_to |= {"pending pause"} if row.pending_pause else set()
                self.come_to |= {"pending sign-out"} if row.pending_sign_out else set()
                assert not row.pending_sign_out or status == "onCall"
                self.check_since(number, queue, (status, row.call), row.since)
        assert all(x.status == "signedOut" for x in rows.values())
        for row in self.scene.engine.agent_status(combined=True):
            assert row.status == self.model.altogether(row.agent)
            assert row.queues == tuple(self.model.people[row.agent].queues)
            told = self.together.get(row.agent, SIGNED_OUT).state
            assert STATUS.get(told, told) == row.status

    def who_has_not_changed_looks_the_same(self) -> None:
        engine = self.scene.engine
        changes, rows = engine.changes, [engine.agent_status(), engine.agent_status(combined=True)]
        before, count, seen = self.watched
        changed = changes.since(count) if before is changes else None
        if changed is not None:
            for now, then in zip(rows, seen, strict=True):
                assert [x for x in now if x.agent not in changed] == [x for x in then if x.agent not in changed]
        self.watched = changes, changes.count, rows

    def check_since(self, number: int, queue: str, now: tuple[str, str | None], since: float | None) -> None:
        status, call, at = self.seen_since.get((number, queue), (None, None, None))
        if (status, call) == now:
            assert since in (at, self.model.now)  # another pause code is another pause; signed out and in again
        else:
            assert since == self.model.now
        assert since is not None
        self.seen_since[number, queue] = (*now, since)

    def counts_are_a_recount(self) -> None:
        now = self.scene.now
        for row in self.scene.engine.statistics(None, now):
            counts = msgspec.structs.asdict(self.scene.engine.counts(row.queue))
            assert counts.pop("threshold") == self.model.queues[row.queue].service_level
            expected = recount.recount(self.histories[row.queue])
            assert counts.pop("open") == expected.pop("open")
            assert counts == pytest.approx(expected)
            members = [n for n, person in self.model.people.items() if row.queue in person.queues]
            statuses = Counter(self.model.status(n, row.queue) for n in members)
            waiting = [x for x in self.model.calls.values() if x.queue == row.queue and x.agent is None]
            assert row.calls_waiting == len(waiting)
            assert row.longest_wait == max(0.0, *(now - x.joined for x in waiting), 0.0)
            assert row.agents_available == statuses["available"]
            assert row.agents_on_call == statuses["onCall"]
            assert row.agents_wrap_up == statuses["wrapUp"]
            assert row.agents_paused == statuses["paused"]

    def replay(self) -> None:
        """Replay from every point."""
        last = self.scene.engine.snapshot()
        for shadow in self.shadows:
            assert shadow.snapshot() == last
        step = max(1, len(self.states) // 12)
        for k in range(0, len(self.states), step):
            engine = Engine.restore(self.states[k])
            assert engine.snapshot() == self.states[k]
            for event, at in self.journal[k:]:
                engine.replay(event, at)
            assert engine.snapshot() == last


#: what is checked after each event
HOLDS = (
    Told.calls_and_agents_are_where_they_must_be,
    Told.nobody_has_two,
    Told.nobody_waits_while_somebody_is_free,
    Told.no_call_is_forgotten,
    Told.timers_are_those_that_must_be,
    Told.agents_are_what_they_must_be,
    Told.who_has_not_changed_looks_the_same,
    Told.counts_are_a_recount,
)
_NOT_COMPARED = (c.StartTimer, c.CancelTimer, c.Offer, c.Announce)


def _place(call: Any) -> Any:
    return call.place


def _short(command: Any) -> tuple[str, ...]:
    match command:
        case c.Wait():
            return ("Wait", command.call)
        case c.Withdraw():
            return ("Withdraw", command.offer, command.reason)
        case c.Connect():
            return ("Connect", command.call, command.offer)
        case _:
            short = (type(command).__name__, command.call, command.reason)
            return short if command.to is None else (*short, str(command.to))
