"""Ask for something and understand what is answered: a prompt that may be talked over, speech or keys, recognition.

prompt .......... | silence (timeout) -> no input
     speech begins: the prompt stops
           speech | end of silence -> recognised -> match, or no match
     a key: the prompt stops
           keys   | as many as are wanted, or the one that ends them, or no more of them -> digits
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog

from ari_app.calls.hearing import Ears, Ended, Heard, Hearing
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.verbs.attach import Side
from ari_app.calls.verbs.play import BadMedia, play
from ari_app.calls.wait import while_alive
from ari_app.clock import Timer
from ari_app.media.asr.errors import RecognitionFailed
from ari_app.media.asr.port import Transcript, Wanted
from ari_app.media.asr.segments import Segment, Segmenter, Sign

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What came of it, in the words of VoiceXML; but for keys, which are told apart from speech."""

    MATCH = "match"
    #: he has said something else, or so that nobody can be sure of it
    NO_MATCH = "nomatch"
    NO_INPUT = "noinput"
    #: he has pressed keys
    DIGITS = "digits"


NOTHING = Transcript("")


@dataclass(frozen=True)
class Answer:
    """What somebody answers."""

    outcome: Outcome
    #: what was understood, also where it is not believed; "" and no times: nothing
    transcript: Transcript = NOTHING
    #: the keys, without the one that ended them
    digits: str = ""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How to listen.

    timeout: seconds from the end of the prompt in which he begins to answer. barge_in: he may talk over the prompt.
    end: seconds of silence after which he has finished; 0.2 to 5. longest: seconds of what he says; 1 to 60.
    confidence: what an engine is less sure of is no match, 0 to 1; engines that do not say how sure they are, are
    believed.

    digits: keys of an answer at most; 0: keys are no answer, and nobody looks at them. key_barge_in: one ends the
    prompt; else those that are pressed during it do not count. terminator: the key that ends an answer, of which it is
    no part; "": none does. between: seconds after a key in which the next is waited for.
    """

    timeout: float = 5.0
    barge_in: bool = True
    end: float = 0.8
    longest: float = 15.0
    confidence: float = 0.5
    digits: int = 1
    key_barge_in: bool = True
    terminator: str = ""
    between: float = 3.0

    def segmenter(self) -> Segmenter:
        """Raises ValueError."""
        return Segmenter(end_ms=round(self.end * 1000), longest_ms=round(self.longest * 1000))


class _PromptOver:
    """The prompt has been heard, or will not be."""


class _Late:
    """Nobody has said or pressed anything in time."""


_Told = Heard | _PromptOver | _Late | str

#: has the keys that count told, while it is entered
Keys = Callable[[Callable[[str], None]], AbstractContextManager[None]]


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
    first there is. Keys are this one's meanwhile.

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

    @contextmanager
    def keys(pressed: Callable[[str], None]) -> Iterator[None]:
        before, leg.on_digit = leg.on_digit, lambda _, digit: pressed(digit)
        try:
            yield
        finally:
            leg.on_digit = before

    manner = manner or Manner()
    turn = Turn(leg, ears, manner, keys, (lambda: play(leg, prompt)) if prompt else None)
    return await understood(leg, ears, wanted, engine, manner.confidence, await turn.take())


async def understood(
    leg: Leg, ears: Ears, wanted: Wanted | None, engine: str, confidence: float, said: Segment | str | None
) -> Answer:
    """What was said or pressed in a turn, as an answer. Raises LegGone, RecognitionFailed."""
    if isinstance(said, str):
        return Answer(Outcome.DIGITS, digits=said)
    if said is None or wanted is None:
        return Answer(Outcome.NO_INPUT)
    heard = await while_alive(leg, ears.recognisers.hear(said, wanted, engine))
    sure = heard.confidence is None or heard.confidence >= confidence
    outcome = Outcome.MATCH if heard.text and sure else Outcome.NO_MATCH
    log.info("= heard", call=leg.call.id, leg=leg.id, outcome=outcome.value, confidence=heard.confidence)
    return Answer(outcome, heard)


class Turn:
    """One question and its answer. All that happens comes through one queue, in order."""

    def __init__(
        self,
        leg: Leg,
        ears: Ears,
        manner: Manner,
        keys: Keys,
        prompt: Callable[[], Awaitable[Any]] | None = None,
        *,
        hear: Side = Side.PARTY,
        speech: bool = True,
    ) -> None:
        """prompt: plays it to its end; cancelled, it is silent. speech: False: only keys are an answer."""
        self._manner = manner
        self._leg = leg
        self._keys = keys
        self._prompt = prompt
        self._told: asyncio.Queue[_Told] = asyncio.Queue()
        self._hearing: Hearing | None = None
        if speech:
            self._hearing = Hearing(leg, ears.ports, self._told.put_nowait, hear=hear, segmenter=manner.segmenter())
        self._playing: asyncio.Future[Any] | None = None
        #: told when he is heard, and the prompt begins
        self.on_begun: Callable[[], None] = lambda: None

    async def take(self) -> Segment | str | None:
        """What he says, the keys that he presses, or None: neither in time. Raises LegGone, RecognitionFailed,
        AriError, OSError, and what the prompt raises."""
        with self._keys(self._told.put_nowait):
            try:
                return await while_alive(self._leg, self._take())
            finally:
                await self._hush()

    async def _take(self) -> Segment | str | None:
        if self._hearing is None:
            self._play()
            return await self._answer()
        if not self._manner.barge_in and self._prompt is not None:
            self._play()
            if (key := await self._until_played()) is not None:
                return await self._number(key)
        await self._hearing.open()
        try:
            if self._playing is None:
                self._play()
            else:
                self._told.put_nowait(_PromptOver())
            return await self._answer()
        finally:
            if not self._leg.call.detached:
                self._leg.node.background(self._hearing.close())

    def _play(self) -> None:
        self.on_begun()
        if self._prompt is None:
            self._told.put_nowait(_PromptOver())
            return
        self._playing = asyncio.ensure_future(self._prompt())
        self._playing.add_done_callback(lambda _: self._told.put_nowait(_PromptOver()))

    async def _hush(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.wait({self._playing})

    def _played(self) -> None:
        """Raises what went wrong with the prompt."""
        if self._playing is not None and not self._playing.cancelled():
            self._playing.result()

    def _counts(self, key: str) -> bool:
        prompted = self._playing is not None and not self._playing.done()
        return self._manner.digits > 0 and (self._manner.key_barge_in or not prompted)

    async def _until_played(self) -> str | None:
        """A key that was pressed meanwhile; its end is not waited for then."""
        while not isinstance(told := await self._told.get(), _PromptOver):
            if isinstance(told, str) and self._counts(told):
                return told
        self._played()
        return None

    async def _answer(self) -> Segment | str | None:
        begun, late = False, None
        try:
            while True:
                told = await self._told.get()
                if isinstance(told, Segment):
                    return told
                if isinstance(told, str):
                    if self._counts(told):
                        return await self._number(told)
                elif isinstance(told, Ended):
                    raise self._no_more(told)
                elif isinstance(told, Sign):
                    begun = True
                    await self._hush()
                elif isinstance(told, _Late):
                    if not begun:
                        return None
                elif isinstance(told, _PromptOver) and late is None:
                    self._played()
                    _, late = self._in(self._manner.timeout)
        finally:
            if late is not None:
                late.cancel()

    async def _number(self, key: str) -> str:
        """The keys, of which this is the first. What is said meanwhile is nothing any more."""
        await self._hush()
        digits = ""
        while key and key != self._manner.terminator:
            digits += key
            if len(digits) >= self._manner.digits:
                break
            key = await self._next()
        return digits

    async def _next(self) -> str:
        """The next key; "": it did not come in time."""
        late, timer = self._in(self._manner.between)
        try:
            while (told := await self._told.get()) is not late:
                if isinstance(told, str):
                    return told
            return ""
        finally:
            timer.cancel()

    def _in(self, seconds: float) -> tuple[_Late, Timer]:
        clock, late = self._leg.call.registry.clock, _Late()
        return late, clock.call_at(clock.now() + seconds, lambda: self._told.put_nowait(late))

    def _no_more(self, ended: Ended) -> Exception:
        if not self._leg.alive:
            return LegGone(f"leg {self._leg.id} went while it was listened to", leg=self._leg.id)
        return RecognitionFailed(f"the audio has ended: {ended.reason}", leg=self._leg.id)
