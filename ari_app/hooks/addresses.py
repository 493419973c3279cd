"""Which addresses we connect to for others: not those of the network we are in, unless the operator names them.

The address that is checked is the one that is connected to: names are resolved here, once, and the connector gets what
was found. A host that is an address already passes no resolver, so it is checked before.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from ari_app.config import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: what connectors and the C library take for an IPv4 address in one of its many spellings: 0x7f.1, 2130706433
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?\Z")
#: IPv6 that carries an IPv4 address to which a gateway may take it
_CARRIERS = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


class Forbidden(OSError):
    """The address is not one that we connect to."""


class Guard(AbstractResolver):
    """Resolves names to addresses that are allowed."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = allowed

    def check_url(self, url: str) -> None:
        """Raises Forbidden: it is no URL of a server, or its host is an address that is not allowed."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            raise Forbidden("not a URL") from None
        if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
            raise Forbidden("not a URL such as https://example.org/path")
        if ":" in host or _NUMERIC.match(host):
            self.check(host)

    def check(self, text: str) -> None:
        """Raises Forbidden: not an address, or not one that is allowed."""
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise Forbidden("not an address in its usual form") from None
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if not self._is_allowed(address):
            raise Forbidden("an address of a private network, which HOOK_NETWORKS does not name")

    def _is_allowed(self, address: Address) -> bool:
        if any(address in network for network in self._allowed if network.version == address.version):
            return True
        carried = any(address in network for network in _CARRIERS if network.version == address.version)
        return address.is_global and not address.is_multicast and not carried

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises Forbidden: one of its addresses is not allowed; a name that is of both sides is of neither."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        results: list[ResolveResult] = []
        for kind, _, protocol, _, where in found:
            address = str(where[0])
            self.check(address)
            results.append(
                ResolveResult(
                    hostname=host,
                    host=address,
                    port=port,
                    family=kind,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        return results

    async def close(self) -> None:
        """Nothing is held."""
