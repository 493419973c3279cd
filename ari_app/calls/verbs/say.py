"""Say a text: its first sentence is heard while the next one is being made.

    synthesis   | first | second | third |
    Asterisk            | plays first .... | second .... | third ..
                           ^ second waits there already

Asterisk plays what a channel is given one after the other, so each sentence is given to it as soon as it is made, and
no more than one waits there: nothing of us is in the way between two.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import ExitStack, suppress
from typing import Any

import structlog

from ari_app.ari import events
from ari_app.ari.errors import AriError
from ari_app.calls.leg import Leg, LegGone, LegState
from ari_app.calls.wait import WaitFor, object_events
from ari_app.errors import AppError

log = structlog.get_logger(__name__)

#: sentences that Asterisk has at a time: the one it plays, and the next
AHEAD = 2


class _Sentence:
    """One that is with Asterisk."""

    def __init__(self, leg: Leg) -> None:
        self._leg = leg
        self._id = leg.call.registry.ids.new("play")
        self._listening = ExitStack()
        self._wait: WaitFor = self._listening.enter_context(object_events(leg.call.registry, leg.node, self._id))
        self._asked: asyncio.Future[Any] | None = None

    async def begin(self, media: str, language: str | None) -> None:
        """Give it to Asterisk. Raises LegGone, AriError."""
        self._leg.require_alive()
        asked = self._asked = asyncio.ensure_future(
            self._leg.node.channels.playWithId(
                channelId=self._leg.id, playbackId=self._id, media=[media], lang=language
            )
        )
        await asyncio.shield(asked)

    async def heard(self) -> bool:
        """Wait for its end; whether it was heard to it. Raises LegGone."""
        finished = await self._wait(self._leg, lambda event: isinstance(event, events.PlaybackFinished))
        self._listening.close()
        if finished is None:
            raise LegGone(f"leg {self._leg.id} went while it was spoken to", leg=self._leg.id)
        assert isinstance(finished, events.PlaybackFinished)
        return finished.playback.state == "done"

    async def stop(self) -> None:
        """End it, also where it has not begun."""
        self._listening.close()
        with suppress(AriError):
            if self._asked is not None:
                await asyncio.wait({self._asked})
                if self._leg.state is not LegState.GONE:
                    await self._leg.node.playbacks.stop(playbackId=self._id)


async def say(leg: Leg, text: str, *, engine: str = "", voice: str | None = None, language: str | None = None) -> bool:
    """Say a text, and wait until it was heard. engine, voice: "" and None are the usual ones (docs/speech.md).

    Returns whether all of it could be played. Cancelled, it is silent at once.

    Raises:
        SpeechError: it cannot be spoken. Where only a later sentence fails, those before it have been heard.
        LegGone: the leg went before or meanwhile.
        AriError: Asterisk refused.
    """
    leg.require_alive()
    with_asterisk: deque[_Sentence] = deque()
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
                sentence = _Sentence(leg)
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


async def _stop(sentences: list[_Sentence]) -> None:
    for sentence in reversed(sentences):  # the one that is heard last, so that no other begins
        await sentence.stop()
