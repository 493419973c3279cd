"""The record of calls."""

from __future__ import annotations

from typing import Any

from ari_app.dialects.eq.errors import not_found
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.wire.call_record import RecordedCall
from ari_app.errors import NotFound


async def get(ask: Ask[None, Any]) -> RecordedCall:
    try:
        return RecordedCall.of(await ask.services.call_records.get(ask.account, ask.path["id"]))
    except NotFound:
        raise not_found("id", "The call") from None


HANDLERS: dict[str, Handler] = {"x.call.get": get}
