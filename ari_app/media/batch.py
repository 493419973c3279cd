"""The audio of all calls that are analysed, measured together: every 10 ms one call of numpy for all, not one a call.

    transport --frames--> Line --\
    transport --frames--> Line ---> Batch, every 10 ms: measure() --features--> whoever analyses or hears that call
    transport --frames--> Line --/

A line counts time by frames. A phone that suppresses silence sends none, and so does a network that stands still: what
has not come after LATE frames is taken for silence, so that the analysis of a call always gets to its end, and what was
said before the phone fell silent is over.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Sequence

from ari_app.clock import Clock
from ari_app.media.features import Channel, Features, Measurer
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

#: gets the features of each frame, and the frame itself
Hear = Callable[[Features, Frame], object]


class Line:
    """One call in a batch; the ear (transports.port.Ear) of its attachment."""

    def __init__(self, batch: Batch, hear: Hear, on_end: Callable[[str], None], channel: Channel) -> None:
        self._batch = batch
        self.hear = hear
        self._on_end = on_end
        self.channel = channel
        self.waiting: deque[Frame] = deque()
        self.over = False
        #: frames that did not come in time, and were taken for silence
        self.filled = 0
        #: the period of the batch up to which frames have come; inf: the line stands
        self.heard = math.inf
        self._early = 0  # of those that were filled, which may still come as what they were

    def frames(self, frames: Sequence[Frame]) -> None:
        """As in Ear."""
        if len(frames) == 1 and not (self.waiting or self._early or self.over):  # nearly all there are
            self.heard += 1
            self.waiting.append(frames[0])
            self._batch.ready.append(self)
        elif not self.over:
            self._several(frames)

    def _several(self, frames: Sequence[Frame]) -> None:
        if self._early:
            frames = self._uncounted(frames)
        count, waiting = len(frames), self.waiting
        self.heard += count
        if count > ROOM - len(waiting):
            room = ROOM - len(waiting)
            frames = [frame if place < room else None for place, frame in enumerate(frames)]
        if not waiting and count:
            self._batch.ready.append(self)
        waiting.extend(frames)

    def _uncounted(self, frames: Sequence[Frame]) -> Sequence[Frame]:
        """Without those whose time was counted already."""
        for index, frame in enumerate(frames):
            if not self._early or (frame is not None and frame != _SILENCE):
                self._early = 0
                return frames[index:]
            self._early -= 1
        return ()

    def ended(self, reason: str) -> None:
        """As in Ear. What came before is heard."""
        self._batch.measure_rest(self)
        self.end(reason)

    def start(self) -> None:
        """The attachment is open: from now on 50 frames a second should come."""
        self.heard = self._batch.periods

    def fill(self, missing: int) -> None:
        """So many frames are late: they are silence."""
        self.heard += missing
        self._early += missing
        self.filled += missing
        if not self.waiting:
            self._batch.ready.append(self)
        self.waiting.extend([_SILENCE] * missing)

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
        self._timer = Ticker(clock, EVERY)
        self._measurer = Measurer()
        self._lines: dict[Line, None] = {}
        self._leave: list[Callable[[], None]] = []
        #: periods that have passed
        self.periods = 0
        #: lines in which something waits, each once
        self.ready: list[Line] = []

    def __len__(self) -> int:
        return len(self._lines)

    def join(self, hear: Hear, on_end: Callable[[str], None], vad: Vad | None = None) -> Line:
        """A line; its time begins with `Line.start`.

        hear: if it raises, that line ends. on_end: gets the reason, once.
        """
        line = Line(self, hear, on_end, Channel(vad, self._measurer))
        if not self._lines:
            self._leave = [
                self._ticker.add(self._pass_time),
                self._timer.add(lambda _periods: self.measure()),
            ]
        self._lines[line] = None
        return line

    def forget(self, line: Line) -> None:
        """It is over."""
        if line in self._lines:
            del self._lines[line]
            if line in self.ready:
                self.ready.remove(line)
            self._measurer.leave(line.channel)
            if not self._lines:
                for leave in self._leave:
                    leave()

    def _pass_time(self, periods: int) -> None:
        self.periods += periods
        late = self.periods - LATE
        for line in [line for line in self._lines if line.heard < late]:
            line.fill(late - int(line.heard))

    def measure(self) -> None:
        """Measure what waits. Who has just read many sockets need not wait for the time of it."""
        for _ in range(AT_ONCE):
            if not (ready := self.ready):
                return
            channels = [line.channel for line in ready]
            frames = [line.waiting.popleft() for line in ready]
            self.ready = [line for line in ready if line.waiting]
            for line, frame, features in zip(ready, frames, self._measurer.measure(channels, frames), strict=True):
                if line.over:
                    continue  # ended by what another one heard
                try:
                    line.hear(features, frame)
                except Exception:
                    _failed(line)

    def measure_rest(self, line: Line) -> None:
        """Measure all that waits in one line, which gets no more."""
        while line.waiting and not line.over:
            frame = line.waiting.popleft()
            (features,) = self._measurer.measure([line.channel], [frame])
            try:
                line.hear(features, frame)
            except Exception:
                _failed(line)


def _failed(line: Line) -> None:
    """In the handler of what it raised."""
    log.exception("an analysis failed; it ends")
    line.end("the analysis failed")
