"""Put a leg that talks on hold, with music, and take it back."""

from __future__ import annotations

from contextlib import suppress

from ari_app.ari.errors import AriError
from ari_app.calls.bridge import Bridge
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.verbs.music import music_start, music_stop


async def hold(leg: Leg, bridge: Bridge, music_class: str = "default") -> None:
    """Take the leg out of its bridge and play music to it; the others hear silence. Cancelled, it is carried out to
    its end: nobody is left between the two.

    Raises:
        LegGone, AriError: he is where he was, as far as Asterisk allows.
    """
    await leg.call.complete(_hold(leg, bridge, music_class))


async def _hold(leg: Leg, bridge: Bridge, music_class: str) -> None:
    await bridge.remove(leg)
    try:
        await music_start(leg, music_class)
    except AriError:
        with suppress(LegGone, AriError):
            await bridge.add(leg)
        raise


async def unhold(leg: Leg, bridge: Bridge, music_class: str = "default") -> None:
    """Stop the music and join the bridge again. Cancelled, it is carried out to its end. music_class: what he hears
    again should he not come into the bridge.

    Raises:
        LegGone, AriError: he is where he was, as far as Asterisk allows.
    """
    await leg.call.complete(_unhold(leg, bridge, music_class))


async def _unhold(leg: Leg, bridge: Bridge, music_class: str) -> None:
    await music_stop(leg)
    try:
        await bridge.add(leg)
    except AriError:
        with suppress(LegGone, AriError):
            await music_start(leg, music_class)
        raise
