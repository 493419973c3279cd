"""Put a leg that talks on hold, with music, and take it back."""

from __future__ import annotations

from ari_app.calls.bridge import Bridge
from ari_app.calls.leg import Leg
from ari_app.calls.verbs.music import music_start, music_stop


async def hold(leg: Leg, bridge: Bridge, music_class: str = "default") -> None:
    """Take the leg out of its bridge and play music to it; the others hear silence.

    Raises:
        LegGone, AriError
    """
    await bridge.remove(leg)
    await music_start(leg, music_class)


async def unhold(leg: Leg, bridge: Bridge) -> None:
    """Stop the music and join the bridge again.

    Raises:
        LegGone, AriError
    """
    await music_stop(leg)
    await bridge.add(leg)
