"""What every transport of audio is to its user: frames come in, samples go out, and it ends once, with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ari_app.media.frames import Frame
from ari_app.media.transports.reception import Quality


class Direction(StrEnum):
    """What the application does on the attachment."""

    LISTEN = "listen"
    SPEAK = "speak"
    BOTH = "both"

    @property
    def hears(self) -> bool:
        """Audio of the call comes in."""
        return self is not Direction.SPEAK

    @property
    def speaks(self) -> bool:
        """Audio goes out into the call."""
        return self is not Direction.LISTEN


@dataclass(frozen=True)
class Traffic:
    """What went through an attachment up to now."""

    frames_in: int  # of 20 ms, with those that were lost
    frames_lost: int
    frames_out: int
    refused: int  # packets or messages that were none, or of somebody else
    quality: Quality | None  # None where the network repairs itself (TCP)
    #: by how much the other side's clock is faster than ours: 0.01 is 1 %. None: not known (yet)
    drift: float | None = None


class Ear(Protocol):
    """Who uses an attachment. What it raises ends that attachment only."""

    def frames(self, frames: Sequence[Frame]) -> None:
        """These came, in order; None is 20 ms that were lost."""

    def ended(self, reason: str) -> None:
        """Nothing more comes. Called once."""


class Transport(Protocol):
    """An attachment."""

    direction: Direction

    def say(self, samples: bytes) -> int:
        """Say these (8 kHz, 16 bits, native order) after what waits already. Returns the bytes that were taken; the
        rest does not fit now.

        Raises ValueError for half a sample, CommandRefused if the attachment only listens or is over.
        """

    @property
    def waiting(self) -> int:
        """Frames that wait to be said, whole ones."""

    def hush(self) -> int:
        """Do not say what waits. Returns the bytes that are not said."""

    def traffic(self) -> Traffic:
        """What went through."""

    def close(self, reason: str = "closed") -> None:
        """End it; nothing if it is over."""
