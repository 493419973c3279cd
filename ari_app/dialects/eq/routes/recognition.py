"""Speech recognition on live calls: begun, looked at, ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ari_app.dialects.eq.errors import refused
from ari_app.dialects.eq.routes.ask import Ask
from ari_app.dialects.eq.routes.desk import Whose, desk_handlers
from ari_app.dialects.eq.wire.recognition import Recognition, RecognitionBody
from ari_app.media.asr.errors import BadGrammar, NoPartials, RecogniserMissing


@contextmanager
def unrecognised() -> Iterator[None]:
    """What an engine cannot do, in the words of the API."""
    try:
        yield
    except RecogniserMissing as error:
        raise refused("engine", "nonexistent", str(error)) from None
    except NoPartials as error:
        raise refused("partials", "invalid", str(error)) from None
    except BadGrammar as error:
        raise refused("engine", "invalid", str(error)) from None


async def create(ask: Ask[None, RecognitionBody]) -> str:
    data = ask.body.data
    whose = Whose(ask, data)
    recognition = ask.services.recognition
    with whose.refusals(), unrecognised():
        return await recognition.start(ask.account, data.to_request(), **whose.whom)


HANDLERS = desk_handlers(
    "recognition", "The recognition", lambda services: services.recognition, Recognition.of, create
)
