"""Looks at the figures of queues for alerts.

A fact costs one look into a set: whether an alert is about its queue. If so, the queue's figures are asked for SETTLE
seconds later, once for all that happened until then; so alerts are exactly what /call_queue_statistics says, they need
nothing brought back after a restart, and callers are not kept waiting for them. What only time changes (the longest
wait, hours, intervals) has a timer. Nothing is asked for that has not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from ari_app.acd.alerts import Alerts, Figures, Kind, News
from ari_app.acd.commands import AgentStateChanged, AnyFact
from ari_app.acd.hours import zone
from ari_app.acd.views import AgentQueueStatus, QueueStatistics
from ari_app.clock import Clock, Timer
from ari_app.errors import NotFound
from ari_app.store.alerts import Alert

#: seconds from a change to the look at what it has changed
SETTLE = 0.25


class Centre(Protocol):
    """Where the figures are."""

    def statistics(self, account: int, queue: str | None) -> list[QueueStatistics]:
        """Raises NotFound."""

    def agent_status(
        self, account: int, queue: str | None, agent: int | None, combined: bool
    ) -> list[AgentQueueStatus]:
        """Raises NotFound."""


#: of an account: an alert, and what has become of it
OnNews = Callable[[int, Alert, News], None]


@dataclass
class _Watched:
    alerts: Alerts
    zone: ZoneInfo
    stored: dict[int, Alert] = field(default_factory=dict)
    #: queues, and agents, of whom something has changed
    queues: set[str] = field(default_factory=set)
    agents: set[int] = field(default_factory=set)
    #: the next look at what has changed; and the next at what time does
    look: Timer | None = None
    wake: Timer | None = None
    wakes_at: float | None = None


class Watch:
    """The alerts of all accounts, while the process runs."""

    def __init__(self, centre: Centre, clock: Clock, missing: Mapping[str, str] | None = None) -> None:
        """missing: notification, or kind of alert -> what to do to have it; those not named can be had."""
        self._centre = centre
        self._clock = clock
        self._missing = missing or {}
        self._accounts: dict[int, _Watched] = {}
        #: figures of the installation, by kind
        self._system: dict[Kind, float | None] = {}
        #: figures of accounts that are not of queues
        self._of_account: dict[tuple[int, Kind], float | None] = {}
        self.listeners: list[OnNews] = []

    def missing(self, what: str) -> str:
        """Why there can be no alerts of this notification, or of this kind, here; "": there can."""
        return self._missing.get(what, "")

    def configure(self, account: int, alerts: Sequence[Alert], time_zone: str) -> None:
        """These are the alerts of an account, all of them; holds at once. Raises HoursError: no such time zone."""
        where, now = zone(time_zone), self._clock.now()
        watched = self._accounts.get(account)
        restored = watched is None  # later on, who knows of what is known here
        if watched is None:
            watched = self._accounts[account] = _Watched(alerts=Alerts(where), zone=where)
        elif watched.zone != where:
            self._tell(account, watched, [n for id in watched.stored for n in watched.alerts.remove(id, now)])
            watched.alerts, watched.zone, watched.stored = Alerts(where), where, {}
        wanted = {alert.id: alert for alert in alerts}
        for id in watched.stored.keys() - wanted.keys():
            self._tell(account, watched, watched.alerts.remove(id, now))
            del watched.stored[id]
        for id, alert in wanted.items():
            old = watched.stored.get(id)
            if old is None or msgspec.structs.replace(old, told_at=alert.told_at, known=alert.known) != alert:
                known = restored and alert.known
                self._tell(account, watched, watched.alerts.put(alert.rule(), now, alert.told_at, known))
                watched.stored[id] = alert
        watched.queues.update(watched.alerts.queues())
        self._look(account, watched)
        for kind, value in self._system.items():
            self._tell(account, watched, watched.alerts.system(kind, value, now))
        for (of, kind), value in self._of_account.items():
            if of == account:
                self._tell(account, watched, watched.alerts.system(kind, value, now))
        self._plan(account, watched)

    def clear(self, account: int, orphans: Sequence[Alert]) -> None:
        """At the start: these were told to be raised, and their queue or user was deleted when nobody watched."""
        at = self._clock.now()
        for alert in orphans:
            news = News(rule=alert.rule(), at=at, what="cleared", figure=None, notify=True)
            for listener in self.listeners:
                listener(account, alert, news)

    def tell(self, account: int, fact: AnyFact) -> None:
        """Something has happened."""
        watched = self._accounts.get(account)
        if watched is None or not watched.stored:
            return
        queue = getattr(fact, "queue", None)
        if queue is not None:
            if not watched.alerts.watches(queue):
                return
            watched.queues.add(queue)
        elif isinstance(fact, AgentStateChanged):
            watched.agents.add(fact.agent)
        if watched.look is None and (watched.queues or watched.agents):
            watched.look = self._clock.call_at(self._clock.now() + SETTLE, lambda: self._settled(account, watched))

    def system(self, kind: Kind, value: float | None) -> None:
        """Of the whole installation: disk usage in per cent; 1 or None: it is so, or not."""
        self._system[kind] = value
        for account, watched in self._accounts.items():
            self._tell(account, watched, watched.alerts.system(kind, value, self._clock.now()))
            self._plan(account, watched)

    def of_account(self, account: int, kind: Kind, value: float | None) -> None:
        """Of an account as a whole; 1 or None: it is so, or not."""
        self._of_account[account, kind] = value
        watched = self._accounts.get(account)
        if watched is not None:
            self._tell(account, watched, watched.alerts.system(kind, value, self._clock.now()))
            self._plan(account, watched)

    def raised(self, account: int) -> list[Alert]:
        """Those that are raised now."""
        watched = self._accounts.get(account)
        return [] if watched is None else [watched.stored[id] for id in watched.alerts.raised()]

    def stop(self) -> None:
        """No more timers."""
        for watched in self._accounts.values():
            for timer in (watched.look, watched.wake):
                if timer is not None:
                    timer.cancel()
        self._accounts.clear()

    def _settled(self, account: int, watched: _Watched) -> None:
        watched.look = None
        for agent in watched.agents:
            watched.queues.update(q for q in self._queues_of(account, agent) if watched.alerts.watches(q))
        watched.agents.clear()
        self._look(account, watched)
        self._plan(account, watched)

    def _queues_of(self, account: int, agent: int) -> tuple[str, ...]:
        try:
            return self._centre.agent_status(account, None, agent, True)[0].queues
        except NotFound:
            return ()

    def _look(self, account: int, watched: _Watched) -> None:
        now = self._clock.now()
        for queue in sorted(watched.queues):
            self._tell(account, watched, watched.alerts.figures(queue, self._figures(account, queue, now), now))
        watched.queues.clear()

    def _figures(self, account: int, queue: str, now: float) -> Figures | None:
        try:
            [found] = self._centre.statistics(account, queue)
        except NotFound:
            return None
        return Figures(
            calls=found.calls_waiting,
            oldest=now - found.longest_wait if found.calls_waiting else None,
            agents=found.agents_signed_in,
            available=found.agents_available,
        )

    def _plan(self, account: int, watched: _Watched) -> None:
        at = watched.alerts.due()
        if at == watched.wakes_at:
            return
        if watched.wake is not None:
            watched.wake.cancel()
        watched.wakes_at, watched.wake = at, None
        if at is not None:
            watched.wake = self._clock.call_at(at, lambda: self._woken(account, watched))

    def _woken(self, account: int, watched: _Watched) -> None:
        watched.wake, watched.wakes_at = None, None
        self._tell(account, watched, watched.alerts.wake(self._clock.now()))
        self._plan(account, watched)

    def _tell(self, account: int, watched: _Watched, news: list[News]) -> None:
        for one in news:
            alert = watched.stored[one.rule.id]
            for listener in self.listeners:
                listener(account, alert, one)
