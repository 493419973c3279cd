"""Where callers stand, changed while they wait."""

from __future__ import annotations

from ari_app.acd import events as e
from ari_app.acd.floor import Floor
from ari_app.acd.queue import CallerState
from ari_app.errors import NotFound


def priority_changed(floor: Floor, event: e.PriorityChanged) -> None:
    """He moves among those who were there before and after him; among equals he stands by his time of joining, as if he
    had come with that priority. Phones that ring for him go on ringing: nobody's offer is taken away."""
    caller = floor.callers.get(event.call)
    if caller is None or caller.state is CallerState.TALKING:
        raise NotFound("There is no such waiting call.", call=event.call)
    if caller.priority != event.priority:
        caller.priority = event.priority
        floor.queues[caller.queue].enter(caller)
        floor.moved.add(caller.queue)
