"""Real time: one ticker of 20 ms for all streams of a process, and a bounded box of what a stream will say.

A task that sleeps for every stream costs more than the packet it sends; one timer for all costs next to nothing.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from ari_app.clock import Clock, Timer
from ari_app.media.frames import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES

PERIOD = FRAME_MS / 1000
#: Periods that are made up for at once after the process was held up; beyond, time that passed has passed.
CATCH_UP = 5
#: Frames that may wait to be sent: 20 s, as many as chan_websocket holds.
BOX_FRAMES = 1000

log = logging.getLogger(__name__)


class Ticker:
    """Calls its members every period with the number of periods that passed: 1, or more after a delay.

    Does not drift: a tick is due at a multiple of the period after the first. Rests while it has no members.
    """

    def __init__(self, clock: Clock, period: float = PERIOD) -> None:
        """`period`: seconds."""
        self._clock = clock
        self._period = period
        self._members: dict[int, Callable[[int], None]] = {}
        self._last_key = 0
        self._due = 0.0
        self._timer: Timer | None = None
        #: periods that nobody was called for, as the process had stood still, or the clock been set
        self.skipped = 0

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: Callable[[int], None]) -> Callable[[], None]:
        """Call `member(periods)` from the next tick on. Returns what takes it out again; harmless when it is out.

        A member that raises is logged and taken out; the others do not notice.
        """
        self._last_key += 1
        key = self._last_key
        self._members[key] = member
        if self._timer is None:
            self._due = self._clock.now() + self._period
            self._timer = self._clock.call_at(self._due, self._tick)
        return lambda: self._remove(key)

    def _remove(self, key: int) -> None:
        self._members.pop(key, None)
        if not self._members and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        now = self._clock.now()
        late = now - self._due
        periods = 1 + max(0, int(late / self._period + 1e-6))
        if late < -self._period or periods > CATCH_UP:
            # The clock was set, or the process stood still: what should have been said then is not said now in a burst.
            self.skipped += max(0, periods - 1)
            periods = 1
            self._due = now
        self._due += periods * self._period
        # set before the members are called: the last one that leaves cancels it
        self._timer = self._clock.call_at(self._due, self._tick)
        for key, member in list(self._members.items()):
            if key not in self._members:
                continue  # taken out by one before it
            try:
                member(periods)
            except Exception:
                log.exception("a sender of audio failed and is stopped")
                self._remove(key)


class Outbox:
    """Samples of 8 kHz that wait to be sent, at most `limit` frames of them."""

    def __init__(self, limit: int = BOX_FRAMES) -> None:
        self._pieces: deque[bytes] = deque()
        self._at = 0  # what of the first piece was taken
        self._waiting = 0
        self._size = limit * FRAME_BYTES

    def __len__(self) -> int:
        """Bytes that wait."""
        return self._waiting

    def put(self, samples: bytes) -> int:
        """Append what fits. Returns the bytes that were taken; the rest is the caller's to offer again, later.

        Raises ValueError for half a sample.
        """
        if len(samples) % 2:
            raise ValueError(f"samples: {len(samples)} bytes are half a sample too many")
        taken = min(self._size - self._waiting, len(samples))
        if taken:
            self._pieces.append(bytes(samples[:taken]))
            self._waiting += taken
        return taken

    def take(self, frames: int = 1) -> bytes:
        """Up to so many frames in one; the last of what was said is filled up with silence. Empty: there is nothing to
        say."""
        if not self._waiting:
            return b""
        size = min(frames * FRAME_BYTES, self._waiting)
        self._waiting -= size
        end = self._at + size
        first = self._pieces[0]
        if end < len(first):
            samples, self._at = first[self._at : end], end
        else:
            samples = self._gather(size)
        short = size % FRAME_BYTES
        return samples + bytes(FRAME_BYTES - short) if short else samples

    def _gather(self, size: int) -> bytes:
        """The next bytes, where a piece ends with or before them."""
        found = bytearray()
        while size:
            piece = self._pieces[0]
            part = piece[self._at : self._at + size]
            self._at += len(part)
            if self._at == len(piece):
                self._pieces.popleft()
                self._at = 0
            if not found and len(part) == size:
                return part
            found += part
            size -= len(part)
        return bytes(found)

    def clear(self) -> int:
        """Say nothing of it. Returns the bytes that are not said."""
        size, self._waiting, self._at = self._waiting, 0, 0
        self._pieces.clear()
        return size


class CodedOutbox(Outbox):
    """As an Outbox, of samples that are coded to one byte each, and cut into frames, when they are put: many at a time.
    What is told of counts the bytes of samples, as they are put."""

    def __init__(self, encode: Callable[[bytes], list[bytes]], limit: int = BOX_FRAMES) -> None:
        """`encode`: into frames, of which the last may be short."""
        super().__init__(limit)
        self._encode = encode
        (self._silence,) = encode(bytes(2))
        #: what is said in each of the next 20 ms, coded. Who sends for many calls takes from the left; what is shorter
        #: than a frame is the last, and to be filled
        self.frames: deque[bytes] = deque()

    def __len__(self) -> int:
        frames = self.frames
        return 2 * ((len(frames) - 1) * FRAME_SAMPLES + len(frames[-1])) if frames else 0

    def put(self, samples: bytes) -> int:
        if len(samples) % 2:
            raise ValueError(f"samples: {len(samples)} bytes are half a sample too many")
        taken = min(self._size - len(self), len(samples))
        if taken <= 0:
            return 0
        coded, frames = self._encode(samples[:taken]), self.frames
        if frames and len(frames[-1]) < FRAME_SAMPLES:
            codes = frames.pop() + b"".join(coded)
            coded = [codes[start : start + FRAME_SAMPLES] for start in range(0, len(codes), FRAME_SAMPLES)]
        frames.extend(coded)
        return taken

    def take(self, frames: int = 1) -> bytes:
        count = min(frames, len(self.frames))
        return self.filled(b"".join([self.frames.popleft() for _ in range(count)]))

    def filled(self, coded: bytes) -> bytes:
        """What was taken, with silence after it where a frame is short."""
        return coded + self._silence * (-len(coded) % FRAME_SAMPLES)

    def clear(self) -> int:
        size = len(self)
        self.frames.clear()
        return size
