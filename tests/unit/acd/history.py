"""A random history, told to an engine and to a model that judges it (model.py); what is checked after each event is
listed in test_properties.py. What happens next is chosen by whoever has `pick`: hypothesis, or a seeded generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from ari_app.acd import events as e
from ari_app.acd.destination import LIMITED, Destination, Kind, Overflow, When
from ari_app.acd.engine import Engine
from ari_app.acd.settings import AnnounceHoldTime, AutoPause, JoinEmpty, LeaveEmpty, QueueSettings, Strategy
from tests.unit.acd.history_told import AGENTS, EXTENSIONS, QUEUES, Told
from tests.unit.acd.model_state import BAD_RULES, RULES, SKILLS

T = TypeVar("T")

CALLS = (e.CallerJoined, e.CallerLeft, e.ConversationEnded)


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


class History(Told):
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

    def all_on(self, pick: Pick) -> None:
        """Every queue has every option and is open, and everybody is at work."""
        for queue, strategy in zip(QUEUES, (pick(*Strategy), pick(*Strategy), Strategy.RINGALL), strict=True):
            settings = msgspec.structs.replace(
                pick.settings(queue),
                strategy=strategy,
                max_wait=pick(15.0, 60.0),
                max_callers=3,
                join_empty=pick(JoinEmpty.LOOSE, JoinEmpty.NO, JoinEmpty.STRICT),
                leave_empty=pick(LeaveEmpty.LOOSE, LeaveEmpty.YES, LeaveEmpty.STRICT),
                announce_frequency=10.0,
                announce_position=True,
                announce_hold_time=AnnounceHoldTime.YES,
                wrap_up=10.0,
                auto_pause=pick(AutoPause.YES, AutoPause.ALL),
                system_resume=5.0,
                keep_place=30.0,
            )
            self.tell(e.QueueConfigured(queue=settings))
            self.tell(e.RoutingConfigured(queue=queue, rule=pick(*RULES), wanted={}))
            over = Destination(kind=Kind.QUEUE, to=pick(*(other for other in QUEUES if other != queue)))
            rules = ((When.WAIT, 20.0), (When.CALLERS, 2.0), (When.TIMEOUT, 0.0))
            self.tell(
                e.OverflowConfigured(
                    queue=queue, rules=tuple(Overflow(when=when, limit=at, destination=over) for when, at in rules)
                )
            )
            if queue in self.model.closed:
                self.tell(e.QueueOpened(queue=queue))
        for agent in AGENTS:
            bindings = {QUEUES[agent % 3]: 1, QUEUES[(agent + 1) % 3]: 1 + agent % 2}
            self.tell(e.AgentConfigured(agent=agent, bindings=bindings))
            self.tell(e.SkillsConfigured(agent=agent, skills=dict.fromkeys(SKILLS, pick(0, 2, 3, 5))))
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

    def leave_during_a_call(self, pick: Pick) -> None:
        """A pause, or a sign-out, that waits for the end of the call."""
        if talking := [x for x in self.model.calls.values() if x.agent is not None]:
            call = pick(*talking)
            person = self.model.people[call.agent or 0]
            if call.queue in person.queues:
                what: Any = pick(e.Paused, e.QueueSignedOut)
                self.tell(what(agent=person.number, queue=call.queue))

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
