"""Call-backs: asked for, looked at, taken back."""

from __future__ import annotations

from ari_app.acd.events import CallBackCancelled
from ari_app.dialects.eq.errors import nonexistent, not_found, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.wire.call_back import CallBack, CallBackBody
from ari_app.dialects.eq.wire.common import QueueQuery
from ari_app.errors import AlreadyRequested, CommandRefused, NotFound


async def listing(ask: Ask[QueueQuery, None]) -> list[CallBack]:
    try:
        return [CallBack.of(view) for view in ask.services.centre.call_backs(ask.account, ask.query.queue)]
    except NotFound:
        raise nonexistent("queue", "The queue") from None


async def create(ask: Ask[None, CallBackBody]) -> str:
    data = ask.body.data
    try:
        return ask.services.centre.call_back(ask.account, data.queue, data.number, data.name or "", data.priority)
    except AlreadyRequested:
        raise refused("number", "in_use", "This number waits to be called back by this queue already") from None
    except NotFound:
        raise nonexistent("queue", "The queue") from None


async def delete(ask: Ask[None, None]) -> None:
    centre = ask.services.centre
    request = ask.path["id"]
    entry = next((view.entry for view in centre.call_backs(ask.account, None) if view.request == request), None)
    if entry is None:
        raise not_found("id", "The call-back")
    try:
        centre.apply(ask.account, CallBackCancelled(entry=entry))
    except CommandRefused:
        raise refused("id", "in_use", "An agent calls him back at this moment") from None


HANDLERS: dict[str, Handler] = {
    "call_backs": listing,
    "call_back.create": create,
    "call_back.delete": delete,
}
