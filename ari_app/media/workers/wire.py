"""What the server and a media process say to each other: messages in MessagePack, each after its length, over a socket
pair that nobody else has."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from ari_app.media.link import Figures
from ari_app.media.transports.port import Direction

_HEAD = 4
#: Bytes of a message: figures of thousands of links fit.
MAX_MESSAGE = 16 << 20


class _Message(msgspec.Struct, frozen=True, tag=True, array_like=True):
    pass


class Open(_Message, frozen=True):
    """Make a link, and connect it to its endpoint. Answered."""

    link: int
    target: str
    address: str
    port: int
    uuid: UUID
    direction: Direction
    format: str


class Offer(_Message, frozen=True):
    """Open the near end of a link, for a channel of this name. Answered with what Asterisk is told."""

    link: int
    name: str


class Made(_Message, frozen=True):
    """Asterisk waits at this address. Answered."""

    link: int
    url: str
    user: str
    password: str


class Join(_Message, frozen=True):
    """Audio flows."""

    link: int
    names: dict[str, str]


class CloseNear(_Message, frozen=True):
    """End the near end."""

    link: int
    reason: str


class End(_Message, frozen=True):
    """The link is over."""

    link: int
    reason: str


class Close(_Message, frozen=True):
    """Let go of a link; its last figures are told."""

    link: int


#: what a media process is told
Order = Open | Offer | Made | Join | CloseNear | End | Close


class Ready(_Message, frozen=True):
    """The process is there."""


class Answer(_Message, frozen=True):
    """To the oldest order of a link that wants an answer."""

    link: int
    error: str = ""
    values: dict[str, str] = {}


class Noted(_Message, frozen=True):
    """Something of a link that users want to know."""

    link: int
    event: str


class Over(_Message, frozen=True):
    """A link is over."""

    link: int
    reason: str


class Told(_Message, frozen=True):
    """Figures of links."""

    figures: dict[int, Figures]


#: what it tells
News = Ready | Answer | Noted | Over | Told


def encode(message: Order | News) -> bytes:
    """The bytes of a message."""
    data = msgspec.msgpack.encode(message)
    return len(data).to_bytes(_HEAD, "big") + data


class Reader:
    """Messages of one kind from a stream."""

    def __init__(self, stream: asyncio.StreamReader, kind: Any) -> None:
        """`kind`: Order or News."""
        self._stream = stream
        self._decoder = msgspec.msgpack.Decoder(kind)

    async def next(self) -> Any:
        """The next message; None at the end of the stream. Raises msgspec.DecodeError for what is none."""
        try:
            size = int.from_bytes(await self._stream.readexactly(_HEAD), "big")
            if size > MAX_MESSAGE:
                raise msgspec.DecodeError(f"a message of {size} bytes")
            return self._decoder.decode(await self._stream.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
