"""Play sounds to a leg and wait until they have been heard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ari_app.ari import events
from ari_app.ari.errors import AriError, TimedOut, Unreachable
from ari_app.ari.protocol import Received
from ari_app.calls.leg import Leg, LegGone, LegState
from ari_app.calls.wait import object_events
from ari_app.errors import CommandRefused

#: what Asterisk can play. Another one it would take, and never tell the end of
SCHEMES = ("sound", "recording", "number", "digits", "characters", "tone")


class BadMedia(CommandRefused):
    """Not a media URI that can be played."""

    slug = "bad_media"


async def play(leg: Leg, media: Sequence[str], *, language: str | None = None) -> bool:
    """Play media URIs (`sound:`, `digits:`, `characters:`, `number:`, `recording:`, `tone:`) one after the other. A
    tone plays until this is cancelled. A sound may be a prompt of the account's (`Registry.sound`).

    Returns whether all could be played (Asterisk says so when they end, never when it takes the order). Cancelled, it
    stops the sound.

    Raises:
        LegGone: the leg went before or while it played.
        AriError: Asterisk refused.
        BadMedia: one of them is not such a URI.
    """
    leg.require_alive()
    for uri in media:
        if uri.partition(":")[0] not in SCHEMES:
            raise BadMedia(f"{uri!r} cannot be played")
    registry = leg.call.registry
    playback = registry.ids.new("play")
    found = [registry.sound(leg.call.account, uri, language or leg.language) for uri in media]
    with object_events(registry, leg.node, playback) as wait:
        # One that is asked for while this is cancelled has to have begun before it can be stopped.
        asked = asyncio.ensure_future(
            leg.node.channels.playWithId(channelId=leg.id, playbackId=playback, media=found, lang=language)
        )
        try:
            await asyncio.shield(asked)
            finished = await wait(leg, _finished)
        except (asyncio.CancelledError, Unreachable, TimedOut):
            if leg.call.detached:
                raise
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
        await asyncio.wait({asked})
        if leg.state is not LegState.GONE:
            await leg.node.playbacks.stop(playbackId=playback)
