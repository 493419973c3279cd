"""A contact centre in virtual time, for tests: an engine, a clock, and what has come out so far."""

from __future__ import annotations

from typing import Any

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.commands import AnyCommand, AnyFact
from ari_app.acd.engine import Engine
from ari_app.acd.settings import QueueSettings
from ari_app.acd.views import AgentQueueStatus

START = 1_000_000.0


class Scene:
    def __init__(self) -> None:
        self.engine = Engine(1)
        self.now = START
        #: all that came out, and when
        self.out: list[tuple[float, AnyCommand | AnyFact]] = []
        #: timers as whoever carries the commands out knows them
        self.timers: dict[str, float] = {}

    def apply(self, event: e.AnyEvent) -> list[AnyCommand | AnyFact]:
        if isinstance(event, e.TimerFired):
            self.timers.pop(event.timer, None)
        out = self.engine.apply(event, self.now)
        for item in out:
            self.out.append((self.now, item))
            if isinstance(item, c.StartTimer):
                self.timers[item.timer] = item.at
            elif isinstance(item, c.CancelTimer):
                del self.timers[item.timer]
        assert self.timers == self.engine.timers()
        return out

    def advance(self, seconds: float) -> list[AnyCommand | AnyFact]:
        """Time goes on; timers fire when they are due."""
        end, out = self.now + seconds, []
        while self.timers:
            at, timer = min((at, timer) for timer, at in self.timers.items())
            if at > end:
                break
            self.now = max(self.now, at)
            out += self.apply(e.TimerFired(timer=timer))
        self.now = end
        return out

    # what happens

    def queue(self, extension: str = "500", **settings: Any) -> None:
        settings = {"strategy": "linear", "agent_timeout": 15.0, "retry": 5.0, **settings}
        self.apply(e.QueueConfigured(queue=QueueSettings(extension=extension, **settings)))

    def agent(self, number: int, *queues: str, skill: int | None = None, **signing_in: Any) -> None:
        """Configured, signed in at extension 2xx, and signed in to queues (500, if none is named)."""
        self.apply(e.AgentConfigured(agent=number))
        self.apply(e.AgentSignedIn(agent=number, extension=f"2{number:02}"))
        names = queues or ("500",)
        skills = None if skill is None else (skill,) * len(names)
        self.apply(e.QueueSignedIn(agent=number, queues=names, skills=skills, **signing_in))

    def join(self, call: str, queue: str = "500", **more: Any) -> list[AnyCommand | AnyFact]:
        return self.apply(e.CallerJoined(call=call, queue=queue, **more))

    def answer(self, call: str, agent: int | None = None) -> list[AnyCommand | AnyFact]:
        return self.apply(e.OfferAnswered(offer=self.offer(call, agent)))

    def fail(self, call: str, reason: str, agent: int | None = None) -> list[AnyCommand | AnyFact]:
        return self.apply(e.OfferFailed(offer=self.offer(call, agent), reason=reason))

    def end(self, call: str, by: str = "agent") -> list[AnyCommand | AnyFact]:
        return self.apply(e.ConversationEnded(call=call, by=by))

    # what is seen

    def offer(self, call: str, agent: int | None = None) -> str:
        (offer,) = (x.offer for x in self.engine.open_offers() if x.call == call and agent in (None, x.agent))
        return offer

    def ringing(self) -> dict[str, list[int]]:
        """call -> agents whose phones ring for it."""
        rings: dict[str, list[int]] = {}
        for offer in self.engine.open_offers():
            rings.setdefault(offer.call, []).append(offer.agent)
        return rings

    def talking(self) -> dict[str, int]:
        return {x.call: x.agent for x in self.engine.conversations()}

    def waiting(self, queue: str = "500") -> list[str]:
        return [x.call for x in self.engine.queued_calls(queue, self.now)]

    def row(self, agent: int, queue: str = "500") -> AgentQueueStatus:
        (row,) = self.engine.agent_status(queue, agent)
        return row

    def status(self, agent: int, queue: str | None = "500") -> str:
        if queue is None:
            (row,) = self.engine.agent_status(agent=agent, combined=True)
            return row.status
        return self.row(agent, queue).status

    def rang(self) -> list[tuple[float, str, int]]:
        """Every offer so far: seconds since the start, call, agent."""
        return [(at - START, x.call, x.agent) for at, x in self.out if isinstance(x, c.Offer)]


def of(kind: type, out: list[AnyCommand | AnyFact]) -> list[Any]:
    return [x for x in out if isinstance(x, kind)]


def plain(out: list[AnyCommand | AnyFact]) -> list[tuple[Any, ...]]:
    """Commands without timers, short: (name, *values); where a caller goes only if he does."""
    return [
        (type(x).__name__, *(v for f in x.__struct_fields__ if (v := getattr(x, f)) is not None or f != "to"))
        for x in out
        if isinstance(x, c.Command) and not isinstance(x, c.StartTimer | c.CancelTimer)
    ]
