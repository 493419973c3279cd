"""Texts and sounds that users have played on live calls, over REST, into whatever is heard there.

    texts, sounds --> sentences --> Asterisk --> snoop (whisper) --> the leg's phone, or those it talks to, or both

The call goes on below what is played: it is mixed in, by a snoop, and no program of the call notices.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Unpack

import msgspec
import structlog

from ari_app.ari.errors import AriError
from ari_app.calls.desk import Desk, FindLeg, TooMany, Whom
from ari_app.calls.hearing import Heard, Hearing
from ari_app.calls.keys import keys_told
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.registry import Registry
from ari_app.calls.session import CallSession, SessionView
from ari_app.calls.verbs.attach import WHISPER, Side
from ari_app.calls.verbs.digits import send_digits, talks_to
from ari_app.calls.verbs.play import FIND_LIMIT
from ari_app.calls.verbs.playback import Playback
from ari_app.calls.verbs.snoop import Snoop
from ari_app.calls.wait import while_alive
from ari_app.errors import AppError, CommandRefused, NotFound
from ari_app.media.asr.segments import Sign
from ari_app.media.ports import MediaPorts

log = structlog.get_logger(__name__)

#: Items of one playback, those that were played included; playbacks of one call at a time.
ITEMS, PER_CALL = 100, 4


class PlaybackOver(CommandRefused):
    """The playback is over."""

    slug = "playback_over"


class BargeIn(StrEnum):
    """What of the listener ends a playback."""

    NONE = "none"
    SPEECH = "speech"
    DIGIT = "digit"
    ANY = "any"


@dataclass(frozen=True, kw_only=True)
class Item:
    """A text that is spoken, or else the media URI of a sound, as `play` has it. engine, voice: "" and None are the
    usual ones."""

    text: str = ""
    media: str = ""
    engine: str = ""
    voice: str | None = None
    language: str | None = None


@dataclass(frozen=True, kw_only=True)
class PlaybackRequest:
    """What users ask for."""

    items: tuple[Item, ...]
    heard_by: Side = Side.PARTY
    barge_in: BargeIn = BargeIn.NONE


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """One item, and what has become of it."""

    item: Item
    #: waiting, playing, done (heard to its end), stopped, failed
    state: str
    error: str


class PlaybackView(SessionView, frozen=True, kw_only=True):
    """A playback as it is now."""

    request: PlaybackRequest
    items: list[ItemView]


class _Playing:
    """An item of a session."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.state, self.error = "waiting", ""

    @property
    def over(self) -> bool:
        return self.state in ("done", "stopped", "failed")

    def end(self, state: str, error: str = "") -> None:
        if not self.over:
            self.state, self.error = state, error


class PlaybackSession(CallSession):
    """One playback of a user."""

    def __init__(self, leg: Leg, request: PlaybackRequest, ports: MediaPorts) -> None:
        super().__init__(leg, "playback")
        self.request = request
        self._items = [_Playing(item) for item in request.items]
        self._snoop = Snoop(leg, spy="none", whisper=WHISPER[request.heard_by])
        self._hearing = Hearing(leg, ports, self._heard, hear=request.heard_by)
        self._now: Playback | None = None
        self._item: _Playing | None = None
        #: may go on; cleared while it is paused
        self._going = asyncio.Event()
        self._going.set()
        self._over = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Nothing more is played."""
        return self._over.is_set()

    async def run(self) -> None:
        """Play, to the end."""
        try:
            with ExitStack() as left:
                await self._snoop.open()
                left.callback(self._leave, self._snoop.close)
                if self.request.barge_in in (BargeIn.SPEECH, BargeIn.ANY):
                    await self._hearing.open()
                    left.callback(self._leave, self._hearing.close)
                if self.request.barge_in in (BargeIn.DIGIT, BargeIn.ANY):
                    left.enter_context(keys_told(self.leg.call.registry, self._pressed))
                self.started()
                await self._until_over()
        except LegGone:
            self.stop("call: it has ended" if not self.leg.alive else "call: it cannot be played to")
        except (AriError, OSError) as error:
            log.info("= cannot play", call=self.leg.call.id, playback=self.id, error=str(error))
            self.stop("call: it cannot be played to")

    def _leave(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if not self.leg.call.detached:
            self.leg.node.background(close())

    async def _until_over(self) -> None:
        playing = asyncio.ensure_future(while_alive(self.leg, self._all()))
        over, gone = asyncio.ensure_future(self._over.wait()), asyncio.ensure_future(self._snoop.gone.wait())
        try:
            await asyncio.wait({playing, over, gone}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                playing.result()
            elif not over.done():
                raise LegGone(f"the snoop of {self.id} is gone")
        finally:
            for each in (playing, over, gone):
                each.cancel()
            await asyncio.wait({playing})

    async def _all(self) -> None:
        while (item := next((each for each in self._items if not each.over), None)) is not None:
            await self._one(item)
        self.stop("done")

    async def _one(self, playing: _Playing) -> None:
        self._item, playing.state = playing, "playing"
        index, complete = self._items.index(playing), True
        self.tell("Item", index=index, state="playing")
        try:
            async for media in self._sounds(playing.item):
                if not playing.over:  # else somebody wants the next one
                    await self._going.wait()
                if playing.over:
                    break
                complete &= await self._play(media, playing.item.language)
            playing.end("done" if complete else "failed", "" if complete else "Asterisk could not play it")
        except AriError:
            raise
        except (AppError, TimeoutError, OSError) as error:
            if isinstance(error, LegGone):
                raise
            playing.end("failed", str(error) or f"not had within {FIND_LIMIT:g} s")
            log.warning("= not played", call=self.leg.call.id, playback=self.id, error=playing.error)
        finally:
            playing.end("stopped")
            self._item = None
            self.tell("Item", index=index, state=playing.state, error=playing.error or None)

    async def _sounds(self, item: Item) -> AsyncIterator[str]:
        registry, call = self.leg.call.registry, self.leg.call
        if item.text:
            async for media in registry.speech(item.text, item.engine, item.voice):
                yield media
        else:
            async with asyncio.timeout(FIND_LIMIT):
                found = await registry.sound(call.account, item.media, item.language or self.leg.language)
            yield found

    async def _play(self, media: str, language: str | None) -> bool:
        playback, item = Playback(self.leg, self._snoop.id), self._item
        try:
            await playback.begin(media, language)
            self._now = playback
            if item is not self._item:  # skipped while it was asked for
                await playback.cut()
            elif not self._going.is_set():  # or paused
                await playback.control("pause")
            return await playback.heard()
        except BaseException:
            if not self.leg.call.detached:
                self.leg.node.background(playback.stop())
            raise
        finally:
            self._now = None

    def _heard(self, heard: Heard) -> None:
        if isinstance(heard, Sign):
            self.stop("barge-in: speech")

    def _pressed(self, leg: Leg, _digit: str) -> None:
        if leg is self.leg:
            self.stop("barge-in: digit")

    # what users do

    async def pause(self) -> None:
        """Stand still; nothing if it does. Raises PlaybackOver, AriError."""
        self._require()
        if self._going.is_set():
            self._going.clear()
            self.tell("Paused")
            if self._now is not None:
                await self._now.control("pause")

    async def resume(self) -> None:
        """Go on, where it stood. Raises PlaybackOver, AriError."""
        self._require()
        if not self._going.is_set():
            self._going.set()
            self.tell("Resumed")
            if self._now is not None:
                await self._now.control("unpause")

    async def skip(self) -> None:
        """Go on with the next item; nothing if none is played. Raises PlaybackOver, AriError."""
        self._require()
        if self._item is not None:
            self._item.end("stopped")
            self._item = None
            if self._now is not None:
                await self._now.cut()

    def add(self, items: Sequence[Item]) -> None:
        """Play these too, after the others. Raises PlaybackOver, TooMany."""
        self._require()
        if len(self._items) + len(items) > ITEMS:
            raise TooMany(f"a playback has {ITEMS} items at most")
        self._items += [_Playing(item) for item in items]

    def _require(self) -> None:
        if self.ended:
            raise PlaybackOver("the playback is over")

    def stop(self, reason: str) -> None:
        """End it; the first reason stays."""
        super().stop(reason)
        self._over.set()

    def finish(self) -> None:
        """It is over, whatever has become of the task."""
        super().finish()
        for item in self._items:
            item.end("stopped")

    @property
    def state(self) -> str:
        """connecting, active, paused, ended."""
        state = super().state
        return "paused" if state == "active" and not self._going.is_set() else state

    def view(self) -> PlaybackView:
        """As it is now."""
        return PlaybackView(
            **self.shown(),
            request=self.request,
            items=[ItemView(item=each.item, state=each.state, error=each.error) for each in self._items],
        )


class PlaybackDesk(Desk[PlaybackView]):
    """All playbacks of users."""

    def __init__(self, registry: Registry, ports: MediaPorts, find: FindLeg, *, limit: int) -> None:
        """limit: playbacks at a time."""
        super().__init__(registry, find, "playback", limit=limit)
        self._ports = ports

    async def start(self, account: int, request: PlaybackRequest, **whom: Unpack[Whom]) -> str:
        """Begin one on the leg that is meant; its id.

        Raises:
            NotFound: there is no such leg; context "parameter": what of `whom` it is.
            TooMany: altogether, or on that call.
        """
        leg = self.find_leg(account, **whom)
        self.require_room(leg, PER_CALL)
        session = PlaybackSession(leg, request, self._ports)
        log.info("= playback", call=leg.call.id, playback=session.id, items=len(request.items))
        return self.begin(account, session)

    def _of(self, account: int, playback: str) -> PlaybackSession:
        session = self._session(account, playback)
        if not isinstance(session, PlaybackSession):
            raise NotFound("there is no such playback", parameter="id")
        return session

    async def change(self, account: int, playback: str, action: str, items: Sequence[Item] = ()) -> None:
        """action: pause, resume, skip, add.

        Raises:
            NotFound: context "parameter": "id".
            PlaybackOver, TooMany
            AriError: Asterisk does not answer.
        """
        session = self._of(account, playback)
        match action:
            case "pause":
                await session.pause()
            case "resume":
                await session.resume()
            case "skip":
                await session.skip()
            case "add":
                session.add(items)
            case _:
                raise ValueError(f"action: pause, resume, skip or add, not {action}")

    async def press(
        self,
        account: int,
        digits: str,
        *,
        others: bool = False,
        duration: int = 100,
        between: int = 100,
        **whom: Unpack[Whom],
    ) -> bool:
        """Send digits to a leg's phone, or to those of all others in its conversation, as `send_digits`; whether there
        is one.

        Raises:
            NotFound: there is no such leg; context "parameter": what of `whom` it is.
            LegGone, AriError
        """
        leg = self.find_leg(account, **whom)
        legs = talks_to(leg) if others else [leg]
        for each in legs:
            await send_digits(each, digits, duration=duration, between=between)
        return bool(legs)
