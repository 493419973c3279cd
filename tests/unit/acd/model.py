"""A second opinion: what the state of queues and agents must be, worked out naively from what went in and came out.

It does not choose whom to ring; it judges each choice. It knows no index, no timer bookkeeping and no order but "look
at everything", so that an error of the engine is not likely to be its error too.
"""

from __future__ import annotations

from typing import Any

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.settings import Strategy
from tests.unit.acd.model_calls import Calls
from tests.unit.acd.model_state import Ring, Waiting


class Model(Calls):
    def told(self, event: Any, now: float, due: dict[str, float]) -> None:
        """What an event does by itself, before anyone is rung. due: the timers that were set."""
        self.now, self.expected, self.ignored = now, [], False
        if isinstance(event, e.TimerFired):
            self.on_TimerFired(event, due)
        else:
            getattr(self, f"on_{type(event).__name__}")(event)

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
