"""One thing that a user has begun on a live call over REST: its life, as every kind has it. Of desk.py's `Session`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

import msgspec

from ari_app.calls.leg import Leg


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen of each kind. Times: seconds of the epoch."""

    id: str
    #: ids
    call: str
    leg: str
    #: connecting, active, ended; a playback also paused
    state: str
    #: why it ended; "": it has not
    reason: str
    created_at: float
    #: when its media time began
    started_at: float | None
    ended_at: float | None


class Shown(TypedDict):
    """A SessionView's values, for the view of a kind."""

    id: str
    call: str
    leg: str
    state: str
    reason: str
    created_at: float
    started_at: float | None
    ended_at: float | None


class CallSession:
    """Begins with its making, has started when something is heard, and ends once; the first reason stays."""

    def __init__(self, leg: Leg, noun: str) -> None:
        """noun: the kind, for its id."""
        self.host = self.leg = leg
        self.id = leg.call.registry.ids.new(noun)
        self.reason = ""
        #: set by the desk
        self.tell: Callable[..., None] = lambda _what, **_values: None
        self._clock = leg.call.registry.clock
        self.created_at = self._clock.now()
        self.started_at: float | None = None
        self.ended_at: float | None = None

    def started(self) -> None:
        """Its media time begins, and is told; nothing if it has."""
        if self.started_at is None:
            self.started_at = self._clock.now()
            self.tell("Started")

    def stop(self, reason: str) -> None:
        """End it; the first reason stays."""
        self.reason = self.reason or reason

    def finish(self) -> None:
        """It is over, whatever has become of the task."""
        call = self.leg.call
        self.stop("call: it has ended" if call.closing else "the server stops" if call.detached else "failed")
        self.ended_at = self._clock.now()

    @property
    def state(self) -> str:
        """connecting, active, ended."""
        if self.ended_at is not None:
            return "ended"
        return "connecting" if self.started_at is None else "active"

    def shown(self) -> Shown:
        """As it is now."""
        return {
            "id": self.id,
            "call": self.leg.call.id,
            "leg": self.leg.id,
            "state": self.state,
            "reason": self.reason if self.ended_at is not None else "",
            "created_at": self.created_at,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
        }
