"""Speech recognition on live calls: begun, looked at, ended."""

from __future__ import annotations

from typing import Any

from ari_app.calls.recognition import TooManyRecognitions
from ari_app.dialects.eq.errors import not_found, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.routes.media import not_an_agents, whose
from ari_app.dialects.eq.wire.recognition import Recognition, RecognitionBody
from ari_app.errors import NotFound
from ari_app.media.asr.errors import BadGrammar, RecogniserMissing


async def listing(ask: Ask[None, None]) -> list[Recognition]:
    not_an_agents(ask)
    return [Recognition.of(view) for view in ask.services.recognition.views(ask.account)]


async def create(ask: Ask[None, RecognitionBody]) -> str:
    not_an_agents(ask)
    data = ask.body.data
    call, extension, named = whose(ask, data)
    try:
        return await ask.services.recognition.start(ask.account, data.to_request(), call=call, extension=extension)
    except RecogniserMissing as error:
        raise refused("engine", "nonexistent", str(error)) from None
    except BadGrammar as error:
        raise refused("engine", "invalid", str(error)) from None
    except NotFound:
        raise refused(named, "nonexistent", f"{named} is not on a call") from None
    except TooManyRecognitions as error:
        raise refused(None, "limit", str(error)) from None


async def get(ask: Ask[None, Any]) -> Recognition:
    not_an_agents(ask)
    try:
        return Recognition.of(ask.services.recognition.view(ask.account, ask.path["id"]))
    except NotFound:
        raise not_found("id", "The recognition") from None


async def delete(ask: Ask[None, Any]) -> None:
    not_an_agents(ask)
    try:
        ask.services.recognition.stop(ask.account, ask.path["id"])
    except NotFound:
        raise not_found("id", "The recognition") from None


HANDLERS: dict[str, Handler] = {
    "x.recognition.list": listing,
    "x.recognition.create": create,
    "x.recognition.get": get,
    "x.recognition.delete": delete,
}
