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
from ari_app.acd.engine import Engine
from ari_app.errors import CommandRefused
from ari_app.simulate.callers import CallerPlan
from ari_app.simulate.draws import AnyTimes
from ari_app.simulate.measure import Measures
from ari_app.simulate.scenario import DAY, AgentGroup, Scenario

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
        self._heap: list[tuple[float, int, e.AnyEvent]] = []
        self._seq = 0
        self._timers: dict[str, float] = {}
        self._offers: set[str] = set()
        self._plans: dict[str, CallerPlan] = {}
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
            self._apply(e.QueueConfigured(queue=queue.settings()), 0.0)
        number = 0
        for group in self.scenario.agents:
            delay = self.scenario.answer_delay if group.answer_delay is None else group.answer_delay
            no_answer = self.scenario.no_answer if group.no_answer is None else group.no_answer
            for _ in range(group.count):
                number += 1
                self._phones[number] = (delay, no_answer)
                self._apply(e.AgentConfigured(agent=number, bindings=group.queues), 0.0)
                self._roster(number, group)
        for call, caller in self._plans.items():
            self._at(caller.at, e.CallerJoined(call=call, queue=caller.queue))

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
            case _:
                pass
        return True

    def _apply(self, event: e.AnyEvent, now: float) -> None:
        self.events += 1
        if isinstance(event, e.CallerJoined) and (patience := self._plans[event.call].patience) < END:
            self._at(now + patience, e.CallerLeft(call=event.call))
        with suppress(CommandRefused):  # a break after an early end of a shift, a wrap-up of somebody who went home
            for outcome in self.engine.apply(event, now):
                self._follow(outcome, now)
        if isinstance(event, e.AgentSignedOut):
            self.measures.went_home(event.agent, now)

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
                # Not in the plans any more: his patience is of no consequence now.
                self._at(now + self._plans.pop(outcome.call).handling, e.ConversationEnded(call=outcome.call))
            case c.CallerExited() | c.CallerRefused():
                self._plans.pop(outcome.call, None)
                self.measures.tell(outcome, now)
            case c.CallCompleted():
                self._wrap_up(outcome, now)
                self.measures.tell(outcome, now)
            case _:
                self.measures.tell(outcome, now)

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
