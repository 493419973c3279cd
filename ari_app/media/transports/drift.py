"""By how much a sender's clock is faster than ours. Pure.

What is on its way only ever comes later, so the quickest packet of a while tells how its time stands to ours; how that
changes from one while to the next is the difference of the clocks (RFC 3550 has no such figure: its jitter is of
neighbours, and a clock that is 1 % off is 0.2 ms of it).
"""

from __future__ import annotations

from ari_app.media.transports.rtp import TIMESTAMPS, Packet, distance

#: seconds of one while, and from the first to the last before anything is said: 1 ms more of delay are 100 ppm then
WHILE, ENOUGH = 2.0, 10.0
#: seconds by which a timestamp may be off what time has passed; beyond it is another stream, and begun anew
JUMP = 2.0


class Drift:
    """Of one sender of RTP."""

    def __init__(self, rate: int) -> None:
        """`rate`: of the timestamps, in hertz."""
        self._rate = rate
        self._ssrc: int | None = None
        self._timestamp = 0
        #: seconds of the sender, since its first packet; and when that came
        self._sent = 0.0
        self._begun = 0.0
        #: the least that a packet of this while was late by, against the first one; the end of the while
        self._least = 0.0
        self._until = 0.0
        #: middle of the first while, and its least; of the last one, the same
        self._first: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None

    def arrived(self, packet: Packet, at: float) -> None:
        """A packet came, at `at` seconds of our clock."""
        moved = distance(packet.timestamp, self._timestamp, TIMESTAMPS) / self._rate
        late = (at - self._begun) - (self._sent + moved)
        if packet.ssrc != self._ssrc or abs(late - self._least) > JUMP:
            self._begin(packet, at)
            return
        self._sent += moved
        self._timestamp = packet.timestamp
        if at >= self._until:
            self._last = (self._until - WHILE / 2, self._least)
            self._first = self._first or self._last
            self._least, self._until = late, at + WHILE
        self._least = min(self._least, late)

    def _begin(self, packet: Packet, at: float) -> None:
        self._ssrc, self._timestamp = packet.ssrc, packet.timestamp
        self._sent, self._begun, self._least, self._until = 0.0, at, 0.0, at + WHILE
        self._first = self._last = None

    @property
    def value(self) -> float | None:
        """0.01: it says 1.01 s in one of ours; negative: it is slower. None: not known yet."""
        if self._first is None or self._last is None or self._last[0] - self._first[0] < ENOUGH:
            return None
        return (self._first[1] - self._last[1]) / (self._last[0] - self._first[0])
