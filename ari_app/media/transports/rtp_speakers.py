"""The RTP packets that all calls send at a tick: rows of one block of memory, whose heads are counted on together.

A packet is as rtp_frames.Packetiser would build it. It is not copied on its way: sendmmsg reads it where it is.
"""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

from ari_app.media.frames import FRAME_SAMPLES
from ari_app.media.transports.datagrams import Sender
from ari_app.media.transports.rtp import HEADER, VERSION
from ari_app.media.transports.rtp_streams import HEAD

_MARKER = 0x80


class Speakers:
    """The streams of a process that are sent, a row each."""

    def __init__(self) -> None:
        """Raises OSError if this machine has no sendmmsg."""
        self.sender = Sender(HEADER.size + FRAME_SAMPLES)
        self._kind = np.zeros(0, np.uint8)
        self._talking = np.zeros(0, bool)
        self._sent = np.zeros(0, np.int64)
        self._sequence, self._timestamp = np.zeros(0, np.uint16), np.zeros(0, np.uint32)

    def room(self, rows: int) -> None:
        """Have so many rows, at least as many as now."""
        self.sender.room(rows)
        self._heads = self.sender.data[:, : HEADER.size].view(HEAD)[:, 0]
        self._payloads = self.sender.data[:, HEADER.size :]
        for name in ("_kind", "_talking", "_sent", "_sequence", "_timestamp"):
            before = getattr(self, name)
            setattr(self, name, np.concatenate([before, np.zeros(rows - len(before), before.dtype)]))

    def put(self, row: int, payload_type: int) -> None:
        """A stream begins. Sequence number, timestamp and SSRC begin at random, so that nobody guesses them (RFC 3550,
        5.1)."""
        self._kind[row], self._talking[row], self._sent[row] = payload_type, False, 0
        self._sequence[row], self._timestamp[row] = secrets.randbits(16), secrets.randbits(32)
        self._heads["first"][row], self._heads["ssrc"][row] = VERSION << 6, secrets.randbits(32)

    def say(self, rows: list[int], payloads: list[bytes]) -> None:
        """These say something in the next 20 ms, the others nothing; it is what the sender sends next. Time passes in
        silence too: the gap of the timestamps says how long it was, and the marker where speech begins again (RFC 3551,
        4.1)."""
        if rows:
            at: NDArray[np.intp] = np.array(rows, np.intp)
            heads = self._heads
            heads["second"][at] = self._kind[at] | np.where(self._talking[at], 0, _MARKER).astype(np.uint8)
            heads["sequence"][at] = self._sequence[at]
            heads["timestamp"][at] = self._timestamp[at]
            self._payloads[at] = np.frombuffer(b"".join(payloads), np.uint8).reshape(-1, FRAME_SAMPLES)
            self._sequence[at] += 1
            self._sent[at] += 1
            self.sender.choose(at)
        self._timestamp += FRAME_SAMPLES
        self._talking[:] = False
        if rows:
            self._talking[at] = True

    def sent(self, row: int) -> int:
        """The packets of a row that were not told of yet."""
        count = int(self._sent[row])
        self._sent[row] = 0
        return count
