"""Which addresses we connect to for others: not those of the network we are in, unless the operator names them.

The address that is checked is the one that is connected to: names are resolved here, once, and the connector gets what
was found. A host that is an address already passes no resolver, so it is checked before.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from ari_app.config import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: what connectors and the C library take for an IPv4 address in one of its many spellings: 0x7f.1, 2130706433
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?\Z")
#: IPv6 that carries an IPv4 address, to which a gateway may take it: NAT64 (two), 6to4, Teredo, "compatible"
_CARRIERS = tuple(
    ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)


def allowed(address: Address, networks: Iterable[Network]) -> bool:
    """Whether this may be connected to: it is public, or in one of these networks.

    One that carries another has to be named itself, and what it carries must be allowed as well.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return allowed(address.ipv4_mapped, networks)
    networks = tuple(networks)
    named = any(address in network for network in networks if network.version == address.version)
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in carrier for carrier in _CARRIERS):
            return named and all(allowed(each, networks) for each in _carried(address))
        if address.is_site_local and not named:
            return False
    return named or (address.is_global and not address.is_multicast)


def _carried(address: ipaddress.IPv6Address) -> list[Address]:
    """The addresses of IPv4 in one of IPv6."""
    if address in _CARRIERS[0] or (address in _CARRIERS[4] and int(address) > 1):
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [each for each in (address.sixtofour, *(address.teredo or ())) if each is not None]


class Forbidden(OSError):
    """The address is not one that we connect to."""


class Guard(AbstractResolver):
    """Resolves names to addresses that are allowed."""

    def __init__(self, networks: Iterable[Network] = (), *, setting: str = "HOOK_NETWORKS") -> None:
        """networks: that are not public and may be connected to. setting: which names them."""
        self._networks = tuple(networks)
        self._setting = setting

    def session(self, **options: Any) -> aiohttp.ClientSession:
        """An HTTP client that connects to nothing else. Neither the environment's proxies nor cookies are used."""
        # A connection that is kept was checked for another name, perhaps; and others' servers are asked rarely.
        connector = aiohttp.TCPConnector(resolver=self, use_dns_cache=False, force_close=True, limit=0)
        return aiohttp.ClientSession(
            connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), **options
        )

    def client(self, **options: Any) -> GuardedClient:
        """The same, from when it is first needed."""
        return GuardedClient(self, options)

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
        if not allowed(address, self._networks):
            raise Forbidden(f"an address of a private network, which {self._setting} does not name")

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


class GuardedClient:
    """A Guard's HTTP client, which is made when it is first asked for."""

    def __init__(self, guard: Guard, options: dict[str, Any]) -> None:
        self._guard, self._options = guard, options
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """It. Belongs in the event loop."""
        if self._session is None:
            self._session = self._guard.session(**self._options)
        return self._session

    async def close(self) -> None:
        """Close its connections; nothing if there are none."""
        if self._session is not None:
            with suppress(aiohttp.ClientError):
                await self._session.close()
