"""A snoop: a channel that hears what a leg hears or says, or speaks into it, and does not disturb it. Its direction is
fixed when it is made (ARI pitfalls, 1.6); it ends with its leg."""

from __future__ import annotations

import asyncio

from ari_app.ari import events
from ari_app.ari.errors import AriError
from ari_app.ari.protocol import Received
from ari_app.calls.leg import Leg, LegGone


class Snoop:
    """A snoop channel of ours."""

    def __init__(self, target: Leg, *, spy: str, whisper: str) -> None:
        self.target = target
        self.spy = spy
        self.whisper = whisper
        registry = target.call.registry
        self.id = registry.ids.new("snoop")
        self._key = (target.node.name, self.id)
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        #: set when its channel is gone. Asterisk tells StasisEnd of a snoop; not always ChannelDestroyed
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        registry.helpers[self._key] = self._event

    def _event(self, event: Received) -> None:
        if isinstance(event, events.StasisStart) and not self._ready.done():
            self._ready.set_result(None)
        elif isinstance(event, events.StasisEnd | events.ChannelDestroyed):
            self.target.call.registry.helpers.pop(self._key, None)
            if not self.gone.done():
                self.gone.set_result(None)
            if not self._ready.done():
                self._ready.set_exception(LegGone(f"snoop {self.id} ended before it began"))
                self._ready.exception()

    async def open(self) -> None:
        """Make it, and wait until it can be bridged: that is when it enters the application, not when the request
        returns (ARI pitfalls, P7).

        Raises:
            LegGone, AriError
        """
        self.target.require_alive()
        try:
            await self.target.call.complete(
                self.target.node.channels.snoopChannelWithId(
                    channelId=self.target.id,
                    snoopId=self.id,
                    spy=self.spy,
                    whisper=self.whisper,
                    app=self.target.node.app,
                    appArgs="snoop",
                )
            )
        except BaseException:
            self.target.call.registry.helpers.pop(self._key, None)
            raise
        await self._ready

    async def close(self) -> None:
        """End it; nothing if it is gone."""
        if not self.gone.done():
            try:
                await self.target.node.channels.hangup(channelId=self.id)
            except AriError:
                return  # gone with its target
