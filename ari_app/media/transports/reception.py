"""How well an RTP stream arrives: loss, order and jitter as RFC 3550 counts them, and what a listener would say (MOS).

Pure: the time of arrival comes with the packet.
"""

from __future__ import annotations

from dataclasses import dataclass

from ari_app.media.frames import FRAME_MS, FRAME_SAMPLES, RATE
from ari_app.media.transports.rtp import SEQUENCES, TIMESTAMPS, Expected, Packet, distance

#: Steps of the sequence number up to which a packet is of the same stream, ahead and behind (RFC 3550, A.1).
MAX_DROPOUT, MAX_MISORDER = 3000, 100
#: Packets by which duplicates are remembered.
_WINDOW = 128
_REMEMBERED = (1 << _WINDOW) - 1
#: R of a G.711 call without impairments of the network (ITU-T G.107, defaults).
_R_BEST = 93.2
#: Robustness of G.711 against random loss: without concealment, and with it (ITU-T G.113, appendix I).
BPL_PLAIN, BPL_CONCEALED = 4.3, 25.1


@dataclass(frozen=True)
class Quality:
    """A reception up to now."""

    received: int  # packets, without duplicates
    expected: int  # packets, by the sequence numbers
    lost: int  # expected and not received, never negative
    reordered: int  # packets that came after a later one
    duplicates: int
    restarts: int  # times the sender began another stream
    jitter: float  # seconds, interarrival jitter (RFC 3550, 6.4.1)
    mos: float  # 1.0 (bad) .. 4.41, estimated by the E-model

    @property
    def loss(self) -> float:
        """The part that was lost: 0.0 .. 1.0."""
        return self.lost / self.expected if self.expected else 0.0


def r_factor(loss: float, delay: float, bpl: float = BPL_CONCEALED) -> float:
    """R of a G.711 call (ITU-T G.107): 0 .. 93.2.

    Args:
        loss: lost part, 0.0 .. 1.0, at random.
        delay: seconds from mouth to ear, one way.
        bpl: robustness of the codec and its player against loss.
    """
    ms = 1000 * delay
    # delay impairment in the form of Cole and Rosenbluth (2001), with its knee at 177.3 ms
    of_delay = 0.024 * ms + (0.11 * (ms - 177.3) if ms > 177.3 else 0.0)
    percent = 100 * loss
    of_loss = 95 * percent / (percent + bpl) if percent else 0.0  # Ie of G.711 is 0
    return max(0.0, _R_BEST - of_delay - of_loss)


def mos_of(r: float) -> float:
    """The mean opinion score of an R (ITU-T G.107, annex B): 1.0 .. 4.5."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    # the cubic dips below 1 for R under 6.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


class Reception:
    """Counts the packets of one stream. A restart of the sender (another SSRC, or a jump of its sequence number) goes
    on with the sums, and begins the sequence anew."""

    def __init__(self, rate: int = RATE, *, bpl: float = BPL_CONCEALED) -> None:
        """`rate`: of the timestamps, in hertz. `bpl`: as in `r_factor`."""
        self._rate = rate
        self._bpl = bpl
        self._ssrc: int | None = None
        self._first = 0  # extended sequence numbers
        self._highest = 0
        self._seen = 0  # bit n: the number `highest - n` has come
        self._transit = 0.0
        self._timestamp = 0
        self._earlier = 0  # expected in the streams before this one
        self._received = self._reordered = self._duplicates = self._restarts = 0
        self._jitter = 0.0  # in timestamp units

    def arrived(self, packet: Packet, at: float) -> bool:
        """Count a packet that came at `at` seconds of any steady clock. False if it is a duplicate."""
        if packet.sequence == (self._highest + 1) % SEQUENCES and packet.ssrc == self._ssrc:  # nearly all there are
            self._highest += 1
            self._seen = (self._seen << 1 | 1) & _REMEMBERED
            self._received += 1
            self._measure(packet, at)
            return True
        step = distance(packet.sequence, self._highest % SEQUENCES)
        if self._ssrc is None:
            self._begin(packet, at)
            return True
        if packet.ssrc != self._ssrc or not -MAX_MISORDER <= step <= MAX_DROPOUT:
            self._restarts += 1
            self._earlier += self._highest - self._first + 1
            self._begin(packet, at)
            return True
        if step > 0:
            self._highest += step
            self._seen = ((self._seen << step) | 1) & _REMEMBERED
        elif self._seen >> -step & 1:
            self._duplicates += 1
            return False
        else:
            self._seen |= 1 << -step
            self._reordered += 1
            # one that began the stream was not the first of it
            self._first = min(self._first, self._highest + step)
        self._received += 1
        self._measure(packet, at)
        return True

    def expects(self) -> Expected | None:
        """The packet that goes on with the stream, 20 ms after the last; None if none has come."""
        if self._ssrc is None:
            return None
        due = (self._timestamp + FRAME_SAMPLES) % TIMESTAMPS
        return Expected((self._highest + 1) % SEQUENCES, due, self._ssrc)

    @property
    def timing(self) -> tuple[float, float]:
        """When the last packet came, and the jitter up to it, in units of the timestamps."""
        return self._transit, self._jitter

    def went_on(self, packets: int, timing: tuple[float, float]) -> None:
        """So many packets have come, at least one, each of which was expected. `timing`: as of the last."""
        self._highest += packets
        self._seen = (self._seen << packets | (1 << packets) - 1) & _REMEMBERED
        self._received += packets
        self._timestamp = (self._timestamp + packets * FRAME_SAMPLES) % TIMESTAMPS
        self._transit, self._jitter = timing

    def _begin(self, packet: Packet, at: float) -> None:
        self._ssrc = packet.ssrc
        self._first = self._highest = packet.sequence
        self._seen = 1
        self._received += 1
        self._transit = at * self._rate
        self._timestamp = packet.timestamp

    def _measure(self, packet: Packet, at: float) -> None:
        # RFC 3550, A.8. The difference of timestamps is taken round the circle, so that it survives their wrap.
        arrival = at * self._rate
        moved = distance(packet.timestamp, self._timestamp, TIMESTAMPS)
        deviation = abs(arrival - self._transit - moved)
        self._transit, self._timestamp = arrival, packet.timestamp
        self._jitter += (deviation - self._jitter) / 16

    def quality(self, delay: float = 0.0) -> Quality:
        """What can be said now. `delay`: seconds of the network one way, if known (RTCP); jitter is added to it, since
        whoever listens has to wait for it (twice), and the packet itself."""
        expected = self._earlier + (self._highest - self._first + 1 if self._ssrc is not None else 0)
        lost = max(0, expected - self._received)
        jitter = self._jitter / self._rate
        heard_after = delay + 2 * jitter + FRAME_MS / 1000
        r = r_factor(lost / expected if expected else 0.0, heard_after, self._bpl)
        return Quality(
            received=self._received,
            expected=expected,
            lost=lost,
            reordered=self._reordered,
            duplicates=self._duplicates,
            restarts=self._restarts,
            jitter=jitter,
            mos=round(mos_of(r), 2),
        )
