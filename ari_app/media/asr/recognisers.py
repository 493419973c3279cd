"""Recognition as callers use it: an engine by its name, no more at a time than it can do, errors of one kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from ari_app.config import Settings
from ari_app.errors import ConfigError
from ari_app.media.asr.configured import recognisers
from ari_app.media.asr.errors import NoPartials, RecogniserMissing, RecognitionFailed
from ari_app.media.asr.port import Recogniser, Stream, Streaming, Transcript, Wanted
from ari_app.media.asr.segments import Segment

#: pieces of speech that one service is asked for at a time, and that wait for an engine: what comes beyond fails
AT_ONCE, MOST_WAITING = 8, 100


def configured_recognisers(settings: Settings) -> Recognisers:
    """Those that the settings name. Raises ConfigError."""
    try:
        return Recognisers(recognisers(settings.recognition_engines.get_secret_value()))
    except ValueError as error:
        raise ConfigError(f"cannot use the setting RECOGNITION_ENGINES: {error}") from None


class Recognisers:
    """All engines there are; the first of them is asked where none is named."""

    def __init__(self, engines: Iterable[Recogniser]) -> None:
        self._engines = {engine.name: engine for engine in engines}
        self._places = {name: asyncio.Semaphore(AT_ONCE) for name, engine in self._engines.items() if engine.remote}
        self._waiting: dict[str, int] = dict.fromkeys(self._engines, 0)

    @property
    def names(self) -> list[str]:
        """Of the engines."""
        return list(self._engines)

    def engine(self, name: str = "") -> Recogniser:
        """The one of that name. Raises RecogniserMissing."""
        found = self._engines.get(name or next(iter(self._engines), ""))
        if found is None:
            there = ", ".join(self._engines) or "none"
            raise RecogniserMissing(f"no recogniser {name[:40]!r}; there is {there}")
        return found

    def check(self, wanted: Wanted, engine: str = "", *, partials: bool = False) -> None:
        """partials: it is to say what it takes speech for while that goes on. Raises RecogniserMissing, BadGrammar or
        NoPartials: it cannot be listened for."""
        chosen = self.engine(engine)
        chosen.check(wanted)
        if partials and not (isinstance(chosen, Streaming) and chosen.streams):
            raise NoPartials(f"{chosen.name}: says nothing before a piece of speech has ended", engine=chosen.name)

    def stream(self, wanted: Wanted, tell: Callable[[str], None], engine: str = "") -> Stream:
        """Begin with a piece of speech that is to be recognised while it is said. Raises RecognitionError."""
        self.check(wanted, engine, partials=True)
        chosen = self.engine(engine)
        assert isinstance(chosen, Streaming)
        return chosen.stream(wanted, tell, self._places.get(chosen.name))

    async def hear(
        self, segment: Segment, wanted: Wanted, engine: str = "", stream: Stream | None = None
    ) -> Transcript:
        """What is said in a piece of speech, in its media time. stream: to which all of it was fed. Raises
        RecognitionError."""
        chosen = self.engine(engine)
        if self._waiting[chosen.name] >= MOST_WAITING:
            raise RecognitionFailed(f"{chosen.name}: {MOST_WAITING} pieces of speech wait for it", engine=chosen.name)
        self._waiting[chosen.name] += 1
        try:
            place = self._places.get(chosen.name)
            if stream is not None:  # it has its place, or waits for one
                heard = await stream.finish()
            elif place is None:  # of this machine: it has its own processes, and waits for one
                heard = await chosen.recognise(segment.samples, wanted)
            else:
                async with place:
                    heard = await chosen.recognise(segment.samples, wanted)
        finally:
            self._waiting[chosen.name] -= 1
        return heard.at(segment.start, segment.end, segment.audio_from)

    async def close(self) -> None:
        """Nobody will ask any more."""
        for engine in self._engines.values():
            await engine.close()
