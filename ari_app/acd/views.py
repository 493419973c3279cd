"""What can be seen of an engine: made when asked for, changes nothing, and is not changed by what comes after.

Times are seconds; `at` kinds are since the epoch. Statuses are the EQ contract's (1.4).
"""

from __future__ import annotations

import msgspec

from ari_app.acd.agent import Agent, Membership, Session
from ari_app.acd.estimate import estimate
from ari_app.acd.floor import Floor
from ari_app.acd.queue import Caller, CallerState, Queue
from ari_app.acd.stats import service_level_asterisk
from ari_app.errors import NotFound

#: AgentStateChanged.state -> status
STATUS = {"signed_out": "signedOut", "on_call": "onCall", "wrap_up": "wrapUp"}


class QueuedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A caller who was not answered yet."""

    call: str
    queue: str
    position: int
    priority: int
    joined_at: float
    wait: float
    #: phones ring for him
    offered: bool
    #: seconds from now until he is answered; 0: at once; None: nobody knows yet (estimate.py)
    estimate: float | None


class CallBackView(msgspec.Struct, frozen=True, kw_only=True):
    """One who is to be called, or is being called."""

    #: the same over all attempts
    request: str
    #: of this attempt
    entry: str
    queue: str
    number: str
    name: str
    priority: int
    requested_at: float
    #: among all who wait in the queue; 0: his turn has come
    position: int
    #: attempts that found nobody
    failures: int
    #: "waiting", "ringing" (an agent's phone), "calling" (his), "talking", "later" (between two attempts)
    state: str
    #: when he will be called again, between two attempts
    due: float | None


class OfferView(msgspec.Struct, frozen=True, kw_only=True):
    """A phone that rings."""

    offer: str
    call: str
    queue: str
    agent: int
    extension: str
    since: float


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A caller and an agent."""

    call: str
    queue: str
    agent: int
    #: the offer that was answered: names the agent's leg
    offer: str
    joined_at: float
    answered_at: float


class AgentQueueStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An agent in a queue; or, combined (queue None), altogether."""

    agent: int
    queue: str | None
    extension: str
    #: available, ringing, onCall, wrapUp, paused, unavailable, signedOut
    status: str
    skill: int | None = None
    paused: bool = False
    pause_code: int | None = None
    #: he is paused, or leaves the queue, when his call (and, paused, the time after it) is over
    pending_pause: bool = False
    pending_sign_out: bool = False
    #: why, where the status does not say it: "noanswer" (paused by the system), "busy", "timed_out", "no_queue"
    reason: str = ""
    #: of this status; None: never anything else
    since: float | None = None
    signed_in_at: float | None = None
    calls_taken: int = 0
    last_call_at: float | None = None
    #: he is on, or his phone rings for
    call: str | None = None
    #: combined: those he is signed in to
    queues: tuple[str, ...] = ()


class QueueStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """A queue now, and since its counts began."""

    queue: str
    calls_waiting: int
    #: of those who wait now
    longest_wait: float
    #: of those who were answered (average speed of answer)
    average_wait: float
    answered: int
    abandoned: int
    #: within its hours
    open: bool
    #: came outside of them
    closed: int
    #: seconds that one who came now would wait; 0: none; None: nobody knows yet
    estimated_wait: float | None
    #: of those who were given an estimate: mean of what they waited beyond it, and of its absolute value
    estimate_bias: float | None
    estimate_error: float | None
    #: Asterisk's definition, 0 to 1; the others are in stats.py, from `Engine.counts`
    service_level: float | None
    service_level_threshold: float
    agents_signed_in: int
    agents_available: int
    agents_on_call: int
    agents_wrap_up: int
    agents_paused: int


def _queues(floor: Floor, queue: str | None) -> list[tuple[str, Queue]]:
    if queue is None:
        return list(floor.queues.items())
    if queue not in floor.queues:
        raise NotFound("There is no such queue.", queue=queue)
    return [(queue, floor.queues[queue])]


def queued_calls(floor: Floor, queue: str | None, now: float) -> list[QueuedCall]:
    return [
        _queued_call(floor, floor.callers[key[-1]], position, now)
        for _, at in _queues(floor, queue)
        for position, key in enumerate(at.places.keys, 1)
        if floor.callers[key[-1]].call_back is None
    ]


def call_backs(floor: Floor, queue: str | None) -> list[CallBackView]:
    """Those whose turn has come first, then in the order of their places."""
    wanted = {extension for extension, _ in _queues(floor, queue)}
    found = [x for x in floor.callers.values() if x.call_back is not None and x.queue in wanted]
    return sorted((_call_back(floor, x) for x in found), key=lambda x: (x.queue, x.position, x.requested_at))


def _call_back(floor: Floor, caller: Caller) -> CallBackView:
    back = caller.call_back
    if back is None:
        raise ValueError(f"{caller.call} is no call-back")
    states = {CallerState.OFFERED: "ringing", CallerState.TALKING: "talking" if back.reached else "calling"}
    queue = floor.queues.get(caller.queue)
    return CallBackView(
        request=back.request,
        entry=caller.call,
        queue=caller.queue,
        number=back.number,
        name=back.name,
        priority=caller.priority,
        requested_at=back.requested_at,
        position=0 if queue is None else queue.places.position(caller.call),
        failures=back.failures,
        state="later" if caller.state is CallerState.LATER else states.get(caller.state, "waiting"),
        due=floor.timers.get(f"again:{caller.call}"),
    )


def queued_call(floor: Floor, call: str, now: float) -> QueuedCall | None:
    caller = floor.callers.get(call)
    if caller is None or caller.state is CallerState.TALKING or caller.call_back is not None:
        return None
    return _queued_call(floor, caller, floor.queues[caller.queue].places.position(call), now)


def _queued_call(floor: Floor, caller: Caller, position: int, now: float) -> QueuedCall:
    offered = caller.state is CallerState.OFFERED
    return QueuedCall(
        call=caller.call,
        queue=caller.queue,
        position=position,
        priority=caller.priority,
        joined_at=caller.joined_at,
        wait=max(0.0, now - caller.joined_at),
        offered=offered,
        estimate=0.0 if offered else estimate(floor.queues[caller.queue], position),
    )


def open_offers(floor: Floor) -> list[OfferView]:
    return [
        OfferView(offer=o.offer, call=o.call, queue=o.queue, agent=o.agent, extension=o.extension, since=o.since)
        for o in floor.offers.values()
    ]


def conversations(floor: Floor) -> list[Conversation]:
    return [
        Conversation(
            call=x.call,
            queue=x.queue,
            agent=x.agent,
            offer=x.offer,
            joined_at=x.joined_at,
            answered_at=x.answered_at,
        )
        for x in floor.callers.values()
        if x.agent is not None and x.offer is not None
    ]


def agent_status(floor: Floor, queue: str | None, agent: int | None, combined: bool) -> list[AgentQueueStatus]:
    """A row for each queue an agent is signed in to or bound to (signedOut), in the order of queues or agents asked
    for; combined: one for each agent. Unknown queue or agent: NotFound."""
    if agent is not None and agent not in floor.agents:
        raise NotFound("There is no such agent.", agent=agent)
    agents = list(floor.agents.values()) if agent is None else [floor.agents[agent]]
    if combined:
        return [_combined(floor, each) for each in agents]
    wanted = {extension for extension, _ in _queues(floor, queue)}
    rows = []
    for each in agents:
        for extension in dict.fromkeys((*each.memberships, *each.bindings)):
            if extension in wanted:
                rows.append(_in_queue(floor, each, extension, each.memberships.get(extension)))
    return rows


def _call(floor: Floor, agent: Agent) -> str | None:
    return floor.offers[agent.offer].call if agent.offer is not None else agent.call


def _in_queue(floor: Floor, agent: Agent, queue: str, membership: Membership | None) -> AgentQueueStatus:
    if membership is None:
        return AgentQueueStatus(
            agent=agent.id, queue=queue, extension=agent.extension, status="signedOut", skill=agent.bindings.get(queue)
        )
    return AgentQueueStatus(
        agent=agent.id,
        queue=queue,
        extension=agent.extension,
        status=STATUS.get(membership.status, membership.status),
        skill=membership.skill,
        paused=membership.paused_at is not None,
        pause_code=membership.pause_code,
        pending_pause=_pause_is_pending(membership, membership.status),
        pending_sign_out=membership.signing_out,
        reason=membership.pause_reason or agent.told.reason,
        since=membership.since,
        signed_in_at=membership.signed_in_at,
        calls_taken=membership.calls_taken,
        last_call_at=membership.last_call_at,
        call=_call(floor, agent),
    )


def _pause_is_pending(membership: Membership, status: str) -> bool:
    return membership.paused_at is not None and status in ("on_call", "wrap_up")


def _combined(floor: Floor, agent: Agent) -> AgentQueueStatus:
    memberships = agent.memberships.values()
    return AgentQueueStatus(
        agent=agent.id,
        queue=None,
        extension=agent.extension,
        status=STATUS.get(agent.told.state, agent.told.state),
        paused=bool(memberships) and all(m.paused_at is not None for m in memberships),
        pause_code=agent.told.pause_code,
        pending_pause=bool(memberships) and all(_pause_is_pending(m, agent.told.state) for m in memberships),
        pending_sign_out=bool(memberships) and all(m.signing_out for m in memberships),
        reason=agent.told.reason,
        since=agent.since,
        signed_in_at=min((m.signed_in_at for m in memberships), default=None),
        calls_taken=sum(m.calls_taken for m in memberships),
        last_call_at=max((m.last_call_at for m in memberships if m.last_call_at is not None), default=None),
        call=_call(floor, agent),
        queues=tuple(agent.memberships),
    )


def statistics(floor: Floor, queue: str | None, now: float) -> list[QueueStatistics]:
    return [_statistics(floor, extension, at, now) for extension, at in _queues(floor, queue)]


def _statistics(floor: Floor, extension: str, queue: Queue, now: float) -> QueueStatistics:
    counts = floor.statistics.counts[extension]
    statuses = [member.memberships[extension].status for member in queue.members.values()]
    waiting = [caller for key in queue.places.keys if (caller := floor.callers[key[-1]]).call_back is None]
    oldest = min((caller.joined_at for caller in waiting), default=now)
    return QueueStatistics(
        queue=extension,
        calls_waiting=len(waiting),
        longest_wait=max(0.0, now - oldest),
        average_wait=counts.average_speed_of_answer or 0.0,
        answered=counts.answered,
        abandoned=counts.abandoned,
        open=queue.record.closed is None,
        closed=counts.closed,
        estimated_wait=estimate(queue, len(queue.places) + 1),
        estimate_bias=counts.estimate_bias,
        estimate_error=counts.estimate_mean_error,
        service_level=service_level_asterisk(counts),
        service_level_threshold=counts.threshold,
        agents_signed_in=sum(1 for m in queue.members.values() if m.session is Session.ACTIVE),
        agents_available=statuses.count("available"),
        agents_on_call=statuses.count("on_call"),
        agents_wrap_up=statuses.count("wrap_up"),
        agents_paused=statuses.count("paused"),
    )


class QueuedCallInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A waiting call with what is known of its caller."""

    call: str
    unique_id: str
    channel: str
    queue: str
    position: int
    priority: int
    caller_number: str
    caller_name: str
    joined_at: float
    wait: float
    #: seconds from now until he is answered; None: nobody knows yet
    estimate: float | None
