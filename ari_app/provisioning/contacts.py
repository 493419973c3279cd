"""Where phones are registered, as Asterisk knows it.

ARI has no resource for that. A channel function names an extension's contacts, and needs a channel to be asked on: one
that goes nowhere is made for the question. The contact itself is an object of the dynamic configuration.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec
from yarl import URL

from ari_app.ari import events
from ari_app.ari.errors import Gone
from ari_app.ari.node import Node
from ari_app.ari.protocol import Received
from ari_app.calls.registry import Registry

#: seconds in which the channel enters our application: a few milliseconds, or never
ENTER_LIMIT = 5.0


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A registered phone."""

    #: IP address (or host) at which Asterisk reaches it
    address: str
    #: what it calls itself; empty: nothing
    user_agent: str


class Contacts:
    """Of all extensions."""

    def __init__(self, registry: Registry, node: Node) -> None:
        self._registry = registry
        self._node = node

    async def read(self, extensions: Iterable[str]) -> dict[str, Contact]:
        """The phones of those of these extensions that have one registered; of several of one, the first.

        Raises:
            AriError
        """
        registry, node = self._registry, self._node
        channel = registry.ids.new("probe")
        entered = asyncio.Event()

        def happened(event: Received) -> None:
            if isinstance(event, events.StasisStart):
                entered.set()

        key = (node.name, channel)
        registry.helpers[key] = happened
        limit = registry.clock.call_at(registry.clock.now() + ENTER_LIMIT, entered.set)
        try:
            await node.channels.create(
                endpoint="Local/probe@from-internal", app=node.app, appArgs="probe", channelId=channel
            )
            found = {}
            for extension in extensions:
                contact = await self._contact(node, channel, extension)
                if contact is not None:
                    found[extension] = contact
            # One that is gone before it entered would enter as nobody's.
            await entered.wait()
            return found
        finally:
            limit.cancel()
            registry.helpers.pop(key, None)
            node.background(registry.hang_up(node, channel))

    async def _contact(self, node: Node, channel: str, extension: str) -> Contact | None:
        held = await node.channels.getChannelVar(channelId=channel, variable=f"PJSIP_AOR({extension},contact)")
        for one in filter(None, held.value.split(",")):
            try:
                fields = await node.asterisk.getObject(configClass="res_pjsip", objectType="contact", id=one)
            except Gone:
                continue  # it has unregistered meanwhile
            values = {field.attribute: field.value for field in fields}
            return Contact(address=host_of(values.get("uri", "")), user_agent=values.get("user_agent", ""))
        return None


def host_of(uri: str) -> str:
    """The host of a SIP URI, without port, parameters and brackets; empty: it has none."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() not in ("sip", "sips"):
        return ""
    rest = rest.partition(";")[0].partition("?")[0].rpartition("@")[2]
    try:
        return URL(f"http://{rest}").host or ""
    except ValueError:
        return ""
