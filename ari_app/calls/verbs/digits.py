"""Press keys for somebody: digits (DTMF) that go out to phones."""

from __future__ import annotations

from ari_app.calls.leg import Leg


async def send_digits(leg: Leg, digits: str, *, duration: int = 100, between: int = 100) -> None:
    """Send digits (Q.23: 0-9, A-D, *, #; "w": half a second of nothing) to a leg's phone, as its line has them: RFC
    4733, INFO, tones. duration of each, and between two: ms. Returns when Asterisk has them, before they are sent.

    Raises:
        LegGone, AriError
    """
    leg.require_alive()
    await leg.node.channels.sendDTMF(channelId=leg.id, dtmf=digits, duration=duration, between=between)


def talks_to(leg: Leg) -> list[Leg]:
    """The other legs of its conversation."""
    others = leg.call.registry.legs.values() if leg.bridge is not None else ()
    return [other for other in others if other is not leg and other.alive and other.bridge == leg.bridge]
