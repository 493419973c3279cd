"""Keys that somebody presses: while he listens, for menus and numbers; and told to others than his call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from ari_app.calls.leg import Leg
from ari_app.calls.registry import Registry
from ari_app.calls.verbs.play import play
from ari_app.clock import pause

#: seconds after what is said in which the first key is waited for, and after each key in which the next is
FIRST, NEXT = 6.0, 3.0


@contextmanager
def keys_told(registry: Registry, pressed: Callable[[Leg, str], None]) -> Iterator[None]:
    """The keys of all legs are told meanwhile, each with its leg. What waits for them on a call has them too."""
    registry.on_digits.append(pressed)
    try:
        yield
    finally:
        registry.on_digits.remove(pressed)


class Keys:
    """The keys of a leg, in order. A key that is pressed while something is said ends that, and counts."""

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self._pressed: asyncio.Queue[str] = asyncio.Queue()
        #: the key that ended what nobody had to answer
        self._early = ""

    @contextmanager
    def listening(self) -> Iterator[Keys]:
        """Keys are this one's meanwhile."""

        def pressed(_: Leg, digit: str) -> None:
            self._pressed.put_nowait(digit)

        self.leg.on_digit = pressed
        try:
            yield self
        finally:
            self.leg.on_digit = None

    def forget(self) -> None:
        """What was pressed before does not count."""
        self._early = ""
        while not self._pressed.empty():
            self._pressed.get_nowait()

    async def say(self, media: Sequence[str]) -> str:
        """Play; the key that ended it, or "".

        Raises:
            LegGone, AriError
        """
        if self._early:
            key_before, self._early = self._early, ""
            return key_before
        playing = asyncio.ensure_future(play(self.leg, media))
        key = asyncio.ensure_future(self._pressed.get())
        try:
            await asyncio.wait({playing, key}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                playing.result()
            if key.done():
                return key.result()
        finally:
            for task in (playing, key):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({playing, key})
        return ""

    async def tell(self, media: Sequence[str]) -> None:
        """Play what is no question: a key that ends it is for what is asked next. Raises LegGone, AriError."""
        self._early = await self.say(media)

    async def one(self, media: Sequence[str], seconds: float = FIRST) -> str:
        """Play, and wait for a key; "": none was pressed in time. Raises LegGone, AriError."""
        return await self.say(media) or await self._next(seconds)

    async def until(self, key: str) -> None:
        """Return when that is pressed; other keys are for nobody."""
        while await self._pressed.get() != key:
            pass

    async def number(self, media: Sequence[str], most: int = 20) -> str:
        """Play, and wait for digits up to "#", so many at most, or until no more come. Raises LegGone, AriError."""
        digits, key = "", await self.one(media)
        while key and key != "#":
            digits += key
            if len(digits) >= most:
                break
            key = await self._next(NEXT)
        return digits

    async def _next(self, seconds: float) -> str:
        key = asyncio.ensure_future(self._pressed.get())
        late = asyncio.ensure_future(pause(self.leg.call.registry.clock, seconds))
        try:
            await asyncio.wait({key, late}, return_when=asyncio.FIRST_COMPLETED)
            return key.result() if key.done() else ""
        finally:
            for task in (key, late):
                task.cancel()
            await asyncio.wait({key, late})
