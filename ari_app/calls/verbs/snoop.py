"""A snoop: a channel that hears what a leg hears or says, or speaks into it, and does not disturb it. Its direction is
fixed when it is made (ARI pitfalls, 1.6); it ends with its leg."""

from __future__ import annotations

from ari_app.ari.models import Channel
from ari_app.calls.leg import Leg
from ari_app.calls.verbs.helper import Helper


class Snoop(Helper[Leg]):
    """A snoop channel of ours."""

    kind = "snoop"

    def __init__(self, target: Leg, *, spy: str, whisper: str) -> None:
        super().__init__(target)
        self.spy = spy
        self.whisper = whisper

    def reattach(self, id: str) -> None:
        super().reattach(id)
        self.target.call.afterwards.append(self._over)

    async def request(self) -> Channel:
        return await self.target.node.channels.snoopChannelWithId(
            channelId=self.target.id,
            snoopId=self.id,
            spy=self.spy,
            whisper=self.whisper,
            app=self.target.node.app,
            appArgs="snoop",
        )
