"""Attach to a leg: hear it, speak into it, or both, without disturbing the call.

    leg <-- snoop (spy, whisper) --> bridge <-- external media --> this process

The snoop decides which side is heard and which side hears what is said; "in" is what comes from the leg's phone, "out"
what goes to it. The call is neither answered nor moved by it. Of a conference nobody's side is meant, so there is no
snoop (RoomTap).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum

from ari_app.calls.bridge import Bridge
from ari_app.calls.conference_room import Room
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.verbs.external_media import ExternalMedia
from ari_app.calls.verbs.snoop import Snoop
from ari_app.calls.wait import together, while_alive
from ari_app.media.ports import MediaPorts, Near, NearHere
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.port import Direction, Ear


class Side(StrEnum):
    """Of a leg: who speaks on its phone, whom that phone hears, or both."""

    #: the party of the leg himself
    PARTY = "party"
    #: the others, as the party hears them
    OTHERS = "others"
    BOTH = "both"


#: what is heard: audio in from the phone is the party's
_SPY = {Side.PARTY: "in", Side.OTHERS: "out", Side.BOTH: "both"}
#: who hears what is said: audio out to the phone is heard by the party
WHISPER = {Side.PARTY: "out", Side.OTHERS: "in", Side.BOTH: "both"}


class Tap:
    """A leg's audio, to an end of ours and from it. It ends with the leg at the latest."""

    def __init__(
        self,
        target: Leg,
        near: Near,
        *,
        direction: Direction = Direction.BOTH,
        hear: Side = Side.PARTY,
        heard_by: Side = Side.PARTY,
    ) -> None:
        """hear: whom we hear; heard_by: who hears what we say. Of these, what the direction leaves out is ignored."""
        self.target = target
        self._snoop = Snoop(
            target,
            spy=_SPY[hear] if direction.hears else "none",
            whisper=WHISPER[heard_by] if direction.speaks else "none",
        )
        self._media = ExternalMedia(target, near)
        self._bridge = Bridge(target.call)

    async def open(self) -> None:
        """Begin. What fails, or is cancelled, leaves nothing in Asterisk.

        Raises:
            LegGone, AriError, OSError
        """
        try:
            await together(self._bridge.create(), self._snoop.open(), self._media.open())
            both = [self._snoop.id, self._media.id]
            await self.target.node.bridges.addChannel(bridgeId=self._bridge.id, channel=both)
        except BaseException:
            if not self.target.call.detached:
                self.target.node.background(self.close())
            raise

    @property
    def channel(self) -> Mapping[str, str]:
        """Name and id of the channel that is heard."""
        return {"channel": self.target.name, "channel_id": self.target.id}

    async def until_over(self) -> None:
        """Wait until the leg is gone, or one of our channels."""
        with suppress(LegGone):
            await while_alive(self.target, self._media.gone.wait())

    async def close(self) -> None:
        """End it; the leg stays as it is."""
        await together(self._media.close(), self._snoop.close())
        await self._bridge.destroy()


class RoomTap:
    """A conference's audio, to an end of ours and from it: by a channel in its bridge that is no member. It ends with
    the conference at the latest."""

    def __init__(self, target: Room, near: Near, direction: Direction = Direction.BOTH) -> None:
        self.target = target
        self._direction = direction
        self._media = ExternalMedia(target, near)

    async def open(self) -> None:
        """As of Tap."""
        await self._media.open()
        try:
            await self.target.take_in(self._media.id, heard=self._direction.speaks)
        except BaseException:
            if not self.target.detached:
                self.target.node.background(self.close())
            raise

    @property
    def channel(self) -> Mapping[str, str]:
        """Name and id of the channel in the bridge."""
        return {"channel": self._media.name, "channel_id": self._media.id}

    async def close(self) -> None:
        """End it; the conference stays as it is."""
        await self._media.close()


class Attach(Tap):
    """One attachment of this process to one leg."""

    def __init__(
        self,
        target: Leg,
        ports: MediaPorts,
        ear: Ear,
        *,
        direction: Direction = Direction.BOTH,
        hear: Side = Side.PARTY,
        heard_by: Side = Side.PARTY,
    ) -> None:
        """As Tap."""
        self._near = NearHere(ports, ear, direction)
        super().__init__(target, self._near, direction=direction, hear=hear, heard_by=heard_by)

    @property
    def transport(self) -> Attachment:
        """Our end. Raises LegGone while there is none."""
        if self._near.transport is None:
            raise LegGone("the attachment is not open")
        return self._near.transport
