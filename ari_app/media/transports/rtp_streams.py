"""RTP streams that go on as expected, all calls at a time.

Of a call's packets nearly all are the next of their stream, on time, with 20 ms of G.711. What is known of such streams
is kept here in an array, a row for each, so that a block of packets of many calls (datagrams.Receiver) is compared,
counted, timed (RFC 3550, A.8) and decoded by one call of what is compiled (_streams.c), or a few of numpy; all that
Python does for each packet is to look up whose it is, and to hand over the frame. Whatever is not expected is given
back, and goes the long way (Reception, Depacketiser); its stream is taken out before and put in again when it goes on.
All ways have the same results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ari_app.media.compiled import built
from ari_app.media.frames import FRAME_BYTES, FRAME_SAMPLES, RATE, Frame
from ari_app.media.transports.datagrams import Receiver
from ari_app.media.transports.rtp import HEADER, PCMA, PCMU, VERSION, Expected
from ari_app.media.transports.rtp_frames import DECODERS

#: The row of no call.
NOBODY = 0
#: Packets, of different calls, that are worth the calls of numpy.
FEW = 6
#: the bytes of a packet of 20 ms of G.711, and its first
_SIZE, _PLAIN = HEADER.size + FRAME_SAMPLES, VERSION << 6
#: a header, as numpy reads it
HEAD = np.dtype([("first", "u1"), ("second", "u1"), ("sequence", ">u2"), ("timestamp", ">u4"), ("ssrc", ">u4")])
#: Bits of the second byte that are neither the marker nor the one in which PCMU (0) and PCMA (8) differ.
_NOT_G711 = 0x7F & ~(PCMU | PCMA)

#: What is known of a stream; _streams.c has the same.
STREAM = np.dtype(
    {
        "names": ["transit", "jitter", "passed", "timestamp", "ssrc", "sequence", "expected"],
        "formats": ["f8", "f8", "i8", "u4", "u4", "u2", "?"],
        "itemsize": 40,
    }
)

Hear = Callable[[Sequence[Frame]], None]
_Rows = NDArray[np.intp]


def _nobody(_frames: Sequence[Frame]) -> None:
    """There is no stream in this row."""


class Compiled(Protocol):
    """_streams.c."""

    def take(
        self,
        streams: NDArray[np.void],
        whose: tuple[int, ...],
        heads: NDArray[np.uint8],
        payloads: NDArray[np.uint8],
        lengths: NDArray[np.uint32],
        arrivals: NDArray[np.float64],
    ) -> tuple[list[int], list[bytes], list[int]]:
        """The packets of a block: those that are expected are counted in `streams`. Returns their rows and their
        frames; and the numbers of the others, among which are all of a row that are behind its first. Raises ValueError
        unless there is one of each for each packet, and a stream for each row."""


#: None: it was not built, and numpy does it.
compiled: Compiled | None = built("ari_app.media.transports._streams")


class Passed(NamedTuple):
    """What has happened to a stream since it was last asked for."""

    packets: int
    #: as of Reception.timing
    timing: tuple[float, float]


class Streams:
    """The streams of a process."""

    def __init__(self, failed: Callable[[int], None]) -> None:
        """failed: called with the row of a listener that raised; in the handler of its exception."""
        self._failed = failed
        self._hear: list[Hear] = []
        self._streams = np.zeros(0, STREAM)

    def room(self, rows: int) -> None:
        """Have so many rows, at least as many as now."""
        more = rows - len(self._hear)
        self._hear += [_nobody] * more
        streams = np.zeros(rows, STREAM)
        streams[: len(self._streams)] = self._streams
        self._streams = streams
        self._expected, self._passed = streams["expected"], streams["passed"]
        self._sequence, self._timestamp, self._ssrc = streams["sequence"], streams["timestamp"], streams["ssrc"]
        self._transit, self._jitter = streams["transit"], streams["jitter"]

    def put(self, row: int, next: Expected, timing: tuple[float, float], hear: Hear) -> None:
        """A stream goes on with the packet `next`; its frames go to `hear`."""
        self._hear[row] = hear
        self._sequence[row], self._timestamp[row], self._ssrc[row] = next
        self._transit[row], self._jitter[row] = timing
        self._passed[row] = 0
        self._expected[row] = True

    def has(self, row: int) -> bool:
        """Whether there is a stream in this row."""
        return bool(self._expected[row])

    def passed(self, row: int) -> Passed:
        """What came on the stream of a row, and was not told of yet."""
        count = int(self._passed[row])
        self._passed[row] = 0
        return Passed(count, (float(self._transit[row]), float(self._jitter[row])))

    def remove(self, row: int) -> None:
        """The stream of a row does not go on."""
        self._hear[row] = _nobody
        self._expected[row] = False

    def take(self, block: Receiver, whose: list[int], now: float, otherwise: Callable[[int], None]) -> None:
        """What was read: `whose` names the row of a call for each packet, or NOBODY. `otherwise` is called with each
        that is not as expected, those of a call in order, and takes the stream out before it does anything else."""
        if compiled is not None:
            count = block.count
            rows, frames, left_over = compiled.take(
                self._streams,
                tuple(whose),
                block.heads[:count],
                block.payloads[:count],
                np.ascontiguousarray(block.lengths),
                block.arrivals(now),
            )
            self._tell(rows, frames)
            for number in left_over:
                otherwise(number)
            return
        packets = _Packets(block, np.array(whose, np.intp), now)
        left = np.arange(len(whose))
        if len(whose) >= FEW and len(set(whose)) == len(whose):
            self._one_of_each(packets, otherwise)
            return
        while len(left) >= FEW:
            # of each call its first, then of each its second, ..
            first = np.unique(packets.rows[left], return_index=True)[1]
            if len(first) < FEW:
                break
            self._one_of_each(packets.choose(left[first]), otherwise)
            left = np.delete(left, first)
        for number in left.tolist():
            otherwise(number)

    def _one_of_each(self, packets: _Packets, otherwise: Callable[[int], None]) -> None:
        """Packets of different calls."""
        rows = packets.rows
        expected = (
            packets.plain
            & self._expected[rows]
            & (packets.sequence == self._sequence[rows])
            & (packets.timestamp == self._timestamp[rows])
            & (packets.ssrc == self._ssrc[rows])
        )
        if expected.all():
            self._go_on(packets)
            return
        if expected.any():
            self._go_on(packets.choose(np.flatnonzero(expected)))
        for number in packets.number[~expected].tolist():
            otherwise(number)

    def _go_on(self, packets: _Packets) -> None:
        """Packets of different calls, each of which is expected."""
        rows = packets.rows
        self._sequence[rows] += 1
        self._timestamp[rows] += FRAME_SAMPLES
        self._passed[rows] += 1
        # as in Reception
        arrival = packets.arrival * RATE
        jitter = self._jitter[rows]
        jitter += (np.abs(arrival - self._transit[rows] - FRAME_SAMPLES) - jitter) / 16
        self._jitter[rows], self._transit[rows] = jitter, arrival
        of_a_law = packets.law == PCMA
        if not of_a_law.any():
            self._decode(packets, PCMU)
        else:
            self._decode(packets.choose(np.flatnonzero(of_a_law)), PCMA)
            self._decode(packets.choose(np.flatnonzero(~of_a_law)), PCMU)

    def _decode(self, packets: _Packets, law: int) -> None:
        samples = DECODERS[law](packets.payloads())
        frames = [samples[start : start + FRAME_BYTES] for start in range(0, len(samples), FRAME_BYTES)]
        self._tell(packets.rows.tolist(), frames)

    def _tell(self, rows: Iterable[int], frames: Iterable[bytes]) -> None:
        hear = self._hear
        for row, frame in zip(rows, frames, strict=True):
            try:
                hear[row]([frame])  # asked for now: the listener before may have ended it
            except Exception:
                self._failed(row)


class _Packets:
    """Of each packet that was read what is compared."""

    def __init__(self, block: Receiver, rows: _Rows, now: float) -> None:
        heads = block.heads[: block.count].view(HEAD)[:, 0]
        second = heads["second"]
        self._block = block
        self.number = np.arange(block.count)
        self.rows = rows
        self.plain = (heads["first"] == _PLAIN) & (second & _NOT_G711 == 0) & (block.lengths == _SIZE)
        self.law = second & (PCMU | PCMA)
        self.sequence = heads["sequence"].astype(np.uint16)
        self.timestamp, self.ssrc = heads["timestamp"].astype(np.uint32), heads["ssrc"].astype(np.uint32)
        self.arrival = block.arrivals(now)

    def choose(self, which: _Rows) -> _Packets:
        """Those at these places."""
        chosen = object.__new__(_Packets)
        chosen._block = self._block
        for name in ("number", "rows", "plain", "law", "sequence", "timestamp", "ssrc", "arrival"):
            setattr(chosen, name, getattr(self, name)[which])
        return chosen

    def payloads(self) -> bytes:
        """One after the other."""
        return self._block.payloads[self.number].tobytes()
