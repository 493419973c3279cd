"""What agents and supervisors do. A command that is refused raises before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable

from ari_app.acd import events as e
from ari_app.acd.agent import Agent, Membership, Session
from ari_app.acd.floor import Floor
from ari_app.acd.offers import seen, withdraw
from ari_app.errors import AlreadySignedIn, NotFound, NotSignedIn

#: skill of an agent in a queue that neither he nor his binding gives one for
DEFAULT_SKILL = 3


def signed_in(floor: Floor, event: e.AgentSignedIn) -> None:
    agent = floor.agents.get(event.agent)
    if agent is None or agent.removed:
        raise NotFound("There is no such agent.", agent=event.agent)
    other = floor.agents.get(floor.by_extension.get(event.extension, agent.id))
    if other is not None and other is not agent:
        _time_out(floor, other)
        other.extension = ""
        floor.changed(other)
        floor.changes.agent(other.id)
    if agent.extension != event.extension:
        withdraw(floor, agent)
        _move(floor, agent, event.extension)
    agent.session = Session.ACTIVE
    seen(floor, agent)


def timed_out(floor: Floor, event: e.AgentTimedOut) -> None:
    agent = floor.agents.get(event.agent)
    if agent is None or agent.session is not Session.ACTIVE:
        return floor.ignore()
    return _time_out(floor, agent)


def signed_out(floor: Floor, event: e.AgentSignedOut) -> None:
    agent = floor.agents.get(event.agent)
    if agent is None or agent.session is Session.NONE:
        return floor.ignore()
    return sign_out(floor, agent)


def sign_out(floor: Floor, agent: Agent) -> None:
    """Out of every queue, and of his session."""
    withdraw(floor, agent)
    for extension in list(agent.memberships):
        floor.leave(agent, extension)
    agent.session = Session.NONE
    _move(floor, agent, "")
    if agent.cooling:
        agent.cooling = ""
        floor.cancel(f"cool:{agent.id}")
    seen(floor, agent)


def queue_signed_in(floor: Floor, event: e.QueueSignedIn) -> None:
    agent = floor.agents.get(event.agent)
    if agent is None or agent.session is not Session.ACTIVE:
        raise NotSignedIn("The agent is not signed in.", agent=event.agent)
    joining = _joining(floor, agent, event)
    for extension, skill in joining.items():
        if (membership := agent.memberships.get(extension)) is not None:
            _stay(floor, membership, skill, event.paused)
            continue
        agent.memberships[extension] = Membership(
            skill=skill,
            order=floor.order(),
            signed_in_at=floor.now,
            paused_at=floor.now if event.paused else None,
        )
        floor.queues[extension].members[agent.id] = agent
    seen(floor, agent)


def _stay(floor: Floor, membership: Membership, skill: int, paused: bool) -> None:
    """He signs in to a queue that he meant to leave after his call: he does not leave it."""
    membership.signing_out, membership.skill = False, skill
    if paused and membership.paused_at is None:
        membership.paused_at = floor.now


def _joining(floor: Floor, agent: Agent, event: e.QueueSignedIn) -> dict[str, int]:
    """Queue -> skill."""
    if event.queues is None:
        bound = [q for q in agent.bindings if q in floor.queues]
        missing = [q for q in bound if not _stays(agent, q)]
        return {q: agent.bindings[q] for q in missing}
    if event.skills is not None and len(event.skills) != len(event.queues):
        raise ValueError("as many skills as queues")
    joining: dict[str, int] = {}
    for i, extension in enumerate(event.queues):
        if extension not in floor.queues:
            raise NotFound("There is no such queue.", queue=extension)
        if _stays(agent, extension) or extension in joining:
            raise AlreadySignedIn("The agent is signed in to this queue already.", agent=agent.id, queue=extension)
        bound_skill = agent.bindings.get(extension, DEFAULT_SKILL)
        joining[extension] = bound_skill if event.skills is None else event.skills[i]
    return joining


def _stays(agent: Agent, extension: str) -> bool:
    """He is in the queue, and does not mean to leave it."""
    return extension in agent.memberships and not agent.memberships[extension].signing_out


def queue_signed_out(floor: Floor, event: e.QueueSignedOut) -> None:
    """During a call it holds from the call's end."""
    agent, extensions = _addressed(floor, event.agent, event.queue)
    _withdraw_from(floor, agent, extensions)
    for extension in extensions:
        if agent.call is None:
            floor.leave(agent, extension)
        else:
            agent.memberships[extension].signing_out = True
    seen(floor, agent)


def paused(floor: Floor, event: e.Paused) -> None:
    """Also ends a wrap-up there: he has turned to something else. During a call it holds from the call's end."""
    agent, extensions = _addressed(floor, event.agent, event.queue)
    for extension in extensions:
        membership = agent.memberships[extension]
        floor.cancel(f"resume:{agent.id}:{extension}")
        end_wrap_up(floor, agent, extension)
        if membership.paused_at is None or (membership.pause_code, membership.pause_reason) != (event.code, ""):
            membership.paused_at, membership.pause_code, membership.pause_reason = floor.now, event.code, ""
    _withdraw_from(floor, agent, extensions)
    seen(floor, agent)


def resumed(floor: Floor, event: e.Resumed) -> None:
    agent, extensions = _addressed(floor, event.agent, event.queue)
    for extension in extensions:
        end_pause(floor, agent, extension)
    seen(floor, agent)


def wrap_up_exited(floor: Floor, event: e.WrapUpExited) -> None:
    """Ends every wrap-up that keeps him from the queues meant: another queue's too, if that holds everywhere."""
    agent, extensions = _addressed(floor, event.agent, event.queue)
    for extension in agent.memberships:
        if extension in extensions or floor.queues[extension].settings.wrap_up_all_queues:
            end_wrap_up(floor, agent, extension)
    seen(floor, agent)


def end_pause(floor: Floor, agent: Agent, extension: str) -> None:
    membership = agent.memberships[extension]
    membership.paused_at, membership.pause_code, membership.pause_reason = None, None, ""
    floor.cancel(f"resume:{agent.id}:{extension}")
    floor.changed(agent)


def end_wrap_up(floor: Floor, agent: Agent, extension: str) -> None:
    agent.memberships[extension].wrap_up_since = None
    floor.cancel(f"wrap:{agent.id}:{extension}")
    floor.changed(agent)


def phone_state_changed(floor: Floor, event: e.PhoneStateChanged) -> None:
    """Of any extension: an agent who signs in there later finds the phone as it is."""
    if floor.phones.get(event.extension, "idle") == event.state:
        return
    if event.state == "idle":
        del floor.phones[event.extension]
    else:
        floor.phones[event.extension] = event.state
    agent = floor.agents.get(floor.by_extension.get(event.extension, -1))
    if agent is not None:
        if event.state != "unavailable":
            seen(floor, agent)
        if event.state == "busy":
            withdraw(floor, agent, "private_call")
        floor.changed(agent)


def _addressed(floor: Floor, number: int, queue: str | None) -> tuple[Agent, list[str]]:
    """The agent, and which of his queues are meant."""
    agent = floor.agents.get(number)
    if agent is None or agent.session is Session.NONE:
        raise NotSignedIn("The agent is not signed in.", agent=number)
    if queue is not None and queue not in floor.queues:
        raise NotFound("There is no such queue.", queue=queue)
    if not agent.memberships or (queue is not None and queue not in agent.memberships):
        raise NotSignedIn("The agent is not signed in to this queue.", agent=number, queue=queue)
    return agent, [queue] if queue is not None else list(agent.memberships)


def _withdraw_from(floor: Floor, agent: Agent, extensions: Iterable[str]) -> None:
    if agent.offer is not None and floor.offers[agent.offer].queue in extensions:
        withdraw(floor, agent)


def _time_out(floor: Floor, agent: Agent) -> None:
    if agent.session is Session.ACTIVE:
        withdraw(floor, agent)
        agent.session = Session.TIMED_OUT
        floor.changed(agent)


def _move(floor: Floor, agent: Agent, extension: str) -> None:
    if floor.by_extension.get(agent.extension) == agent.id:
        del floor.by_extension[agent.extension]
    agent.extension = extension
    if extension:
        floor.by_extension[extension] = agent.id
    floor.changed(agent)
