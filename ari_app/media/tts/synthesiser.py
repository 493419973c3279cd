"""Text to speech as callers use it: cached, bounded, sentence by sentence.

async for samples in synthesiser.stream("A long text. With many sentences.", engine="flite", voice="slt"):
    play(samples)
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable

import numpy as np
import structlog

from ari_app.media.frames import RATE
from ari_app.media.tts.cache import SpeechCache, key
from ari_app.media.tts.engine import PROGRAMS, Engine
from ari_app.media.tts.errors import BadText, EngineMissing
from ari_app.media.tts.sentences import sentences

log = structlog.get_logger(__name__)

#: texts that one service is asked for at a time
AT_ONCE = 8
#: the engine that speaks where none is named
USUAL = "flite"


#: level above which samples are a word that begins (-50 dBFS), and samples before it that are kept
_LEVEL, _BEFORE = 104, RATE // 50


def without_lead(samples: bytes) -> bytes:
    """The samples from just before the first that can be heard."""
    sound = np.frombuffer(samples[: len(samples) & ~1], dtype="<i2")
    loud = (sound > _LEVEL) | (sound < -_LEVEL)
    begin = int(loud.argmax()) if loud.any() else 0
    return samples[2 * max(0, begin - _BEFORE) :]


class Synthesiser:
    """Speaks with any of its engines.

    cache: where speech is kept; None: nowhere. concurrent: how many engines may work at the same time, one a core by
    default; of each that works elsewhere AT_ONCE. longest: characters of a text.
    """

    def __init__(
        self,
        engines: Iterable[Engine] = PROGRAMS,
        *,
        cache: SpeechCache | None = None,
        concurrent: int | None = None,
        longest: int = 5000,
    ) -> None:
        self._engines = {engine.name: engine for engine in engines}
        self._cache = cache
        cores = asyncio.Semaphore(concurrent or os.cpu_count() or 1)
        self._places = {
            name: asyncio.Semaphore(AT_ONCE) if engine.remote else cores for name, engine in self._engines.items()
        }
        self._longest = longest
        self._under_way: dict[str, asyncio.Task[bytes]] = {}
        #: name -> what is being put into the cache
        self._keeping: dict[str, asyncio.Task[None]] = {}

    async def speak(self, text: str, *, engine: str = USUAL, voice: str | None = None) -> bytes:
        """All of the text as 8 kHz signed 16-bit samples. Raises SpeechError."""
        return b"".join([samples async for samples in self.stream(text, engine=engine, voice=voice)])

    async def stream(self, text: str, *, engine: str = USUAL, voice: str | None = None) -> AsyncIterator[bytes]:
        """The text sentence by sentence; the next one is made while one is played. It begins to be heard at once: what
        an engine leaves silent before its first word (flite: a quarter of a second) is left out.

        Raises EngineMissing, UnknownVoice or BadText before the first, SynthesisFailed at the sentence that fails.
        """
        speaker, voice = self._engine(engine, voice)
        parts = self._parts(text)
        ahead = self._begin(speaker, voice, parts[0])
        first = True
        for following in [*parts[1:], None]:
            samples = await asyncio.shield(ahead)
            if following is not None:
                ahead = self._begin(speaker, voice, following)
            yield without_lead(samples) if first else samples
            first = False

    def check(self, text: str, *, engine: str = USUAL, voice: str | None = None) -> None:
        """Whether it can be asked for. Raises EngineMissing, UnknownVoice, BadText."""
        self._engine(engine, voice)
        self._parts(text)

    def _engine(self, name: str, voice: str | None) -> tuple[Engine, str]:
        engine = self._engines.get(name)
        if engine is None:
            raise EngineMissing(f"no speech engine {name[:40]!r}; there is {', '.join(self._engines)}")
        chosen = voice or engine.default_voice
        engine.check(chosen)
        return engine, chosen

    def _parts(self, text: str) -> list[str]:
        if len(text) > self._longest:
            raise BadText(f"text: {len(text)} characters; {self._longest} at most are spoken")
        parts = sentences("".join(sign if sign.isprintable() or sign.isspace() else " " for sign in text))
        if not any(sign.isalnum() for sign in text):
            raise BadText("text: nothing in it can be spoken")
        return parts

    def _begin(self, engine: Engine, voice: str, text: str) -> asyncio.Task[bytes]:
        """The speech of a sentence. Who asks for the same while it is made waits for the same.

        It is made to its end even if nobody waits any more: the next who asks will find it.
        """
        name = key(engine.name, voice, text)
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.create_task(self._make(name, engine, voice, text), name=f"speech {name[:8]}")
            self._under_way[name] = task
            task.add_done_callback(lambda done: self._end(name, done))
        return task

    def _end(self, name: str, task: asyncio.Task[bytes]) -> None:
        if name not in self._keeping:  # until it is kept, who asks for it has it from here
            self._under_way.pop(name, None)
        if not task.cancelled():
            task.exception()  # it is told to those who wait; nobody may be

    async def _make(self, name: str, engine: Engine, voice: str, text: str) -> bytes:
        if self._cache is not None and (kept := await asyncio.to_thread(self._cache.get, name)) is not None:
            return kept
        async with self._places[engine.name]:
            samples = await engine.speak(text, voice)
        if self._cache is not None:  # who waits for the samples does not wait for that
            keeping = asyncio.create_task(asyncio.to_thread(self._cache.put, name, samples), name="keep speech")
            self._keeping[name] = keeping
            keeping.add_done_callback(lambda done: self._kept(name, done))
        return samples

    def _kept(self, name: str, task: asyncio.Task[None]) -> None:
        self._keeping.pop(name, None)
        self._under_way.pop(name, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("= speech not kept", error=str(error))

    async def close(self) -> None:
        """Ends what is under way, and the engines."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._keeping.values(), return_exceptions=True)
        for engine in self._engines.values():
            await engine.close()
