"""Between a call and a user's endpoint: what one says the other hears, and neither can harm the other.

The call goes at 50 frames a second; the endpoint at whatever speed it likes. What it says waits for the call, up to
14 s; beyond, it is told so, and then read no more until there is room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from ari_app.errors import CommandRefused
from ari_app.media.frames import FRAME_BYTES, FRAME_MS, Frame
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.pacing import Ticker

#: Frames that wait for the call: when the endpoint is told that it is enough, when no more of it is read, and when it
#: may go on. A message holds 205 at most, so the box (pacing.BOX_FRAMES) does not overflow.
ENOUGH, FULL, ROOM = 700, 750, 500
#: Frames of an endpoint that speaks in real time which may wait for the call: 0.3 s. Its clock may be faster than ours
#: (1 % is 0.6 s a minute): what is too much is left out, frame by frame, instead of being heard later and later.
LIVE_ROOM = 15
#: Frames in a row that an endpoint may leave unread, until it is taken for gone: 30 s.
DEAF = 1500
_SILENCE = bytes(FRAME_BYTES)


class Endpoint(Protocol):
    """What of an endpoint can be slowed down. RTP comes in real time, and is not one."""

    def throttle(self, on: bool) -> None:
        """It has said enough for now, or may go on."""

    def hold(self, on: bool) -> None:
        """Read no more of it for now, or again."""


class _Side:
    """The ear of one side."""

    def __init__(self, relay: Relay, name: str, take: Callable[[Sequence[Frame]], None]) -> None:
        self._relay = relay
        self._name = name
        self.frames = take

    def ended(self, reason: str) -> None:
        self._relay.side_ended(self._name, reason)

    def flush(self) -> None:
        self._relay.flush()

    def report_drained(self) -> None:
        self._relay.report_drained()


class Relay:
    """One call and one endpoint."""

    def __init__(self, ticker: Ticker, on_note: Callable[[str], None], pieces: int = 1) -> None:
        """on_note: called with what users want to know of: "slow", "flushed", .. pieces: of both sides (Attachment)."""
        self._ticker = ticker
        self._pieces = pieces
        self._note = on_note
        self.from_call = _Side(self, "call", self._from_call)
        self.from_target = _Side(self, "target", self._from_target)
        self._call: Attachment | None = None
        self._target: Attachment | None = None
        self._endpoint: Endpoint | None = None
        self._drained: Callable[[], None] = lambda: None
        self._live = False
        self._throttled = self._held = self._asked = False
        #: frames that the endpoint has not read, one after the other
        self._unread = 0
        self._leave_ticker: Callable[[], None] | None = None
        self._dropped = 0
        #: why it is over; "": it is not
        self.reason = ""
        self.over = asyncio.Event()

    @property
    def dropped(self) -> int:
        """Frames of the endpoint that came while there was no call to say them to, or no room."""
        return self._dropped // self._pieces

    def set_target(
        self,
        target: Attachment,
        endpoint: Endpoint | None = None,
        drained: Callable[[], None] | None = None,
        live: bool = False,
    ) -> None:
        """This is the endpoint's side. drained: tells it that all it said has been said. live: it speaks in real time,
        by a clock of its own, and cannot be told to wait."""
        self._target = target
        self._live = live
        self._endpoint = endpoint
        self._drained = drained or self._drained

    def set_call(self, call: Attachment) -> None:
        """This is the call's side. What ended before is told by who opened it."""
        self._call = call
        if call.over:
            self.end("call: it has ended")

    def _from_call(self, frames: Sequence[Frame]) -> None:
        target = self._target
        if target is None or target.over or not target.direction.speaks:
            return
        samples = b"".join(frame or _SILENCE for frame in frames)
        if target.say(samples) == len(samples):
            self._unread = 0
            return
        if not self._unread:
            self._note("slow")
        self._unread += len(frames)
        if self._unread >= DEAF * self._pieces:
            self.end(f"target: has not read for {DEAF * FRAME_MS // 1000} s")

    def _from_target(self, frames: Sequence[Frame]) -> None:
        call = self._call
        if call is None or call.over:
            self._dropped += len(frames)
            return
        if self._live and (room := max(0, LIVE_ROOM - call.waiting) * self._pieces) < len(frames):
            self._dropped += len(frames) - room
            frames = frames[:room]
        samples = b"".join(frame or _SILENCE for frame in frames)
        try:
            taken = call.say(samples)
        except CommandRefused:
            taken = 0
        self._dropped += (len(samples) - taken) // FRAME_BYTES
        self._look()

    def _look(self) -> None:
        """Does the endpoint say too much, or may it go on?"""
        waiting = self._call.waiting if self._call is not None else 0
        endpoint = self._endpoint
        if endpoint is not None:
            if waiting >= ENOUGH and not self._throttled:
                self._throttled = True
                endpoint.throttle(True)
            if waiting >= FULL and not self._held:
                self._held = True
                endpoint.hold(True)
            if waiting < ROOM and self._throttled:
                endpoint.throttle(False)
                if self._held:
                    endpoint.hold(False)
                self._throttled = self._held = False
        if self._asked and not waiting:
            self._asked = False
            self._drained()
        self._watch(self._throttled or self._asked)

    def _watch(self, needed: bool) -> None:
        """Look again at each tick, for as long as there is something to see."""
        if needed and self._leave_ticker is None and not self.over.is_set():
            self._leave_ticker = self._ticker.add(lambda _periods: self._look())
        elif not needed and self._leave_ticker is not None:
            self._leave_ticker()
            self._leave_ticker = None

    def flush(self) -> None:
        """The endpoint takes back what has not been said: somebody talks over it."""
        if self._call is not None and not self._call.over:
            self._call.hush()
            self._look()

    def report_drained(self) -> None:
        """The endpoint wants to know when all has been said."""
        self._asked = True
        self._look()

    def side_ended(self, side: str, reason: str) -> None:
        """One side is over."""
        if side != "call" or self._call is not None:
            self.end(f"{side}: {reason}")

    def end(self, reason: str) -> None:
        """It is over; the first reason stays."""
        if self.over.is_set():
            return
        self.reason = reason
        self.over.set()
        self._watch(False)
