"""What the model (model.py) knows: queues, people, callers, phones that ring; and what can be seen of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ari_app.acd.destination import Overflow
from ari_app.acd.settings import QueueSettings

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


class Known:
    """The state, and what can be seen of it by looking at everything."""

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
