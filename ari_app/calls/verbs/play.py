"""Play sounds to a leg and wait until they have been heard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog

from ari_app.ari import events
from ari_app.ari.errors import AriError, TimedOut, Unreachable
from ari_app.ari.protocol import Received
from ari_app.calls.leg import Leg, LegGone, LegState
from ari_app.calls.wait import object_events
from ari_app.errors import AppError, CommandRefused

log = structlog.get_logger(__name__)

#: what Asterisk can play. Another one it would take, and never tell the end of
SCHEMES = ("sound", "recording", "number", "digits", "characters", "tone")
#: what is fetched, or made, before Asterisk plays it (prompts/finder.py)
ELSEWHERE = ("http", "https", "file", "silence")
#: seconds that a call waits for a sound that has to be fetched
FIND_LIMIT = 5.0


class BadMedia(CommandRefused):
    """Not a media URI that can be played."""

    slug = "bad_media"


def uri_of(sound: str) -> str:
    """The media URI of what a setting names: a sound by its name, or a URI itself."""
    return sound if ":" in sound else f"sound:{sound}"


async def play(leg: Leg, media: Sequence[str], *, language: str | None = None) -> bool:
    """Play media URIs (`sound:`, `digits:`, `characters:`, `number:`, `recording:`, `tone:`; `http:`, `https:`,
    `file:`, `silence:`) one after the other. A tone plays until this is cancelled. A sound may be a prompt of the
    account's (`Registry.sound`).

    Returns whether all could be played (Asterisk says so when they end, never when it takes the order). One that cannot
    be had in time is left out. Cancelled, it stops the sound.

    Raises:
        LegGone: the leg went before or while it played.
        AriError: Asterisk refused.
        BadMedia: one of them is not such a URI.
    """
    leg.require_alive()
    for uri in media:
        if uri.partition(":")[0] not in SCHEMES + ELSEWHERE:
            raise BadMedia(f"{uri!r} cannot be played")
    registry = leg.call.registry
    playback = registry.ids.new("play")
    wanted = [await _find(leg, uri, language or leg.language) for uri in media]
    found = [uri for uri in wanted if uri is not None]
    leg.require_alive()
    if not found:
        return not wanted
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
    return finished.playback.state == "done" and len(found) == len(wanted)


async def _find(leg: Leg, uri: str, language: str) -> str | None:
    """What Asterisk is to play; None: nothing, for it cannot be had."""
    call = leg.call
    try:
        async with asyncio.timeout(FIND_LIMIT):
            found = await call.registry.sound(call.account, uri, language)
        if found.partition(":")[0] in SCHEMES:
            return found
        reason = "nobody looks elsewhere for it"
    except AppError as error:
        reason = str(error)
    except TimeoutError:
        reason = f"not had within {FIND_LIMIT:g} s"
    log.warning("= sound left out", call=call.id, leg=leg.id, reason=reason)
    return None


def _finished(event: Received) -> bool:
    return isinstance(event, events.PlaybackFinished)


async def _stop(leg: Leg, playback: str, asked: asyncio.Future[Any]) -> None:
    with suppress(AriError):
        await asyncio.wait({asked})
        if leg.state is not LegState.GONE:
            await leg.node.playbacks.stop(playbackId=playback)
