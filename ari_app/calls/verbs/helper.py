"""A channel that is ours but no leg: it serves one leg, or a conference, and does not outlive it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from ari_app.ari import events
from ari_app.ari.errors import AriError, TimedOut, Unreachable
from ari_app.ari.models import Channel
from ari_app.ari.protocol import Received
from ari_app.calls.host import Host
from ari_app.calls.leg import LegGone
from ari_app.calls.wait import while_alive

#: seconds in which a helper enters our application: a few milliseconds, or never
ENTER_LIMIT = 5.0


H = TypeVar("H", bound=Host)


class Helper(ABC, Generic[H]):
    """A snoop, or an end of external media."""

    #: what it is, in errors and in its id
    kind: str

    def __init__(self, target: H) -> None:
        self.target = target
        self.id = target.registry.ids.new(self.kind)
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

    async def made(self, channel: Channel) -> None:
        """Asterisk has it; it may have entered our application, or wait for something before."""

    def reattach(self, id: str) -> None:
        """It is one that the process before this has opened. Whether it is still there, its events tell."""
        self.id, self._key = id, (self.target.node.name, id)
        self._asked = self._entered = True
        self._answered.set()
        self._settled.set()
        self.target.registry.helpers[self._key] = self._event

    def _event(self, event: Received) -> None:
        if isinstance(event, events.StasisStart):
            self._entered = True
            self._settled.set()
        elif isinstance(event, events.StasisEnd | events.ChannelDestroyed):
            self._over()

    def _over(self) -> None:
        self.target.registry.helpers.pop(self._key, None)
        self.gone.set()
        self._settled.set()

    async def open(self) -> None:
        """Make it, and wait until it can be bridged: that is when it enters the application, not when the request
        returns (ARI pitfalls, P7). What fails, or is cancelled, leaves nothing in Asterisk.

        Raises:
            LegGone, AriError
        """
        target = self.target
        target.require_alive()
        target.registry.helpers[self._key] = self._event
        self._asked = True
        try:
            await self.made(await target.complete(self._make()))
            await self._until_entered()
        except BaseException:
            if not target.detached:
                target.node.background(self.close())
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
        clock = self.target.registry.clock
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
                await self.target.registry.hang_up(self.target.node, self.id)
