"""A queue, its callers, and the orders they stand in."""

from __future__ import annotations

from collections.abc import Container
from enum import StrEnum

import msgspec

from ari_app.acd import strategies
from ari_app.acd.agent import Agent, Membership
from ari_app.acd.destination import Overflow, When
from ari_app.acd.emptiness import Staff, matters
from ari_app.acd.fitting import NOTHING, Fitting, Need
from ari_app.acd.ranking import Key, Ranking
from ari_app.acd.rules import Rule, parse
from ari_app.acd.settings import QueueSettings


class CallerState(StrEnum):
    """Where a caller is."""

    #: wants an agent, any
    WAITING = "waiting"
    #: wants an agent, but not one who missed him in this round: that is for after the retry pause
    RESTING = "resting"
    #: phones ring for him
    OFFERED = "offered"
    #: an agent answered
    TALKING = "talking"
    #: a call-back that was not answered: its next attempt is not due yet
    LATER = "later"


class CallBack(msgspec.Struct, kw_only=True):
    """What makes a caller one who is not on the line, and is called when it is his turn (call_backs.py)."""

    #: to be called
    number: str
    name: str = ""
    #: what his phone shows
    shown: str = ""
    #: id of the first attempt's entry; the second's ends in "-2", and so on
    request: str
    requested_at: float
    #: entries so far, this one included
    entry: int = 1
    #: attempts that found nobody
    failures: int = 0
    #: seconds the phone of the agent who answered rang
    ring: float = 0.0
    #: he has answered
    reached: bool = False


class Caller(msgspec.Struct, kw_only=True):
    """A call in a queue, from joining to the end of the conversation."""

    call: str
    queue: str
    priority: int
    joined_at: float
    #: of arrival, over the whole account
    order: int
    original_position: int
    #: ringall: the level that rings for him; 0: none
    level: int = 0
    state: CallerState = CallerState.WAITING
    #: the offers that ring for him
    offers: list[str] = []
    #: agents who did not take him in this round
    missed: dict[int, float] = {}
    missed_at: float = 0.0
    #: who answered, by which offer, when
    agent: int | None = None
    offer: str | None = None
    answered_at: float = 0.0
    #: when he was told his position last, and what it was
    announced_at: float | None = None
    announced_position: int = 0
    #: he is told as soon as it changes
    listens: bool = False
    #: not on the line: to be called
    call_back: CallBack | None = None
    #: from which he calls; "": not known
    number: str = ""
    #: his place is that of one who joined then, if not when he did
    placed_at: float | None = None
    #: the skills he wants; None: what the queue is set to
    wanted: dict[str, int] | None = None
    #: seconds he had waited when his queue's rule was looked at last; never less
    waited: float = 0.0
    #: the queues that he came from by overflow
    visited: tuple[str, ...] = ()
    #: nobody was free when he came; and what waiting he was then expected to have (None: nobody knew)
    stood_in_line: bool = False
    estimate: float | None = None

    @property
    def place(self) -> tuple[int, float, int, str]:
        """Smaller is served first."""
        since = self.joined_at if self.placed_at is None else self.placed_at
        return (-self.priority, since, self.order, self.call)


class OpenOffer(msgspec.Struct, kw_only=True):
    """A phone rings for a caller."""

    offer: str
    call: str
    queue: str
    agent: int
    extension: str
    since: float
    ringing: bool = False


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of callers of a closed queue. Names as in events.QueueClosed."""

    leave: bool = False
    message: tuple[str, ...] = ()


class KeptPlace(msgspec.Struct, frozen=True, kw_only=True):
    """The place of one who was cut off (keeping.py)."""

    priority: int
    since: float
    order: int


class QueueRecord(msgspec.Struct, kw_only=True):
    """The part of a queue that is kept."""

    settings: QueueSettings
    #: rrmemory and rrordered: who was offered last
    pointer: int = 0
    #: rules.py; "": none
    rule: str = ""
    #: the skills wanted by callers who do not say it themselves
    wanted: dict[str, int] = {}
    #: number -> the place that is kept for who calls from there
    kept: dict[str, KeptPlace] = {}
    #: None: it is open
    closed: Closed | None = None
    #: where callers go who are not served here, in order of precedence (overflow.py)
    overflow: tuple[Overflow, ...] = ()
    #: seconds of an agent's work that a position costs, a moving average; None: there was none (estimate.py)
    work: float | None = None


class Queue:
    """A queue at work: what is kept of it, and the orders made from the rest of the state."""

    __slots__ = (
        "absent",
        "called_back",
        "fitting",
        "group_of",
        "groups",
        "idle",
        "listening",
        "members",
        "places",
        "record",
        "rule",
        "rung",
        "settings",
        "sorting",
        "staff",
        "staffed",
        "wanting",
    )

    def __init__(self, record: QueueRecord) -> None:
        self.record = record
        #: those of the record; looked at some ten times an event
        self.settings = record.settings
        #: every caller who was not answered yet, by place
        self.places: Ranking[str] = Ranking()
        #: those of them who want an agent (waiting or resting)
        self.wanting: Ranking[str] = Ranking()
        #: ringall: those for whom a level rings
        self.rung: Ranking[str] = Ranking()
        #: agents who may be offered a call of this queue now, best first
        self.idle: Ranking[int] = Ranking()
        #: all who are signed in
        self.members: dict[int, Agent] = {}
        #: callers who are to be told as soon as their position changes
        self.listening: set[str] = set()
        #: those of `places` who are not on the line
        self.absent: set[str] = set()
        #: the numbers of those, and of those being called now
        self.called_back: set[str] = set()
        #: whether they are enough for callers to enter and to stay
        self.staff = Staff()
        #: whether that is asked for; else `staff` is not kept up
        self.staffed = self._asks()
        #: those of `wanting` apart by what they need, so that all are passed over at once who need whom there is not;
        #: kept while `sorting`
        self.groups: dict[Need, Ranking[str]] = {}
        self.group_of: dict[str, Need] = {}
        self.sorting = False
        #: those of `idle` apart by what callers need
        self.fitting = Fitting(self.idle, self.members, self.groups)
        #: None: it has none
        self.rule: Rule | None = None
        self.route(record.rule, record.wanted)

    def route(self, rule: str, wanted: dict[str, int]) -> None:
        """By what its agents are chosen. Its callers are to be sorted anew. Raises RuleError."""
        self.record.rule, self.record.wanted = rule, wanted
        self.rule = parse(rule) if rule else None
        self.fitting.configure(self.rule)

    def configure(self, settings: QueueSettings) -> None:
        """Set otherwise. Its members are to be indexed anew."""
        self.record.settings = self.settings = settings
        self.staffed = self._asks()

    def overflow(self, rules: tuple[Overflow, ...]) -> None:
        """Other rules. Its members are to be indexed anew."""
        self.record.overflow = rules
        self.staffed = self._asks()

    def _asks(self) -> bool:
        counting = any(rule.when is When.CALLERS_PER_AGENT for rule in self.record.overflow)
        return counting or matters(self.settings)

    @property
    def waiting(self) -> int:
        """Callers on the line who were not answered yet."""
        return len(self.places) - len(self.absent)

    def enter(self, caller: Caller) -> None:
        """Give a caller his place, or another one."""
        self.places.put(caller.call, caller.place)
        if caller.call_back is not None:
            self.absent.add(caller.call)
            self.called_back.add(caller.call_back.number)
        if caller.state is CallerState.LATER:
            return
        if caller.listens:
            self.listening.add(caller.call)
        if caller.state is not CallerState.OFFERED:
            self._want(caller)
        elif caller.level:
            self.rung.put(caller.call, caller.place)

    def leave(self, caller: Caller) -> int:
        """Take a caller out of all orders; his last position."""
        position = self.places.position(caller.call)
        for order in (self.places, self.rung):
            order.drop(caller.call)
        self.unwant(caller.call)
        self.listening.discard(caller.call)
        self.absent.discard(caller.call)
        return position

    def _want(self, caller: Caller) -> None:
        if not self.sorting and (caller.wanted or self.record.rule or self.record.wanted):
            self.sort_all()
        self.wanting.put(caller.call, caller.place)
        if self.sorting:
            self.sort(caller)

    def unwant(self, call: str) -> None:
        """A caller wants no agent now."""
        self.wanting.drop(call)
        if self.sorting:
            self._ungroup(call)
            if not self.wanting and not self.record.rule and not self.record.wanted:
                self.sorting = False

    def sort_all(self) -> None:
        """From now on those who want an agent are kept apart by what they need; until now it was nothing."""
        self.sorting = True
        for call, key in self.wanting.key_of.items():
            self._group(call, key, NOTHING)

    def sort(self, caller: Caller) -> None:
        """What a caller who wants an agent needs may have changed."""
        need = self.need(caller)
        if self.group_of.get(caller.call) != need:
            self._ungroup(caller.call)
        self._group(caller.call, caller.place, need)

    def need(self, caller: Caller) -> Need:
        """What decides which agents fit him."""
        return self.need_of(caller.wanted, caller.waited)

    def need_of(self, wanted: dict[str, int] | None, waited: float) -> Need:
        """Of one who wants these skills (None: what the queue's callers want) and has waited so many seconds."""
        wanted = self.record.wanted if wanted is None else wanted
        turn = None if self.rule is None else self.rule.next_turn(waited)
        return turn, tuple(sorted(wanted.items()))

    def _group(self, call: str, key: Key, need: Need) -> None:
        self.group_of[call] = need
        self.groups.setdefault(need, Ranking()).put(call, key)

    def _ungroup(self, call: str) -> None:
        need = self.group_of.pop(call, None)
        if need is not None:
            self.groups[need].drop(call)
            if not self.groups[need]:
                del self.groups[need]

    def admit(self, agent: Agent, membership: Membership) -> bool:
        """He may be offered a call of this queue. True: he might not before, or not in this rank."""
        rank = strategies.rank(self.settings.strategy, agent, membership)
        if not self.idle.put(agent.id, rank):
            return False
        self.fitting.admit(agent.id, rank)
        return True

    def dismiss(self, agent: int) -> None:
        """He may not be offered one, if he might."""
        self.idle.drop(agent)
        self.fitting.drop(agent)

    def choose(self, free: Ranking[int], missed: Container[int], dice: strategies.Dice) -> list[int]:
        """Whom of the free who fit to ring for a caller; empty: there is nobody but those he was missed by."""
        chosen = self._pick(free.keys, missed, dice)
        if chosen and strategies.RULES[self.settings.strategy].turns:
            self.record.pointer = int(self.idle.key_of[chosen[0]][strategies.METRIC])
        return chosen

    def choose_only(self, agent: Agent, membership: Membership, dice: strategies.Dice) -> list[int]:
        """As `choose`, of one who is not among the free and whom there is nobody beside."""
        rank = strategies.rank(self.settings.strategy, agent, membership)
        if strategies.RULES[self.settings.strategy].turns:
            self.record.pointer = int(rank[strategies.METRIC])
        return self._pick([rank], (), dice)

    def _pick(self, ranks: list[Key], missed: Container[int], dice: strategies.Dice) -> list[int]:
        candidates = strategies.Candidates(ranks, missed, self.record.pointer, dice)
        return strategies.pick(self.settings.strategy, candidates)
