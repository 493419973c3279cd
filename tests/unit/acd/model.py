"""A second opinion: what the state of queues and agents must be, worked out naively from what went in and came out.

It does not choose whom to ring; it judges each choice. It knows no index, no timer bookkeeping and no order but "look
at everything", so that an error of the engine is not likely to be its error too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.destination import Kind, Overflow, When
from ari_app.acd.settings import AutoPause, QueueSettings, Strategy
from ari_app.errors import AlreadySignedIn, CommandRefused, NotFound, NotSignedIn

COOL_DOWN = 5.0
MISS_MEMORY = 120.0
SKILLS = ("english", "french", "sales")
#: written so that Python understands them alike
RULES = (
    "english >= 3",
    "english >= 3 and wait < 20 or wait >= 20",
    "wanted or wait > 10",
    "not ( french < 2 ) or wait >= 5 and ( sales or wait >= 30 )",
    "french != 0 and wait <= 40",
)
BAD_RULES = ("english >=", "__import__('os')", "wait", "english >= 101", "( sales")
#: why somebody is sent away -> the rule that says where to
INSTEAD = {
    "full": "full",
    "empty": "empty",
    "closed": "closed",
    "leave_empty": "leaveEmpty",
    "timeout": "timeout",
    "no_retry": "noAnswer",
}
#: app_queue's sets, by option: an agent who is one of these does not count
EXCLUDED: dict[str, set[str]] = {
    "join yes": set(),
    "leave no": set(),
    "join loose": {"invalid"},
    "leave loose": {"invalid"},
    "join no": {"invalid", "paused"},
    "leave yes": {"invalid", "paused"},
    "join strict": {"invalid", "paused", "unavailable"},
    "leave strict": {"invalid", "paused", "unavailable"},
    "join ultrastrict": {"invalid", "paused", "unavailable", "inuse", "ringing", "wrapup"},
    "leave ultrastrict": {"invalid", "paused", "unavailable", "inuse", "ringing", "wrapup"},
}


@dataclass
class Member:
    skill: int
    order: int
    paused: float | None = None
    code: int | None = None
    why: str = ""
    resume: float | None = None
    wrap: float | None = None
    #: leaves when the call is over
    leaving: bool = False
    calls: int = 0
    last: float | None = None


@dataclass
class Person:
    number: int
    bindings: dict[str, int]
    session: str = "none"
    extension: str = ""
    queues: dict[str, Member] = field(default_factory=dict)
    cooling: float | None = None
    cooled_by: str = ""
    late: float | None = None
    removed: bool = False
    skills: dict[str, int] = field(default_factory=dict)


@dataclass
class Waiting:
    call: str
    queue: str
    priority: int
    joined: float
    order: int
    missed: set[int] = field(default_factory=set)
    missed_at: float = 0.0
    agent: int | None = None
    offer: str | None = None
    answered: float = 0.0
    #: ringall: the level that rings
    level: int = 0
    wanted: dict[str, int] | None = None
    #: the longest he was seen to have waited when that could matter
    waited: float = 0.0
    visited: tuple[str, ...] = ()

    number: str = ""
    #: since when he has waited, if that is not since he joined
    placed: float | None = None

    @property
    def since(self) -> float:
        return self.joined if self.placed is None else self.placed

    @property
    def place(self) -> tuple[float, float, float]:
        return (-self.priority, self.since, self.order)


@dataclass
class Ring:
    call: str
    agent: int
    queue: str
    since: float
    rings: bool = False


class Model:
    def __init__(self) -> None:
        self.now = 0.0
        self.tick = 0
        self.queues: dict[str, QueueSettings] = {}
        self.turn: dict[str, int] = {}
        self.closed: set[str] = set()
        #: queue, number -> the place kept for who calls from there, and until when
        self.kept: dict[tuple[str, str], tuple[tuple[float, float, float], float]] = {}
        self.overflow: dict[str, tuple[Overflow, ...]] = {}
        #: queue -> its rule, the skills wanted there
        self.routing: dict[str, tuple[str, dict[str, int]]] = {}
        self.people: dict[int, Person] = {}
        self.phones: dict[str, str] = {}
        self.calls: dict[str, Waiting] = {}
        self.rings: dict[str, Ring] = {}
        self.issued: set[str] = set()
        #: what must come out, apart from offers and their consequences
        self.expected: list[tuple[str, ...]] = []
        self.ignored = False

    # looking

    def offers_of(self, call: str) -> list[str]:
        return [name for name, ring in self.rings.items() if ring.call == call]

    def offer_of(self, agent: int) -> str | None:
        return next((name for name, ring in self.rings.items() if ring.agent == agent), None)

    def call_of(self, agent: int) -> str | None:
        return next((x.call for x in self.calls.values() if x.agent == agent), None)

    def wrapping_everywhere(self, person: Person) -> bool:
        return any(m.wrap is not None and self.queues[q].wrap_up_all_queues for q, m in person.queues.items())

    def free(self, number: int, queue: str) -> bool:
        person = self.people[number]
        member = person.queues.get(queue)
        return (
            member is not None
            and person.session == "active"
            and person.extension not in self.phones
            and person.cooling is None
            and member.paused is None
            and member.wrap is None
            and not self.wrapping_everywhere(person)
            and self.offer_of(number) is None
            and self.call_of(number) is None
        )

    def wanting(self) -> list[Waiting]:
        """In the order in which they are to be served."""
        calls = [x for x in self.calls.values() if x.agent is None and not self.offers_of(x.call)]
        return sorted(calls, key=lambda x: (-self.queues[x.queue].weight, x.place))

    def takers(self, caller: Waiting) -> list[int]:
        """Who could be rung for a caller now."""
        return [
            n for n in self.people if self.free(n, caller.queue) and n not in caller.missed and self.fits(n, caller)
        ]

    def fits(self, number: int, caller: Waiting) -> bool:
        """Whether an agent's skills do for a caller. (The rules are Python's too, as far as they are used here.)"""
        rule, default = self.routing.get(caller.queue, ("", {}))
        skills = self.people[number].skills
        wanted = default if caller.wanted is None else caller.wanted
        has = all(skills.get(name, 0) >= level for name, level in wanted.items())
        known = {name: skills.get(name, 0) for name in SKILLS} | {"wait": int(caller.waited), "wanted": has}
        return bool(eval(rule, {}, known)) and (has or "wanted" in rule) if rule else has

    def turns(self, queue: str) -> list[int]:
        """When a rule must be looked at again."""
        words = self.routing.get(queue, ("", {}))[0].replace("(", " ").replace(")", " ").split()
        found = set()
        for word, sign, number in zip(words, words[1:], words[2:], strict=False):
            if word == "wait":
                found |= {int(number) + (sign in ("<=", ">"))}
        return sorted(found)

    def see(self, caller: Waiting) -> None:
        if self.routing.get(caller.queue, ("", {}))[0]:
            caller.waited = max(caller.waited, self.now - caller.since)

    def status(self, number: int, queue: str) -> str:
        person = self.people[number]
        member = person.queues.get(queue)
        if member is None:
            return "signedOut"
        if self.call_of(number) is not None:
            return "onCall"
        if self.offer_of(number) is not None:
            return "ringing"
        if person.session == "timed_out":
            return "unavailable"
        if member.wrap is not None:
            return "wrapUp"
        if member.paused is not None:
            return "paused"
        if self.wrapping_everywhere(person):
            return "wrapUp"
        return "unavailable" if person.cooling is not None or person.extension in self.phones else "available"

    def altogether(self, number: int) -> str:
        person = self.people[number]
        here = [self.status(number, queue) for queue in person.queues]
        if self.call_of(number) is not None:
            return "onCall"
        if self.offer_of(number) is not None:
            return "ringing"
        if person.session == "none":
            return "signedOut"
        if person.session == "timed_out" or not here:
            return "unavailable"
        return next(x for x in ("available", "unavailable", "wrapUp", "paused") if x in here)

    def empty(self, queue: str, named: str) -> bool:
        """Whether no agent of a queue passes a test."""
        hindrances = [self.hindrances(n, queue) for n, person in self.people.items() if queue in person.queues]
        return all(found & EXCLUDED[named] for found in hindrances) and bool(EXCLUDED[named])

    def nobody_ever(self, queue: str, wanted: dict[str, int] | None) -> bool:
        """Whether none of those who pass the test of joining would be offered one who wants that, however long he
        waits."""
        named = EXCLUDED["join " + self.queues[queue].join_empty]
        passing = [
            n for n, person in self.people.items() if queue in person.queues and not self.hindrances(n, queue) & named
        ]
        return bool(named) and not self.fitting_ever(passing, Waiting("", queue, 0, 0.0, 0, wanted=wanted))

    def nobody_left(self, caller: Waiting) -> bool:
        """Whether none of those who pass the test of staying would be offered him from now on."""
        named = EXCLUDED["leave " + self.queues[caller.queue].leave_empty]
        staff = [n for n, person in self.people.items() if caller.queue in person.queues]
        passing = [n for n in staff if not self.hindrances(n, caller.queue) & named]
        return bool(named) and not self.fitting_ever(passing, caller)

    def fitting_ever(self, agents: list[int], caller: Waiting) -> bool:
        later = [turn for turn in self.turns(caller.queue) if turn > caller.waited]
        stages = [caller, *(replace(caller, waited=float(seconds)) for seconds in later)]
        return any(self.fits(n, stage) for n in agents for stage in stages)

    def stands(self, caller: Waiting, queue: str) -> bool:
        return caller.queue == queue and caller.agent is None

    def hindrances(self, number: int, queue: str) -> set[str]:
        """What app_queue would see of an agent."""
        person = self.people[number]
        member = person.queues[queue]
        phone = self.phones.get(person.extension)
        cooled = person.cooled_by if person.cooling is not None else None
        seen = {
            "invalid": not person.extension,
            "paused": member.paused is not None,
            "unavailable": person.session != "active" or "unavailable" in (phone, cooled),
            "inuse": self.call_of(number) is not None or phone is not None or cooled is not None,
            "ringing": self.offer_of(number) is not None,
            "wrapup": member.wrap is not None or self.wrapping_everywhere(person),
        }
        return {name for name, holds in seen.items() if holds}

    def refusal(self, event: Any) -> type[Exception] | None:
        """Why a command of people is refused, if it is."""
        person = self.people.get(getattr(event, "agent", -1))
        match event:
            case e.PriorityChanged() | e.CallerSent() | e.CallerStolen():
                return self.immovable(event)
            case e.RoutingConfigured():
                return CommandRefused if event.rule in BAD_RULES else None
            case e.AgentSignedIn():
                return NotFound if person is None or person.removed else None
            case e.QueueSignedIn():
                if person is None or person.session != "active":
                    return NotSignedIn
                for queue in event.queues or ():
                    if queue not in self.queues:
                        return NotFound
                    if queue in person.queues and not person.queues[queue].leaving:
                        return AlreadySignedIn
                return AlreadySignedIn if len(set(event.queues or ())) < len(event.queues or ()) else None
            case e.QueueSignedOut() | e.Paused() | e.Resumed() | e.WrapUpExited():
                if person is None or person.session == "none":
                    return NotSignedIn
                if event.queue is not None and event.queue not in self.queues:
                    return NotFound
                joined = person.queues if event.queue is None else event.queue in person.queues
                return None if joined else NotSignedIn
        return None

    def immovable(self, event: Any) -> type[Exception] | None:
        """Why a caller does not come to stand elsewhere, if he does not."""
        call = self.calls.get(event.call)
        if call is None or call.agent is not None:
            return NotFound
        if isinstance(event, e.PriorityChanged | e.CallerStolen):
            return None
        if event.queue not in self.queues:
            return NotFound
        return CommandRefused if call.queue == event.queue or self.no_entry(event.queue, call.wanted) else None

    def timers(self) -> dict[str, float]:
        due: dict[str, float] = {}
        for call in self.calls.values():
            settings = self.queues.get(call.queue)
            if call.agent is None and settings is not None and settings.max_wait is not None:
                due[f"wait:{call.call}"] = call.joined + settings.max_wait
            if call.agent is None and (turns := [t for t in self.turns(call.queue) if t > call.waited]):
                due[f"relax:{call.call}"] = call.since + turns[0]
        for call in self.wanting():
            if call.missed:
                due[f"retry:{call.call}"] = call.missed_at + (self.queues[call.queue].retry or 0)
        for name, ring in self.rings.items():
            if (timeout := self.queues[ring.queue].agent_timeout) is not None:
                due[f"ring:{name}"] = ring.since + timeout
        due |= {f"keep:{queue}:{number}": until for (queue, number), (_, until) in self.kept.items()}
        return due | self.timers_of_agents()

    def timers_of_agents(self) -> dict[str, float]:
        due: dict[str, float] = {}
        for person in self.people.values():
            if person.cooling is not None:
                due[f"cool:{person.number}"] = person.cooling
            if person.late is not None:
                due[f"miss:{person.number}"] = person.late
            for queue, member in person.queues.items():
                if member.resume is not None:
                    due[f"resume:{person.number}:{queue}"] = member.resume
                if member.wrap is not None and (seconds := self.queues[queue].wrap_up):
                    due[f"wrap:{person.number}:{queue}"] = member.wrap + seconds
        return due

    # events

    def told(self, event: Any, now: float, due: dict[str, float]) -> None:
        """What an event does by itself, before anyone is rung. due: the timers that were set."""
        self.now, self.expected, self.ignored = now, [], False
        if isinstance(event, e.TimerFired):
            self.on_TimerFired(event, due)
        else:
            getattr(self, f"on_{type(event).__name__}")(event)

    def on_QueueConfigured(self, event: e.QueueConfigured) -> None:
        new = event.queue
        old = self.queues.get(new.extension)
        self.queues[new.extension] = new
        if old is None:
            return
        if not new.keep_place:
            self.keep_none(new.extension)
        if old.strategy is not new.strategy:
            self.turn.pop(new.extension, None)
        for person in self.people.values():
            if (member := person.queues.get(new.extension)) is None:
                continue
            if new.wrap_up is None:
                member.wrap = None
            if member.why and member.paused is not None:
                member.resume = None if new.system_resume is None else member.paused + new.system_resume
        for call in self.wanting():
            if call.queue == new.extension:
                self.rested(call)

    def on_QueueRemoved(self, event: e.QueueRemoved) -> None:
        if event.queue not in self.queues:
            self.ignored = True
            return
        for call in sorted(self.calls.values(), key=lambda x: x.place):
            if call.queue == event.queue and call.agent is None:
                self.leave(call, "caller_left")
                self.sent("Release", call, "queue_removed")
        for person in self.people.values():
            person.queues.pop(event.queue, None)
        del self.queues[event.queue]
        self.keep_none(event.queue)
        self.closed.discard(event.queue)
        self.turn.pop(event.queue, None)
        self.routing.pop(event.queue, None)
        self.overflow.pop(event.queue, None)

    def on_QueueClosed(self, event: e.QueueClosed) -> None:
        if event.queue not in self.queues:
            self.ignored = True
            return
        self.closed.add(event.queue)
        for call in sorted(self.calls.values(), key=lambda x: x.place):
            if event.leave and call.queue == event.queue and call.agent is None:
                self.leave(call, "caller_left")
                self.sent("Release", call, "closed")

    def on_QueueOpened(self, event: e.QueueOpened) -> None:
        self.ignored = event.queue not in self.closed
        self.closed.discard(event.queue)

    def on_RoutingConfigured(self, event: e.RoutingConfigured) -> None:
        if event.queue not in self.queues:
            self.ignored = True
            return
        self.routing[event.queue] = (event.rule, event.wanted)
        for call in self.calls.values():
            if self.stands(call, event.queue):
                self.see(call)

    def on_SkillsConfigured(self, event: e.SkillsConfigured) -> None:
        if event.agent not in self.people:
            self.ignored = True
            return
        self.people[event.agent].skills = dict(event.skills)

    def on_StatisticsReset(self, event: e.StatisticsReset) -> None:
        pass

    def on_AgentConfigured(self, event: e.AgentConfigured) -> None:
        person = self.people.setdefault(event.agent, Person(event.agent, {}))
        for queue, skill in event.bindings.items():
            if queue in person.queues and person.bindings.get(queue) != skill:
                person.queues[queue].skill = skill
        person.bindings = dict(event.bindings)
        person.removed = False

    def on_AgentRemoved(self, event: e.AgentRemoved) -> None:
        person = self.people.get(event.agent)
        if person is None:
            self.ignored = True
            return
        self.sign_out(person)
        person.bindings, person.removed = {}, True
        self.forget(person)

    def on_AgentSignedIn(self, event: e.AgentSignedIn) -> None:
        person = self.people[event.agent]
        for other in self.people.values():
            if other is not person and other.extension == event.extension:
                if other.session == "active":
                    other.session = "timed_out"
                    self.stop_ringing(other, "agent_left")
                other.extension = ""
        if person.extension != event.extension:
            self.stop_ringing(person, "agent_left")
        person.extension, person.session, person.late = event.extension, "active", None

    def on_AgentTimedOut(self, event: e.AgentTimedOut) -> None:
        person = self.people.get(event.agent)
        if person is None or person.session != "active":
            self.ignored = True
            return
        self.stop_ringing(person, "agent_left")
        person.session = "timed_out"

    def on_AgentSignedOut(self, event: e.AgentSignedOut) -> None:
        person = self.people.get(event.agent)
        if person is None or person.session == "none":
            self.ignored = True
            return
        self.sign_out(person)

    def on_QueueSignedIn(self, event: e.QueueSignedIn) -> None:
        person = self.people[event.agent]
        queues = event.queues
        if queues is None:
            here = [q for q, member in person.queues.items() if not member.leaving]
            queues = tuple(q for q in person.bindings if q in self.queues and q not in here)
        for i, queue in enumerate(queues):
            skill = person.bindings.get(queue, 3) if event.skills is None else event.skills[i]
            if (member := person.queues.get(queue)) is not None:
                member.leaving, member.skill = False, skill
                if event.paused and member.paused is None:
                    member.paused = self.now
                continue
            self.tick += 1
            person.queues[queue] = Member(skill, self.tick, paused=self.now if event.paused else None)
        person.late = None

    def on_QueueSignedOut(self, event: e.QueueSignedOut) -> None:
        person = self.people[event.agent]
        self.stop_ringing(person, "agent_left", event.queue)
        for queue in list(person.queues) if event.queue is None else [event.queue]:
            if self.call_of(person.number) is None:
                del person.queues[queue]
            else:
                person.queues[queue].leaving = True
        person.late = None

    def on_Paused(self, event: e.Paused) -> None:
        person = self.people[event.agent]
        self.stop_ringing(person, "agent_left", event.queue)
        for queue in list(person.queues) if event.queue is None else [event.queue]:
            member = person.queues[queue]
            member.wrap, member.resume = None, None
            if member.paused is None or (member.code, member.why) != (event.code, ""):
                member.paused, member.code, member.why = self.now, event.code, ""
        person.late = None

    def on_Resumed(self, event: e.Resumed) -> None:
        person = self.people[event.agent]
        for queue in list(person.queues) if event.queue is None else [event.queue]:
            self.unpause(person.queues[queue])
        person.late = None

    def on_WrapUpExited(self, event: e.WrapUpExited) -> None:
        person = self.people[event.agent]
        for queue, member in person.queues.items():
            if event.queue in (None, queue) or self.queues[queue].wrap_up_all_queues:
                member.wrap = None
        person.late = None

    def on_PhoneStateChanged(self, event: e.PhoneStateChanged) -> None:
        if self.phones.get(event.extension, "idle") == event.state:
            return
        self.phones[event.extension] = event.state
        if event.state == "idle":
            del self.phones[event.extension]
        for person in self.people.values():
            if person.extension == event.extension and event.state != "unavailable":
                person.late = None
            if person.extension == event.extension and event.state == "busy":
                self.stop_ringing(person, "private_call")

    def on_CallerJoined(self, event: e.CallerJoined) -> None:
        if event.call in self.calls:
            self.ignored = True
        elif (reason := self.no_entry(event.queue, event.wanted)) is not None:
            self.sent("Reject", event, reason)
        elif (elsewhere := self.diverted(event)) is not None:
            self.expected.append(("Reject", event.call, "diverted", elsewhere))
        else:
            self.expected.append(("Wait", event.call))
            self.tick += 1
            joined = self.now if event.joined_at is None else min(event.joined_at, self.now)
            call = Waiting(event.call, event.queue, event.priority, joined, self.tick, wanted=event.wanted)
            call.visited = event.visited
            call.number = event.number
            if (kept := self.kept.pop((event.queue, event.number), None)) is not None:
                (priority, call.placed, order), _ = kept
                call.priority, call.order = max(call.priority, -int(priority)), int(order)
            self.calls[event.call] = call
            self.see(call)

    def lined_up(self, queue: str) -> int:
        return sum(self.stands(x, queue) for x in self.calls.values())

    def no_entry(self, queue: str, wanted: dict[str, int] | None) -> str | None:
        """Why nobody may enter a queue."""
        if queue not in self.queues:
            return "nonexistent"
        if queue in self.closed:
            return "closed"
        if self.nobody_ever(queue, wanted):
            return "empty"
        limit = self.queues[queue].max_callers
        return "full" if limit is not None and self.lined_up(queue) >= limit else None

    def diverted(self, event: e.CallerJoined) -> str | None:
        """Where somebody goes who might enter."""
        waiting = self.lined_up(event.queue)
        at_work = [
            n
            for n, person in self.people.items()
            if event.queue in person.queues
            and not self.hindrances(n, event.queue) & {"invalid", "paused", "unavailable"}
        ]
        for rule in self.overflow.get(event.queue, ()):
            crowded = (rule.when is When.CALLERS and waiting >= rule.limit) or (
                rule.when is When.CALLERS_PER_AGENT and waiting + 1 > rule.limit * len(at_work)
            )
            if crowded and self.welcome(rule, event.queue, event.visited, event.wanted):
                return str(rule.destination)
        return None

    def leads_on(self, rule: Overflow, queue: str, visited: tuple[str, ...]) -> bool:
        to = rule.destination
        return to.kind is not Kind.QUEUE or (to.to in self.queues and to.to not in (*visited, queue))

    def welcome(self, rule: Overflow, queue: str, visited: tuple[str, ...], wanted: dict[str, int] | None) -> bool:
        into = rule.destination.kind is Kind.QUEUE
        return self.leads_on(rule, queue, visited) and (not into or self.no_entry(rule.destination.to, wanted) is None)

    def sent(self, order: str, call: Any, reason: str) -> None:
        """Somebody is not wanted (any more); where to is for the queue's rules to say. A queue that goes has none."""
        for rule in self.overflow.get(call.queue, ()) if reason != "queue_removed" else ():
            if rule.when == INSTEAD.get(reason) and self.leads_on(rule, call.queue, call.visited):
                self.expected.append((order, call.call, reason, str(rule.destination)))
                return
        self.expected.append((order, call.call, reason))

    def on_OverflowConfigured(self, event: e.OverflowConfigured) -> None:
        if event.queue in self.queues:
            self.overflow[event.queue] = event.rules
        else:
            self.ignored = True

    def on_PriorityChanged(self, event: e.PriorityChanged) -> None:
        self.calls[event.call].priority = event.priority

    def on_CallerSent(self, event: e.CallerSent) -> None:
        self.leave(self.calls[event.call], "caller_left")
        self.expected.append(("Release", event.call, "sent", f"queue:{event.queue}"))

    def on_CallerStolen(self, event: e.CallerStolen) -> None:
        self.leave(self.calls[event.call], "caller_left")
        self.expected.append(("Release", event.call, "stolen", f"extension:{event.to}"))

    def on_CallerLeft(self, event: e.CallerLeft) -> None:
        call = self.calls.get(event.call)
        if call is None:
            self.ignored = True
        elif call.agent is not None:
            self.complete(call)
        else:
            seconds, known = self.queues[call.queue].keep_place, (call.queue, call.number)
            if event.reason == "hangup" and call.number and seconds:
                place, _ = self.kept.get(known, (call.place, 0.0))
                self.kept[known] = (min(place, call.place), self.now + seconds)
            self.leave(call, "caller_left")

    def on_OfferRinging(self, event: e.OfferRinging) -> None:
        ring = self.rings.get(event.offer)
        self.ignored = ring is None or ring.rings
        if ring is not None:
            ring.rings = True

    def on_OfferAnswered(self, event: e.OfferAnswered) -> None:
        if event.offer not in self.rings:
            self.ignored = True
            talking = any(x.offer == event.offer for x in self.calls.values())
            if event.offer in self.issued and not talking:
                self.expected.append(("Withdraw", event.offer, "late"))
            return
        ring = self.rings.pop(event.offer)
        call = self.calls[ring.call]
        for other in self.offers_of(call.call):
            self.withdraw(other, "answered_elsewhere")
        call.agent, call.offer, call.answered = ring.agent, event.offer, self.now
        self.people[ring.agent].late = None
        self.expected.append(("Connect", call.call, event.offer))

    def on_OfferFailed(self, event: e.OfferFailed) -> None:
        if event.offer not in self.rings:
            self.ignored = True
            return
        ring = self.rings.pop(event.offer)
        person = self.people[ring.agent]
        person.cooling = self.now + (self.queues[ring.queue].retry or COOL_DOWN)
        person.cooled_by = event.reason
        self.missed(ring)
        if event.reason == "noanswer":
            self.auto_pause(ring)

    def on_ConnectFailed(self, event: e.ConnectFailed) -> None:
        call = next((x for x in self.calls.values() if x.offer == event.offer), None)
        if call is None:
            self.ignored = True
            return
        person = self.people[call.agent or 0]
        call.agent = call.offer = None
        self.hung_up(person)
        if call.queue not in self.queues:
            del self.calls[call.call]
            self.sent("Release", call, "queue_removed")
            return
        self.expected.append(("Wait", call.call))
        self.see(call)
        if self.queues[call.queue].retry is None:
            if person.session != "active":
                return
            person.cooling, person.cooled_by = self.now + COOL_DOWN, "error"
        else:
            call.missed.add(person.number)
            call.missed_at = self.now
        self.rested(call)

    def on_ConversationEnded(self, event: e.ConversationEnded) -> None:
        call = self.calls.get(event.call)
        if call is None or call.agent is None:
            self.ignored = True
            return
        self.complete(call)
        if event.by in ("agent", "system"):
            self.expected.append(("Release", event.call, "completed"))

    def on_TimerFired(self, event: e.TimerFired, due: dict[str, float]) -> None:
        at = due.get(event.timer)
        if at is None or self.now < at - 0.001:
            self.ignored = True
            return
        kind, *about = event.timer.split(":")
        getattr(self, f"timer_{kind}")(*about)

    def timer_wait(self, name: str) -> None:
        call = self.calls[name]
        self.leave(call, "caller_left")
        self.sent("Release", call, "timeout")

    def timer_over(self, name: str) -> None:
        call = self.calls[name]
        if self.offers_of(name):
            return
        for rule in self.overflow.get(call.queue, ()):
            waited = rule.when is When.WAIT and call.joined + rule.limit <= self.now + 0.001
            if waited and self.welcome(rule, call.queue, call.visited, call.wanted):
                self.leave(call, "caller_left")
                self.expected.append(("Release", name, "overflow", str(rule.destination)))
                return

    def timer_keep(self, queue: str, number: str) -> None:
        del self.kept[queue, number]

    def keep_none(self, queue: str) -> None:
        self.kept = {known: kept for known, kept in self.kept.items() if known[0] != queue}

    def timer_relax(self, name: str) -> None:
        call = self.calls[name]
        turn = min(t for t in self.turns(call.queue) if t > call.waited)
        call.waited = max(turn, self.now - call.since)

    def timer_retry(self, name: str) -> None:
        self.calls[name].missed.clear()

    def timer_ring(self, name: str) -> None:
        call = self.rings[name].call
        timeout = self.queues[self.rings[name].queue].agent_timeout
        assert timeout is not None
        for other in self.offers_of(call):
            if other == name or self.rings[other].since + timeout <= self.now + 0.001:
                ring = self.rings.pop(other)
                self.expected.append(("Withdraw", other, "noanswer"))
                self.missed(ring)
                self.auto_pause(ring)

    def timer_wrap(self, number: str, queue: str) -> None:
        self.people[int(number)].queues[queue].wrap = None

    def timer_resume(self, number: str, queue: str) -> None:
        self.unpause(self.people[int(number)].queues[queue])

    def timer_cool(self, number: str) -> None:
        self.people[int(number)].cooling = None

    def timer_say(self, name: str) -> None:
        """Changes nothing but what is said."""

    def timer_miss(self, number: str) -> None:
        self.people[int(number)].late = None

    # what they have in common

    def unpause(self, member: Member) -> None:
        member.paused = member.code = member.resume = None
        member.why = ""

    def sign_out(self, person: Person) -> None:
        self.stop_ringing(person, "agent_left")
        person.queues.clear()
        person.session, person.extension, person.cooling, person.late = "none", "", None, None

    def hung_up(self, person: Person) -> None:
        for queue in [name for name, member in person.queues.items() if member.leaving]:
            del person.queues[queue]
        self.forget(person)

    def forget(self, person: Person) -> None:
        if person.removed and self.call_of(person.number) is None:
            del self.people[person.number]

    def withdraw(self, offer: str, reason: str) -> None:
        del self.rings[offer]
        self.expected.append(("Withdraw", offer, reason))

    def stop_ringing(self, person: Person, reason: str, queue: str | None = None) -> None:
        offer = self.offer_of(person.number)
        if offer is not None and queue in (None, self.rings[offer].queue):
            call = self.calls[self.rings[offer].call]
            self.withdraw(offer, reason)
            self.rested(call)

    def leave(self, call: Waiting, reason: str) -> None:
        for offer in self.offers_of(call.call):
            self.withdraw(offer, reason)
        del self.calls[call.call]

    def missed(self, ring: Ring) -> None:
        self.calls[ring.call].missed.add(ring.agent)
        self.calls[ring.call].missed_at = self.now
        self.people[ring.agent].late = self.now + MISS_MEMORY
        self.rested(self.calls[ring.call])

    def rested(self, call: Waiting) -> None:
        retry = self.queues[call.queue].retry
        if not self.offers_of(call.call) and retry is not None and self.now >= call.missed_at + retry - 0.001:
            call.missed.clear()

    def auto_pause(self, ring: Ring) -> None:
        settings = self.queues[ring.queue]
        for queue, member in self.people[ring.agent].queues.items():
            everywhere = settings.auto_pause is AutoPause.ALL
            here = settings.auto_pause is AutoPause.YES and queue == ring.queue
            if member.paused is None and (everywhere or here):
                member.paused, member.why = self.now, "noanswer"
                member.resume = None if settings.system_resume is None else self.now + settings.system_resume

    def complete(self, call: Waiting) -> None:
        del self.calls[call.call]
        person = self.people[call.agent or 0]
        self.hung_up(person)
        if (member := person.queues.get(call.queue)) is not None:
            member.calls += 1
            member.last = self.now
            if self.queues[call.queue].wrap_up is not None:
                member.wrap = self.now

    # what came out

    def rung(self, out: list[Any]) -> None:
        """Judges each offer and each caller given up for want of agents, in their order."""
        made = [x for x in out if isinstance(x, c.Offer)]
        while made:
            caller = self.calls[made[0].call]
            self.rested(caller)  # his pause may be over before its timer comes round
            batch = [x for x in made if x.call == caller.call]
            assert made[: len(batch)] == batch, "the offers of a caller are made together"
            made = made[len(batch) :]
            if self.offers_of(caller.call):
                self.rings_along(caller, [x.agent for x in batch])
                self.note(caller, batch)
                continue
            caller.level = 0
            takers = self.takers(caller)
            for other in self.wanting():
                if other is caller:
                    break
                assert not set(self.takers(other)) & {x.agent for x in batch}, f"{other.call} stands before {caller}"
            self.chosen(caller, [x.agent for x in batch], takers)
            self.note(caller, batch)
        for x in out:
            if isinstance(x, c.Announce):
                caller = self.calls[x.call]
                place = [y.call for y in sorted(self.calls.values(), key=lambda y: y.place) if self.stands(y, x.queue)]
                assert not self.offers_of(x.call)
                assert x.position in (None, place.index(x.call) + 1)
        for caller in self.wanting():
            if self.nobody_left(caller):
                del self.calls[caller.call]
                self.sent("Release", caller, "leave_empty")
        for x in out:
            if isinstance(x, c.Release) and x.reason == "no_retry":
                caller = self.calls.pop(x.call)
                assert self.queues[caller.queue].retry is None
                assert caller.missed
                assert not self.offers_of(x.call)
                assert not self.takers(caller)
                self.sent("Release", caller, "no_retry")

    def note(self, caller: Waiting, batch: list[c.Offer]) -> None:
        for offer in batch:
            assert offer.queue == caller.queue
            assert offer.extension == self.people[offer.agent].extension
            assert offer.offer not in self.issued
            self.issued.add(offer.offer)
            self.rings[offer.offer] = Ring(caller.call, offer.agent, caller.queue, self.now)

    def along(self, caller: Waiting) -> list[int]:
        """Ringall: who is free and should ring for a caller for whom others do."""
        if not self.offers_of(caller.call) or self.queues[caller.queue].strategy is not Strategy.RINGALL:
            return []
        return [n for n in self.takers(caller) if self.people[n].queues[caller.queue].skill <= caller.level]

    def rings_along(self, caller: Waiting, agents: list[int]) -> None:
        """Those who ring along are all who can, and none of them is wanted by a caller who has nobody."""
        assert sorted(agents) == sorted(self.along(caller))
        for other in self.wanting():
            assert not set(self.takers(other)) & set(agents)

    def chosen(self, caller: Waiting, agents: list[int], takers: list[int]) -> None:
        """Whether the strategy would have it so."""
        assert set(agents) <= set(takers), "only who is free and has not missed him"
        queue = caller.queue
        strategy = self.queues[queue].strategy
        member = {n: self.people[n].queues[queue] for n in takers}
        if strategy is Strategy.RINGALL:
            best = min(m.skill for m in member.values())
            assert sorted(agents) == sorted(n for n, m in member.items() if m.skill == best)
            caller.level = best
            return
        assert len(agents) == 1
        late = {n: self.people[n].late is not None for n in takers}
        level = {n: (0 if strategy is Strategy.WRANDOM else m.skill, late[n]) for n, m in member.items()}
        group = [n for n in takers if level[n] == min(level.values())]
        keys: dict[Strategy, Any] = {
            Strategy.LEASTRECENT: lambda n: (member[n].last or -1.0, member[n].order),
            Strategy.FEWESTCALLS: lambda n: (member[n].calls, member[n].order),
            Strategy.LINEAR: lambda n: member[n].order,
            Strategy.RRMEMORY: lambda n: (member[n].order <= self.turn.get(queue, 0), member[n].order),
            Strategy.RRORDERED: lambda n: (n <= self.turn.get(queue, 0), n),
        }
        assert agents[0] in group
        if strategy in keys:
            assert agents[0] == min(group, key=keys[strategy])
        if strategy is Strategy.RRMEMORY:
            self.turn[queue] = member[agents[0]].order
        elif strategy is Strategy.RRORDERED:
            self.turn[queue] = agents[0]
