"""Music on hold for one leg. A holding bridge would share one source among many legs, and its music is known to stop
for all when one leaves (contracts: ARI pitfalls, 1.5); per leg it cannot."""

from __future__ import annotations

from ari_app.calls.leg import Leg


async def music_start(leg: Leg, music_class: str = "default") -> None:
    """Play a music class until music_stop.

    Raises:
        LegGone, AriError
    """
    leg.require_alive()
    await leg.node.channels.startMoh(channelId=leg.id, mohClass=music_class)


async def music_stop(leg: Leg) -> None:
    """Stop the music.

    Raises:
        LegGone, AriError
    """
    leg.require_alive()
    await leg.node.channels.stopMoh(channelId=leg.id)
