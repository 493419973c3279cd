"""Where users want the audio of a call: an address of theirs, looked at before anything is sent there.

    wss://bot.example/path     ws://..     audiosocket://bot.example:9092     rtp://bot.example:4000

A server that connects to any address it is given is a way into the network it stands in. So only addresses that are
public are connected to, and those that the operator has allowed; the name is resolved once, all of its addresses must
be allowed, and the connection goes to the one that was looked at.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from ari_app.config import Network
from ari_app.errors import AppError
from ari_app.ops.addresses import allowed

#: scheme -> the port when none is given; None: one must be
SCHEMES: dict[str, int | None] = {"ws": 80, "wss": 443, "audiosocket": None, "rtp": None}
#: Seconds in which a name has to be resolved.
RESOLVE_LIMIT = 5.0
#: Characters of a target.
MAX_TARGET = 2000


class TargetError(AppError):
    """The target cannot be used."""

    slug = "bad_target"


class TargetForbidden(TargetError):
    """The target is in a network that is not allowed."""

    slug = "target_forbidden"


@dataclass(frozen=True)
class Target:
    """A target that may be written like this; whether it may be connected to, only its address says."""

    scheme: str
    host: str
    port: int
    #: with whatever secrets are in it: not for logs or answers
    url: str

    @property
    def shown(self) -> str:
        """Without user, password and query, which may be secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        path = urlsplit(self.url).path if self.scheme in ("ws", "wss") else ""
        return f"{self.scheme}://{host}:{self.port}{path}"


class Place(NamedTuple):
    """An address that was looked at."""

    address: str
    port: int


def parse(text: str) -> Target:
    """Read a target. Raises TargetError, which says what is wrong and never repeats it."""
    if len(text) > MAX_TARGET or not text.isascii() or any(c <= " " or c == "\x7f" for c in text):
        raise TargetError(f"must be a URL of at most {MAX_TARGET} ASCII characters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise TargetError("must be a URL with a host, and a port from 1 to 65535") from None
    if parts.scheme not in SCHEMES:
        raise TargetError(f"must begin with {', '.join(f'{scheme}://' for scheme in SCHEMES)}")
    if not parts.hostname or port == 0 or {*"[]"} & {*parts.hostname}:  # what is left of a broken IPv6 address
        raise TargetError("must be a URL with a host, and a port from 1 to 65535")
    port = port or SCHEMES[parts.scheme]
    if port is None:
        raise TargetError(f"must have a port, such as {parts.scheme}://{'bot.example'}:4000")
    if parts.fragment or not _plain(parts):
        raise TargetError("must have nothing after the port, and no fragment")
    return Target(parts.scheme, parts.hostname, port, text)


def _plain(parts: SplitResult) -> bool:
    if parts.scheme in ("ws", "wss"):
        return True
    return parts.path in ("", "/") and not parts.query and not parts.username and not parts.password


async def resolve(target: Target, private: Iterable[Network]) -> Place:
    """Where a target is.

    Raises:
        TargetError: its name does not resolve.
        TargetForbidden: one of its addresses is not public, and not in the networks that are allowed.
    """
    kind = socket.SOCK_DGRAM if target.scheme == "rtp" else socket.SOCK_STREAM
    try:
        async with asyncio.timeout(RESOLVE_LIMIT):
            found = await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=kind)
    except (OSError, TimeoutError, UnicodeError):
        raise TargetError("its host name does not resolve") from None
    private = tuple(private)
    places = [Place(str(row[4][0]), int(row[4][1])) for row in found]
    if not places:
        raise TargetError("its host name does not resolve")
    for place in places:
        if not allowed(ip_address(place.address.partition("%")[0]), private):
            raise TargetForbidden("is in a network that is not public, and not in MEDIA_PRIVATE_NETWORKS")
    return places[0]
