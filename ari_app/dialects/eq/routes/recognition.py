"""Speech recognition on live calls: begun, looked at, ended."""

from __future__ import annotations

from ari_app.dialects.eq.errors import refused
from ari_app.dialects.eq.routes.ask import Ask
from ari_app.dialects.eq.routes.desk import Whose, desk_handlers
from ari_app.dialects.eq.wire.recognition import Recognition, RecognitionBody
from ari_app.media.asr.errors import BadGrammar, RecogniserMissing


async def create(ask: Ask[None, RecognitionBody]) -> str:
    data = ask.body.data
    whose = Whose(ask, data)
    recognition = ask.services.recognition
    with whose.refusals():
        try:
            return await recognition.start(ask.account, data.to_request(), call=whose.call, extension=whose.extension)
        except RecogniserMissing as error:
            raise refused("engine", "nonexistent", str(error)) from None
        except BadGrammar as error:
            raise refused("engine", "invalid", str(error)) from None


HANDLERS = desk_handlers(
    "recognition", "The recognition", lambda services: services.recognition, Recognition.of, create
)
