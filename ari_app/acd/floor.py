"""The engine's whole state, and the few things its rules may do to it.

The rules (configuration, people, callers, offers) are functions of a floor and an event. They change agents and
callers, and say so: `changed(agent)`, `want(caller)`. When the event's own rule is done, `matching.settle` brings
callers and agents together, and what agents have become is told once, however often it changed in between.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from ari_app.acd.agent import WHATEVER_HE_CHOSE, Agent, Membership, State, shown, together
from ari_app.acd.changes import Changes
from ari_app.acd.commands import AgentStateChanged, AnyCommand, AnyFact, CancelTimer, StartTimer
from ari_app.acd.emptiness import fitness
from ari_app.acd.queue import Caller, CallerState, OpenOffer, Queue, QueueRecord
from ari_app.acd.stats import Counts, Statistics
from ari_app.acd.strategies import Dice

#: a timer that fires this much early is due: whoever runs them may round to milliseconds
EARLY = 0.001


class Record(msgspec.Struct, kw_only=True):
    """All that is kept: what a snapshot holds. Everything else is made from it."""

    account: int
    dice: int
    next_offer: int = 1
    next_order: int = 1
    queues: dict[str, QueueRecord] = {}
    agents: dict[int, Agent] = {}
    callers: dict[str, Caller] = {}
    offers: dict[str, OpenOffer] = {}
    #: extension -> what its phone does by itself, where that is not "idle"
    phones: dict[str, str] = {}
    #: timer -> when it is due
    timers: dict[str, float] = {}
    counts: dict[str, Counts] = {}


class Floor:
    """State, indexes, and what the event at hand has brought about so far."""

    def __init__(self, record: Record) -> None:
        self.account = record.account
        self.dice = Dice(record.dice)
        self.next_offer = record.next_offer
        self.next_order = record.next_order
        self.agents = record.agents
        self.callers = record.callers
        self.offers = record.offers
        self.phones = record.phones
        self.timers = record.timers
        self.queues = {extension: Queue(kept) for extension, kept in record.queues.items()}
        self.statistics = Statistics(record.counts)
        #: extension -> agent who has a session there, active or timed out
        self.by_extension = {a.extension: a.id for a in self.agents.values() if a.extension}
        #: answered offer -> call, while they talk
        self.talking: dict[str, str] = {}
        self.now = 0.0
        self.out: list[AnyCommand | AnyFact] = []
        #: events that came too late, twice, or for something unknown
        self.ignored: Counter[str] = Counter()
        self.event = ""
        #: for those who keep what they made of views
        self.changes = Changes()
        #: agents who are among the free of a queue
        self.listed: set[int] = set()
        #: agents who may have become something else
        self.dirty: dict[int, Agent] = {}
        #: queues in which an agent got free or a caller wants one
        self.touched: set[str] = set()
        #: queues that may have no agent left for those who wait (where that matters)
        self.thinned: set[str] = set()
        #: queues whose callers may stand elsewhere
        self.moved: set[str] = set()
        #: callers who lost their offers, or whose pause may have to begin
        self.loose: dict[str, Caller] = {}
        self._index()

    def _index(self) -> None:
        for agent in self.agents.values():
            for extension in agent.memberships:
                self.queues[extension].members[agent.id] = agent
            self.reindex(agent)
        for caller in self.callers.values():
            if caller.offer is not None:
                self.talking[caller.offer] = caller.call
                if caller.call_back is not None and not caller.call_back.reached and caller.queue in self.queues:
                    self.queues[caller.queue].called_back.add(caller.call_back.number)
            else:
                self.queues[caller.queue].enter(caller)
        self.touched.clear()
        self.thinned.clear()

    def record(self) -> Record:
        return Record(
            account=self.account,
            dice=self.dice.state,
            next_offer=self.next_offer,
            next_order=self.next_order,
            queues={extension: queue.record for extension, queue in self.queues.items()},
            agents=self.agents,
            callers=self.callers,
            offers=self.offers,
            phones=self.phones,
            timers=self.timers,
            counts=self.statistics.counts,
        )

    # what comes out

    def do(self, command: AnyCommand) -> None:
        self.out.append(command)

    def tell(self, fact: AnyFact) -> None:
        self.out.append(fact)
        self.statistics.apply(fact)

    def ignore(self) -> None:
        """The event at hand is late, foreign, or said twice."""
        self.ignored[self.event] += 1

    # timers

    def start(self, timer: str, at: float) -> None:
        if self.timers.get(timer) != at:
            self.timers[timer] = at
            self.do(StartTimer(timer=timer, at=at))

    def cancel(self, timer: str) -> None:
        if self.timers.pop(timer, None) is not None:
            self.do(CancelTimer(timer=timer))

    def start_or_cancel(self, timer: str, since: float, seconds: float | None) -> None:
        """None: no limit, so no timer."""
        if seconds is None:
            self.cancel(timer)
        else:
            self.start(timer, since + seconds)

    # agents

    def changed(self, agent: Agent) -> None:
        """Something of this agent has changed that decides what he is or whether he is free."""
        self.dirty[agent.id] = agent

    def forget(self, agent: Agent) -> None:
        """There is no such agent any more."""
        del self.agents[agent.id]
        self.changes.everything()

    def order(self) -> int:
        self.next_order += 1
        return self.next_order - 1

    def wrap_up_everywhere(self, agent: Agent) -> bool:
        """He is in a wrap-up that holds for all his queues."""
        for extension, membership in agent.memberships.items():
            if membership.wrap_up_since is not None and self.queues[extension].settings.wrap_up_all_queues:
                return True
        return False

    def is_free(self, agent: Agent, phone: str) -> bool:
        """He may be rung for those of his queues in which he is ready. phone: what his phone does by itself."""
        return phone == "idle" and agent.reachable and not self.wrap_up_everywhere(agent)

    def reindex(self, agent: Agent) -> None:
        """Puts an agent among the free ones of each of his queues, or takes him out."""
        phone = self.phones.get(agent.extension, "idle")
        free = self.is_free(agent, phone)
        if not free and agent.id not in self.listed:
            self._rate(agent, phone)
            return
        self.listed.discard(agent.id)
        for extension, membership in agent.memberships.items():
            queue = self.queues[extension]
            if free and membership.ready:
                self.listed.add(agent.id)
                if queue.admit(agent, membership):
                    self.touched.add(extension)
            else:
                queue.dismiss(agent.id)
        self._rate(agent, phone)

    def _rate(self, agent: Agent, phone: str) -> None:
        for extension, membership in agent.memberships.items():
            queue = self.queues[extension]
            if queue.staffed:
                here = agent.id in queue.idle.key_of
                if queue.staff.rate(agent.id, fitness(agent, membership, phone, here)):
                    self.thinned.add(extension)

    def report(self, agent: Agent) -> None:
        """Tells what an agent has become, where that is not what was told."""
        offered = None if agent.offer is None else self.offers[agent.offer].call
        phone = self.phones.get(agent.extension, "idle")
        altogether = together(agent, phone, offered, self.wrap_up_everywhere(agent))
        moved = altogether != agent.told
        everywhere = altogether.state if altogether.state in WHATEVER_HE_CHOSE else None
        for extension, membership in agent.memberships.items():
            kind = membership.kind
            turned = kind is not membership.told and kind != membership.told
            if turned:
                membership.told = kind
                self._tell_state(agent, extension, kind)
            elif not moved:
                continue
            status = everywhere or shown(altogether, kind)
            # Paused for another reason is paused anew, and so is ringing for another call.
            anew = (turned and status == kind.state) or (moved and status == altogether.state)
            if anew or status != membership.status:
                membership.status, membership.since = status, self.now
        if moved:
            agent.told, agent.since = altogether, self.now
            self._tell_state(agent, None, altogether)

    def leave(self, agent: Agent, extension: str) -> Membership:
        """An agent is signed out of a queue."""
        membership = agent.memberships.pop(extension)
        queue = self.queues[extension]
        queue.dismiss(agent.id)
        del queue.members[agent.id]
        if queue.staff.rate(agent.id, None):
            self.thinned.add(extension)
        self.cancel(f"wrap:{agent.id}:{extension}")
        self.cancel(f"resume:{agent.id}:{extension}")
        self._tell_state(agent, extension, State("signed_out"))
        self.changed(agent)
        return membership

    def _tell_state(self, agent: Agent, queue: str | None, state: State) -> None:
        self.tell(
            AgentStateChanged(
                at=self.now,
                agent=agent.id,
                queue=queue,
                state=state.state,
                pause_code=state.pause_code,
                reason=state.reason,
                call=state.call,
            )
        )

    # callers

    def want(self, caller: Caller) -> None:
        """A caller whom no phone rings for wants an agent: any; or, for `retry` seconds from the last miss, only one
        who has not missed him. His place is kept; `matching` finishes what is begun here."""
        queue = self.queues[caller.queue]
        caller.state = CallerState.RESTING
        caller.level = 0
        queue.rung.drop(caller.call)
        if not caller.missed or self.rested(caller):
            self.end_rest(caller)
        queue.enter(caller)
        self.touched.add(caller.queue)
        self.loose[caller.call] = caller
        if queue.staffed:
            self.thinned.add(caller.queue)

    def rested(self, caller: Caller) -> bool:
        """His retry pause is over, whether or not its timer has come round yet."""
        retry = self.queues[caller.queue].settings.retry
        return retry is not None and self.now >= caller.missed_at + retry - EARLY

    def end_rest(self, caller: Caller) -> None:
        """Any agent may be rung for him again."""
        caller.state = CallerState.WAITING
        caller.missed.clear()
        self.cancel(f"retry:{caller.call}")
