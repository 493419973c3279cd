"""Say a text: its first sentence is heard while the next one is being made.

    synthesis   | first | second | third |
    Asterisk            | plays first .... | second .... | third ..
                           ^ second waits there already

Asterisk plays what a channel is given one after the other, so each sentence is given to it as soon as it is made, and
no more than one waits there: nothing of us is in the way between two.
"""

from __future__ import annotations

from collections import deque

import structlog

from ari_app.ari.errors import AriError
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.verbs.playback import Playback
from ari_app.errors import AppError

log = structlog.get_logger(__name__)

#: sentences that Asterisk has at a time: the one it plays, and the next
AHEAD = 2


async def say(leg: Leg, text: str, *, engine: str = "", voice: str | None = None, language: str | None = None) -> bool:
    """Say a text, and wait until it was heard. engine, voice: "" and None are the usual ones (docs/speech.md).

    Returns whether all of it could be played. Cancelled, it is silent at once.

    Raises:
        SpeechError: it cannot be spoken. Where only a later sentence fails, those before it have been heard.
        LegGone: the leg went before or meanwhile.
        AriError: Asterisk refused.
    """
    leg.require_alive()
    with_asterisk: deque[Playback] = deque()
    complete, failed = True, None

    async def next_heard() -> bool:
        heard = await with_asterisk[0].heard()
        with_asterisk.popleft()
        return heard

    try:
        try:
            async for media in leg.call.registry.speech(text, engine, voice):
                while len(with_asterisk) >= AHEAD:
                    complete &= await next_heard()
                sentence = Playback(leg)
                with_asterisk.append(sentence)
                await sentence.begin(media, language)
        except (AriError, LegGone):
            raise
        except AppError as error:
            failed = error
            log.warning("= not spoken", call=leg.call.id, leg=leg.id, error=str(error))
        while with_asterisk:
            complete &= await next_heard()
    except BaseException:
        if not leg.call.detached:
            leg.node.background(_stop(list(with_asterisk)))
        raise
    if failed is not None:
        raise failed
    return complete


async def _stop(sentences: list[Playback]) -> None:
    for sentence in reversed(sentences):  # the one that is heard last, so that no other begins
        await sentence.stop()
