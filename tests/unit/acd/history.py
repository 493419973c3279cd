"""A random history, told to an engine and to a model that judges it (model.py); what is checked after each event is
listed in test_properties.py. What happens next is chosen by whoever has `pick`: hypothesis, or a seeded generator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.agent import SIGNED_OUT, State, shown
from ari_app.acd.changes import Changes
from ari_app.acd.destination import LIMITED, Destination, Kind, Overflow, When
from ari_app.acd.engine import Engine
from ari_app.acd.overflow import RETRY
from ari_app.acd.settings import AnnounceHoldTime, AutoPause, JoinEmpty, LeaveEmpty, QueueSettings, Strategy
from ari_app.acd.views import STATUS, AgentQueueStatus
from ari_app.errors import AppError
from tests.unit.acd import recount
from tests.unit.acd.model import Model
from tests.unit.acd.model_state import BAD_RULES, RULES, SKILLS
from tests.unit.acd.scene import Scene, of

T = TypeVar("T")

QUEUES = ("500", "501", "502")
AGENTS = (1, 2, 3, 4, 5)
EXTENSIONS = ("201", "202", "203", "204", "205")


class Pick:
    """Chooses."""

    def __init__(self, choose: Callable[[Sequence[Any]], Any]) -> None:
        self.choose = choose

    def __call__(self, *options: T) -> T:
        chosen: T = self.choose(options)
        return chosen

    def queue(self) -> str:
        return self(*QUEUES)

    def some_queue(self) -> str | None:
        return self(None, *QUEUES)

    def agent(self) -> int:
        return self(*AGENTS)

    def skills(self) -> dict[str, int]:
        return {self(*SKILLS): self(0, 1, 2, 3, 5) for _ in range(self(0, 1, 2, 3))}

    def overflow(self) -> Overflow:
        when = self(*(x for x in When if x is not When.ESTIMATED_WAIT))
        to = self(
            *(Destination(kind=Kind.QUEUE, to=queue) for queue in (*QUEUES, "599")),
            Destination(kind=Kind.MESSAGE, to="vm-goodbye"),
        )
        return Overflow(when=when, limit=self(1.0, 3.0, 20.0) if when in LIMITED else 0.0, destination=to)

    def settings(self, queue: str) -> QueueSettings:
        return QueueSettings(
            extension=queue,
            strategy=self(Strategy.RINGALL, *Strategy),
            weight=self(0, 0, 3),
            max_wait=self(None, None, 60.0, 20.0),
            agent_timeout=self(None, 15.0, 15.0, 10.0),
            retry=self(5.0, 5.0, 2.0, None),
            max_callers=self(None, None, 3),
            join_empty=self(*(4 * [JoinEmpty.YES]), *JoinEmpty),
            leave_empty=self(*(4 * [LeaveEmpty.NO]), *LeaveEmpty),
            announce_frequency=self(0.0, 0.0, 10.0, 30.0),
            announce_position=self(True, False),
            announce_hold_time=self(*AnnounceHoldTime),
            wrap_up=self(None, 0.0, 10.0),
            wrap_up_all_queues=self(False, True),
            auto_pause=self(AutoPause.NO, *AutoPause),
            system_resume=self(None, 30.0),
            service_level=self(5.0, 20.0),
            keep_place=self(0.0, 30.0),
        )


class History:
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
                case c.AgentStateChanged(queue=None):
                    state = State(fact.state, fact.pause_code, fact.reason, fact.call)
                    assert state != self.together.get(fact.agent, SIGNED_OUT), "told twice"
                    self.together[fact.agent] = state
                case c.AgentStateChanged():
                    state = State(fact.state, fact.pause_code, fact.reason, fact.call)
                    assert state != self.apart.get((fact.agent, fact.queue), SIGNED_OUT), "told twice"
                    self.apart[fact.agent, fact.queue] = state

    # what happens

    def open(self, pick: Pick) -> None:
        for queue in QUEUES:
            self.tell(e.QueueConfigured(queue=pick.settings(queue)))
        for agent in AGENTS:
            bindings = {QUEUES[agent % 3]: 1, QUEUES[(agent + 1) % 3]: 1 + agent % 2}
            self.tell(e.AgentConfigured(agent=agent, bindings=bindings))
            self.tell(e.SkillsConfigured(agent=agent, skills=pick.skills()))
        self.configure_routing(pick)
        self.configure_overflow(pick)
        self.staff(pick)

    def staff(self, pick: Pick) -> None:
        """Everyone is back at work: what random people would take too long to do."""
        for agent in self.model.people:
            self.tell(e.AgentSignedIn(agent=agent, extension=EXTENSIONS[agent - 1]))
            self.tell(e.QueueSignedIn(agent=agent))
            if self.model.people[agent].queues:
                self.tell(e.Resumed(agent=agent))
        for extension in EXTENSIONS:
            self.tell(e.PhoneStateChanged(extension=extension, state="idle"))

    def join(self, pick: Pick) -> None:
        self.calls += 1
        ago = pick(None, None, None, 0.0, 30.0, -5.0)
        joined_at = None if ago is None else self.scene.now - ago
        priority = pick(0, 0, 0, 1, 5)
        wanted = pick(None, None, None, {}, pick.skills())
        joined = e.CallerJoined(
            call=f"c{self.calls}",
            queue=pick.queue(),
            priority=priority,
            joined_at=joined_at,
            wanted=wanted,
            number=pick("", "11", "12"),
            visited=pick((), (), (pick.queue(),)),
        )
        self.tell(joined)

    def answer(self, pick: Pick) -> None:
        if rings := sorted(self.model.rings):
            offer = pick(*rings)
            self.tell(e.OfferRinging(offer=offer))
            self.tell(e.OfferAnswered(offer=offer))

    def end(self, pick: Pick) -> None:
        if talking := self.talking():
            by = pick("agent", "caller", "system", "transfer")
            self.tell(e.ConversationEnded(call=pick(*talking), by=by))

    def fire(self, pick: Pick) -> None:
        """The timer that is due next fires, in time."""
        if timers := self.scene.timers:
            at, timer = min((at, timer) for timer, at in timers.items())
            self.scene.now = max(self.scene.now, at)
            self.tell(e.TimerFired(timer=timer))

    def wait(self, pick: Pick) -> None:
        """Time goes on, and what is due is late. Or the wall clock is set back."""
        self.scene.now += pick(0.0005, 1.0, 1.0, 4.0, 7.0, 15.0, 40.0, -2.0)

    # what goes wrong on the telephone side

    def leave(self, pick: Pick) -> None:
        if calls := sorted(self.model.calls):
            self.tell(e.CallerLeft(call=pick(*calls), reason=pick("hangup", "stolen", "transferred")))

    def fail(self, pick: Pick) -> None:
        if rings := sorted(self.model.rings):
            reason = pick("busy", "unavailable", "declined", "noanswer", "error")
            self.tell(e.OfferFailed(offer=pick(*rings), reason=reason))

    def fail_to_connect(self, pick: Pick) -> None:
        if talking := self.talking():
            self.tell(e.ConnectFailed(offer=self.model.calls[pick(*talking)].offer or ""))

    def phone(self, pick: Pick) -> None:
        self.tell(e.PhoneStateChanged(extension=pick(*EXTENSIONS), state=pick("idle", "idle", "busy", "unavailable")))

    def be_late(self, pick: Pick) -> None:
        """About something that is over, or never was; or is there after all."""
        what: Any = pick(e.OfferRinging, e.OfferAnswered, e.OfferFailed, e.ConnectFailed, e.TimerFired, *CALLS)
        if what is e.TimerFired:
            self.tell(
                e.TimerFired(timer=pick("wait:c1", "wrap:1:500", "ring:1", "nonsense", *sorted(self.scene.timers)))
            )
        elif what in CALLS:
            call = pick("c0", *(f"c{i + 1}" for i in range(self.calls)))
            if what is not e.CallerJoined:
                self.tell(what(call=call))
            elif call in self.model.calls:
                self.tell(e.CallerJoined(call=call, queue=pick.queue()))
        else:
            live = [x.offer for x in self.model.calls.values() if x.offer is not None]
            self.tell(what(offer=pick("0", "x", "99999", pick(*live, ""), *sorted(self.model.issued)[-5:])))

    def prioritise(self, pick: Pick) -> None:
        call = pick("c0", *(f"c{i + 1}" for i in range(max(0, self.calls - 8), self.calls)))
        self.tell(e.PriorityChanged(call=call, priority=pick(-1, 0, 0, 1, 5)))

    def send(self, pick: Pick) -> None:
        """And it joins there, as the program of the call sees to."""
        call = pick("c0", *(f"c{i + 1}" for i in range(max(0, self.calls - 8), self.calls)))
        queue = pick.queue()
        waited = call in self.model.calls
        self.tell(e.CallerSent(call=call, queue=queue))
        if waited and call not in self.model.calls:
            self.calls += 1  # a caller enters a queue once: he has another name there
            self.tell(e.CallerJoined(call=f"c{self.calls}", queue=queue))

    def steal(self, pick: Pick) -> None:
        call = pick("c0", *(f"c{i + 1}" for i in range(max(0, self.calls - 8), self.calls)))
        self.tell(e.CallerStolen(call=call, to="1005"))

    # people

    def sign_in(self, pick: Pick) -> None:
        self.tell(e.AgentSignedIn(agent=pick.agent(), extension=pick(*EXTENSIONS)))

    def time_out_or_sign_out(self, pick: Pick) -> None:
        what: Any = pick(e.AgentSignedOut, e.AgentTimedOut)
        self.tell(what(agent=pick.agent()))

    def sign_in_to_queues(self, pick: Pick) -> None:
        into = pick(None, (pick.queue(),), (pick.queue(), pick.queue()))
        skills = None if into is None else pick(None, tuple(pick(1, 2, 3) for _ in into))
        self.tell(e.QueueSignedIn(agent=pick.agent(), queues=into, skills=skills, paused=pick(False, False, True)))

    def act(self, pick: Pick) -> None:
        what: Any = pick(e.QueueSignedOut, e.Resumed, e.WrapUpExited, e.WrapUpExited)
        self.tell(what(agent=pick.agent(), queue=pick.some_queue()))

    def pause(self, pick: Pick) -> None:
        self.tell(e.Paused(agent=pick.agent(), queue=pick.some_queue(), code=pick(None, 1, 2)))

    # configuration, and restarts

    def configure_queue(self, pick: Pick) -> None:
        self.tell(e.QueueConfigured(queue=pick.settings(pick.queue())))

    def configure_agent(self, pick: Pick) -> None:
        self.tell(e.AgentConfigured(agent=pick.agent(), bindings={pick.queue(): pick(1, 2, 3) for _ in range(2)}))

    def configure_routing(self, pick: Pick) -> None:
        rule, wanted = pick("", "", *RULES, *BAD_RULES[: pick(0, 0, 5)]), pick({}, {}, pick.skills())
        self.tell(e.RoutingConfigured(queue=pick.queue(), rule=rule, wanted=wanted))

    def open_or_close(self, pick: Pick) -> None:
        if pick(0, 0, 1):
            self.tell(e.QueueClosed(queue=pick.queue(), leave=pick(False, True)))
        else:
            self.tell(e.QueueOpened(queue=pick.queue()))

    def configure_overflow(self, pick: Pick) -> None:
        self.tell(e.OverflowConfigured(queue=pick.queue(), rules=tuple(pick.overflow() for _ in range(pick(0, 1, 3)))))

    def configure_skills(self, pick: Pick) -> None:
        self.tell(e.SkillsConfigured(agent=pick.agent(), skills=pick.skills()))

    def remove(self, pick: Pick) -> None:
        what = pick(e.QueueRemoved, e.AgentRemoved, e.StatisticsReset)
        if what is e.StatisticsReset:
            self.tell(e.StatisticsReset(queue=pick.some_queue()))
        else:
            self.tell(
                e.AgentRemoved(agent=pick.agent()) if what is e.AgentRemoved else e.QueueRemoved(queue=pick.queue())
            )

    def restart(self, pick: Pick) -> None:
        """Another engine goes on from here; the old one keeps up with it."""
        self.shadows = [self.scene.engine, *self.shadows[:2]]
        ignored = self.scene.engine.ignored
        self.scene.engine = Engine.restore(self.scene.engine.snapshot())
        self.scene.engine.ignored.update(ignored)

    def talking(self) -> list[str]:
        return [x.call for x in self.model.calls.values() if x.agent is not None]

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
    History.calls_and_agents_are_where_they_must_be,
    History.nobody_has_two,
    History.nobody_waits_while_somebody_is_free,
    History.no_call_is_forgotten,
    History.timers_are_those_that_must_be,
    History.agents_are_what_they_must_be,
    History.who_has_not_changed_looks_the_same,
    History.counts_are_a_recount,
)
CALLS = (e.CallerJoined, e.CallerLeft, e.ConversationEnded)
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
