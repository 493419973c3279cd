"""The caller's side of a queue call: what he hears while he waits, and how he is joined to an agent."""

from __future__ import annotations

import asyncio

import structlog

from ari_app.acd.settings import QueueSettings
from ari_app.ari.errors import AriError
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import Party
from ari_app.calls.verbs.music import music_start, music_stop
from ari_app.calls.verbs.record import record
from ari_app.calls.verbs.ring import ring

log = structlog.get_logger(__name__)


class Conversation:
    """One caller in one queue."""

    def __init__(self, call: Call) -> None:
        self.call = call
        #: why he was let go
        self.released: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        #: the agent he is joined to
        self.agent: Leg | None = None
        #: an agent has answered and is being joined to him
        self.joining = False
        #: he may be hearing music
        self.music = False
        self._waiting: asyncio.Task[None] | None = None

    def shown(self, settings: QueueSettings | None) -> Party:
        """What the agent's phone shows: the caller's name behind the queue's prefix, and his number."""
        prefix = settings.cid_name_prefix if settings else ""
        return Party(self.call.caller_number, prefix + (self.call.caller_name or self.call.caller_number))

    def entertain(self, settings: QueueSettings | None) -> None:
        """Answer him and play music, or ringing, until he is joined."""
        self._waiting = self.call.spawn(self._entertain(settings or QueueSettings(extension="")), "wait")

    async def _entertain(self, settings: QueueSettings) -> None:
        caller = self.call.caller
        if settings.ringing:
            await ring(caller)
            return
        await answer(caller)
        self.music = True
        await music_start(caller, settings.music_class)

    def release(self, reason: str) -> None:
        """Let him go."""
        if not self.released.done():
            self.released.set_result(reason)

    async def connect(self, agent: Leg, settings: QueueSettings | None) -> None:
        """Join him with an agent who has answered.

        Raises:
            LegGone, AriError: one of them is gone, or Asterisk refused. They are not joined then.
        """
        caller = self.call.caller
        bridge = Bridge(self.call)
        try:
            if self._waiting is not None:
                await asyncio.wait([self._waiting])
            await asyncio.gather(bridge.create(), self._quiet(caller))
            await bridge.add(caller, agent)
        except (LegGone, AriError):
            self.joining = False
            await bridge.destroy()
            raise
        self.joined(agent)
        if settings is not None and settings.recording_format:
            try:
                await record(bridge, format=settings.recording_format)
            except AriError as error:
                log.warning("= not recorded", call=self.call.id, error=str(error))

    async def _quiet(self, caller: Leg) -> None:
        await answer(caller)
        if self.music:
            await music_stop(caller)
            self.music = False

    def joined(self, agent: Leg) -> None:
        """They hear each other."""
        self.agent = agent
        self.joining = False

    def parted(self) -> None:
        """The agent has left the conversation."""
        self.agent = None
