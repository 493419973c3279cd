"""The speech of one side of a leg, piece by piece, as it is said: an attachment, and the segmenter behind it.

What is heard is measured together with all calls that are analysed (media/batch.py), which also takes what a phone does
not send for silence: what was said ends, though nothing more comes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ari_app.calls.leg import Leg
from ari_app.calls.verbs.attach import Attach, Side
from ari_app.calls.verbs.external_media import MediaPorts
from ari_app.media.asr.recognisers import Recognisers
from ari_app.media.asr.segments import Part, Segment, Segmenter, Sign
from ari_app.media.batch import Line
from ari_app.media.features import Features
from ari_app.media.frames import Frame
from ari_app.media.transports.port import Direction


@dataclass(frozen=True)
class Ended:
    """Nothing more is heard, and why."""

    reason: str


#: what a hearing tells
Heard = Segment | Sign | Part | Ended


@dataclass(frozen=True)
class Ears:
    """What of this process is needed to understand what is said on calls."""

    ports: MediaPorts
    recognisers: Recognisers


class Hearing:
    """`open` it, once; then `tell` is called with the speech there is, in order, and with Ended, once, at the end."""

    def __init__(
        self,
        leg: Leg,
        ports: MediaPorts,
        tell: Callable[[Heard], None],
        *,
        hear: Side = Side.PARTY,
        segmenter: Segmenter | None = None,
    ) -> None:
        self._leg = leg
        self._ports = ports
        self._tell = tell
        self._side = hear
        self._segmenter = segmenter or Segmenter()
        self._line: Line | None = None
        self._attach: Attach | None = None

    @property
    def seconds(self) -> float:
        """Media time so far."""
        return self._segmenter.at / 1000

    async def open(self) -> None:
        """Begin. What fails, or is cancelled, leaves nothing in Asterisk.

        Raises:
            LegGone, AriError, OSError
        """
        line = self._line = self._ports.batch.join(self._heard, self._ended)
        attach = Attach(self._leg, self._ports, line, direction=Direction.LISTEN, hear=self._side)
        try:
            await attach.open()
        except BaseException:
            line.end("it was not opened")
            raise
        self._attach = attach
        line.start()

    async def close(self) -> None:
        """End it; the leg stays as it is. Nothing if it was not opened."""
        if self._line is not None:
            self._line.ended("closed")
        if self._attach is not None:
            await self._attach.close()

    def _heard(self, features: Features, frame: Frame) -> None:
        for found in self._segmenter.hear(features, frame):
            self._tell(found)

    def _ended(self, reason: str) -> None:
        for found in self._segmenter.finish():
            self._tell(found)
        self._tell(Ended(reason))
