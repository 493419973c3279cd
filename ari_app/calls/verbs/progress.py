"""Let a caller hear us before we answer."""

from __future__ import annotations

from ari_app.calls.leg import Leg


async def progress(leg: Leg) -> None:
    """Open the audio path to a caller who is not answered (183 Session Progress): what is bridged to him, such as the
    early media of a far end, is heard from now on. Playing does this by itself.

    Raises:
        LegGone, AriError
    """
    leg.require_alive()
    await leg.node.channels.progress(channelId=leg.id)
