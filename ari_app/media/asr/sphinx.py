"""PocketSphinx: grammars and keywords in English, with nothing but its package (the extra `asr`).

The models that it brings are for microphones, not for telephones, and twenty years old: docs/speech.md has what is to
be expected of it. It is for a few words that sound different, not for dictation, which it is not asked for.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import Any, ClassVar

from ari_app.media.asr.errors import BadGrammar, RecogniserMissing, RecognitionError
from ari_app.media.asr.port import Stream, Transcript, Wanted, Word, plain
from ari_app.media.asr.worker import TIME_LIMIT, Worker, Workers
from ari_app.media.frames import RATE

_MODULE = "ari_app.media.asr.sphinx_process"
#: bytes of speech after which what was said so far is looked at again: 0.8 s
_LOOK_AGAIN = 8 * RATE // 10 * 2


class PocketSphinx:
    """model, dictionary: those of another language; "": the English ones of the package."""

    remote: ClassVar[bool] = False

    def __init__(
        self,
        name: str = "pocketsphinx",
        *,
        model: str = "",
        dictionary: str = "",
        language: str = "en",
        concurrent: int | None = None,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        """concurrent: processes, one a core by default; each has 60 MB and is there from when it is first needed.
        time_limit: seconds for one piece of speech."""
        self.name = name
        self._language = language
        arguments = ["--model", model, "--dictionary", dictionary]
        many = concurrent or os.cpu_count() or 1
        self._workers = Workers([Worker(name, _MODULE, arguments, time_limit=time_limit) for _ in range(many)])

    def check(self, wanted: Wanted) -> None:
        if importlib.util.find_spec("pocketsphinx") is None:
            raise RecogniserMissing(f"{self.name}: the package pocketsphinx is not installed", engine=self.name)
        if wanted.language.partition("-")[0].lower() != self._language:
            raise BadGrammar(f"{self.name}: knows {self._language}, not {wanted.language}", engine=self.name)
        if not (wanted.phrases or wanted.keywords or wanted.grammar):
            raise BadGrammar(f"{self.name}: needs phrases, keywords or a grammar: it takes no dictation")
        if "import" in wanted.grammar:
            raise BadGrammar(f"{self.name}: grammars that import others are not read", engine=self.name)

    async def recognise(self, samples: bytes, wanted: Wanted) -> Transcript:
        """As in Recogniser."""
        return await self._ask(samples, wanted)

    streams: ClassVar[bool] = True

    def stream(
        self, wanted: Wanted, tell: Callable[[str], None], place: AbstractAsyncContextManager[Any] | None = None
    ) -> Stream:
        """As in Streaming."""
        self.check(wanted)
        return _Again(partial(self._ask, wanted=wanted), self._workers, tell)

    async def _ask(self, samples: bytes, wanted: Wanted, *, so_far: bool = False) -> Transcript:
        self.check(wanted)
        names = {plain(one): one for one in wanted.phrases or wanted.keywords}
        header = _header(wanted, list(names))
        answer = await self._workers.ask({**header, "so_far": True} if so_far else header, samples)
        words = tuple(Word(*word) for word in answer.words)
        if wanted.keywords:
            text = ", ".join(names.get(one, one) for one in answer.text.split(", ") if one)
        else:
            text = names.get(answer.text, answer.text)
        return Transcript(text, answer.confidence, words)

    async def close(self) -> None:
        """End its processes."""
        await self._workers.close()


class _Again:
    """A piece of speech (port.Stream) that is given to a process again and again while it is said: decoding is so much
    quicker than speaking that nothing is gained by keeping a decoder for each call."""

    def __init__(
        self, ask: Callable[..., Awaitable[Transcript]], workers: Workers, tell: Callable[[str], None]
    ) -> None:
        self._ask = ask
        self._workers = workers
        self._tell = tell
        self._said = ""
        self._over = False
        self._sound = bytearray()
        self._looked = 0  # bytes of it
        self._looking: asyncio.Task[None] | None = None

    def feed(self, samples: bytes) -> None:
        """As in Stream. Who waits for a result comes first: nobody looks while no process is idle."""
        self._sound += samples
        busy = self._looking is not None and not self._looking.done()
        if not busy and len(self._sound) - self._looked >= _LOOK_AGAIN and self._workers.idle:
            self._looked = len(self._sound)
            self._looking = asyncio.create_task(self._look(bytes(self._sound)))

    async def _look(self, sound: bytes) -> None:
        with suppress(RecognitionError):  # the result will say it
            heard = await self._ask(sound, so_far=True)
            if heard.text and heard.text != self._said and not self._over:
                self._said = heard.text
                self._tell(heard.text)

    async def finish(self) -> Transcript:
        """As in Stream."""
        self._over = True
        return await self._ask(bytes(self._sound))

    def drop(self) -> None:
        """As in Stream. What is being looked at is not broken off: a process would be lost by it."""
        self._over = True


def _header(wanted: Wanted, plain_ones: list[str]) -> dict[str, Any]:
    if wanted.grammar:
        return {"grammar": wanted.grammar}
    return {"phrases" if wanted.phrases else "keywords": plain_ones}
