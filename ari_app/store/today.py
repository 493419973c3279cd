"""Figures of agents since midnight, kept fact by fact: what a report of today so far would say (figures.py says how
each is defined), at a cost that does not grow with the day.

A day is the account's: from midnight to midnight of its time zone, 23 to 25 hours. A zone that is set otherwise holds
from the next midnight on. After a restart the day so far is read back from the record.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from ari_app.acd.commands import AgentStateChanged, AnyFact, CallCompleted, OfferEnded
from ari_app.acd.hours import instants, zone
from ari_app.store.figures import Handling, Presence
from ari_app.store.history import AgentStateRecord, OfferRecord, QueueCallRecord


class _State(NamedTuple):
    """What an agent is altogether."""

    state: str
    pause_code: int | None
    reason: str


class _Closing(msgspec.Struct, kw_only=True):
    """A conversation that is over, perhaps not the time after it."""

    at: float
    talk: float
    waited: float
    wrap_up: bool = False


class _Tally(msgspec.Struct, kw_only=True):
    """An agent's day so far."""

    since: float
    handling: Handling = msgspec.field(default_factory=Handling)
    presence: Presence = msgspec.field(default_factory=Presence)
    #: what he is altogether, and since when, today; None: not known
    state: _State | None = None
    state_since: float = 0.0
    #: queue -> his last conversation of it
    closing: dict[str, _Closing] = msgspec.field(default_factory=dict)


class AgentDay(msgspec.Struct, frozen=True, kw_only=True):
    """An agent from midnight until now."""

    agent: int
    since: float
    until: float
    handling: Handling
    presence: Presence


class DayRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the record says of a day: conversations, states (also those in which it begins) and offers, in order."""

    calls: list[QueueCallRecord]
    states: dict[int, list[AgentStateRecord]]
    offers: list[OfferRecord]


class _Account:
    """One account's agents. Each fact costs the same however long the day is; a new day costs once per agent."""

    def __init__(self, time_zone: str, now: float) -> None:
        self.time_zone = time_zone
        self.since, self.until = day(now, time_zone)
        self.agents: dict[int, _Tally] = {}

    def turn(self, now: float) -> None:
        """It may be another day. (One that has begun does not end when the clock is set back.)"""
        if now >= self.until:
            begin, end = day(now, self.time_zone)
            # of a zone farther west: the rest of its day
            self.since, self.until = max(begin, self.until), end

    def tally(self, agent: int) -> _Tally:
        found = self.agents.get(agent)
        if found is None:
            found = self.agents[agent] = _Tally(since=self.since)
        elif found.since < self.since:
            self.agents[agent] = found = _anew(found, self.since)
        return found


class AgentsToday:
    """Of all accounts."""

    def __init__(self, time_zone: str) -> None:
        """time_zone: of accounts of which none is known."""
        self._time_zone = time_zone
        self._accounts: dict[int, _Account] = {}

    def set_time_zone(self, account: int, name: str) -> None:
        """By whose clock an account's days go, from the next midnight on if one has begun."""
        if account in self._accounts:
            self._accounts[account].time_zone = name

    def begin(self, account: int, name: str, now: float) -> tuple[float, float]:
        """Begin an account's day, from nothing; its beginning and end."""
        made = self._accounts[account] = _Account(name, now)
        return made.since, made.until

    def load(self, account: int, record: DayRecord) -> None:
        """Take up the day so far, which has just begun."""
        here = self._accounts[account]
        ended: dict[int, list[QueueCallRecord]] = {}
        for call in record.calls:
            if call.talk is not None and call.ended_at is not None and call.agent_id is not None:
                ended.setdefault(call.agent_id, []).append(call)
        for agent in record.states.keys() | ended.keys():
            _replay(here.tally(agent), record.states.get(agent, []), ended.get(agent, []))
        for offer in record.offers:
            self._offered(account, offer.agent_id, offer.offered_at, offer.outcome)

    def tell(self, account: int, fact: AnyFact) -> None:
        """A fact, as it happens."""
        match fact:
            case AgentStateChanged(queue=None):
                tally = self._of(account, fact.at).tally(fact.agent)
                _became(tally, fact.at, _State(fact.state, fact.pause_code, fact.reason))
            case AgentStateChanged(queue=str(queue)):
                _turned(self._of(account, fact.at).tally(fact.agent), queue, fact.at, fact.state)
            case CallCompleted():
                tally = self._of(account, fact.at).tally(fact.agent)
                _over(tally, fact.queue, fact.at, fact.talk, fact.wait)
            case OfferEnded():
                self._of(account, fact.at)
                self._offered(account, fact.agent, fact.at - fact.ring, fact.outcome)
            case _:
                pass

    def figures(self, account: int, agent: int, now: float) -> AgentDay:
        """An agent's day so far; empty of one who was never heard of."""
        here = self._of(account, now)
        tally = here.tally(agent) if agent in here.agents else _Tally(since=here.since)
        handling = msgspec.structs.replace(tally.handling)
        for done in tally.closing.values():
            if not done.wrap_up and done.at >= tally.since:
                _count(handling, done, done.at)
        before, presence = tally.presence, msgspec.structs.replace(tally.presence)
        presence.states, presence.pauses, presence.offers = (
            dict(before.states),
            dict(before.pauses),
            dict(before.offers),
        )
        if tally.state is not None:
            _spend(presence, tally.state, now - tally.state_since)
        return AgentDay(agent=agent, since=tally.since, until=now, handling=handling, presence=presence)

    def _of(self, account: int, now: float) -> _Account:
        found = self._accounts.get(account)
        if found is None:
            found = self._accounts[account] = _Account(self._time_zone, now)
        found.turn(now)
        return found

    def _offered(self, account: int, agent: int, at: float, outcome: str) -> None:
        here = self._accounts[account]
        if at >= here.since:
            offers = here.tally(agent).presence.offers
            offers[outcome] = offers.get(outcome, 0) + 1


def day(at: float, time_zone: str) -> tuple[float, float]:
    """The midnights before (or at) and after an instant."""
    here = zone(time_zone)
    midnight = datetime.fromtimestamp(at, here).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return instants(midnight, here)[0], instants(midnight + timedelta(days=1), here)[0]


def _anew(tally: _Tally, since: float) -> _Tally:
    """Another day: what he is goes on, and so does the time after a call, which belongs to the day in which it ends."""
    closing = {queue: done for queue, done in tally.closing.items() if done.wrap_up or done.at >= since}
    return _Tally(since=since, state=tally.state, state_since=max(tally.state_since, since), closing=closing)


def _became(tally: _Tally, at: float, state: _State) -> None:
    """He is something else altogether."""
    if tally.state is not None:
        _spend(tally.presence, tally.state, at - tally.state_since)
    tally.state, tally.state_since = state, max(at, tally.since)


def _turned(tally: _Tally, queue: str, at: float, state: str) -> None:
    """He is something else in a queue: it may be the time after a call, or its end."""
    done = tally.closing.get(queue)
    if done is None:
        return
    if done.wrap_up:
        del tally.closing[queue]
        if at >= tally.since:
            _count(tally.handling, done, at)
    elif state == "wrap_up" and at == done.at:
        done.wrap_up = True


def _over(tally: _Tally, queue: str, at: float, talk: float, waited: float) -> None:
    """A conversation is over; the one before it was with its end, if there was no time after it."""
    before = tally.closing.pop(queue, None)
    if before is not None and not before.wrap_up and before.at >= tally.since:
        _count(tally.handling, before, before.at)
    tally.closing[queue] = _Closing(at=at, talk=talk, waited=waited)


def _replay(tally: _Tally, states: list[AgentStateRecord], calls: list[QueueCallRecord]) -> None:
    """The day of one agent, as the record has it. states: in order. A conversation is over before the time after it."""
    calls = sorted(calls, key=lambda call: call.ended_at or 0.0)
    following = 0
    for row in states:
        while following < len(calls) and (calls[following].ended_at or 0.0) <= row.at:
            _ended(tally, calls[following])
            following += 1
        if row.queue:
            _turned(tally, row.queue, row.at, row.state)
        else:
            _became(tally, row.at, _State(row.state, row.pause_code_id, row.reason))
    for call in calls[following:]:
        _ended(tally, call)


def _ended(tally: _Tally, call: QueueCallRecord) -> None:
    _over(tally, call.queue, call.ended_at or 0.0, call.talk or 0.0, call.wait or 0.0)


def _count(handling: Handling, done: _Closing, over: float) -> None:
    handling.handled += 1
    handling.talk += done.talk
    handling.wrap_up += max(0.0, over - done.at)
    handling.waited += done.waited


def _spend(presence: Presence, state: _State, seconds: float) -> None:
    if seconds <= 0.0:
        return
    presence.states[state.state] = presence.states.get(state.state, 0.0) + seconds
    if state.state == "paused":
        presence.pauses[state.pause_code] = presence.pauses.get(state.pause_code, 0.0) + seconds
    elif (state.state, state.reason) == ("unavailable", "busy"):
        presence.private += seconds
