"""The speech of one side of a leg, piece by piece, as it is said: an attachment, and the segmenter behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ari_app.calls.leg import Leg
from ari_app.calls.verbs.attach import Attach, Side
from ari_app.calls.verbs.external_media import MediaPorts
from ari_app.media.asr.recognisers import Recognisers
from ari_app.media.asr.segments import Segment, Segmenter, Sign
from ari_app.media.frames import FRAME_BYTES, Frame
from ari_app.media.transports.port import Direction

#: Periods of 20 ms without a frame, after which there is silence: a phone that suppresses it sends nothing, and what
#: was said would never end. The network may be late for less.
_NOTHING_COMES = 25
_SILENCE = bytes(FRAME_BYTES)


@dataclass(frozen=True)
class Ended:
    """Nothing more is heard, and why."""

    reason: str


#: what a hearing tells
Heard = Segment | Sign | Ended


@dataclass(frozen=True)
class Ears:
    """What of this process is needed to understand what is said on calls."""

    ports: MediaPorts
    recognisers: Recognisers


class Hearing:
    """`open` it; then `tell` is called with the speech there is, in order, and with Ended, once, at the end."""

    def __init__(
        self,
        leg: Leg,
        ports: MediaPorts,
        tell: Callable[[Heard], None],
        *,
        hear: Side = Side.PARTY,
        segmenter: Segmenter | None = None,
    ) -> None:
        self._tell = tell
        self._segmenter = segmenter or Segmenter()
        self._ticker = ports.ticker
        self._leave_ticker: Callable[[], None] = lambda: None
        self._waited = 0  # periods since the last frame
        self._attach = Attach(leg, ports, self, direction=Direction.LISTEN, hear=hear)

    @property
    def seconds(self) -> float:
        """Media time so far."""
        return self._segmenter.at / 1000

    async def open(self) -> None:
        """Begin. What fails, or is cancelled, leaves nothing in Asterisk.

        Raises:
            LegGone, AriError, OSError
        """
        await self._attach.open()
        if not self._attach.transport.over:
            self._leave_ticker = self._ticker.add(self._tick)

    async def close(self) -> None:
        """End it; the leg stays as it is."""
        self._leave_ticker()
        await self._attach.close()

    # as an Ear

    def frames(self, frames: Sequence[Frame]) -> None:
        self._waited = 0
        for found in self._segmenter.hear(frames):
            self._tell(found)

    def ended(self, reason: str) -> None:
        self._leave_ticker()
        for found in self._segmenter.finish():
            self._tell(found)
        self._tell(Ended(reason))

    def _tick(self, periods: int) -> None:
        self._waited += periods
        if self._waited <= _NOTHING_COMES:
            return
        silent = [_SILENCE] * (self._waited - _NOTHING_COMES)
        self._waited = _NOTHING_COMES
        for found in self._segmenter.hear(silent):
            self._tell(found)
