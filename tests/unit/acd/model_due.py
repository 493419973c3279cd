"""Of the model (model.py): which commands are refused, and which timers must be set."""

from __future__ import annotations

from typing import Any

from ari_app.acd import events as e
from ari_app.errors import AlreadySignedIn, CommandRefused, NotFound, NotSignedIn
from tests.unit.acd.model_state import BAD_RULES, Known


class Due(Known):
    def refusal(self, event: Any) -> type[Exception] | None:
        """Why a command of people is refused, if it is."""
        person = self.people.get(getattr(event, "agent", -1))
        match event:
            case e.PriorityChanged() | e.CallerSent() | e.CallerStolen():
                return self.immovable(event)
            case e.RoutingConfigured():
                return CommandRefused if event.rule in BAD_RULES else None
            case e.AgentSignedIn():
                return NotFound if person is None or person.removed else None
            case e.QueueSignedIn():
                if person is None or person.session != "active":
                    return NotSignedIn
                for queue in event.queues or ():
                    if queue not in self.queues:
                        return NotFound
                    if queue in person.queues and not person.queues[queue].leaving:
                        return AlreadySignedIn
                return AlreadySignedIn if len(set(event.queues or ())) < len(event.queues or ()) else None
            case e.QueueSignedOut() | e.Paused() | e.Resumed() | e.WrapUpExited():
                if person is None or person.session == "none":
                    return NotSignedIn
                if event.queue is not None and event.queue not in self.queues:
                    return NotFound
                joined = person.queues if event.queue is None else event.queue in person.queues
                return None if joined else NotSignedIn
        return None

    def immovable(self, event: Any) -> type[Exception] | None:
        """Why a caller does not come to stand elsewhere, if he does not."""
        call = self.calls.get(event.call)
        if call is None or call.agent is not None:
            return NotFound
        if isinstance(event, e.PriorityChanged | e.CallerStolen):
            return None
        if event.queue not in self.queues:
            return NotFound
        return CommandRefused if call.queue == event.queue or self.no_entry(event.queue, call.wanted) else None

    def timers(self) -> dict[str, float]:
        due: dict[str, float] = {}
        for call in self.calls.values():
            settings = self.queues.get(call.queue)
            if call.agent is None and settings is not None and settings.max_wait is not None:
                due[f"wait:{call.call}"] = call.joined + settings.max_wait
            if call.agent is None and (turns := [t for t in self.turns(call.queue) if t > call.waited]):
                due[f"relax:{call.call}"] = call.since + turns[0]
        for call in self.wanting():
            if call.missed:
                due[f"retry:{call.call}"] = call.missed_at + (self.queues[call.queue].retry or 0)
        for name, ring in self.rings.items():
            if (timeout := self.queues[ring.queue].agent_timeout) is not None:
                due[f"ring:{name}"] = ring.since + timeout
        due |= {f"keep:{queue}:{number}": until for (queue, number), (_, until) in self.kept.items()}
        return due | self.timers_of_agents()

    def timers_of_agents(self) -> dict[str, float]:
        due: dict[str, float] = {}
        for person in self.people.values():
            if person.cooling is not None:
                due[f"cool:{person.number}"] = person.cooling
            if person.late is not None:
                due[f"miss:{person.number}"] = person.late
            for queue, member in person.queues.items():
                if member.resume is not None:
                    due[f"resume:{person.number}:{queue}"] = member.resume
                if member.wrap is not None and (seconds := self.queues[queue].wrap_up):
                    due[f"wrap:{person.number}:{queue}"] = member.wrap + seconds
        return due
