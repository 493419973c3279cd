"""A channel that is ours but no leg: it serves one leg, and does not outlive it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from ari_app.ari import events
from ari_app.ari.errors import AriError, TimedOut, Unreachable
from ari_app.ari.models import Channel
from ari_app.ari.protocol import Received
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.wait import while_alive

#: seconds in which a helper enters our application: a few milliseconds, or never
ENTER_LIMIT = 5.0


class Helper(ABC):
    """A snoop, or an end of external media."""

    #: what it is, in errors and in its id
    kind: str

    def __init__(self, target: Leg) -> None:
        self.target = target
        self.id = target.call.registry.ids.new(self.kind)
        #: its channel is gone. Asterisk tells StasisEnd of a helper; not always ChannelDestroyed
        self.gone = asyncio.Event()
        self._key = (target.node.name, self.id)
        self._asked = False
        self._answered = asyncio.Event()
        self._entered = False
        #: entered, gone, or too late for either
        self._settled = asyncio.Event()

    @abstractmethod
    async def request(self) -> Channel:
        """Ask Asterisk for it, under `id`. Raises AriError."""

    async def made(self, channel: Channel) -> None:  # noqa: B027 - most need nothing
        """Asterisk has it; it may have entered our application, or wait for something before."""

    def reattach(self, id: str) -> None:
        """It is one that the process before this has opened. Whether it is still there, its events tell."""
        self.id, self._key = id, (self.target.node.name, id)
        self._asked = self._entered = True
        self._answered.set()
        self._settled.set()
        self.target.call.registry.helpers[self._key] = self._event
        self.target.call.afterwards.append(self._over)

    def _event(self, event: Received) -> None:
        if isinstance(event, events.StasisStart):
            self._entered = True
            self._settled.set()
        elif isinstance(event, events.StasisEnd | events.ChannelDestroyed):
            self._over()

    def _over(self) -> None:
        self.target.call.registry.helpers.pop(self._key, None)
        self.gone.set()
        self._settled.set()

    async def open(self) -> None:
        """Make it, and wait until it can be bridged: that is when it enters the application, not when the request
        returns (ARI pitfalls, P7). What fails, or is cancelled, leaves nothing in Asterisk.

        Raises:
            LegGone, AriError
        """
        self.target.require_alive()
        call = self.target.call
        call.registry.helpers[self._key] = self._event
        self._asked = True
        try:
            await self.made(await call.complete(self._make()))
            await self._until_entered()
        except BaseException:
            if not call.detached:
                self.target.node.background(self.close())
            raise

    async def _make(self) -> Channel:
        try:
            return await self.request()
        except (Unreachable, TimedOut):
            raise  # it may have been made
        except AriError:
            self._over()
            raise
        finally:
            self._answered.set()

    async def _until_entered(self) -> None:
        clock = self.target.call.registry.clock
        limit = clock.call_at(clock.now() + ENTER_LIMIT, self._settled.set)
        try:
            await while_alive(self.target, self._settled.wait())
        finally:
            limit.cancel()
        if self.gone.is_set():
            raise LegGone(f"{self.kind} {self.id} ended before it began")
        if not self._entered:
            raise TimedOut(f"the {self.kind} did not enter the application", operation=f"channels.{self.kind}")

    async def close(self) -> None:
        """End it; nothing if it is gone, or was never asked for."""
        if self._asked:
            await self._answered.wait()
            if not self.gone.is_set():
                self._over()
                await self.target.call.registry.hang_up(self.target.node, self.id)
