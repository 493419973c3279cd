"""THE path table of the EQ API: one row an endpoint. The routes, the OpenAPI document and the tests are made from it.

The reference lost its URLs; the paths are ours (contract, 1.3), so this is the one place to correct one.
"""

from __future__ import annotations

from ari_app.dialects.eq.alert_paths import ALERTS
from ari_app.dialects.eq.call_back_paths import CALL_BACKS
from ari_app.dialects.eq.call_paths import CALLS
from ari_app.dialects.eq.conference_paths import CONFERENCES
from ari_app.dialects.eq.extension_paths import EXTENSIONS, PHONES
from ari_app.dialects.eq.extras import EXTRAS
from ari_app.dialects.eq.import_paths import IMPORTS
from ari_app.dialects.eq.license_paths import LICENSE
from ari_app.dialects.eq.report_paths import REPORTS
from ari_app.dialects.eq.voicemail_paths import VOICEMAIL
from ari_app.dialects.eq.wire.action import AgentActionBody
from ari_app.dialects.eq.wire.agent import Agent, AgentCreateBody, AgentUpdateBody
from ari_app.dialects.eq.wire.call_queue import CallQueue, CallQueueCreateBody, CallQueueUpdateBody
from ari_app.dialects.eq.wire.common import ListQuery, QueueQuery, UpdateQuery
from ari_app.dialects.eq.wire.live import (
    CallQueueAgentStatus,
    CallQueueStatistics,
    MonitorBody,
    QueuedCall,
    StatusQuery,
)
from ari_app.dialects.eq.wire.pause_code import PauseCode, PauseCodeBody
from ari_app.dialects.eq.wire.session import AgentSessionBody, Session, SupervisorSessionBody
from ari_app.dialects.eq.wire.supervisor import Supervisor, SupervisorCreateBody, SupervisorUpdateBody
from ari_app.dialects.http import Endpoint, ErrorRow, error

#: where the API is mounted
PREFIX = "/eq/api/2.0"
VERSION = "2.0"
#: the OpenAPI document; no key is needed
DOCUMENT = "/openapi.json"

TOTAL_HEADER = "X-Total-Count"
_TOTAL = {TOTAL_HEADER: "How many rows there are without limit and offset"}
_UNDELETE = "With undelete=1 in the query string: undelete, no body. Updating what is deleted: 404."


def _in_use(noun: str, *parameters: tuple[str, str]) -> tuple[ErrorRow, ...]:
    return tuple(
        error(parameter, "in_use", f"{noun} with the specified {words} already exists")
        for parameter, words in parameters
    )


_QUEUE_UNKNOWN = (error("queue", "nonexistent", "The queue does not exist (or is deleted)"),)
_SUPERVISOR_IN_USE = _in_use("A supervisor", ("username", "username"), ("emailAddress", "email address"))
_AGENT_ERRORS = (
    *_in_use("An agent", ("number", "number"), ("emailAddress", "email address")),
    error("boundQueues", "nonexistent", "A queue does not exist (or is deleted)"),
)
_QUEUE_IN_USE = _in_use("A call queue", ("extension", "extension"), ("name", "name"))
_PAUSE_CODE_IN_USE = _in_use("A pause code", ("name", "name"))

SESSIONS = (
    Endpoint(
        name="supervisor_session.create",
        method="POST",
        path="/supervisor_session",
        tag="Supervisor Session",
        summary="Sign a supervisor in; returns the session's token (64 characters)",
        body=SupervisorSessionBody,
        reply=str,
        changes=True,
        errors=(
            error(None, "already_signed_in", "The supervisor is already signed in with another session"),
            error(None, "limit", "As many supervisors are signed in as may be (GET /license)"),
            error("user", "nonexistent", "The supervisor does not exist (or is deleted)"),
            error("extension", "in_use", "Another user is signed in at the extension"),
            error("extension", "nonexistent", "Extension does not exist"),
        ),
    ),
    Endpoint(
        name="supervisor_session.delete",
        method="DELETE",
        path="/supervisor_session/{token}",
        tag="Supervisor Session",
        summary="Sign a supervisor out",
        parameters={"token": "Token of the session"},
        changes=True,
        errors=(error("token", "nonexistent", "The session doesn't exist or is no longer valid (404)"),),
    ),
    Endpoint(
        name="agent_session.create",
        method="POST",
        path="/agent_session",
        tag="Agent Session",
        summary="Sign an agent in; returns the session's token (64 characters)",
        body=AgentSessionBody,
        reply=str,
        changes=True,
        errors=(
            error(None, "already_signed_in", "The agent is already signed in with another session"),
            error(None, "limit", "As many agents are signed in as may be (GET /license)"),
            error("user", "nonexistent", "The agent does not exist (or is deleted)"),
            error("extension", "blank", "Extension not specified"),
            error("extension", "nonexistent", "Extension does not exist"),
            error("extension", "in_use", "Another user is signed in at the extension"),
        ),
    ),
    Endpoint(
        name="agent_session.delete",
        method="DELETE",
        path="/agent_session/{token}",
        tag="Agent Session",
        summary="Sign an agent out",
        parameters={"token": "Token of the session"},
        changes=True,
        errors=(error("token", "nonexistent", "The session doesn't exist or is no longer valid (404)"),),
    ),
    Endpoint(
        name="active_supervisor_sessions",
        method="GET",
        path="/active_supervisor_sessions",
        tag="Active Sessions",
        summary="Supervisors who are signed in",
        reply=list[Session],
    ),
    Endpoint(
        name="active_agent_sessions",
        method="GET",
        path="/active_agent_sessions",
        tag="Active Sessions",
        summary="Agents who are signed in",
        reply=list[Session],
    ),
)


def _resource(
    noun: str,
    tag: str,
    key: tuple[str, str],
    bodies: tuple[type, type],
    replies: tuple[type, type],
    errors: tuple[ErrorRow, ...],
) -> tuple[Endpoint, ...]:
    """List, create, get, update, delete of an entity that is only ever flagged as deleted."""
    name, description = key
    one = f"/{noun}/{{{name}}}"
    words = tag.lower()
    shape, created = replies
    return (
        Endpoint(
            name=f"{noun}.list",
            method="GET",
            path=f"/{noun}",
            tag=tag,
            summary=f"List: {words}",
            query=ListQuery,
            reply=list[shape],  # type: ignore[valid-type]
            reply_headers=_TOTAL,
        ),
        Endpoint(
            name=f"{noun}.create",
            method="POST",
            path=f"/{noun}",
            tag=tag,
            summary=f"Create: {words}",
            body=bodies[0],
            reply=created,
            errors=errors,
            changes=True,
        ),
        Endpoint(
            name=f"{noun}.get",
            method="GET",
            path=one,
            tag=tag,
            summary=f"Get: {words}",
            description="Deleted ones too.",
            parameters={name: description},
            reply=shape,
        ),
        Endpoint(
            name=f"{noun}.update",
            method="PUT",
            path=one,
            tag=tag,
            summary=f"Update or undelete: {words}",
            description=_UNDELETE,
            parameters={name: description},
            query=UpdateQuery,
            body=bodies[1],
            body_optional=True,
            errors=errors,
            changes=True,
        ),
        Endpoint(
            name=f"{noun}.delete",
            method="DELETE",
            path=one,
            tag=tag,
            summary=f"Flag as deleted: {words}",
            parameters={name: description},
            changes=True,
        ),
    )


CONFIGURATION = (
    *_resource(
        "supervisor",
        "Supervisor",
        ("id", "User ID of the supervisor"),
        (SupervisorCreateBody, SupervisorUpdateBody),
        (Supervisor, int),
        _SUPERVISOR_IN_USE,
    ),
    *_resource(
        "agent",
        "Agent",
        ("id", "User ID of the agent"),
        (AgentCreateBody, AgentUpdateBody),
        (Agent, int),
        _AGENT_ERRORS,
    ),
    *_resource(
        "call_queue",
        "Call Queue",
        ("extension", "Extension of the call queue"),
        (CallQueueCreateBody, CallQueueUpdateBody),
        (CallQueue, str),
        _QUEUE_IN_USE,
    ),
    *_resource(
        "pause_code",
        "Pause Code",
        ("id", "ID of the pause code"),
        (PauseCodeBody, PauseCodeBody),
        (PauseCode, int),
        _PAUSE_CODE_IN_USE,
    ),
)

LIVE = (
    Endpoint(
        name="queued_calls",
        method="GET",
        path="/queued_calls",
        tag="Queued Calls",
        summary="Calls that wait in a queue, or in all",
        query=QueueQuery,
        reply=list[QueuedCall],
        errors=_QUEUE_UNKNOWN,
    ),
    Endpoint(
        name="call_queue_agent_status",
        method="GET",
        path="/call_queue_agent_status",
        tag="Call Queue Agents",
        summary="What agents do in a queue, an agent in his queues, or all of both",
        query=StatusQuery,
        reply=list[CallQueueAgentStatus],
        errors=(*_QUEUE_UNKNOWN, error("agent", "nonexistent", "Agent does not exist (or is deleted)")),
    ),
    Endpoint(
        name="call_queue_agent_action",
        method="POST",
        path="/call_queue_agent_action",
        tag="Call Queue Agents",
        summary="Sign an agent in to queues or out of them, pause, resume, exit wrap-up",
        body=AgentActionBody,
        changes=True,
        errors=(
            error("action", "invalid", "Action type not valid"),
            error("agent", "blank", "Agent ID not specified"),
            error("agent", "nonexistent", "Agent does not exist (or is deleted)"),
            error("agent", "not_signed_in", "Agent not signed in (to system, not to queue) / has no active session"),
            *_QUEUE_UNKNOWN,
            error("queue", "already_signed_in", "Agent already signed into queue"),
            error("queue", "not_signed_in", "Agent not signed into queue"),
            error("queues", "invalid", "Several queues are for signIn only, and not together with queue"),
            error("skills", "invalid", "Not as many skills as queues"),
            error("pauseCode", "nonexistent", "Pause code does not exist (or is deleted)"),
        ),
    ),
    Endpoint(
        name="call_queue_statistics",
        method="GET",
        path="/call_queue_statistics",
        tag="Call Queue Statistics",
        summary="Summary of calls and agents of a queue (one object) or of all (an array)",
        query=QueueQuery,
        reply=CallQueueStatistics | list[CallQueueStatistics],
        errors=_QUEUE_UNKNOWN,
    ),
    Endpoint(
        name="call_monitor_action",
        method="POST",
        path="/call_monitor_action",
        tag="Call Monitor",
        summary="Spy on, whisper to, or barge into the call of an extension",
        description="Asked again for the same two extensions with another action, it switches.",
        body=MonitorBody,
        changes=True,
        errors=(
            error("targetExtension", "nonexistent", "Target extension does not exist, or is not on a call"),
            error("monitorExtension", "nonexistent", "Monitor extension does not exist"),
        ),
    ),
)

ENDPOINTS = (
    *SESSIONS,
    *CONFIGURATION,
    *EXTENSIONS,
    *LIVE,
    *CALLS,
    *CONFERENCES,
    *VOICEMAIL,
    *PHONES,
    *CALL_BACKS,
    *REPORTS,
    *IMPORTS,
    *ALERTS,
    *LICENSE,
    *EXTRAS,
)
