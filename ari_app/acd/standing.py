"""Where callers stand, changed while they wait."""

from __future__ import annotations

from ari_app.acd import callers, overflow
from ari_app.acd import events as e
from ari_app.acd.destination import Destination, Kind
from ari_app.acd.floor import Floor
from ari_app.acd.queue import Caller, CallerState
from ari_app.errors import CommandRefused, NotFound


def priority_changed(floor: Floor, event: e.PriorityChanged) -> None:
    """He moves among those who were there before and after him; among equals he stands by his time of joining, as if he
    had come with that priority. Phones that ring for him go on ringing: nobody's offer is taken away."""
    caller = _waiting(floor, event.call)
    if caller.priority != event.priority:
        caller.priority = event.priority
        floor.queues[caller.queue].enter(caller)
        floor.moved.add(caller.queue)


def sent_to_queue(floor: Floor, event: e.CallerSent) -> None:
    """Somebody sends him to another queue. There he waits anew, as after an overflow; here he is let go at once, also
    by phones that ring for him. Where he could not enter he is left where he stands."""
    caller = _on_the_line(floor, event.call)
    queue = floor.queues.get(event.queue)
    if queue is None:
        raise NotFound("There is no such queue.", queue=event.queue)
    reason = "there_already" if event.queue == caller.queue else overflow.refusal(queue, caller.wanted)
    if reason is not None:
        raise CommandRefused("He would not be let in.", reason=reason, queue=event.queue)
    callers.send(floor, caller, "sent", Destination(kind=Kind.QUEUE, to=event.queue))


def stolen(floor: Floor, event: e.CallerStolen) -> None:
    """Somebody takes him out of the queue; phones that ring for him stop, and nobody is blamed."""
    caller = _on_the_line(floor, event.call)
    callers.send(floor, caller, "stolen", Destination(kind=Kind.EXTENSION, to=event.to))


def _on_the_line(floor: Floor, call: str) -> Caller:
    caller = _waiting(floor, call)
    if caller.call_back is not None:
        raise NotFound("One who is to be called back does not wait on the line.", call=call)
    return caller


def _waiting(floor: Floor, call: str) -> Caller:
    caller = floor.callers.get(call)
    if caller is None or caller.state is CallerState.TALKING:
        raise NotFound("There is no such waiting call.", call=call)
    return caller
