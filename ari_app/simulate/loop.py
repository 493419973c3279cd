"""Virtual time: events in order of time go through the engine, its commands become events.

Here is the world around the engine: callers who lose patience, phones that are answered or not, conversations that end,
shifts and breaks. What happens to calls is decided by the engine alone, the one that serves real calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from heapq import heappop, heappush
from random import Random

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.destination import Destination, Kind
from ari_app.acd.engine import Engine
from ari_app.errors import CommandRefused, NotFound
from ari_app.simulate.callers import CallerPlan
from ari_app.simulate.draws import AnyTimes
from ari_app.simulate.measure import Measures
from ari_app.simulate.scenario import AgentGroup, QueueDay, Scenario
from ari_app.simulate.times import DAY

#: a day is over at this time at the latest: callers without an end to their patience may wait where nobody comes
END = 2 * DAY


class Day:
    """One day of one scenario."""

    def __init__(self, scenario: Scenario, callers: Iterable[CallerPlan], seed: int, day: int) -> None:
        self.scenario = scenario
        self.engine = Engine(account=1)
        self.measures = Measures({q.extension: q.service_level for q in scenario.queue}, scenario.interval * 60)
        #: events given to the engine
        self.events = 0
        self._queues = {q.extension: q for q in scenario.queue}
        self._phones: dict[int, tuple[AnyTimes, float]] = {}
        self._ringing = Random(f"{seed}/{day}/phones")
        self._after = Random(f"{seed}/{day}/wrap-up")
        self._customers = Random(f"{seed}/{day}/call-backs")
        self._heap: list[tuple[float, int, e.AnyEvent]] = []
        self._seq = 0
        self._timers: dict[str, float] = {}
        self._offers: set[str] = set()
        self._plans: dict[str, CallerPlan] = {}
        #: those who are to be called back, by their first entry
        self._backs: dict[str, CallerPlan] = {}
        #: the queues that a caller came from
        self._visited: dict[str, tuple[str, ...]] = {}
        for number, caller in enumerate(callers, 1):
            self._plans[f"{day}-{number}"] = caller
        self._open()

    def run(self) -> Measures:
        """To the end of the last call."""
        now = 0.0
        while self._heap and self._heap[0][0] < END:
            now, _, event = heappop(self._heap)
            if self._holds(event, now):
                self._apply(event, now)
        self.measures.end_of_day(max(now, DAY))
        return self.measures

    def _at(self, when: float, event: e.AnyEvent) -> None:
        self._seq += 1
        heappush(self._heap, (when, self._seq, event))

    def _open(self) -> None:
        """Queues and agents, before midnight; then shifts, then callers: who comes on the minute finds them there."""
        for queue in self.scenario.queue:
            self._configure(queue)
        number = 0
        for group in self.scenario.agents:
            delay = self.scenario.answer_delay if group.answer_delay is None else group.answer_delay
            no_answer = self.scenario.no_answer if group.no_answer is None else group.no_answer
            for _ in range(group.count):
                number += 1
                self._phones[number] = (delay, no_answer)
                self._apply(e.AgentConfigured(agent=number, bindings=group.queues), 0.0)
                if group.skills:
                    self._apply(e.SkillsConfigured(agent=number, skills=group.skills), 0.0)
                self._roster(number, group)
        for call, caller in self._plans.items():
            self._at(caller.at, e.CallerJoined(call=call, queue=caller.queue, wanted=caller.wanted))

    def _configure(self, queue: QueueDay) -> None:
        name = queue.extension
        self._apply(e.QueueConfigured(queue=queue.settings()), 0.0)
        if queue.rule or queue.skills:
            self._apply(e.RoutingConfigured(queue=name, rule=queue.rule, wanted=queue.skills), 0.0)
        if queue.overflow:
            rules = tuple(rule.rule() for rule in queue.overflow)
            self._apply(e.OverflowConfigured(queue=name, rules=rules), 0.0)
        if queue.hours is None:
            return
        leave = queue.closing == "leave"
        self._apply(e.QueueClosed(queue=name, leave=leave), 0.0)
        for part in queue.hours:
            self._at(part.start, e.QueueOpened(queue=name))
            if all(part.end != other.start for other in queue.hours):
                self._at(part.end, e.QueueClosed(queue=name, leave=leave))

    def _roster(self, agent: int, group: AgentGroup) -> None:
        for shift in group.shifts:
            self._at(shift.start, e.AgentSignedIn(agent=agent, extension=f"agent-{agent}"))
            self._at(shift.start, e.QueueSignedIn(agent=agent))
            if shift.end < DAY:  # at midnight the day is over; calls that wait are served to the end
                self._at(shift.end, e.AgentSignedOut(agent=agent))
        for pause in group.breaks:
            self._at(pause.start, e.Paused(agent=agent))
            self._at(pause.end, e.Resumed(agent=agent))

    def _holds(self, event: e.AnyEvent, now: float) -> bool:
        """Whether what was foreseen still comes about."""
        match event:
            case e.TimerFired():
                if self._timers.get(event.timer) != now:
                    return False
                del self._timers[event.timer]
            case e.OfferAnswered():
                return event.offer in self._offers
            case e.CallerLeft():
                return event.call in self._plans
            case e.CallBackRequested():
                return event.call in self._plans and event.call not in self._visited
            case _:
                pass
        return True

    def _apply(self, event: e.AnyEvent, now: float) -> None:
        self.events += 1
        if isinstance(event, e.CallerJoined) and not event.visited:
            self._comes(event, now)
        # a break after an early end of a shift, a wrap-up of somebody who went home, a call-back for whom talks already
        with suppress(CommandRefused, NotFound):
            for outcome in self.engine.apply(event, now):
                self._follow(outcome, now)
        if isinstance(event, e.AgentSignedOut):
            self.measures.went_home(event.agent, now)

    def _comes(self, event: e.CallerJoined, now: float) -> None:
        plan = self._plans[event.call]
        if plan.patience < END:
            self._at(now + plan.patience, e.CallerLeft(call=event.call))
        if plan.asks is not None:
            back = e.CallBackRequested(entry=f"back-{event.call}", queue=plan.queue, number=event.call, call=event.call)
            self._at(now + plan.asks, back)

    def _follow(self, outcome: c.AnyCommand | c.AnyFact, now: float) -> None:
        match outcome:
            case c.StartTimer():
                self._timers[outcome.timer] = outcome.at
                self._at(outcome.at, e.TimerFired(timer=outcome.timer))
            case c.CancelTimer():
                self._timers.pop(outcome.timer, None)
            case c.Offer():
                self._offer(outcome, now)
            case c.Withdraw():
                self._offers.discard(outcome.offer)
            case c.Connect():
                self._offers.discard(outcome.offer)
                self._connect(outcome, now)
            case c.Release(to=to) | c.Reject(to=to):
                self._let_go(outcome, to, now)
            case c.CallerExited(outcome="abandoned"):
                self._forget(outcome.call)
                self.measures.tell(outcome, now)
            case c.CallCompleted():
                self._wrap_up(outcome, now)
                self.measures.tell(outcome, now)
            case _:
                self.measures.tell(outcome, now)

    def _connect(self, order: c.Connect, now: float) -> None:
        back = self.engine.call_back(order.call)
        if back is None:
            # Not in the plans any more: his patience is of no consequence now.
            plan = self._plans[order.call]
            self._forget(order.call)
            self._at(now + plan.handling, e.ConversationEnded(call=order.call))
            return
        wishes = self._queues[order.queue].call_back
        assert wishes is not None
        # Both are drawn always, so that one does not shift the other's chances.
        after, found = wishes.answer.draw(self._customers), self._customers.random() < wishes.reached
        if found and after < wishes.ring:
            self._at(now + after, e.CallBackReached(entry=order.call))
            self._at(now + after + self._backs[back.request].handling, e.ConversationEnded(call=order.call))
        else:
            self._at(now + wishes.ring, e.CallBackFailed(entry=order.call, reason="noanswer"))

    def _let_go(self, order: c.Release | c.Reject, to: Destination | None, now: float) -> None:
        """As acd/queue_program.py: he goes where the engine says. An extension or a message is the end of him here."""
        plan = self._plans.get(order.call)
        if plan is None:  # after a conversation, or an attempt to call somebody back
            return
        if order.reason == "call_back":
            self._backs[f"back-{order.call}"] = plan
        if to is None or to.kind is not Kind.QUEUE:
            self._forget(order.call)
            return
        visited = self._visited[order.call] = (*self._visited.get(order.call, ()), order.queue)
        self._at(now, e.CallerJoined(call=order.call, queue=to.to, wanted=plan.wanted, visited=visited))

    def _forget(self, call: str) -> None:
        self._plans.pop(call, None)
        self._visited.pop(call, None)

    def _offer(self, offer: c.Offer, now: float) -> None:
        delay, no_answer = self._phones[offer.agent]
        # Both are drawn always, so that one does not shift the other's chances.
        after, taken = delay.draw(self._ringing), self._ringing.random() >= no_answer
        if taken:
            self._offers.add(offer.offer)
            self._at(now + after, e.OfferAnswered(offer=offer.offer))

    def _wrap_up(self, call: c.CallCompleted, now: float) -> None:
        queue = self._queues[call.queue]
        if queue.wrap_up_time is not None:
            seconds = queue.wrap_up_time.draw(self._after)
            # Longer than the queue allows: the engine's own timer ends it, and this must not end the next one.
            if queue.wrap_up == 0 or seconds < (queue.wrap_up or 0):
                self._at(now + seconds, e.WrapUpExited(agent=call.agent, queue=call.queue))
