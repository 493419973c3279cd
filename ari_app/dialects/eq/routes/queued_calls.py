"""Calls that wait, changed."""

from __future__ import annotations

from ari_app.dialects.eq.errors import invalid, nonexistent, not_found, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.wire.queued_call import QueuedCallBody
from ari_app.errors import CommandRefused, NotFound

#: why a queue does not let a call in
REFUSED = {
    "unreachable": "Nobody can be called there",
    "there_already": "The call waits in this queue already",
    "closed": "The queue is closed",
    "empty": "The queue has no agents to serve it",
    "full": "The queue is full",
}


async def update(ask: Ask[None, QueuedCallBody]) -> None:
    data = ask.body.data
    if data.priority is None and data.queue is None:
        raise refused("priority", "blank", "A priority or a queue must be given")
    try:
        ask.services.centre.change_place(ask.account, ask.path["id"], data.priority, data.queue)
    except NotFound as error:
        if "queue" in error.context:
            raise nonexistent("queue", "The queue") from None
        raise not_found("id", "The waiting call") from None
    except CommandRefused as error:
        raise invalid("queue", REFUSED[str(error.context["reason"])]) from None


HANDLERS: dict[str, Handler] = {"x.queued_call.update": update}
