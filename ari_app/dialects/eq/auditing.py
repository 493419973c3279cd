"""What of a request goes into the audit trail: who asked for what, and how the entity is looked at before and after.

An entity looks as GET answers it, which never holds a secret. What was asked for is kept as it was sent, with what is
secret in it, or may be, left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ari_app.dialects.eq import auth
from ari_app.dialects.eq.auth import Caller
from ari_app.dialects.eq.errors import ApiError
from ari_app.dialects.eq.looking import LIVE, SPECIAL
from ari_app.dialects.eq.routes import HANDLERS
from ari_app.dialects.eq.routes.ask import Ask, Services
from ari_app.dialects.http import BodyMalformed, Endpoint, decode_json
from ari_app.errors import NotFound
from ari_app.store.audit import AuditTrail, Change, Look, Who
from ari_app.store.values import clean

#: what stands for a secret
HIDDEN = "***"
#: entities that SQL has, by the name of their endpoints: these can be looked at in the transaction that changes them
_LOOKED_AT = frozenset(
    {
        "supervisor",
        "agent",
        "call_queue",
        "pause_code",
        "extension",
        "alert",
        "x.hours",
        "x.calendar",
        "x.account",
        "x.overflow",
        "x.agent_skills",
        "x.routing",
        "x.mobile",
        "x.conference",
        "x.recording",
        "x.voicemail",
    }
)
#: what GET says of an entity that is not of the entity, but of now
_OF_NOW = ("open", "nextChange")
#: action -> the entity it is done to, and the parameter that names it
_ACTIONS = {
    "call_queue_agent_action": ("agent", "agent"),
    "extension_action": ("extension", "extension"),
    "call_recording_action": ("extension", "extension"),
    "call_monitor_action": ("extension", "targetExtension"),
    "phone_command": ("extension", "extension"),
    "steal_queued_call": ("channel", "channel"),
    "pick_up_parked_call": ("channel", "channel"),
    "supervisor_session.create": ("supervisor", "user"),
    "agent_session.create": ("agent", "user"),
    "x.conference_action": ("conference", "conference"),
    "x.sign_in": ("user", "login"),
    "x.password.update": ("user", "login"),
}
_SECRET = re.compile(r"password|secret|token|pin\Z|auth|credential|header|digits", re.IGNORECASE)
_OBJECTS = ("data", "options", "phone")
_DEPTH_MAX = 20


def who(caller: Caller) -> Who:
    """Who asks, for the trail."""
    session = caller.session
    return Who(
        account=caller.account,
        key=None if caller.key is None else caller.key.id,
        user_kind=None if session is None else session.kind,
        user=None if session is None else session.user,
        session=None if session is None else session.id,
        address=caller.address,
    )


def change_of(trail: AuditTrail, row: Endpoint, ask: Ask[Any, Any], given: Mapping[str, Any]) -> Change:
    """The entry of a request that is about to be done. given: its parameters, of the query and of the body."""
    noun = row.name.rpartition(".")[0] if "." in row.name.removeprefix("x.") else row.name
    requested = masked(_objects(given))
    kind, file = ask.upload
    if kind:
        requested["file"] = {"type": kind, "bytes": len(file), "sha256": hashlib.sha256(file).hexdigest()}
    entity, id = noun.removeprefix("x."), _named(ask)
    if row.name in _ACTIONS:
        entity, parameter = _ACTIONS[row.name]
        id = _parameter(requested, parameter)
    elif "token" in ask.path:
        entity = entity.removesuffix("_session")
    elif noun == "x.user_password":
        entity = "user"
    elif noun == "x.account":
        id = str(ask.account)
    look: Look | None = None
    if noun in SPECIAL:
        look = SPECIAL[noun](ask)
    elif noun in _LOOKED_AT:
        look = _look(noun, ask.services, ask.caller)
    change = trail.change(who(ask.caller), row.name, entity, id, requested or None, look)
    change.live, change.whole = noun in LIVE, noun == "x.schedules"
    return change


def _named(ask: Ask[Any, Any]) -> str | None:
    """What the path names; a token is the session's of a user, who is named in its place."""
    path = ask.path
    token = path.get("token")
    if token is not None:
        for _, kind in auth.SESSIONS:
            user = ask.services.sign_ins.owner(ask.account, kind, token)
            if user is not None:
                return str(user)
        return None
    return next(iter(path.values()), None)


def _look(noun: str, services: Services, caller: Caller) -> Look:
    handler, parameter = HANDLERS[f"{noun}.get"], _PARAMETERS.get(noun, "id")

    async def look(id: str | None) -> object:
        ask: Ask[Any, Any] = Ask(
            services=services, caller=caller, path={parameter: id or ""}, query=(None, {}), body=(None, {})
        )
        try:
            found = msgspec.to_builtins(await handler(ask))
        except (ApiError, NotFound):
            return None
        return {name: value for name, value in found.items() if name not in _OF_NOW}

    return look


#: the path's parameter of a noun's GET, where that is not id
_PARAMETERS = {
    "call_queue": "extension",
    "extension": "extension",
    "x.hours": "extension",
    "x.overflow": "extension",
    "x.routing": "extension",
    "x.calendar": "name",
    "x.conference": "number",
}


def _objects(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters; JSON in a form's is read, for there may be secrets in it."""
    found = dict(given)
    for name in _OBJECTS:
        if isinstance(found.get(name), str):
            try:
                found[name] = decode_json(found[name])
            except BodyMalformed:
                found[name] = HIDDEN
    return found


def masked(value: Any, depth: int = 0) -> Any:
    """The same without what its name says is secret. Of URLs, neither user nor query is kept."""
    if depth > _DEPTH_MAX:
        return HIDDEN
    match value:
        case dict():
            kept = {clean(str(name)): inner for name, inner in value.items() if not _is_credential(str(name))}
            return {
                name: HIDDEN if _SECRET.search(name) and inner is not None else masked(inner, depth + 1)
                for name, inner in kept.items()
            }
        case list():
            return [masked(inner, depth + 1) for inner in value]
        case str():
            return re.sub(r"(?<=://)[^/@\s]*@|\?\S*", "", clean(value)) if "://" in value else clean(value)
        case _:
            return value


def _is_credential(name: str) -> bool:
    """Who asks is said elsewhere."""
    return name == auth.KEY or any(name == parameter for parameter, _ in auth.SESSIONS)


def _parameter(requested: Any, name: str) -> str | None:
    for holder in (requested, *(requested.get(one) for one in _OBJECTS)):
        if isinstance(holder, dict) and isinstance(holder.get(name), str | int):
            return str(holder[name])
    return None
