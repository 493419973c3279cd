"""Ask for something and understand what is answered: a prompt that may be talked over, speech, its recognition.

prompt .......... | silence (timeout) -> no input
     speech begins: the prompt stops
           speech | end_ms of silence -> recognised -> match, or no match
a key is pressed -> digit
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog

from ari_app.calls.hearing import Ears, Ended, Heard, Hearing
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.verbs.play import BadMedia, play
from ari_app.calls.wait import while_alive
from ari_app.media.asr.errors import RecognitionFailed
from ari_app.media.asr.port import Transcript, Wanted
from ari_app.media.asr.segments import Segment, Segmenter, Sign

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What came of it, in the words of VoiceXML."""

    MATCH = "match"
    #: he has said something else, or so that nobody can be sure of it
    NO_MATCH = "nomatch"
    NO_INPUT = "noinput"
    #: he has pressed a key
    DIGIT = "digit"


NOTHING = Transcript("")


@dataclass(frozen=True)
class Answer:
    """What somebody answers."""

    outcome: Outcome
    #: what was understood, also where it is not believed; "" and no times: nothing
    transcript: Transcript = NOTHING
    digit: str = ""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How to listen.

    timeout: seconds from the end of the prompt in which he begins to speak. barge_in: he may talk over the prompt.
    end: seconds of silence after which he has finished; 0.2 to 5. longest: seconds of what he says; 1 to 60.
    confidence: what an engine is less sure of is no match, 0 to 1; engines that do not say how sure they are, are
    believed.
    """

    timeout: float = 5.0
    barge_in: bool = True
    end: float = 0.8
    longest: float = 15.0
    confidence: float = 0.5

    def segmenter(self) -> Segmenter:
        """Raises ValueError."""
        return Segmenter(end_ms=round(self.end * 1000), longest_ms=round(self.longest * 1000))


class _PromptOver:
    """The prompt has been heard, or will not be."""


class _Late:
    """Nobody has said anything in time."""


_Told = Heard | _PromptOver | _Late | str


async def listen(
    leg: Leg,
    ears: Ears,
    wanted: Wanted,
    prompt: Sequence[str] = (),
    *,
    engine: str = "",
    manner: Manner | None = None,
) -> Answer:
    """Play a prompt (media URIs as `play` has them) and understand what the party of the leg answers. engine: "" is the
    first there is.

    Raises:
        LegGone: the leg went before he had answered.
        RecogniserMissing, BadGrammar: before anything is heard.
        RecognitionFailed: what he said could not be recognised.
        AriError, OSError: he cannot be heard.
        BadMedia: of the prompt; also a tone: while Asterisk plays one, it hears nothing of the phone.
        ValueError: of the manner.
    """
    leg.require_alive()
    ears.recognisers.check(wanted, engine)
    if any(uri.startswith("tone:") for uri in prompt):
        raise BadMedia("nobody can be heard while a tone is played")
    turn = _Turn(leg, ears, prompt, manner or Manner())
    said = await turn.take()
    if isinstance(said, str):
        return Answer(Outcome.DIGIT, digit=said)
    if said is None:
        return Answer(Outcome.NO_INPUT)
    heard = await while_alive(leg, ears.recognisers.hear(said, wanted, engine))
    sure = heard.confidence is None or heard.confidence >= turn.manner.confidence
    outcome = Outcome.MATCH if heard.text and sure else Outcome.NO_MATCH
    log.info("= heard", call=leg.call.id, leg=leg.id, outcome=outcome.value, confidence=heard.confidence)
    return Answer(outcome, heard)


class _Turn:
    """One question and its answer. All that happens comes through one queue, in order."""

    def __init__(self, leg: Leg, ears: Ears, prompt: Sequence[str], manner: Manner) -> None:
        self.manner = manner
        self._leg = leg
        self._prompt = list(prompt)
        self._told: asyncio.Queue[_Told] = asyncio.Queue()
        self._hearing = Hearing(leg, ears.ports, self._told.put_nowait, segmenter=manner.segmenter())
        self._playing: asyncio.Future[bool] | None = None

    async def take(self) -> Segment | str | None:
        """What he says, the key that he presses, or None: neither in time."""
        before, self._leg.on_digit = self._leg.on_digit, lambda _, digit: self._told.put_nowait(digit)
        try:
            if not self.manner.barge_in and self._prompt:
                self._play()
                if (key := await self._until_played()) is not None:
                    return key
            await self._hearing.open()
            try:
                return await self._answer()
            finally:
                if not self._leg.call.detached:
                    self._leg.node.background(self._hearing.close())
        finally:
            self._leg.on_digit = before
            await self._hush()

    def _play(self) -> None:
        self._playing = asyncio.ensure_future(play(self._leg, self._prompt))
        self._playing.add_done_callback(lambda _: self._told.put_nowait(_PromptOver()))

    async def _hush(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.wait({self._playing})

    def _played(self) -> None:
        """Raises what went wrong with the prompt."""
        if self._playing is not None and not self._playing.cancelled():
            self._playing.result()

    async def _until_played(self) -> str | None:
        """A key that was pressed meanwhile; its end is not waited for then."""
        while not isinstance(told := await self._told.get(), _PromptOver):
            if isinstance(told, str):
                return told
        self._played()
        return None

    async def _answer(self) -> Segment | str | None:
        clock = self._leg.call.registry.clock
        if self._playing is None and self._prompt:
            self._play()
        else:
            self._told.put_nowait(_PromptOver())
        begun, late = False, None
        try:
            while True:
                told = await self._told.get()
                if isinstance(told, Segment | str):
                    return told
                if isinstance(told, Ended):
                    raise self._no_more(told)
                if isinstance(told, Sign):
                    begun = True
                    await self._hush()
                elif isinstance(told, _Late):
                    if not begun:
                        return None
                elif late is None:
                    self._played()
                    late = clock.call_at(clock.now() + self.manner.timeout, lambda: self._told.put_nowait(_Late()))
        finally:
            if late is not None:
                late.cancel()

    def _no_more(self, ended: Ended) -> Exception:
        if not self._leg.alive:
            return LegGone(f"leg {self._leg.id} went while it was listened to", leg=self._leg.id)
        return RecognitionFailed(f"the audio has ended: {ended.reason}", leg=self._leg.id)
