"""What was said on a call so far, while it is said: speech that an engine is fed, and what is told now and then."""

from __future__ import annotations

from collections.abc import Callable

from ari_app.clock import Clock, Timer
from ari_app.media.asr.port import Stream, Transcript, Wanted
from ari_app.media.asr.recognisers import Recognisers
from ari_app.media.asr.segments import Part, Segment

#: ms of speech that an engine is given at a time
PARTS_MS = 200
#: seconds from one that is told of a piece to the next, at least
EVERY = 0.5

#: told: the text so far, and when the speech began (ms of media time)
Tell = Callable[[str, int], None]


class Latest:
    """Passes on the newest of what comes, once in EVERY at most, and at once if there was nothing for so long."""

    def __init__(self, clock: Clock, tell: Callable[[str], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._text = ""
        self._free_at = float("-inf")
        self._timer: Timer | None = None

    def offer(self, text: str) -> None:
        """This is the newest."""
        self._text = text
        if self._timer is not None:
            return
        wait = min(EVERY, self._free_at - self._clock.now())  # the clock may have been set back
        if wait <= 0:
            self._pass_on()
        else:
            self._timer = self._clock.call_at(self._clock.now() + wait, self._pass_on)

    def _pass_on(self) -> None:
        self._timer = None
        self._free_at = self._clock.now() + EVERY
        self._tell(self._text)

    def close(self) -> None:
        """What was not passed on is not."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Speaking:
    """A piece of speech that goes on. `hear` its parts, then `finish` or `drop` it."""

    def __init__(
        self, recognisers: Recognisers, wanted: Wanted, engine: str, clock: Clock, tell: Tell, start: int
    ) -> None:
        """Raises RecognitionError."""
        self._recognisers = recognisers
        self._wanted, self._engine = wanted, engine
        self._latest = Latest(clock, lambda text: tell(text, start))
        self._stream: Stream = recognisers.stream(wanted, self._latest.offer, engine)
        self._fed = 0

    def hear(self, part: Part) -> None:
        """More of it."""
        self._fed += len(part.samples)
        self._stream.feed(part.samples)

    def ended(self, segment: Segment) -> None:
        """This is all of it; nothing is told any more of what was said so far."""
        self._latest.close()
        if rest := segment.samples[self._fed :]:
            self._stream.feed(rest)

    async def finish(self, segment: Segment) -> Transcript:
        """What was said, after `ended`. Raises RecognitionError."""
        return await self._recognisers.hear(segment, self._wanted, self._engine, self._stream)

    def drop(self) -> None:
        """Nobody wants to know."""
        self._latest.close()
        self._stream.drop()
