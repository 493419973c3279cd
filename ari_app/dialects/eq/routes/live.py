"""Queues, agents and calls as they are now. Reads cost no SQL: all of it is in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ari_app.acd.events import AnyEvent, Paused, QueueSignedIn, QueueSignedOut, Resumed, WrapUpExited
from ari_app.dialects.eq.errors import invalid, nonexistent, refused
from ari_app.dialects.eq.routes.ask import Ask, Encoded, Handler, Services
from ari_app.dialects.eq.routes.sessions import extension_exists
from ari_app.dialects.eq.wire.action import AgentActionBody, AgentActionOptions
from ari_app.dialects.eq.wire.common import QueueQuery
from ari_app.dialects.eq.wire.live import (
    CallQueueAgentStatus,
    CallQueueStatistics,
    MonitorBody,
    QueuedCall,
    StatusQuery,
)
from ari_app.errors import AlreadySignedIn, NotFound, NotSignedIn


@contextmanager
def _asked_for() -> Iterator[None]:
    """The views' NotFound says in its context what there is not."""
    try:
        yield
    except NotFound as error:
        parameter = "agent" if "agent" in error.context else "queue"
        raise nonexistent(parameter, "Agent" if parameter == "agent" else "The queue") from None


async def queued_calls(ask: Ask[QueueQuery, None]) -> list[QueuedCall]:
    with _asked_for():
        return [QueuedCall.of(call) for call in ask.services.centre.queued_calls(ask.account, ask.query.queue)]


async def agent_status(ask: Ask[StatusQuery, None]) -> list[CallQueueAgentStatus] | Encoded:
    query = ask.query
    if query.queue is None and query.agent is None:
        return Encoded(ask.services.board.encoded(ask.account, query.combined == 1))
    with _asked_for():
        rows = ask.services.centre.agent_status(ask.account, query.queue, query.agent, False)
    return [CallQueueAgentStatus.of(row) for row in rows]


async def statistics(ask: Ask[QueueQuery, None]) -> CallQueueStatistics | list[CallQueueStatistics]:
    with _asked_for():
        rows = ask.services.centre.statistics(ask.account, ask.query.queue)
    documents = [CallQueueStatistics.of(row) for row in rows]
    return documents if ask.query.queue is None else documents[0]


async def monitor(ask: Ask[None, MonitorBody]) -> None:
    body = ask.body
    for parameter, extension in (
        ("targetExtension", body.target_extension),
        ("monitorExtension", body.monitor_extension),
    ):
        if not await extension_exists(ask.services, ask.account, extension):
            raise nonexistent(parameter, "Extension")
    try:
        await ask.services.centre.monitor(ask.account, body.action, body.target_extension, body.monitor_extension)
    except NotFound as error:
        raise refused(str(error.context.get("parameter", "targetExtension")), "nonexistent", str(error)) from None


async def agent_action(ask: Ask[None, AgentActionBody]) -> None:
    services, account, options = ask.services, ask.account, ask.body.options
    await _check_agent(services, account, options.agent)
    code = options.pause_code if ask.body.action == "pause" else None
    if code is not None and await services.pause_codes.find(account, code) is None:
        raise nonexistent("pauseCode", "Pause code")
    event = _event(ask)
    if event is not None:
        _apply(ask, event)


async def _check_agent(services: Services, account: int, agent: int) -> None:
    if services.sign_ins.is_signed_in(account, "agent", agent):
        return
    try:
        deleted = (await services.users.get(account, "agent", agent)).deleted
    except NotFound:
        deleted = True
    if deleted:
        raise nonexistent("agent", "Agent")
    raise _no_session()


def _no_session() -> Exception:
    return refused("agent", "not_signed_in", "Agent not signed in (to system, not to queue) / has no active session")


def _event(ask: Ask[None, AgentActionBody]) -> AnyEvent | None:
    """What the queues are to be told; None: there is nothing to do."""
    options = ask.body.options
    agent, queue = options.agent, options.queue
    if ask.body.action == "signIn":
        return _sign_in(ask, options)
    if options.queues is not None:
        # Ignored, it would make the action one on all queues.
        raise invalid("queues", "queues is for signIn only")
    match ask.body.action:
        case "signOut":
            return QueueSignedOut(agent=agent, queue=queue)
        case "pause":
            return Paused(agent=agent, queue=queue, code=options.pause_code)
        case "resume":
            return Resumed(agent=agent, queue=queue)
        case "exitWrapUp":
            return WrapUpExited(agent=agent, queue=queue)


def _sign_in(ask: Ask[None, AgentActionBody], options: AgentActionOptions) -> AnyEvent | None:
    if options.queue is not None and options.queues is not None:
        raise invalid("queues", "queue or queues may be given, not both")
    if options.skills is not None and len(options.skills) != len(options.queues or ()):
        raise invalid("skills", "skills must have as many elements as queues")
    queues: tuple[str, ...] | None = None
    if options.queue is not None:
        queues = (options.queue,)
    elif options.queues is not None:
        queues = tuple(options.queues)
    if queues is None and options.skill is not None:
        # A skill for all bound queues: name those that he is not in yet.
        rows = ask.services.centre.agent_status(ask.account, None, options.agent, False)
        queues = tuple(row.queue for row in rows if row.queue and (row.status == "signedOut" or row.pending_sign_out))
        if not queues:
            return None
    skills: tuple[int, ...] | None = None
    if queues is not None:
        if options.skills is not None:
            skills = tuple(options.skills)
        elif options.skill is not None:
            skills = (options.skill,) * len(queues)
    return QueueSignedIn(agent=options.agent, queues=queues, skills=skills, paused=options.paused)


def _apply(ask: Ask[None, AgentActionBody], event: AnyEvent) -> None:
    options = ask.body.options
    parameter = "queues" if options.queues is not None else "queue"
    try:
        ask.services.centre.apply(ask.account, event)
    except AlreadySignedIn:
        raise refused(parameter, "already_signed_in", "Agent already signed into queue") from None
    except NotFound:
        raise nonexistent(parameter, "The queue") from None
    except NotSignedIn:
        if options.queue is not None:
            raise refused("queue", "not_signed_in", "Agent not signed into queue") from None
        if not ask.services.sign_ins.is_signed_in(ask.account, "agent", options.agent):
            raise _no_session() from None  # he signed out while this was looked up
        # In no queue at all: "all queues currently signed in" are none, which is no error in the reference.


HANDLERS: dict[str, Handler] = {
    "queued_calls": queued_calls,
    "call_queue_agent_status": agent_status,
    "call_queue_agent_action": agent_action,
    "call_queue_statistics": statistics,
    "call_monitor_action": monitor,
}
