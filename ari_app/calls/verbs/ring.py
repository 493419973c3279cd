"""Let a caller hear ringing."""

from __future__ import annotations

from ari_app.calls.leg import Leg


async def ring(leg: Leg) -> None:
    """Start ringing: 180 Ringing before the call is answered, a ringing tone after.

    Raises:
        LegGone, AriError
    """
    leg.require_alive()
    await leg.node.channels.ring(channelId=leg.id)


async def ring_stop(leg: Leg) -> None:
    """Stop ringing.

    Raises:
        LegGone, AriError
    """
    leg.require_alive()
    await leg.node.channels.ringStop(channelId=leg.id)
