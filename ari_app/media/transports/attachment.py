"""What the transports that are paced here have in common: an ear, a box, and one end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ari_app.errors import CommandRefused
from ari_app.media.frames import FRAME_BYTES, Frame
from ari_app.media.transports.pacing import BOX_FRAMES, Outbox, Ticker
from ari_app.media.transports.port import Direction, Ear, Traffic
from ari_app.media.transports.reception import Quality

log = logging.getLogger(__name__)


class Attachment:
    """A transport (port.Transport) that is told of 20 ms by the ticker."""

    def __init__(
        self, ear: Ear, *, ticker: Ticker, direction: Direction, room: int = BOX_FRAMES, pieces: int = 1
    ) -> None:
        """`room`: frames that may wait to be said. `pieces`: of FRAME_BYTES that are 20 ms: 2 at 16 kHz. The ear gets
        these, and `say` takes them; what is counted, and waits, is in frames of 20 ms."""
        self.direction = direction
        self._pieces = pieces
        self._hears = direction.hears  # asked for each packet
        self.over = False
        self._ear = ear
        self._ticker = ticker
        self._box = Outbox(room * pieces)
        self._leave_ticker: Callable[[], None] = lambda: None
        self._frames_in = self._frames_lost = self._frames_out = self._refused = 0

    def say(self, samples: bytes) -> int:
        """As in Transport."""
        if not self.direction.speaks or self.over:
            raise CommandRefused("the attachment is over" if self.over else "the attachment only listens")
        return self._box.put(samples)

    @property
    def waiting(self) -> int:
        """Frames that wait to be said, whole ones."""
        return len(self._box) // (FRAME_BYTES * self._pieces)

    def hush(self) -> int:
        """As in Transport."""
        return self._box.clear()

    def traffic(self) -> Traffic:
        """As in Transport."""
        came, lost, went = (n // self._pieces for n in (self._frames_in, self._frames_lost, self._frames_out))
        return Traffic(came, lost, went, self._refused, self._quality())

    def close(self, reason: str = "closed") -> None:
        """As in Transport."""
        if self.over:
            return
        self.over = True
        self._leave_ticker()
        self._box.clear()
        self._shut()
        try:
            self._ear.ended(reason)
        except Exception:
            log.exception("a listener failed at the end of its attachment")

    def _open(self) -> None:
        """The network is there: begin to send."""
        if self.direction.speaks:
            self._leave_ticker = self._ticker.add(self._send)

    def _heard(self, frames: Sequence[Frame]) -> None:
        if not frames or not self._hears:
            return
        self._frames_in += len(frames)
        if None in frames:
            self._frames_lost += frames.count(None)
        try:
            self._ear.frames(frames)
        except Exception:
            log.exception("a listener failed; its attachment ends")
            self.close("the listener failed")

    def _heard_one(self, frame: bytes) -> None:
        """As _heard, of one that came: nearly all there are."""
        if self.over or not self._hears:
            return
        self._frames_in += 1
        try:
            self._ear.frames([frame])
        except Exception:
            log.exception("a listener failed; its attachment ends")
            self.close("the listener failed")

    def _quality(self) -> Quality | None:
        return None

    def _send(self, periods: int) -> None:
        """Send what is due after so many periods of 20 ms."""
        raise NotImplementedError

    def _shut(self) -> None:
        """Let go of the network; once."""
        raise NotImplementedError
