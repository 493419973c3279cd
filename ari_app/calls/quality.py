"""How well a phone's audio arrived, each way: Asterisk's own counts of a leg's RTP stream.

Asterisk sets them as channel variables (RTPAUDIOQOS) when the channel is hung up, before it leaves us, and tells that
as an event: nobody asks, so it costs no request. Versions before 20.19, 22.9 and 23.3 set them later when it is we who
hang up, and tell us nothing then.

Pure.
"""

from __future__ import annotations

from math import inf

import msgspec

from ari_app.media.frames import FRAME_MS
from ari_app.media.transports.reception import mos_of, r_factor

#: the variable that has it all; its companions have minima, maxima and deviations
VARIABLE = "RTPAUDIOQOS"


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One direction of a stream."""

    packets: int  # that were sent; of what came in: by their sequence numbers
    lost: int  # of them
    jitter: float  # seconds (RFC 3550)
    mos: float  # 1.0 (bad) .. 4.41, as estimated by the E-model

    @property
    def loss(self) -> float:
        """The part that was lost: 0.0 .. 1.0."""
        return self.lost / self.packets if self.packets else 0.0


class StreamQuality(msgspec.Struct, frozen=True, kw_only=True):
    """Of a leg's phone, from its first packet to its hang-up."""

    #: what Asterisk received of it; None: nothing ever came
    received: Way | None
    #: what it received of Asterisk, as it reports (RTCP); None: it never did
    sent: Way | None
    #: seconds there and back, by RTCP; None: not known
    rtt: float | None


def parse(value: str) -> StreamQuality | None:
    """The variable's value, such as "ssrc=1;themssrc=2;lp=0;rxjitter=0.0;rxcount=310;..". None: it says
    nothing of either way, or is something else."""
    fields = dict(part.split("=", 1) for part in value.split(";") if "=" in part)
    try:
        # duplicates make it less than none that was lost
        arrived, lost, sent, sent_lost = (max(int(fields[name]), 0) for name in ("rxcount", "lp", "txcount", "rlp"))
        # named the other way round: txjitter is what Asterisk measures of the phone, rxjitter what the phone reports
        jitter, sent_jitter, rtt = (float(fields[name]) for name in ("txjitter", "rxjitter", "rtt"))
    except (KeyError, ValueError):
        return None
    if not all(0 <= seconds < inf for seconds in (jitter, sent_jitter, rtt)):
        return None
    # where the phone sent no report, there are zeros
    reported = rtt > 0 or sent_lost > 0 or sent_jitter > 0
    if not arrived and not reported:
        return None
    return StreamQuality(
        received=_way(arrived + lost, lost, jitter, rtt) if arrived else None,
        sent=_way(sent, min(sent_lost, sent), sent_jitter, rtt) if reported else None,
        rtt=rtt if rtt > 0 else None,
    )


def _way(packets: int, lost: int, jitter: float, rtt: float) -> Way:
    # whoever listens waits for jitter (twice) and for the packet itself, as in reception.Reception.quality
    delay = rtt / 2 + 2 * jitter + FRAME_MS / 1000
    mos = mos_of(r_factor(lost / packets if packets else 0.0, delay))
    return Way(packets=packets, lost=lost, jitter=jitter, mos=round(mos, 2))
