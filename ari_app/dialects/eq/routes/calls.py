"""The live calls of extensions, and what is done with them."""

from __future__ import annotations

from typing import Any

from ari_app.dialects.eq.errors import invalid, nonexistent, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.routes.queued_calls import REFUSED
from ari_app.dialects.eq.routes.sessions import extension_exists
from ari_app.dialects.eq.wire.calls import ActiveCall, ActiveCallsQuery, ExtensionActionBody, StealBody
from ari_app.errors import CommandRefused, NotFound


async def active(ask: Ask[ActiveCallsQuery, None]) -> list[ActiveCall]:
    extension = ask.query.extension
    await _check_extension(ask, extension)
    return [ActiveCall.of(call) for call in ask.services.centre.calls.active_calls(ask.account, extension)]


async def steal(ask: Ask[None, StealBody]) -> None:
    body = ask.body
    try:
        ask.services.centre.calls.steal(ask.account, body.channel, body.destination)
    except NotFound:
        raise nonexistent("channel", "The waiting call") from None
    except CommandRefused as error:
        raise invalid("destination", REFUSED[str(error.context["reason"])]) from None


async def act(ask: Ask[None, ExtensionActionBody]) -> None:
    body, calls = ask.body, ask.services.centre.calls
    if body.action == "dial" and body.destination is None:
        raise refused("destination", "blank", "destination must be given")
    await _check_extension(ask, body.extension)
    try:
        match body.action:
            case "dial":
                calls.dial(ask.account, body.extension, body.destination or "")
            case "hangUp":
                calls.hang_up(ask.account, body.extension, body.channel)
    except NotFound:
        raise nonexistent("channel", "The channel") from None


async def _check_extension(ask: Ask[Any, Any], extension: str) -> None:
    if not await extension_exists(ask.services, ask.account, extension):
        raise nonexistent("extension", "Extension")


HANDLERS: dict[str, Handler] = {"active_calls": active, "steal_queued_call": steal, "extension_action": act}
