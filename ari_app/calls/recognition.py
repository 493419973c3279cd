"""What is said on live calls, written down or looked for: recognitions that users begin over REST.

    leg -- Hearing (attachment, segmenter) --> pieces of speech --> Recognisers --> results, the newest kept
                                           \\-> parts of one that goes on (partials.py) --> what was said so far

The call does not notice. What an engine cannot do in time is left out and counted, never done late.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Unpack

import structlog

from ari_app.ari.errors import AriError
from ari_app.calls.desk import Desk, FindLeg, Whom
from ari_app.calls.hearing import Ears, Ended, Heard, Hearing
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.partials import PARTS_MS, Speaking
from ari_app.calls.registry import Registry
from ari_app.calls.session import CallSession, SessionView
from ari_app.calls.verbs.attach import Side
from ari_app.calls.wait import while_alive
from ari_app.media.asr.errors import RecognitionError
from ari_app.media.asr.port import Transcript, Wanted
from ari_app.media.asr.segments import Part, Segment, Segmenter, Sign

log = structlog.get_logger(__name__)

#: results that are kept of one recognition: the newest; and pieces of speech that wait to be recognised
RESULTS, WAITING = 200, 10


@dataclass(frozen=True, kw_only=True)
class RecognitionRequest:
    """What users ask for. confidence: what the engine is less sure of is left out, 0 to 1. partials: what was said so
    far is told while it is said. Times in seconds, as in Manner (verbs/listen.py)."""

    wanted: Wanted
    engine: str = ""
    hear: Side = Side.PARTY
    confidence: float = 0.5
    end: float = 0.8
    partials: bool = False


class RecognitionView(SessionView, frozen=True, kw_only=True):
    """A recognition as it is now."""

    request: RecognitionRequest
    engine: str
    #: pieces of speech so far; of them, in which nothing was found, which failed, and for which there was no time
    pieces: int
    unmatched: int
    failed: int
    missed: int
    #: of the piece that failed last
    error: str
    results: list[Transcript]


class RecognitionSession(CallSession):
    """One recognition of a user."""

    def __init__(self, leg: Leg, request: RecognitionRequest, ears: Ears) -> None:
        super().__init__(leg, "recognition")
        self.request = request
        self._recognisers = ears.recognisers
        self._engine = ears.recognisers.engine(request.engine).name
        self._pieces = self._unmatched = self._failed = self._missed = 0
        self._error = ""
        self._results: deque[Transcript] = deque(maxlen=RESULTS)
        #: pieces that wait to be recognised; and which of them were fed to an engine while they were said
        self._waiting: deque[tuple[Segment, Speaking | None]] = deque()
        self._speaking: Speaking | None = None
        self._something = asyncio.Event()
        parts = PARTS_MS if request.partials else 0
        segmenter = Segmenter(end_ms=round(request.end * 1000), parts_ms=parts)
        self._hearing = Hearing(leg, ears.ports, self._told, hear=request.hear, segmenter=segmenter)

    def _told(self, heard: Heard) -> None:
        if isinstance(heard, Ended):
            self.stop("call: it has ended" if not self.leg.alive else f"call: {heard.reason}")
        elif isinstance(heard, Part):
            self._hear_part(heard)
        elif heard is Sign.NOTHING:
            speaking, self._speaking = self._speaking, None
            _drop(speaking)
        elif isinstance(heard, Segment):
            self._pieces += 1
            speaking, self._speaking = self._speaking, None
            if speaking is not None:
                speaking.ended(heard)
            if len(self._waiting) >= WAITING:
                self._missed += 1
                _drop(speaking)
                return
            self._waiting.append((heard, speaking))
            self._something.set()

    def _hear_part(self, part: Part) -> None:
        wanted = self.request.wanted
        if self._speaking is None and not self.reason:
            with suppress(RecognitionError):  # the whole piece will say it
                self._speaking = Speaking(
                    self._recognisers, wanted, self._engine, self._clock, self._so_far, part.start
                )
        if self._speaking is not None:
            self._speaking.hear(part)

    def _so_far(self, text: str, start: int) -> None:
        self.tell("Partial", text=text, start=start / 1000)

    async def run(self) -> None:
        """Hear, until somebody ends it. A task of the call."""
        try:
            await self._hearing.open()
            self.started()
            await while_alive(self.leg, self._recognise())
        except LegGone:
            self.stop("call: it has ended")
        except (AriError, OSError) as error:
            log.info("= cannot listen", call=self.leg.call.id, error=str(error))
            self.stop("call: it cannot be heard")

    async def _recognise(self) -> None:
        while not self.reason:
            await self._something.wait()
            self._something.clear()
            while self._waiting and not self.reason:
                await self._one(*self._waiting.popleft())

    async def _one(self, segment: Segment, speaking: Speaking | None) -> None:
        try:
            if speaking is not None:
                heard = await speaking.finish(segment)
            else:
                heard = await self._recognisers.hear(segment, self.request.wanted, self._engine)
        except RecognitionError as error:
            self._failed += 1
            self._error = str(error)
            self.tell("Failed", error=self._error)
            log.warning("= not recognised", call=self.leg.call.id, recognition=self.id, error=str(error))
            return
        if heard.text and (heard.confidence is None or heard.confidence >= self.request.confidence):
            self._results.append(heard)
            self.tell("Result", **told(heard))
        else:
            self._unmatched += 1
            self.tell("Unmatched", start=segment.start / 1000, end=segment.end / 1000)

    def stop(self, reason: str) -> None:
        """End it; the first reason stays."""
        super().stop(reason)
        self._something.set()

    def finish(self) -> None:
        """Let go of the call; once, whatever has become of the task."""
        super().finish()
        for speaking in (self._speaking, *(waits for _, waits in self._waiting)):
            _drop(speaking)
        self._speaking = None
        self._waiting.clear()
        if not self.leg.call.detached:
            self.leg.node.background(self._hearing.close())

    def view(self) -> RecognitionView:
        """As it is now."""
        return RecognitionView(
            **self.shown(),
            request=self.request,
            engine=self._engine,
            pieces=self._pieces,
            unmatched=self._unmatched,
            failed=self._failed,
            missed=self._missed,
            error=self._error,
            results=list(self._results),
        )


def _drop(speaking: Speaking | None) -> None:
    if speaking is not None:
        speaking.drop()


def told(heard: Transcript) -> dict[str, Any]:
    """What was understood, for those who listen to events. Times in seconds of the recognition's own time."""
    words = [
        {"text": word.text, "start": word.start / 1000, "end": word.end / 1000, "confidence": word.confidence}
        for word in heard.words
    ]
    times = {"start": heard.start / 1000, "end": heard.end / 1000}
    return {"text": heard.text, **times, "confidence": heard.confidence, "words": words}


class RecognitionDesk(Desk[RecognitionView]):
    """All recognitions of users."""

    def __init__(self, registry: Registry, ears: Ears, find: FindLeg, *, limit: int) -> None:
        """limit: recognitions at a time; each measures the audio of its call."""
        super().__init__(registry, find, "recognition", limit=limit)
        self._ears = ears

    async def start(self, account: int, request: RecognitionRequest, **whom: Unpack[Whom]) -> str:
        """Begin one on the leg that is meant; its id.

        Raises:
            RecogniserMissing, BadGrammar, NoPartials
            NotFound: there is no such leg; context "parameter": what of `whom` it is.
            TooMany
        """
        self._ears.recognisers.check(request.wanted, request.engine, partials=request.partials)
        leg = self.find_leg(account, **whom)
        self.require_room()
        session = RecognitionSession(leg, request, self._ears)
        log.info("= recognition", call=leg.call.id, recognition=session.id, hear=request.hear.value)
        return self.begin(account, session)
