"""What a user may do who signed in with his password alone. A key's scopes are somebody else's decision; here it is the
user's own role that counts:

| role | may |
|---|---|
| supervisor, full | everything |
| supervisor, monitorOnly | look at everything, listen (`call_monitor_action`), sign out, choose his password |
| agent | look at queues and at himself, and do what an agent does: himself, at his own extension |

The second row holds of every session of such a supervisor, so `app.py` looks at it; the third is here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ari_app.dialects.eq.errors import ApiError
from ari_app.dialects.eq.routes.ask import Ask
from ari_app.store.values import UserSession

#: whether what is asked for is the agent's own
Own = Callable[[Ask[Any, Any], UserSession], bool]


def _anything(_ask: Ask[Any, Any], _session: UserSession) -> bool:
    return True


def _path_is_he(ask: Ask[Any, Any], session: UserSession) -> bool:
    return ask.path.get("id") == str(session.user)


def _queried_is_he(ask: Ask[Any, Any], session: UserSession) -> bool:
    return bool(ask.query.agent == session.user)


def _acting_is_he(ask: Ask[Any, Any], session: UserSession) -> bool:
    return bool(ask.body.options.agent == session.user)


def _at_his_extension(ask: Ask[Any, Any], session: UserSession) -> bool:
    return bool(ask.body.extension == session.extension)


def _of_his_extension(ask: Ask[Any, Any], session: UserSession) -> bool:
    return bool(ask.query.extension == session.extension)


def _on_his_phone(ask: Ask[Any, Any], session: UserSession) -> bool:
    named = [ask.body.extension, ask.body.phone.extension if ask.body.phone else None]
    return {extension for extension in named if extension is not None} == {session.extension}


def _his_session(ask: Ask[Any, Any], session: UserSession) -> bool:
    return ask.services.sign_ins.owner(session.account, "agent", ask.path["token"]) == session.user


#: endpoints that an agent may use
OF_AGENTS: dict[str, Own] = {
    "agent.get": _path_is_he,
    "agent_session.delete": _his_session,
    "call_queue.list": _anything,
    "pause_code.list": _anything,
    "queued_calls": _anything,
    "call_queue_statistics": _anything,
    "call_queue_agent_status": _anything,
    "call_queue_agent_action": _acting_is_he,
    "active_calls": _of_his_extension,
    "parked_calls": _anything,
    "extension_action": _at_his_extension,
    "call_recording_action": _at_his_extension,
    "phone": _of_his_extension,
    "phone_command": _on_his_phone,
    "x.agent_skills.get": _path_is_he,
    "x.agent_statistics": _queried_is_he,
    "x.sign_in": _anything,
    "x.password.update": _anything,
}


def check(endpoint: str, ask: Ask[Any, Any], session: UserSession) -> None:
    """Raises ApiError 403: the user of a session that opens the account may not ask this; ValidationError: what he asks
    cannot be read."""
    if session.kind == "supervisor":
        return
    own = OF_AGENTS.get(endpoint)
    if own is None or not own(ask, session):
        raise ApiError(403, "auth_agent_session", "forbidden", "Without an API key an agent may not do this")
