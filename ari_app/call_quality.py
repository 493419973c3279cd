"""How well calls were heard, told: to those who listen to the account's events, and in /metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Histogram

from ari_app.calls.facts import LegMeasured
from ari_app.calls.quality import Way

#: Bounds of the histograms. MOS: bad 1, poor 2, fair 3, good 4; G.711 has 4.41 at best. Loss: the part of the packets.
_MOS = (1.5, 2.0, 2.5, 3.0, 3.5, 3.8, 4.0, 4.2, 4.3, 4.5)
_LOSS = (0.0, 0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 1.0)
_JITTER = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)


class CallQuality:
    """Call it with each."""

    def __init__(self, registry: CollectorRegistry, tell: Callable[[int, str, dict[str, Any]], None]) -> None:
        """tell: an event of an account, by its type."""
        self._tell = tell
        #: by "direction": received of phones, or sent to them
        labels = ("direction",)
        self._mos, self._loss, self._jitter = (
            Histogram(f"ariapp_leg_{name}", what, labels, buckets=buckets, registry=registry)
            for name, what, buckets in (
                ("mos", "MOS of ended legs by the E-model", _MOS),
                ("loss_ratio", "Part of the packets of ended legs that was lost", _LOSS),
                ("jitter_seconds", "Jitter of ended legs (RFC 3550)", _JITTER),
            )
        )

    def __call__(self, fact: LegMeasured) -> None:
        quality = fact.quality
        ways = {"received": quality.received, "sent": quality.sent}
        for direction, way in ways.items():
            if way is not None and way.packets:
                self._mos.labels(direction).observe(way.mos)
                self._loss.labels(direction).observe(way.loss)
                self._jitter.labels(direction).observe(way.jitter)
        told = {direction: _values(way) for direction, way in ways.items()}
        rtt = None if quality.rtt is None else _ms(quality.rtt)
        self._tell(
            fact.account, "LegMeasured", {"at": fact.at, "call": fact.call, "leg": fact.leg, **told, "roundTrip": rtt}
        )


def _values(way: Way | None) -> dict[str, float | int] | None:
    if way is None:
        return None
    return {"packets": way.packets, "lost": way.lost, "jitter": _ms(way.jitter), "mos": way.mos}


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 2)
