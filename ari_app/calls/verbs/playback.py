"""One sound that is played: begun, waited for, paused, stopped."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from typing import Any

from ari_app.ari import events
from ari_app.ari.errors import AriError, Conflict, Gone
from ari_app.calls.leg import Leg, LegGone, LegState
from ari_app.calls.wait import WaitFor, object_events


class Playback:
    """A sound that Asterisk plays to a channel, or will when it has played what it has for it. `begin` it once."""

    def __init__(self, leg: Leg, channel: str | None = None) -> None:
        """channel: another one than the leg's own, which serves it (a snoop); it is gone with the leg at the latest."""
        self._leg = leg
        self._channel = channel or leg.id
        self._id = leg.call.registry.ids.new("play")
        self._listening = ExitStack()
        self._wait: WaitFor = self._listening.enter_context(object_events(leg.call.registry, leg.node, self._id))
        self._asked: asyncio.Future[Any] | None = None

    async def begin(self, media: str, language: str | None) -> None:
        """Give it to Asterisk. Raises LegGone, AriError."""
        self._leg.require_alive()
        asked = self._asked = asyncio.ensure_future(
            self._leg.node.channels.playWithId(
                channelId=self._channel, playbackId=self._id, media=[media], lang=language
            )
        )
        await asyncio.shield(asked)

    async def heard(self) -> bool:
        """Wait for its end; whether it was heard to it. Raises LegGone."""
        finished = await self._wait(self._leg, lambda event: isinstance(event, events.PlaybackFinished))
        self._listening.close()
        if finished is None:
            raise LegGone(f"leg {self._leg.id} went while it was spoken to", leg=self._leg.id)
        assert isinstance(finished, events.PlaybackFinished)
        return finished.playback.state == "done"

    async def stop(self) -> None:
        """End it, also where it has not begun."""
        self._listening.close()
        with suppress(AriError):
            if self._asked is not None:
                await asyncio.wait({self._asked})
                if self._leg.state is not LegState.GONE:
                    await self._leg.node.playbacks.stop(playbackId=self._id)

    async def cut(self) -> None:
        """End it; who waits in `heard` is told. Nothing if it is over, or has not begun. Raises AriError."""
        with suppress(Gone):
            await self._leg.node.playbacks.stop(playbackId=self._id)

    async def control(self, operation: str) -> None:
        """operation: "pause", "unpause", .. as in ARI; nothing if it is over, or has not begun. Raises AriError."""
        with suppress(Gone, Conflict):
            await self._leg.node.playbacks.control(playbackId=self._id, operation=operation)
