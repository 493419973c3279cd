"""Of the model (model.py): what happens to callers, offers and conversations, and what time does."""

from __future__ import annotations

from typing import Any

from ari_app.acd import events as e
from ari_app.acd.destination import Kind, Overflow, When
from tests.unit.acd.model_people import People
from tests.unit.acd.model_state import COOL_DOWN, INSTEAD, Waiting


class Calls(People):
    def on_CallerJoined(self, event: e.CallerJoined) -> None:
        if event.call in self.calls:
            self.ignored = True
        elif (reason := self.no_entry(event.queue, event.wanted)) is not None:
            self.sent("Reject", event, reason)
        elif (elsewhere := self.diverted(event)) is not None:
            self.expected.append(("Reject", event.call, "diverted", elsewhere))
        else:
            self.expected.append(("Wait", event.call))
            self.tick += 1
            joined = self.now if event.joined_at is None else min(event.joined_at, self.now)
            call = Waiting(event.call, event.queue, event.priority, joined, self.tick, wanted=event.wanted)
            call.visited = event.visited
            call.number = event.number
            if (kept := self.kept.pop((event.queue, event.number), None)) is not None:
                (priority, call.placed, order), _ = kept
                call.priority, call.order = max(call.priority, -int(priority)), int(order)
            self.calls[event.call] = call
            self.see(call)

    def diverted(self, event: e.CallerJoined) -> str | None:
        """Where somebody goes who might enter."""
        waiting = self.lined_up(event.queue)
        at_work = [
            n
            for n, person in self.people.items()
            if event.queue in person.queues
            and not self.hindrances(n, event.queue) & {"invalid", "paused", "unavailable"}
        ]
        for rule in self.overflow.get(event.queue, ()):
            crowded = (rule.when is When.CALLERS and waiting >= rule.limit) or (
                rule.when is When.CALLERS_PER_AGENT and waiting + 1 > rule.limit * len(at_work)
            )
            if crowded and self.welcome(rule, event.queue, event.visited, event.wanted):
                return str(rule.destination)
        return None

    def leads_on(self, rule: Overflow, queue: str, visited: tuple[str, ...]) -> bool:
        to = rule.destination
        return to.kind is not Kind.QUEUE or (to.to in self.queues and to.to not in (*visited, queue))

    def welcome(self, rule: Overflow, queue: str, visited: tuple[str, ...], wanted: dict[str, int] | None) -> bool:
        into = rule.destination.kind is Kind.QUEUE
        return self.leads_on(rule, queue, visited) and (not into or self.no_entry(rule.destination.to, wanted) is None)

    def sent(self, order: str, call: Any, reason: str) -> None:
        """Somebody is not wanted (any more); where to is for the queue's rules to say. A queue that goes has none."""
        for rule in self.overflow.get(call.queue, ()) if reason != "queue_removed" else ():
            if rule.when == INSTEAD.get(reason) and self.leads_on(rule, call.queue, call.visited):
                self.expected.append((order, call.call, reason, str(rule.destination)))
                return
        self.expected.append((order, call.call, reason))

    def on_OverflowConfigured(self, event: e.OverflowConfigured) -> None:
        if event.queue in self.queues:
            self.overflow[event.queue] = event.rules
        else:
            self.ignored = True

    def on_PriorityChanged(self, event: e.PriorityChanged) -> None:
        self.calls[event.call].priority = event.priority

    def on_CallerSent(self, event: e.CallerSent) -> None:
        self.leave(self.calls[event.call], "caller_left")
        self.expected.append(("Release", event.call, "sent", f"queue:{event.queue}"))

    def on_CallerStolen(self, event: e.CallerStolen) -> None:
        self.leave(self.calls[event.call], "caller_left")
        self.expected.append(("Release", event.call, "stolen", f"extension:{event.to}"))

    def on_CallerLeft(self, event: e.CallerLeft) -> None:
        call = self.calls.get(event.call)
        if call is None:
            self.ignored = True
        elif call.agent is not None:
            self.complete(call)
        else:
            seconds, known = self.queues[call.queue].keep_place, (call.queue, call.number)
            if event.reason == "hangup" and call.number and seconds:
                place, _ = self.kept.get(known, (call.place, 0.0))
                self.kept[known] = (min(place, call.place), self.now + seconds)
            self.leave(call, "caller_left")

    def on_OfferRinging(self, event: e.OfferRinging) -> None:
        ring = self.rings.get(event.offer)
        self.ignored = ring is None or ring.rings
        if ring is not None:
            ring.rings = True

    def on_OfferAnswered(self, event: e.OfferAnswered) -> None:
        if event.offer not in self.rings:
            self.ignored = True
            talking = any(x.offer == event.offer for x in self.calls.values())
            if event.offer in self.issued and not talking:
                self.expected.append(("Withdraw", event.offer, "late"))
            return
        ring = self.rings.pop(event.offer)
        call = self.calls[ring.call]
        for other in self.offers_of(call.call):
            self.withdraw(other, "answered_elsewhere")
        call.agent, call.offer, call.answered = ring.agent, event.offer, self.now
        self.people[ring.agent].late = None
        self.expected.append(("Connect", call.call, event.offer))

    def on_OfferFailed(self, event: e.OfferFailed) -> None:
        if event.offer not in self.rings:
            self.ignored = True
            return
        ring = self.rings.pop(event.offer)
        person = self.people[ring.agent]
        person.cooling = self.now + (self.queues[ring.queue].retry or COOL_DOWN)
        person.cooled_by = event.reason
        self.missed(ring)
        if event.reason == "noanswer":
            self.auto_pause(ring)

    def on_ConnectFailed(self, event: e.ConnectFailed) -> None:
        call = next((x for x in self.calls.values() if x.offer == event.offer), None)
        if call is None:
            self.ignored = True
            return
        person = self.people[call.agent or 0]
        call.agent = call.offer = None
        self.hung_up(person)
        if call.queue not in self.queues:
            del self.calls[call.call]
            self.sent("Release", call, "queue_removed")
            return
        self.expected.append(("Wait", call.call))
        self.see(call)
        if self.queues[call.queue].retry is None:
            if person.session != "active":
                return
            person.cooling, person.cooled_by = self.now + COOL_DOWN, "error"
        else:
            call.missed.add(person.number)
            call.missed_at = self.now
        self.rested(call)

    def on_ConversationEnded(self, event: e.ConversationEnded) -> None:
        call = self.calls.get(event.call)
        if call is None or call.agent is None:
            self.ignored = True
            return
        self.complete(call)
        if event.by in ("agent", "system"):
            self.expected.append(("Release", event.call, "completed"))

    def on_TimerFired(self, event: e.TimerFired, due: dict[str, float]) -> None:
        at = due.get(event.timer)
        if at is None or self.now < at - 0.001:
            self.ignored = True
            return
        kind, *about = event.timer.split(":")
        getattr(self, f"timer_{kind}")(*about)

    def timer_wait(self, name: str) -> None:
        call = self.calls[name]
        self.leave(call, "caller_left")
        self.sent("Release", call, "timeout")

    def timer_over(self, name: str) -> None:
        call = self.calls[name]
        if self.offers_of(name):
            return
        for rule in self.overflow.get(call.queue, ()):
            waited = rule.when is When.WAIT and call.joined + rule.limit <= self.now + 0.001
            if waited and self.welcome(rule, call.queue, call.visited, call.wanted):
                self.leave(call, "caller_left")
                self.expected.append(("Release", name, "overflow", str(rule.destination)))
                return

    def timer_keep(self, queue: str, number: str) -> None:
        del self.kept[queue, number]

    def keep_none(self, queue: str) -> None:
        self.kept = {known: kept for known, kept in self.kept.items() if known[0] != queue}

    def timer_relax(self, name: str) -> None:
        call = self.calls[name]
        turn = min(t for t in self.turns(call.queue) if t > call.waited)
        call.waited = max(turn, self.now - call.since)

    def timer_retry(self, name: str) -> None:
        self.calls[name].missed.clear()

    def timer_ring(self, name: str) -> None:
        call = self.rings[name].call
        timeout = self.queues[self.rings[name].queue].agent_timeout
        assert timeout is not None
        for other in self.offers_of(call):
            if other == name or self.rings[other].since + timeout <= self.now + 0.001:
                ring = self.rings.pop(other)
                self.expected.append(("Withdraw", other, "noanswer"))
                self.missed(ring)
                self.auto_pause(ring)

    def timer_wrap(self, number: str, queue: str) -> None:
        self.people[int(number)].queues[queue].wrap = None

    def timer_resume(self, number: str, queue: str) -> None:
        self.unpause(self.people[int(number)].queues[queue])

    def timer_cool(self, number: str) -> None:
        self.people[int(number)].cooling = None

    def timer_say(self, name: str) -> None:
        """Changes nothing but what is said."""

    def timer_miss(self, number: str) -> None:
        self.people[int(number)].late = None
