"""External media: a channel that is a peer of no phone but of us: of this process, or of one that works for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_app.ari.models import Channel
from ari_app.calls.host import Host
from ari_app.calls.verbs.helper import Helper
from ari_app.media.ports import MediaPorts, Near, TransportKind
from ari_app.media.transports.asterisk_socket import media_url

__all__ = ["ExternalMedia", "MediaPorts", "TransportKind"]


class ExternalMedia(Helper[Host]):
    """A channel of external media, and the transport at our end of it."""

    kind = "media"

    def __init__(self, target: Host, near: Near) -> None:
        super().__init__(target)
        #: as Asterisk calls it; "": not made yet
        self.name = ""
        self._near = near

    async def request(self) -> Channel:
        how: Mapping[str, Any] = await self._near.offer(self.id)
        return await self.target.node.channels.externalMedia(
            channelId=self.id, app=self.target.node.app, direction="both", **how
        )

    async def made(self, channel: Channel) -> None:
        """Asterisk waits for us under the name that it gave the channel."""
        self.name = channel.name
        options = self.target.node.http.options
        name = (channel.channelvars or {}).get("MEDIA_WEBSOCKET_CONNECTION_ID", "")
        await self._near.made(media_url(options.base_url, name), options.user, options.password)

    def _over(self) -> None:
        super()._over()
        self._near.close("its channel is gone")

    async def close(self) -> None:
        self._near.close("closed")
        await super().close()
