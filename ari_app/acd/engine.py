"""The engine of one account's queues and agents: (state, event, now) -> commands and facts.

Pure: no clock, no chance and no I/O of its own. The same events at the same times from the same snapshot give the same
commands, facts and snapshot, to the byte; so the journal of events is enough to come back after a crash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from ari_app.acd import (
    announcements,
    call_backs,
    callers,
    configuration,
    events,
    keeping,
    matching,
    offers,
    overflow,
    people,
    skills,
    standing,
    views,
)
from ari_app.acd.agent import Agent
from ari_app.acd.changes import Changes
from ari_app.acd.commands import AnyCommand, AnyFact, StartTimer
from ari_app.acd.destination import Overflow
from ari_app.acd.floor import EARLY, Floor, Record
from ari_app.acd.people import end_pause, end_wrap_up
from ari_app.acd.queue import CallBack, CallerState, Closed
from ari_app.acd.settings import QueueSettings
from ari_app.acd.skills import Routing
from ari_app.acd.stats import Counts
from ari_app.errors import CommandRefused, NotFound


def _timer_fired(floor: Floor, event: events.TimerFired) -> None:
    due = floor.timers.get(event.timer)
    if due is None:
        return floor.ignore()
    if floor.now < due - EARLY:
        # Set again since; or the clock that runs timers is not the one that tells the time: it must not be lost.
        floor.do(StartTimer(timer=event.timer, at=due))
        return floor.ignore()
    del floor.timers[event.timer]
    kind, _, rest = event.timer.partition(":")
    return TIMERS[kind](floor, rest)


def _member(floor: Floor, rest: str) -> tuple[Agent, str]:
    number, _, extension = rest.partition(":")
    return floor.agents[int(number)], extension


def _wrapped_up(floor: Floor, rest: str) -> None:
    end_wrap_up(floor, *_member(floor, rest))


def _resume(floor: Floor, rest: str) -> None:
    end_pause(floor, *_member(floor, rest))


def _cooled_down(floor: Floor, rest: str) -> None:
    floor.agents[int(rest)].cooling = ""
    floor.changed(floor.agents[int(rest)])


def _forgiven(floor: Floor, rest: str) -> None:
    offers.seen(floor, floor.agents[int(rest)])


#: what a timer does, by the part of its name before the first colon; a timer that is set has what it is about
TIMERS: dict[str, Callable[[Floor, str], None]] = {
    "wait": callers.waited_too_long,
    "retry": callers.paused_long_enough,
    "ring": offers.rang_too_long,
    "wrap": _wrapped_up,
    "resume": _resume,
    "cool": _cooled_down,
    "miss": _forgiven,
    "say": announcements.due,
    "again": call_backs.due,
    "relax": skills.waited_on,
    "keep": keeping.over,
    "over": callers.waited_for_others,
}

RULES: dict[type[events.Event], Callable[[Floor, Any], None]] = {
    events.QueueConfigured: configuration.queue_configured,
    events.QueueRemoved: configuration.queue_removed,
    events.AgentConfigured: configuration.agent_configured,
    events.AgentRemoved: configuration.agent_removed,
    events.RoutingConfigured: skills.routing_configured,
    events.QueueClosed: configuration.queue_closed,
    events.QueueOpened: configuration.queue_opened,
    events.OverflowConfigured: overflow.overflow_configured,
    events.SkillsConfigured: skills.skills_configured,
    events.StatisticsReset: configuration.statistics_reset,
    events.AgentSignedIn: people.signed_in,
    events.AgentTimedOut: people.timed_out,
    events.AgentSignedOut: people.signed_out,
    events.QueueSignedIn: people.queue_signed_in,
    events.QueueSignedOut: people.queue_signed_out,
    events.Paused: people.paused,
    events.Resumed: people.resumed,
    events.WrapUpExited: people.wrap_up_exited,
    events.PriorityChanged: standing.priority_changed,
    events.CallerSent: standing.sent_to_queue,
    events.CallerStolen: standing.stolen,
    events.PhoneStateChanged: people.phone_state_changed,
    events.CallerJoined: callers.joined,
    events.CallerLeft: call_backs.unless_dialling(callers.left),
    events.OfferRinging: offers.ringing,
    events.OfferAnswered: offers.answered,
    events.OfferFailed: offers.failed,
    events.ConnectFailed: offers.connect_failed,
    events.ConversationEnded: call_backs.unless_dialling(callers.conversation_ended),
    events.CallBackRequested: call_backs.requested,
    events.CallBackCancelled: call_backs.cancelled,
    events.CallBackReached: call_backs.reached,
    events.CallBackFailed: call_backs.failed,
    events.TimerFired: _timer_fired,
}


class Engine:
    """Queues and agents of one account."""

    def __init__(self, account: int) -> None:
        self._floor = Floor(Record(account=account, dice=account ^ 0x5DEECE66D))

    @property
    def account(self) -> int:
        return self._floor.account

    @property
    def ignored(self) -> Counter[str]:
        """Events that changed nothing because they came too late, twice, or for something unknown; by their name. Not
        part of the snapshot."""
        return self._floor.ignored

    def apply(self, event: events.AnyEvent, now: float) -> list[AnyCommand | AnyFact]:
        """What is to be done and what has happened, in order.

        now: seconds since the epoch. It may step back; no duration gets negative by that.
        Raises CommandRefused or NotFound for commands of people, before anything is changed.
        """
        floor = self._floor
        floor.now = float(now)
        floor.event = type(event).__name__
        RULES[type(event)](floor, event)
        if floor.dirty or floor.touched or floor.moved or floor.thinned:
            matching.settle(floor)
            for agent in floor.dirty.values():
                floor.report(agent)
                floor.changes.agent(agent.id)
            floor.dirty.clear()
        out, floor.out = floor.out, []
        return out

    def replay(self, event: events.AnyEvent, at: float) -> None:
        """As apply, from the journal: nothing is to be done, and what was refused stays refused."""
        with suppress(CommandRefused, NotFound):
            self.apply(event, at)

    # keeping

    def snapshot(self) -> bytes:
        """Everything, as JSON."""
        return msgspec.json.encode(self._floor.record())

    @classmethod
    def restore(cls, snapshot: bytes) -> Engine:
        """An engine as it was. Raises msgspec.ValidationError for bytes that are not a snapshot."""
        engine = cls.__new__(cls)
        engine._floor = Floor(msgspec.json.decode(snapshot, type=Record))
        return engine

    # what whoever carries the commands out asks for after a restart

    def timers(self) -> dict[str, float]:
        """The timers that are set, and when they are due."""
        return dict(self._floor.timers)

    def open_offers(self) -> list[views.OfferView]:
        return views.open_offers(self._floor)

    def waiting(self, now: float) -> list[views.QueuedCall]:
        """The callers who were not answered yet, of all queues."""
        return views.queued_calls(self._floor, None, now)

    def call_back(self, entry: str) -> CallBack | None:
        """Whom to call for an entry of a queue; None: he is on the line."""
        caller = self._floor.callers.get(entry)
        return None if caller is None else caller.call_back

    def under_way(self, entry: str) -> bool:
        """An agent's phone rings for it, or an agent has it."""
        caller = self._floor.callers.get(entry)
        return caller is not None and caller.state in (CallerState.OFFERED, CallerState.TALKING)

    def call_backs(self, queue: str | None) -> list[views.CallBackView]:
        """Those who are to be called, in order. Raises NotFound."""
        return views.call_backs(self._floor, queue)

    def conversations(self) -> list[views.Conversation]:
        return views.conversations(self._floor)

    def queues(self) -> list[str]:
        """Their extensions."""
        return list(self._floor.queues)

    def agents(self) -> list[int]:
        """Their user ids."""
        return list(self._floor.agents)

    def bindings(self, agent: int) -> dict[str, int] | None:
        """The queues an agent is bound to, with his skill; None: there is no such agent."""
        found = self._floor.agents.get(agent)
        return None if found is None else dict(found.bindings)

    def extension(self, agent: int) -> str:
        """Where an agent's session is, active or timed out; "": he has none."""
        found = self._floor.agents.get(agent)
        return "" if found is None else found.extension

    def extensions(self) -> list[str]:
        """All at which agents have sessions."""
        return list(self._floor.by_extension)

    def staffed(self, extension: str) -> bool:
        """Whether an agent has a session there."""
        return extension in self._floor.by_extension

    def phone(self, extension: str) -> str:
        """What a phone does apart from our offers, as it was told: "idle", "busy", "unavailable"."""
        return self._floor.phones.get(extension, "idle")

    def phones(self) -> list[str]:
        """Extensions whose phones are not idle."""
        return list(self._floor.phones)

    def skills(self, agent: int) -> dict[str, int]:
        """What an agent can; empty also for one there is not."""
        found = self._floor.agents.get(agent)
        return {} if found is None else dict(found.skills)

    def routing(self, queue: str) -> Routing:
        """By what a queue chooses agents; of one there is not: by nothing."""
        found = self._floor.queues.get(queue)
        if found is None:
            return Routing()
        return Routing(rule=found.record.rule, wanted=dict(found.record.wanted))

    def overflow(self, queue: str) -> tuple[Overflow, ...]:
        """Where callers go whom a queue does not serve; of one there is not: nowhere."""
        found = self._floor.queues.get(queue)
        return () if found is None else found.record.overflow

    def closed(self, queue: str) -> Closed | None:
        """What becomes of its callers; None: it is open, or there is none."""
        found = self._floor.queues.get(queue)
        return None if found is None else found.record.closed

    def knows(self, call: str) -> bool:
        """Whether a call waits here or talks to an agent."""
        return call in self._floor.callers

    def known_calls(self) -> list[str]:
        """All calls that wait or talk."""
        return list(self._floor.callers)

    def settings(self, queue: str) -> QueueSettings | None:
        """None: there is no such queue."""
        found = self._floor.queues.get(queue)
        return None if found is None else found.settings

    # what people look at

    @property
    def changes(self) -> Changes:
        """Whose rows in `agent_status` may be others than before."""
        return self._floor.changes

    def queued_calls(self, queue: str | None, now: float) -> list[views.QueuedCall]:
        """In order. Raises NotFound."""
        return views.queued_calls(self._floor, queue, now)

    def queued_call(self, call: str, now: float) -> views.QueuedCall | None:
        """None: he does not wait."""
        return views.queued_call(self._floor, call, now)

    def agent_status(
        self, queue: str | None = None, agent: int | None = None, combined: bool = False
    ) -> list[views.AgentQueueStatus]:
        """Raises NotFound."""
        return views.agent_status(self._floor, queue, agent, combined)

    def statistics(self, queue: str | None, now: float) -> list[views.QueueStatistics]:
        """Of one queue (a list of one) or all. Raises NotFound."""
        return views.statistics(self._floor, queue, now)

    def counts(self, queue: str) -> Counts:
        """The counts that every service level is made from; a live object, not to be changed. Raises NotFound."""
        if queue not in self._floor.queues:
            raise NotFound("There is no such queue.", queue=queue)
        return self._floor.statistics.counts[queue]
