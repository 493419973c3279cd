"""The live calls of extensions, and what is done with them."""

from __future__ import annotations

from typing import Any

from ari_app.dialects.eq.errors import invalid, nonexistent, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.routes.queued_calls import REFUSED
from ari_app.dialects.eq.routes.sessions import extension_exists
from ari_app.dialects.eq.wire.calls import (
    ActiveCall,
    ActiveCallsQuery,
    ExtensionActionBody,
    ParkedCall,
    PickUpBody,
    StealBody,
)
from ari_app.errors import CommandRefused, NotFound

#: why the other end of a call stays where it is
_UNMOVABLE = {
    "not_connected": "The channel is connected to nobody",
    "agent": "An agent who serves a queue cannot be transferred or parked",
    "no_space": "All parking spaces are taken",
}


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
    if body.action in ("dial", "blindTransfer") and body.destination is None:
        raise refused("destination", "blank", "destination must be given")
    await _check_extension(ask, body.extension)
    try:
        match body.action:
            case "dial":
                calls.dial(ask.account, body.extension, body.destination or "")
            case "blindTransfer":
                calls.blind_transfer(ask.account, body.extension, body.channel, body.destination or "")
            case "park":
                calls.park(ask.account, body.extension, body.channel)
            case "hangUp":
                calls.hang_up(ask.account, body.extension, body.channel)
    except NotFound:
        raise nonexistent("channel", "The channel") from None
    except CommandRefused as error:
        raise invalid("channel", _UNMOVABLE[str(error.context["reason"])]) from None


async def parked(ask: Ask[None, None]) -> list[ParkedCall]:
    return [ParkedCall.of(call) for call in ask.services.centre.calls.parked_calls(ask.account)]


async def pick_up(ask: Ask[None, PickUpBody]) -> None:
    try:
        ask.services.centre.calls.pick_up(ask.account, ask.body.channel, ask.body.destination)
    except NotFound:
        raise nonexistent("channel", "The parked call") from None
    except CommandRefused as error:
        raise invalid("destination", REFUSED[str(error.context["reason"])]) from None


async def _check_extension(ask: Ask[Any, Any], extension: str) -> None:
    if not await extension_exists(ask.services, ask.account, extension):
        raise nonexistent("extension", "Extension")


HANDLERS: dict[str, Handler] = {
    "active_calls": active,
    "steal_queued_call": steal,
    "extension_action": act,
    "parked_calls": parked,
    "pick_up_parked_call": pick_up,
}
