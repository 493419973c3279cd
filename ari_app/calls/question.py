"""Questions that users ask on live calls over REST: a prompt, and what is answered to it, by voice or with keys.

    texts, sounds --> snoop (whisper) --> who is asked
                                              |  speech --> Hearing --> Recognisers --> answer
                                              |  keys  ------------------------------> answer

The call goes on below it, and no program of the call notices: keys that are an answer here are also what they are to
the call. A question has one answer. It ends with its process: it is media, which no restart brings back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Unpack

import structlog

from ari_app.ari.errors import AriError
from ari_app.calls.desk import Desk, FindLeg, Whom
from ari_app.calls.hearing import Ears
from ari_app.calls.keys import keys_told
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.playback import Item, ItemView, PlaybackRequest, PlaybackSession
from ari_app.calls.recognition import told
from ari_app.calls.registry import Registry
from ari_app.calls.session import CallSession, SessionView
from ari_app.calls.verbs.attach import Side
from ari_app.calls.verbs.digits import talks_to
from ari_app.calls.verbs.listen import Answer, Manner, Turn, understood
from ari_app.media.asr.errors import RecognitionError
from ari_app.media.asr.port import Wanted

log = structlog.get_logger(__name__)

#: questions of one call at a time: one of each side
PER_CALL = 2
#: why one ended that was answered; "noinput" is an answer too
ANSWERED = "answered"


@dataclass(frozen=True, kw_only=True)
class QuestionRequest:
    """What users ask for. wanted: None: keys only. asked: PARTY or OTHERS."""

    manner: Manner
    wanted: Wanted | None = None
    prompt: tuple[Item, ...] = ()
    engine: str = ""
    asked: Side = Side.PARTY

    def __post_init__(self) -> None:
        if self.wanted is None and not self.manner.digits:
            raise ValueError("digits: without speech, keys are the answer")
        self.manner.segmenter()


class QuestionView(SessionView, frozen=True, kw_only=True):
    """A question as it is now."""

    request: QuestionRequest
    #: of the recogniser; "": none is asked
    engine: str
    #: of the prompt
    items: list[ItemView]
    #: None: there is none (yet)
    answer: Answer | None


class QuestionSession(CallSession):
    """One question of a user."""

    def __init__(self, leg: Leg, request: QuestionRequest, ears: Ears) -> None:
        super().__init__(leg, "question")
        self.request = request
        self._ears = ears
        self._engine = ears.recognisers.engine(request.engine).name if request.wanted is not None else ""
        self._answer: Answer | None = None
        self._over = asyncio.Event()
        self._prompt = PlaybackSession(leg, PlaybackRequest(items=request.prompt, heard_by=request.asked), ears.ports)
        self._turn = Turn(
            leg,
            ears,
            request.manner,
            self._keys,
            self._play if request.prompt else None,
            hear=request.asked,
            speech=request.wanted is not None,
        )
        self._turn.on_begun = self.started

    async def _play(self) -> None:
        await self._prompt.run()
        if self._prompt.reason != "done":
            self.stop(self._prompt.reason)

    def _keys(self, tell: Callable[[str], None]) -> AbstractContextManager[None]:
        def pressed(leg: Leg, digit: str) -> None:
            if leg is self.leg if self.request.asked is Side.PARTY else leg in talks_to(self.leg):
                tell(digit)

        return keys_told(self.leg.call.registry, pressed)

    async def run(self) -> None:
        """Ask, and have it answered. A task of the call."""
        asking, over = asyncio.ensure_future(self._ask()), asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait({asking, over}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                self._answered(asking.result())
        except LegGone:
            self.stop("call: it has ended")
        except RecognitionError as error:
            self.stop(f"recognition: {error}")
        except (AriError, OSError) as error:
            log.info("= cannot ask", call=self.leg.call.id, question=self.id, error=str(error))
            self.stop("call: it cannot be heard")
        finally:
            for each in (asking, over):
                each.cancel()
            await asyncio.wait({asking})

    async def _ask(self) -> Answer:
        request = self.request
        said = await self._turn.take()
        return await understood(self.leg, self._ears, request.wanted, self._engine, request.manner.confidence, said)

    def _answered(self, answer: Answer) -> None:
        self._answer = answer
        self.tell("Answered", outcome=answer.outcome.value, digits=answer.digits, **told(answer.transcript))
        self.stop(ANSWERED)

    def stop(self, reason: str) -> None:
        """End it; the first reason stays."""
        super().stop(reason)
        self._over.set()

    def finish(self) -> None:
        """It is over, whatever has become of the task."""
        super().finish()
        self._prompt.finish()

    def view(self) -> QuestionView:
        """As it is now."""
        return QuestionView(
            **self.shown(),
            request=self.request,
            engine=self._engine,
            items=self._prompt.view().items,
            answer=self._answer,
        )


class QuestionDesk(Desk[QuestionView]):
    """All questions of users."""

    def __init__(self, registry: Registry, ears: Ears, find: FindLeg, *, limit: int) -> None:
        """limit: questions at a time."""
        super().__init__(registry, find, "question", limit=limit)
        self._ears = ears

    async def start(self, account: int, request: QuestionRequest, **whom: Unpack[Whom]) -> str:
        """Ask on the leg that is meant; the question's id.

        Raises:
            RecogniserMissing, BadGrammar
            NotFound: there is no such leg; context "parameter": what of `whom` it is.
            TooMany: altogether, or on that call.
        """
        if request.wanted is not None:
            self._ears.recognisers.check(request.wanted, request.engine)
        leg = self.find_leg(account, **whom)
        self.require_room(leg, PER_CALL)
        session = QuestionSession(leg, request, self._ears)
        log.info("= question", call=leg.call.id, question=session.id, asked=request.asked.value)
        return self.begin(account, session)
