"""Play sounds to a leg and wait until they have been heard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ari_app.ari import events
from ari_app.ari.errors import AriError
from ari_app.ari.protocol import Received
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.wait import object_events


async def play(leg: Leg, media: Sequence[str], *, language: str | None = None) -> bool:
    """Play media URIs (`sound:`, `digits:`, `number:`, `tone:`, `recording:`) one after the other.

    Returns whether all could be played (Asterisk says so when they end, never when it takes the order). Cancelled, it
    stops the sound.

    Raises:
        LegGone: the leg went before or while it played.
        AriError: Asterisk refused.
    """
    leg.require_alive()
    playback = leg.call.registry.ids.new("play")
    with object_events(leg.call.registry, leg.node, playback) as wait:
        # One that is asked for while this is cancelled has to have begun before it can be stopped.
        asked = asyncio.ensure_future(
            leg.node.channels.playWithId(channelId=leg.id, playbackId=playback, media=list(media), lang=language)
        )
        try:
            await asyncio.shield(asked)
            finished = await wait(leg, _finished)
        except asyncio.CancelledError:
            leg.node.background(_stop(leg, playback, asked))
            raise
    if finished is None:
        raise LegGone(f"leg {leg.id} went while it was played to", leg=leg.id)
    assert isinstance(finished, events.PlaybackFinished)
    return finished.playback.state == "done"


def _finished(event: Received) -> bool:
    return isinstance(event, events.PlaybackFinished)


async def _stop(leg: Leg, playback: str, asked: asyncio.Future[Any]) -> None:
    with suppress(AriError):
        await asked
        if leg.alive:
            await leg.node.playbacks.stop(playbackId=playback)
