"""Calls that wait, changed."""

from __future__ import annotations

from ari_app.dialects.eq.errors import not_found
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.wire.queued_call import QueuedCallBody
from ari_app.errors import NotFound


async def update(ask: Ask[None, QueuedCallBody]) -> None:
    try:
        ask.services.centre.change_priority(ask.account, ask.path["id"], ask.body.data.priority)
    except NotFound:
        raise not_found("id", "The waiting call") from None


HANDLERS: dict[str, Handler] = {"x.queued_call.update": update}
