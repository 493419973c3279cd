"""The audio of all calls that are analysed, measured together: every 10 ms one call of numpy for all, not one a call.

    transport --frames--> Line --\
    transport --frames--> Line ---> Batch, every 10 ms: measure() --features--> whoever analyses that call
    transport --frames--> Line --/

A line counts time by frames. A phone that suppresses silence sends none, and so does a network that stands still: what
has not come after LATE frames is taken for silence, so that the analysis of a call always gets to its end.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence

from ari_app.clock import Clock
from ari_app.media.features import Channel, Features, measure
from ari_app.media.frames import FRAME_BYTES, Frame
from ari_app.media.transports.pacing import Ticker
from ari_app.media.vad import Vad

log = logging.getLogger(__name__)

#: Frames by which a line may be behind the clock: 0.2 s of jitter.
LATE = 10
#: Seconds between two measurements: what a frame waits at most for the others.
EVERY = 0.010
#: Frames of one line that are measured in one go: a process that stood still catches up without holding up others.
AT_ONCE = 13
#: Frames that may wait in one line, 10 s: the sound of more is forgotten, and their time is lost time.
ROOM = 500
_SILENCE = bytes(FRAME_BYTES)


class Line:
    """One call in a batch; the ear (transports.port.Ear) of its attachment."""

    def __init__(
        self, batch: Batch, hear: Callable[[Features], None], on_end: Callable[[str], None], vad: Vad | None
    ) -> None:
        self._batch = batch
        self.hear = hear
        self._on_end = on_end
        self.channel = Channel(vad)
        self.waiting: deque[Frame] = deque()
        self.over = False
        #: frames that did not come in time, and were taken for silence
        self.filled = 0
        self._behind: int | None = None  # frames that the clock is ahead of the line; None: it stands
        self._early = 0  # of those that were filled, which may still come as what they were

    def frames(self, frames: Sequence[Frame]) -> None:
        """As in Ear."""
        if self.over:
            return
        for frame in frames:
            if self._early and (frame is None or frame == _SILENCE):
                self._early -= 1  # its time was counted already
                continue
            self._early = 0
            if self._behind is not None:
                self._behind -= 1
            self.waiting.append(frame if len(self.waiting) < ROOM else None)

    def ended(self, reason: str) -> None:
        """As in Ear."""
        self.end(reason)

    def start(self) -> None:
        """The attachment is open: from now on 50 frames a second should come."""
        self._behind = 0

    def pass_time(self, periods: int) -> None:
        """So many frames should have come."""
        if self._behind is None:
            return
        self._behind += periods
        missing = self._behind - LATE
        if missing > 0:
            self.waiting.extend([_SILENCE] * missing)
            self._behind -= missing
            self._early += missing
            self.filled += missing

    def end(self, reason: str) -> None:
        """Nothing more is heard; nothing if it is over."""
        if not self.over:
            self.over = True
            self._batch.forget(self)
            self._on_end(reason)


class Batch:
    """The lines of a process. Rests while it has none."""

    def __init__(self, ticker: Ticker, clock: Clock) -> None:
        """`ticker`: counts the time of the lines, by periods of 20 ms."""
        self._ticker = ticker
        self._measurer = Ticker(clock, EVERY)
        self._lines: dict[Line, None] = {}
        self._leave: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._lines)

    def join(self, hear: Callable[[Features], None], on_end: Callable[[str], None], vad: Vad | None = None) -> Line:
        """A line; its time begins with `Line.start`.

        hear: gets the features of each frame; if it raises, that line ends. on_end: gets the reason, once.
        """
        line = Line(self, hear, on_end, vad)
        if not self._lines:
            self._leave = [
                self._ticker.add(self._pass_time),
                self._measurer.add(lambda _periods: self.measure()),
            ]
        self._lines[line] = None
        return line

    def forget(self, line: Line) -> None:
        """It is over."""
        if line in self._lines:
            del self._lines[line]
            if not self._lines:
                for leave in self._leave:
                    leave()

    def _pass_time(self, periods: int) -> None:
        for line in self._lines:
            line.pass_time(periods)

    def measure(self) -> None:
        """Measure what waits. Who has just read many sockets need not wait for the time of it."""
        for _ in range(AT_ONCE):
            ready = [line for line in self._lines if line.waiting]
            if not ready:
                return
            measured = measure([(line.channel, line.waiting.popleft()) for line in ready])
            for line, features in zip(ready, measured, strict=True):
                self._tell(line, features)

    def _tell(self, line: Line, features: Features) -> None:
        if line.over:
            return  # ended by what another one heard
        try:
            line.hear(features)
        except Exception:
            log.exception("an analysis failed; it ends")
            line.end("the analysis failed")
