"""Overflow: where callers go whom a queue does not serve.

A queue has rules, looked at in their order; the first that applies and can be followed is. Of three kinds:

* At the door, before a caller enters: so many wait already (`callers`), so many would wait for each agent at work
  (`callersPerAgent`), it would take him so long (`estimatedWait`).
* While he waits: for so many seconds (`wait`). Never while a phone rings for him; then as soon as it has ceased to.
* Instead of being hung up on: `full`, `empty` and `closed` (he may not enter), `leaveEmpty`, `timeout` (of the queue's
  maxWaitTime) and `noAnswer` (nobody took him and nobody is to be tried again).

A destination is another queue, an extension, or a message. A caller never goes back to a queue that he came from, so
no circle of queues can keep him. Rules of the first two kinds take him only where he will be let in: he would lose his
place for nothing. Where none can be followed he is looked at again in RETRY seconds.

An agent is at work who is signed in, not paused, and has a phone that can be reached.
"""

from __future__ import annotations

from ari_app.acd import estimate
from ari_app.acd import events as e
from ari_app.acd.destination import Destination, Kind, Overflow, When
from ari_app.acd.emptiness import Fitness, may_join
from ari_app.acd.floor import EARLY, Floor
from ari_app.acd.queue import Caller, CallerState, Queue

#: seconds until it is tried again to move a caller whom no destination would take
RETRY = 10.0

#: why the queue sends a caller away (Reject.reason, Release.reason) -> the rule that says where to
_INSTEAD = {
    "full": When.FULL,
    "empty": When.EMPTY,
    "closed": When.CLOSED,
    "leave_empty": When.LEAVE_EMPTY,
    "timeout": When.TIMEOUT,
    "no_retry": When.NO_ANSWER,
}


def overflow_configured(floor: Floor, event: e.OverflowConfigured) -> None:
    queue = floor.queues.get(event.queue)
    if queue is None:
        return floor.ignore()
    queue.overflow(event.rules)
    for number in sorted(queue.members):
        floor.changed(queue.members[number])
    for key in queue.places.keys:
        watch(floor, queue, floor.callers[key[-1]])
    return None


def refusal(queue: Queue, wanted: dict[str, int] | None) -> str | None:
    """Why one who wants these skills (None: does not say) may not enter now."""
    if queue.record.closed is not None:
        return "closed"
    if queue.staffed and not may_join(queue, wanted):
        return "empty"
    limit = queue.settings.max_callers
    return "full" if limit is not None and queue.waiting >= limit else None


def at_the_door(
    floor: Floor, queue: Queue, visited: tuple[str, ...], wanted: dict[str, int] | None
) -> Destination | None:
    """Where one goes who might enter but is better off elsewhere."""
    for rule in queue.record.overflow:
        if _crowded(queue, rule) and _welcome(floor, queue, rule, visited, wanted):
            return rule.destination
    return None


def _crowded(queue: Queue, rule: Overflow) -> bool:
    match rule.when:
        case When.CALLERS:
            return queue.waiting >= rule.limit
        case When.CALLERS_PER_AGENT:
            return queue.waiting + 1 > rule.limit * queue.staff.count(Fitness.BUSY)
        case When.ESTIMATED_WAIT:
            wait = estimate.estimate(queue, len(queue.places) + 1)
            return wait is not None and wait > rule.limit
        case _:
            return False


def instead(floor: Floor, queue: Queue | None, reason: str, visited: tuple[str, ...]) -> Destination | None:
    """Where one goes whom the queue sends away; None: he is hung up on."""
    if queue is None or reason not in _INSTEAD:
        return None
    for rule in queue.record.overflow:
        if rule.when is _INSTEAD[reason] and _exists(floor, queue, rule, visited):
            return rule.destination
    return None


def _exists(floor: Floor, queue: Queue, rule: Overflow, visited: tuple[str, ...]) -> bool:
    to = rule.destination.to
    if rule.destination.kind is not Kind.QUEUE:
        return True
    return to in floor.queues and to != queue.settings.extension and to not in visited


def _welcome(
    floor: Floor, queue: Queue, rule: Overflow, visited: tuple[str, ...], wanted: dict[str, int] | None
) -> bool:
    if not _exists(floor, queue, rule, visited):
        return False
    return rule.destination.kind is not Kind.QUEUE or refusal(floor.queues[rule.destination.to], wanted) is None


def watch(floor: Floor, queue: Queue, caller: Caller) -> None:
    """He begins to wait (again), or by other rules: from now on he is looked at when he has waited long enough."""
    limits = [rule.limit for rule in queue.record.overflow if rule.when is When.WAIT]
    if not limits or caller.call_back is not None:
        floor.cancel(f"over:{caller.call}")
    elif caller.state is not CallerState.OFFERED:  # else when nobody rings for him any more
        floor.start(f"over:{caller.call}", max(floor.now, caller.joined_at + min(limits)))


def due(floor: Floor, call: str) -> Destination | None:
    """The timer "over:<call>": where he goes, if anywhere."""
    caller = floor.callers[call]
    queue = floor.queues[caller.queue]
    if caller.state is CallerState.OFFERED:
        return None  # `watch` comes when he waits again
    later = floor.now + RETRY
    for rule in queue.record.overflow:
        if rule.when is not When.WAIT:
            continue
        at = caller.joined_at + rule.limit
        if at > floor.now + EARLY:
            later = min(later, at)
        elif _welcome(floor, queue, rule, caller.visited, caller.wanted):
            return rule.destination
    floor.start(f"over:{call}", later)
    return None
