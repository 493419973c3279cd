"""What is configured: queues and agents. Changes hold at once, also for calls that wait and phones that ring."""

from __future__ import annotations

import msgspec

from ari_app.acd import announcements, keeping
from ari_app.acd import events as e
from ari_app.acd.agent import Agent
from ari_app.acd.callers import release
from ari_app.acd.floor import Floor
from ari_app.acd.people import end_wrap_up, sign_out
from ari_app.acd.queue import CallerState, Closed, Queue, QueueRecord
from ari_app.acd.settings import QueueSettings


def queue_configured(floor: Floor, event: e.QueueConfigured) -> None:
    # As it will be read back from a snapshot: numbers of the declared type, nothing out of range.
    settings = msgspec.convert(msgspec.to_builtins(event.queue), QueueSettings)
    extension = settings.extension
    queue = floor.queues.get(extension)
    if queue is None:
        queue = floor.queues[extension] = Queue(QueueRecord(settings=settings))
        floor.changes.everything()
        floor.statistics.configure(extension, settings.service_level)
        return
    old = queue.settings
    queue.configure(settings)
    floor.statistics.configure(extension, settings.service_level)
    if old.strategy is not settings.strategy:
        queue.record.pointer = 0
    if not settings.keep_place:
        keeping.forget(floor, queue)
    _callers(floor, queue, announced=_announcing(old) != _announcing(settings))
    floor.thinned.add(extension)
    for number in sorted(queue.members):
        _member(floor, queue.members[number], old, settings)


def _announcing(settings: QueueSettings) -> tuple[object, ...]:
    return settings.announce_frequency, settings.announce_position, settings.announce_hold_time


def _callers(floor: Floor, queue: Queue, announced: bool) -> None:
    """announced: what they are told is set otherwise."""
    settings = queue.settings
    for key in list(queue.places.keys):
        caller = floor.callers[key[-1]]
        if caller.call_back is None:
            floor.start_or_cancel(f"wait:{caller.call}", caller.joined_at, settings.max_wait)
        for name in caller.offers:
            floor.start_or_cancel(f"ring:{name}", floor.offers[name].since, settings.agent_timeout)
        if caller.state is CallerState.RESTING:
            floor.want(caller)
        if announced and caller.call_back is None:
            announcements.configured(floor, queue, caller)


def _member(floor: Floor, agent: Agent, old: QueueSettings, new: QueueSettings) -> None:
    membership = agent.memberships[new.extension]
    if membership.wrap_up_since is not None and old.wrap_up != new.wrap_up:
        if new.wrap_up is None:
            end_wrap_up(floor, agent, new.extension)
        else:
            # 0: until he ends it
            floor.start_or_cancel(
                f"wrap:{agent.id}:{new.extension}", membership.wrap_up_since, new.wrap_up if new.wrap_up > 0 else None
            )
    if membership.pause_reason and membership.paused_at is not None:
        floor.start_or_cancel(f"resume:{agent.id}:{new.extension}", membership.paused_at, new.system_resume)
    floor.changed(agent)


def queue_removed(floor: Floor, event: e.QueueRemoved) -> None:
    queue = floor.queues.get(event.queue)
    if queue is None:
        return floor.ignore()
    for key in list(queue.places.keys):
        release(floor, floor.callers[key[-1]], "queue_removed")
    for number in sorted(queue.members):
        floor.leave(queue.members[number], event.queue)
    keeping.forget(floor, queue)
    del floor.queues[event.queue]
    floor.changes.everything()
    return floor.statistics.forget(event.queue)


def queue_closed(floor: Floor, event: e.QueueClosed) -> None:
    queue = floor.queues.get(event.queue)
    if queue is None:
        return floor.ignore()
    queue.record.closed = Closed(leave=event.leave, message=tuple(event.message))
    if event.leave:
        # A call-back is a promise: it is kept when there are agents.
        for call in [key[-1] for key in queue.places.keys]:
            if floor.callers[call].call_back is None:
                release(floor, floor.callers[call], "closed")
    return None


def queue_opened(floor: Floor, event: e.QueueOpened) -> None:
    queue = floor.queues.get(event.queue)
    if queue is None or queue.record.closed is None:
        return floor.ignore()
    queue.record.closed = None
    return None


def agent_configured(floor: Floor, event: e.AgentConfigured) -> None:
    agent = floor.agents.get(event.agent)
    if agent is None:
        agent = floor.agents[event.agent] = Agent(id=event.agent)
        floor.changes.everything()
    old, agent.bindings = agent.bindings, dict(event.bindings)
    agent.removed = False
    for extension, membership in agent.memberships.items():
        # A skill given at signing in stays until the configured one is changed.
        skill = agent.bindings.get(extension)
        if skill is not None and skill != old.get(extension):
            membership.skill = skill
    floor.changed(agent)


def agent_removed(floor: Floor, event: e.AgentRemoved) -> None:
    agent = floor.agents.get(event.agent)
    if agent is None:
        return floor.ignore()
    sign_out(floor, agent)
    agent.bindings = {}
    if agent.call is None:
        floor.forget(agent)
    else:
        agent.removed = True
    return None


def statistics_reset(floor: Floor, event: e.StatisticsReset) -> None:
    for extension in [event.queue] if event.queue is not None else list(floor.queues):
        if extension in floor.queues:
            floor.statistics.forget(extension)
            floor.statistics.configure(extension, floor.queues[extension].settings.service_level)
