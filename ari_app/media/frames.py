"""Audio in frames of 20 ms: 8 kHz, signed 16-bit little-endian, one channel (Asterisk's `slin`).

The frame is the unit of media time: whatever arrives is cut into frames, and time is counted in frames, so that a
burst or a pause of the network changes nothing in what an analyser finds.
"""

from __future__ import annotations

RATE = 8000
FRAME_MS = 20
FRAME_SAMPLES = RATE * FRAME_MS // 1000
FRAME_BYTES = 2 * FRAME_SAMPLES
#: A gap longer than this is no loss but another stream: it counts as this much, so that a jump of a sender's
#: timestamp by hours does not make hours of frames.
MAX_GAP_SAMPLES = 10 * RATE

#: 20 ms of audio, or None: these 20 ms were lost on the way. Lost is not silent: nobody knows what was said.
Frame = bytes | None


class Framer:
    """Cuts audio of any chunking into frames. Holds less than one frame."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._lost = False  # some of the frame that is being filled was lost

    @property
    def empty(self) -> bool:
        """No frame is begun."""
        return not self._rest

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete with these bytes, in order. Any number of bytes, odd ones too."""
        if len(data) == FRAME_BYTES and not self._rest and not self._lost:
            return [bytes(data)]
        self._rest += data
        frames: list[Frame] = []
        start = 0
        while len(self._rest) - start >= FRAME_BYTES:
            frames.append(None if self._lost else bytes(self._rest[start : start + FRAME_BYTES]))
            self._lost = False
            start += FRAME_BYTES
        del self._rest[:start]
        return frames

    def lose(self, samples: int) -> list[Frame]:
        """The frames that are complete with a gap of so many samples; those the gap touches are None.

        At most MAX_GAP_SAMPLES count. Raises ValueError for a negative gap.
        """
        if samples < 0:
            raise ValueError(f"samples: a gap cannot be {samples} samples long")
        size = 2 * min(samples, MAX_GAP_SAMPLES)
        frames: list[Frame] = []
        while size:
            part = min(size, FRAME_BYTES - len(self._rest))
            self._rest += bytes(part)
            self._lost = True
            size -= part
            if len(self._rest) == FRAME_BYTES:
                frames.append(None)
                self._rest.clear()
                self._lost = False
        return frames
