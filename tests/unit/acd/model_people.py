"""Of the model (model.py): what the configuration and people do to queues and agents."""

from __future__ import annotations

from ari_app.acd import events as e
from ari_app.acd.settings import AutoPause
from tests.unit.acd.model_due import Due
from tests.unit.acd.model_state import MISS_MEMORY, Member, Person, Ring, Waiting


class People(Due):
    # what events have in common

    def unpause(self, member: Member) -> None:
        member.paused = member.code = member.resume = None
        member.why = ""

    def sign_out(self, person: Person) -> None:
        self.stop_ringing(person, "agent_left")
        person.queues.clear()
        person.session, person.extension, person.cooling, person.late = "none", "", None, None

    def hung_up(self, person: Person) -> None:
        for queue in [name for name, member in person.queues.items() if member.leaving]:
            del person.queues[queue]
        self.forget(person)

    def forget(self, person: Person) -> None:
        if person.removed and self.call_of(person.number) is None:
            del self.people[person.number]

    def withdraw(self, offer: str, reason: str) -> None:
        del self.rings[offer]
        self.expected.append(("Withdraw", offer, reason))

    def stop_ringing(self, person: Person, reason: str, queue: str | None = None) -> None:
        offer = self.offer_of(person.number)
        if offer is not None and queue in (None, self.rings[offer].queue):
            call = self.calls[self.rings[offer].call]
            self.withdraw(offer, reason)
            self.rested(call)

    def leave(self, call: Waiting, reason: str) -> None:
        for offer in self.offers_of(call.call):
            self.withdraw(offer, reason)
        del self.calls[call.call]

    def missed(self, ring: Ring) -> None:
        self.calls[ring.call].missed.add(ring.agent)
        self.calls[ring.call].missed_at = self.now
        self.people[ring.agent].late = self.now + MISS_MEMORY
        self.rested(self.calls[ring.call])

    def rested(self, call: Waiting) -> None:
        retry = self.queues[call.queue].retry
        if not self.offers_of(call.call) and retry is not None and self.now >= call.missed_at + retry - 0.001:
            call.missed.clear()

    def auto_pause(self, ring: Ring) -> None:
        settings = self.queues[ring.queue]
        for queue, member in self.people[ring.agent].queues.items():
            everywhere = settings.auto_pause is AutoPause.ALL
            here = settings.auto_pause is AutoPause.YES and queue == ring.queue
            if member.paused is None and (everywhere or here):
                member.paused, member.why = self.now, "noanswer"
                member.resume = None if settings.system_resume is None else self.now + settings.system_resume

    def complete(self, call: Waiting) -> None:
        del self.calls[call.call]
        person = self.people[call.agent or 0]
        self.hung_up(person)
        if (member := person.queues.get(call.queue)) is not None:
            member.calls += 1
            member.last = self.now
            if self.queues[call.queue].wrap_up is not None:
                member.wrap = self.now

    # events

    def on_QueueConfigured(self, event: e.QueueConfigured) -> None:
        new = event.queue
        old = self.queues.get(new.extension)
        self.queues[new.extension] = new
        if old is None:
            return
        if not new.keep_place:
            self.keep_none(new.extension)
        if old.strategy is not new.strategy:
            self.turn.pop(new.extension, None)
        for person in self.people.values():
            if (member := person.queues.get(new.extension)) is None:
                continue
            if new.wrap_up is None:
                member.wrap = None
            if member.why and member.paused is not None:
                member.resume = None if new.system_resume is None else member.paused + new.system_resume
        for call in self.wanting():
            if call.queue == new.extension:
                self.rested(call)

    def on_QueueRemoved(self, event: e.QueueRemoved) -> None:
        if event.queue not in self.queues:
            self.ignored = True
            return
        for call in sorted(self.calls.values(), key=lambda x: x.place):
            if call.queue == event.queue and call.agent is None:
                self.leave(call, "caller_left")
                self.sent("Release", call, "queue_removed")
        for person in self.people.values():
            person.queues.pop(event.queue, None)
        del self.queues[event.queue]
        self.keep_none(event.queue)
        self.closed.discard(event.queue)
        self.turn.pop(event.queue, None)
        self.routing.pop(event.queue, None)
        self.overflow.pop(event.queue, None)

    def on_QueueClosed(self, event: e.QueueClosed) -> None:
        if event.queue not in self.queues:
            self.ignored = True
            return
        self.closed.add(event.queue)
        for call in sorted(self.calls.values(), key=lambda x: x.place):
            if event.leave and call.queue == event.queue and call.agent is None:
                self.leave(call, "caller_left")
                self.sent("Release", call, "closed")

    def on_QueueOpened(self, event: e.QueueOpened) -> None:
        self.ignored = event.queue not in self.closed
        self.closed.discard(event.queue)

    def on_RoutingConfigured(self, event: e.RoutingConfigured) -> None:
        if event.queue not in self.queues:
            self.ignored = True
            return
        self.routing[event.queue] = (event.rule, event.wanted)
        for call in self.calls.values():
            if self.stands(call, event.queue):
                self.see(call)

    def on_SkillsConfigured(self, event: e.SkillsConfigured) -> None:
        if event.agent not in self.people:
            self.ignored = True
            return
        self.people[event.agent].skills = dict(event.skills)

    def on_StatisticsReset(self, event: e.StatisticsReset) -> None:
        pass

    def on_AgentConfigured(self, event: e.AgentConfigured) -> None:
        person = self.people.setdefault(event.agent, Person(event.agent, {}))
        for queue, skill in event.bindings.items():
            if queue in person.queues and person.bindings.get(queue) != skill:
                person.queues[queue].skill = skill
        person.bindings = dict(event.bindings)
        person.removed = False

    def on_AgentRemoved(self, event: e.AgentRemoved) -> None:
        person = self.people.get(event.agent)
        if person is None:
            self.ignored = True
            return
        self.sign_out(person)
        person.bindings, person.removed = {}, True
        self.forget(person)

    def on_AgentSignedIn(self, event: e.AgentSignedIn) -> None:
        person = self.people[event.agent]
        for other in self.people.values():
            if other is not person and other.extension == event.extension:
                if other.session == "active":
                    other.session = "timed_out"
                    self.stop_ringing(other, "agent_left")
                other.extension = ""
        if person.extension != event.extension:
            self.stop_ringing(person, "agent_left")
        person.extension, person.session, person.late = event.extension, "active", None

    def on_AgentTimedOut(self, event: e.AgentTimedOut) -> None:
        person = self.people.get(event.agent)
        if person is None or person.session != "active":
            self.ignored = True
            return
        self.stop_ringing(person, "agent_left")
        person.session = "timed_out"

    def on_AgentSignedOut(self, event: e.AgentSignedOut) -> None:
        person = self.people.get(event.agent)
        if person is None or person.session == "none":
            self.ignored = True
            return
        self.sign_out(person)

    def on_QueueSignedIn(self, event: e.QueueSignedIn) -> None:
        person = self.people[event.agent]
        queues = event.queues
        if queues is None:
            here = [q for q, member in person.queues.items() if not member.leaving]
            queues = tuple(q for q in person.bindings if q in self.queues and q not in here)
        for i, queue in enumerate(queues):
            skill = person.bindings.get(queue, 3) if event.skills is None else event.skills[i]
            if (member := person.queues.get(queue)) is not None:
                member.leaving, member.skill = False, skill
                if event.paused and member.paused is None:
                    member.paused = self.now
                continue
            self.tick += 1
            person.queues[queue] = Member(skill, self.tick, paused=self.now if event.paused else None)
        person.late = None

    def on_QueueSignedOut(self, event: e.QueueSignedOut) -> None:
        person = self.people[event.agent]
        self.stop_ringing(person, "agent_left", event.queue)
        for queue in list(person.queues) if event.queue is None else [event.queue]:
            if self.call_of(person.number) is None:
                del person.queues[queue]
            else:
                person.queues[queue].leaving = True
        person.late = None

    def on_Paused(self, event: e.Paused) -> None:
        person = self.people[event.agent]
        self.stop_ringing(person, "agent_left", event.queue)
        for queue in list(person.queues) if event.queue is None else [event.queue]:
            member = person.queues[queue]
            member.wrap, member.resume = None, None
            if member.paused is None or (member.code, member.why) != (event.code, ""):
                member.paused, member.code, member.why = self.now, event.code, ""
        person.late = None

    def on_Resumed(self, event: e.Resumed) -> None:
        person = self.people[event.agent]
        for queue in list(person.queues) if event.queue is None else [event.queue]:
            self.unpause(person.queues[queue])
        person.late = None

    def on_WrapUpExited(self, event: e.WrapUpExited) -> None:
        person = self.people[event.agent]
        for queue, member in person.queues.items():
            if event.queue in (None, queue) or self.queues[queue].wrap_up_all_queues:
                member.wrap = None
        person.late = None

    def on_PhoneStateChanged(self, event: e.PhoneStateChanged) -> None:
        if self.phones.get(event.extension, "idle") == event.state:
            return
        self.phones[event.extension] = event.state
        if event.state == "idle":
            del self.phones[event.extension]
        for person in self.people.values():
            if person.extension == event.extension and event.state != "unavailable":
                person.late = None
            if person.extension == event.extension and event.state == "busy":
                self.stop_ringing(person, "private_call")
