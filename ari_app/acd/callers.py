"""What happens to callers: they join, wait, leave, talk, and are done."""

from __future__ import annotations

from ari_app.acd import announcements, estimate, keeping, overflow, skills
from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.agent import Agent
from ari_app.acd.destination import Destination
from ari_app.acd.floor import Floor
from ari_app.acd.queue import Caller, CallerState, OpenOffer

#: CallerLeft.reason -> CallerExited.outcome, where they are not the same
OUTCOMES = {"hangup": "abandoned"}


def joined(floor: Floor, event: e.CallerJoined) -> None:
    if event.call in floor.callers:
        return floor.ignore()
    queue = floor.queues.get(event.queue)
    if queue is None:
        return _refuse(floor, event, "nonexistent")
    if reason := overflow.refusal(queue, event.wanted):
        return _refuse(floor, event, reason)
    if queue.record.overflow and (elsewhere := overflow.at_the_door(floor, queue, event.visited, event.wanted)):
        return _refuse(floor, event, "diverted", elsewhere)
    kept = keeping.take_back(floor, queue, event.number)
    caller = Caller(
        call=event.call,
        queue=event.queue,
        priority=event.priority if kept is None else max(event.priority, kept.priority),
        joined_at=floor.now if event.joined_at is None else min(float(event.joined_at), floor.now),
        order=floor.order() if kept is None else kept.order,
        number=event.number,
        placed_at=None if kept is None else kept.since,
        original_position=0,
        wanted=None if event.wanted is None else dict(event.wanted),
        visited=tuple(event.visited),
    )
    floor.callers[event.call] = caller
    queue.enter(caller)
    caller.original_position = queue.places.position(caller.call)
    expected = estimate.estimate(queue, caller.original_position)
    if expected != 0.0:
        caller.stood_in_line, caller.estimate = True, expected
    floor.do(c.Wait(call=caller.call, queue=caller.queue))
    floor.tell(
        c.CallerEntered(
            at=floor.now,
            call=caller.call,
            queue=caller.queue,
            position=caller.original_position,
            priority=caller.priority,
        )
    )
    floor.start_or_cancel(f"wait:{caller.call}", caller.joined_at, queue.settings.max_wait)
    if queue.record.rule:
        skills.watch(floor, queue, caller)
    if queue.record.overflow:
        overflow.watch(floor, queue, caller)
    if caller.original_position < len(queue.places):  # at the end he is in nobody's way
        floor.moved.add(caller.queue)
    floor.want(caller)


def _refuse(floor: Floor, event: e.CallerJoined, reason: str, to: Destination | None = None) -> None:
    to = to or overflow.instead(floor, floor.queues.get(event.queue), reason, tuple(event.visited))
    floor.do(c.Reject(call=event.call, queue=event.queue, reason=reason, to=to))
    went = "" if to is None else str(to)
    floor.tell(c.CallerRefused(at=floor.now, call=event.call, queue=event.queue, reason=reason, to=went))


def left(floor: Floor, event: e.CallerLeft) -> None:
    caller = floor.callers.get(event.call)
    if caller is None:
        return floor.ignore()
    if caller.state is CallerState.TALKING:
        return _complete(floor, caller, "caller" if event.reason == "hangup" else "transfer")
    if event.reason == "hangup":
        keeping.keep(floor, floor.queues[caller.queue], caller)
    return exit_queue(floor, caller, OUTCOMES.get(event.reason, event.reason))


def conversation_ended(floor: Floor, event: e.ConversationEnded) -> None:
    caller = floor.callers.get(event.call)
    if caller is None or caller.state is not CallerState.TALKING:
        return floor.ignore()
    return _complete(floor, caller, event.by, event.to)


def waited_too_long(floor: Floor, call: str) -> None:
    """The timer "wait:<call>"."""
    release(floor, floor.callers[call], "timeout")


def waited_for_others(floor: Floor, call: str) -> None:
    """The timer "over:<call>"."""
    if to := overflow.due(floor, call):
        send(floor, floor.callers[call], "overflow", to)


def paused_long_enough(floor: Floor, call: str) -> None:
    """The timer "retry:<call>"."""
    caller = floor.callers[call]
    floor.end_rest(caller)
    floor.want(caller)


def release(floor: Floor, caller: Caller, reason: str) -> None:
    """The queue gives up on a caller who is still there."""
    to = None
    if caller.call_back is None:
        to = overflow.instead(floor, floor.queues.get(caller.queue), reason, caller.visited)
    send(floor, caller, reason, to)


def send(floor: Floor, caller: Caller, reason: str, to: Destination | None) -> None:
    """A caller who is still there leaves the queue, for somewhere else or (None) for good."""
    exit_queue(floor, caller, reason, "" if to is None else str(to))
    floor.do(c.Release(call=caller.call, queue=caller.queue, reason=reason, to=to))


def exit_queue(floor: Floor, caller: Caller, outcome: str, to: str = "") -> None:
    """A caller who was not answered is out of the queue; phones that ring for him stop, and nobody is blamed."""
    for name in list(caller.offers):
        floor.do(c.Withdraw(offer=name, reason="caller_left"))
        end_offer(floor, floor.offers[name], "caller_left")
    queue = floor.queues.get(caller.queue)
    position = 0 if queue is None else queue.leave(caller)
    if queue is not None and caller.call_back is not None:
        queue.called_back.discard(caller.call_back.number)
    floor.cancel(f"wait:{caller.call}")
    floor.cancel(f"retry:{caller.call}")
    floor.cancel(f"again:{caller.call}")
    if queue is not None and queue.record.rule:
        floor.cancel(f"relax:{caller.call}")
    if queue is not None and queue.record.overflow:
        floor.cancel(f"over:{caller.call}")
    announcements.end(floor, caller)
    floor.moved.add(caller.queue)
    floor.loose.pop(caller.call, None)
    del floor.callers[caller.call]
    floor.tell(
        c.CallerExited(
            at=floor.now,
            call=caller.call,
            queue=caller.queue,
            outcome=outcome,
            wait=max(0.0, floor.now - caller.joined_at),
            position=position,
            call_back=caller.call_back is not None,
            to=to,
        )
    )


def end_offer(floor: Floor, offer: OpenOffer, outcome: str) -> None:
    """An offer is over; the agent's phone is his again. What becomes of the caller is for whoever calls this."""
    del floor.offers[offer.offer]
    floor.callers[offer.call].offers.remove(offer.offer)
    agent = floor.agents[offer.agent]
    agent.offer = None
    floor.changed(agent)
    floor.cancel(f"ring:{offer.offer}")
    floor.tell(
        c.OfferEnded(
            at=floor.now,
            offer=offer.offer,
            call=offer.call,
            queue=offer.queue,
            agent=offer.agent,
            outcome=outcome,
            ring=max(0.0, floor.now - offer.since),
        )
    )


def _complete(floor: Floor, caller: Caller, by: str, to: str = "") -> None:
    assert caller.agent is not None
    assert caller.offer is not None
    del floor.callers[caller.call]
    del floor.talking[caller.offer]
    floor.tell(
        c.CallCompleted(
            at=floor.now,
            call=caller.call,
            queue=caller.queue,
            agent=caller.agent,
            talk=max(0.0, floor.now - caller.answered_at),
            wait=max(0.0, caller.answered_at - caller.joined_at),
            by=by,
            call_back=caller.call_back is not None,
            to=to,
        )
    )
    if by in ("agent", "system"):
        floor.do(c.Release(call=caller.call, queue=caller.queue, reason="completed"))
    agent = floor.agents[caller.agent]
    hang_up(floor, agent)
    if caller.queue in agent.memberships:
        _wrap_up(floor, agent, caller.queue)


def hang_up(floor: Floor, agent: Agent) -> None:
    """An agent is not on a call any more, and leaves the queues that he meant to leave after it."""
    agent.call = None
    floor.changed(agent)
    for extension in [name for name, membership in agent.memberships.items() if membership.signing_out]:
        floor.leave(agent, extension)
    if agent.removed:
        floor.forget(agent)


def _wrap_up(floor: Floor, agent: Agent, extension: str) -> None:
    membership = agent.memberships[extension]
    membership.calls_taken += 1
    membership.last_call_at = floor.now
    seconds = floor.queues[extension].settings.wrap_up
    if seconds is not None:
        membership.wrap_up_since = floor.now
        if seconds > 0:
            floor.start(f"wrap:{agent.id}:{extension}", floor.now + seconds)
