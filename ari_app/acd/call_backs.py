"""Call-backs: a caller is called when it is his turn, instead of waiting on the line (virtual hold).

He stands in the queue like everybody else, at the place of the caller he was. When an agent is found, the agent's phone
rings first; the customer is called when the agent has answered. So there are never more call-backs under way than
agents who have taken one, and nobody who is called back has to wait for an agent.

One who is not reached is called again after `call_back_retry` seconds, `call_back_attempts` times in all, and keeps his
place; between the attempts nobody who waits is held up by him. Each attempt is an entry of its own, with an id, a live
call and a row in the record of its own: its waits and its end are those of that attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ari_app.acd import callers, skills
from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.floor import Floor
from ari_app.acd.queue import CallBack, Caller, CallerState
from ari_app.errors import AlreadyRequested, CommandRefused, NotFound


def requested(floor: Floor, event: e.CallBackRequested) -> None:
    queue = floor.queues.get(event.queue)
    if queue is None:
        raise NotFound("There is no such queue.", queue=event.queue)
    if event.number in queue.called_back or event.entry in floor.callers:
        raise AlreadyRequested("This number waits to be called back already.", number=event.number)
    caller = _on_the_line(floor, event)
    if caller is not None:
        callers.release(floor, caller, "call_back")
    _enter(
        floor,
        Caller(
            call=event.entry,
            queue=event.queue,
            priority=event.priority if caller is None else caller.priority,
            joined_at=floor.now,
            placed_at=None if caller is None else caller.place[1],
            order=floor.order() if caller is None else caller.order,
            original_position=0,
            wanted=None if caller is None else caller.wanted,
            waited=0.0 if caller is None else caller.waited,
            call_back=CallBack(
                number=event.number,
                name=event.name,
                shown=event.shown or event.queue,
                request=event.entry,
                requested_at=floor.now,
            ),
        ),
    )


def _on_the_line(floor: Floor, event: e.CallBackRequested) -> Caller | None:
    """Who is to be called back instead of waiting."""
    if event.call is None:
        return None
    caller = floor.callers.get(event.call)
    if caller is None or caller.queue != event.queue or caller.call_back or caller.state is CallerState.TALKING:
        raise NotFound("There is no such call in this queue.", call=event.call)
    return caller


def _enter(floor: Floor, caller: Caller) -> None:
    """At his place, which moves those behind it on."""
    queue = floor.queues[caller.queue]
    floor.callers[caller.call] = caller
    queue.enter(caller)
    skills.watch(floor, queue, caller)
    caller.original_position = queue.places.position(caller.call)
    floor.moved.add(caller.queue)
    floor.tell(
        c.CallerEntered(
            at=floor.now,
            call=caller.call,
            queue=caller.queue,
            position=caller.original_position,
            priority=caller.priority,
            call_back=True,
        )
    )
    if caller.state is CallerState.LATER:
        floor.start(f"again:{caller.call}", floor.now + queue.settings.call_back_retry)
    else:
        floor.want(caller)


def due(floor: Floor, entry: str) -> None:
    """The timer "again:<entry>"."""
    floor.want(floor.callers[entry])


def cancelled(floor: Floor, event: e.CallBackCancelled) -> None:
    caller = floor.callers.get(event.entry)
    if caller is None or caller.call_back is None:
        raise NotFound("There is no such call-back.", entry=event.entry)
    if caller.state is CallerState.TALKING:
        raise CommandRefused("An agent calls him back at this moment.", entry=event.entry)
    callers.release(floor, caller, "cancelled")


def reached(floor: Floor, event: e.CallBackReached) -> None:
    caller = floor.callers.get(event.entry)
    back = None if caller is None else caller.call_back
    if caller is None or back is None or back.reached or caller.agent is None:
        return floor.ignore()
    back.reached = True
    if (queue := floor.queues.get(caller.queue)) is not None:
        queue.called_back.discard(back.number)
    caller.answered_at = floor.now
    return floor.tell(
        c.CallerServed(
            at=floor.now,
            call=caller.call,
            queue=caller.queue,
            agent=caller.agent,
            wait=max(0.0, floor.now - caller.joined_at),
            ring=back.ring,
            call_back=True,
        )
    )


def failed(floor: Floor, event: e.CallBackFailed) -> None:
    caller = floor.callers.get(event.entry)
    if caller is None or caller.call_back is None or caller.call_back.reached:
        return floor.ignore()
    return not_reached(floor, caller, event.reason)


def unless_dialling(rule: Callable[[Floor, Any], None]) -> Callable[[Floor, Any], None]:
    """The rule for an event that ends a call; with one exception: a call-back whose agent goes before the customer has
    answered was no conversation, and is not lost."""

    def guarded(floor: Floor, event: Any) -> None:
        caller = floor.callers.get(event.call)
        if caller is not None and caller.call_back is not None and not caller.call_back.reached:
            return not_reached(floor, caller, "lost")
        return rule(floor, event)

    return guarded


def not_reached(floor: Floor, caller: Caller, reason: str) -> None:
    """An attempt is over. The next one is begun, later or at once, or this was the last."""
    back = caller.call_back
    if back is None:
        raise ValueError(f"{caller.call} is no call-back")
    queue = floor.queues.get(caller.queue)
    failures = back.failures + (reason != "lost")
    over = queue is None or failures >= queue.settings.call_back_attempts
    if caller.offer is not None and caller.agent is not None:
        del floor.talking[caller.offer]
        callers.hang_up(floor, floor.agents[caller.agent])
    callers.release(floor, caller, "given_up" if over else "not_reached")
    if over:
        return
    entry = back.entry + 1
    _enter(
        floor,
        Caller(
            call=f"{back.request}-{entry}",
            queue=caller.queue,
            priority=caller.priority,
            joined_at=floor.now,
            placed_at=caller.place[1],
            order=caller.order,
            original_position=0,
            wanted=caller.wanted,
            waited=caller.waited,
            state=CallerState.LATER if failures > back.failures else CallerState.WAITING,
            call_back=CallBack(
                number=back.number,
                name=back.name,
                shown=back.shown,
                request=back.request,
                requested_at=back.requested_at,
                entry=entry,
                failures=failures,
            ),
        ),
    )
