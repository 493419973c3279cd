"""External media: attachments begun, looked at, ended."""

from __future__ import annotations

from typing import Any

from ari_app.calls.leg import LegGone
from ari_app.calls.media import TooManyAttachments
from ari_app.dialects.eq.auth import KEY
from ari_app.dialects.eq.errors import ApiError, invalid, not_found, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.wire.media import Attachment, AttachmentBody, OfCall
from ari_app.errors import NotFound
from ari_app.media.targets import TargetError, TargetForbidden


def not_an_agents(ask: Ask[Any, Any]) -> None:
    """Who hears and speaks on calls is the back office's matter."""
    session = ask.caller.session
    if session is not None and session.kind == "agent":
        raise ApiError(403, KEY, "forbidden", "An agent's session may not attach to calls")


async def listing(ask: Ask[None, None]) -> list[Attachment]:
    not_an_agents(ask)
    return [Attachment.of(view) for view in ask.services.media.views(ask.account)]


async def create(ask: Ask[None, AttachmentBody]) -> str:
    not_an_agents(ask)
    data = ask.body.data
    if data.format != "slin" and not data.target.startswith("ws"):
        raise invalid("format", "Only a websocket has another format than slin")
    call, extension, named = whose(ask, data)
    media = ask.services.media
    try:
        return await media.attach(ask.account, data.to_request(), call=call, extension=extension)
    except TargetError as error:
        kind = "forbidden" if isinstance(error, TargetForbidden) else "invalid"
        raise refused("target", kind, f"target {error}") from None
    except (NotFound, LegGone):
        raise refused(named, "nonexistent", f"{named} is not on a call") from None
    except TooManyAttachments as error:
        raise refused(None, "limit", str(error)) from None


def whose(ask: Ask[Any, Any], data: OfCall) -> tuple[str | None, str | None, str]:
    """The call or the extension that is meant, and the attribute that names it."""
    given = {"call": data.call, "extension": data.extension, "agent": data.agent}
    names = [name for name, value in given.items() if value is not None]
    if not names:
        raise refused("call", "blank", "One of call, extension and agent must be given")
    if len(names) > 1:
        raise invalid("call", "Only one of call, extension and agent may be given")
    if data.agent is None:
        return data.call, data.extension, names[0]
    try:
        rows = ask.services.centre.agent_status(ask.account, None, data.agent, True)
    except NotFound:
        rows = []
    extension = next((row.extension for row in rows if row.extension), None)
    if extension is None:
        raise refused("agent", "nonexistent", "agent is not on a call")
    return None, extension, "agent"


async def get(ask: Ask[None, None]) -> Attachment:
    not_an_agents(ask)
    try:
        return Attachment.of(ask.services.media.view(ask.account, ask.path["id"]))
    except NotFound:
        raise not_found("id", "The attachment") from None


async def delete(ask: Ask[None, None]) -> None:
    not_an_agents(ask)
    try:
        ask.services.media.stop(ask.account, ask.path["id"])
    except NotFound:
        raise not_found("id", "The attachment") from None


HANDLERS: dict[str, Handler] = {
    "x.media.list": listing,
    "x.media.create": create,
    "x.media.get": get,
    "x.media.delete": delete,
}
