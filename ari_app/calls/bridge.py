"""A mixing bridge that belongs to a call."""

from __future__ import annotations

from contextlib import suppress

from ari_app.ari.errors import Conflict
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg

#: media goes through Asterisk, so that snoops, recordings and DTMF work at any time. The order counts: Asterisk reads
#: it from left to right, and "mixing" last would allow native bridging again (contracts: ARI, 1.5).
TYPE = "mixing,dtmf_events,proxy_media"


class Bridge:
    """Made under an id of ours; taken down with its call at the latest."""

    def __init__(self, call: Call, id: str | None = None) -> None:
        self.call = call
        self.id = id or call.registry.ids.new("bridge")

    async def take(self) -> None:
        """One for legs of this call and nothing else: an empty one that another call has left, or a new one.

        Raises:
            AriError
        """
        spares = self.call.registry.spares
        spare = spares.take(self.call.node)
        if spare is None:
            await self.create()
        else:
            self.id = spare
            self.call.bridges.add(spare)
        spares.watch(self.call.node, self.id)

    async def create(self) -> None:
        """Make it in Asterisk.

        Raises:
            AriError
        """
        self.call.bridges.add(self.id)
        with suppress(Conflict):  # the id is ours: an earlier try got through
            await self.call.complete(self.call.node.bridges.createWithId(bridgeId=self.id, type=TYPE))

    async def add(self, *legs: Leg, unnamed: bool = False) -> None:
        """Let these legs hear each other.

        unnamed: phones go on showing what they show (Asterisk would tell each of them who the others are).

        Raises:
            LegGone, AriError: one of them is gone; none or some may have joined.
        """
        for leg in legs:
            leg.require_alive()
        self.call.registry.spares.asked(self.call.node, self.id, [leg.id for leg in legs])
        await self.call.node.bridges.addChannel(
            bridgeId=self.id, channel=[leg.id for leg in legs], inhibitConnectedLineUpdates=unnamed or None
        )
        for leg in legs:
            leg.bridge = self.id
        self.call.save()

    async def remove(self, leg: Leg) -> None:
        """Take a leg out.

        Raises:
            LegGone, AriError
        """
        leg.require_alive()
        await self.call.node.bridges.removeChannel(bridgeId=self.id, channel=[leg.id])
        leg.bridge = None
        self.call.save()

    async def destroy(self) -> None:
        """Take it down. Legs in it stay ours."""
        for leg in self.call.legs.values():
            if leg.bridge == self.id:
                leg.bridge = None
        if await self.call.registry.release_bridge(self.call.node, self.id):
            self.call.bridges.discard(self.id)  # else it is tried again with the end of the call
        self.call.save()
