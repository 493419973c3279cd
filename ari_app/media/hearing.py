"""Measuring what many attachments hear, together: one batch of all of them every 10 ms.

    transport -> Hearing.frames -> (Together, every 10 ms) measure -> what the hearing was opened with

A frame waits 10 ms at most; alone it would cost ten times as much. A frame never goes to a pool of threads or
processes: handing it over costs more than measuring it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ari_app.clock import Clock
from ari_app.media.features import Channel, Features, measure
from ari_app.media.frames import Frame
from ari_app.media.transports.pacing import Ticker

#: Seconds between two batches.
EVERY = 0.010

log = logging.getLogger(__name__)

#: Told the features of each frame, in order. What it raises ends that hearing only.
OnFeatures = Callable[[Features], None]


class Hearing:
    """The ear of one attachment (port.Ear)."""

    def __init__(self, together: Together, on_features: OnFeatures, on_end: Callable[[str], None]) -> None:
        self.channel = Channel()
        self.on_features = on_features
        self._together = together
        self._on_end = on_end
        self.over = False

    def frames(self, frames: Sequence[Frame]) -> None:
        """As in Ear."""
        if not self.over:
            self._together.wait(self, frames)

    def ended(self, reason: str) -> None:
        """As in Ear. What was heard before it is measured before it is told."""
        if not self.over:
            self._together.measure()
        if not self.over:
            self.over = True
            self._on_end(reason)


class Together:
    """All hearings of a process."""

    def __init__(self, clock: Clock, *, every: float = EVERY) -> None:
        """`every`: seconds between two batches."""
        self._ticker = Ticker(clock, every)
        self._work: list[tuple[Hearing, Frame]] = []
        self._stop: Callable[[], None] | None = None

    def listen(self, on_features: OnFeatures, on_end: Callable[[str], None]) -> Hearing:
        """An ear for one attachment."""
        return Hearing(self, on_features, on_end)

    def wait(self, hearing: Hearing, frames: Sequence[Frame]) -> None:
        """These are measured with the next batch."""
        self._work += [(hearing, frame) for frame in frames]
        if self._stop is None:
            self._stop = self._ticker.add(self._tick)

    def _tick(self, _periods: int) -> None:
        if self._work:
            self.measure()
        elif self._stop is not None:  # rests while nothing is heard
            self._stop()
            self._stop = None

    def measure(self) -> None:
        """Measure what waits."""
        work, self._work = self._work, []
        while work:
            batch: list[tuple[Hearing, Frame]] = []
            later: list[tuple[Hearing, Frame]] = []  # a channel may be in a batch once only
            seen: set[Hearing] = set()
            for item in work:
                if item[0] in seen:
                    later.append(item)
                else:
                    seen.add(item[0])
                    batch.append(item)
            found = measure([(hearing.channel, frame) for hearing, frame in batch])
            for (hearing, _), features in zip(batch, found, strict=True):
                if hearing.over:
                    continue
                try:
                    hearing.on_features(features)
                except Exception:
                    log.exception("who hears a call failed, and hears no more")
                    hearing.over = True
            work = later
