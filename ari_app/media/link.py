"""The audio between one call and one endpoint of a user: what of an attachment is media, and not control.

    Asterisk <-- near --> Relay <-- target --> the user's endpoint

LinkHere does it in this process; workers/pool.py has links in processes of their own. Who controls a call needs not
know which.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from ari_app.media.frames import RATE
from ari_app.media.ports import MediaPorts, Near, NearHere
from ari_app.media.relay import Relay
from ari_app.media.targets import Place, Target
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.audiosocket_client import AudioSocketClient, connect_to_audiosocket
from ari_app.media.transports.bot_socket import FORMATS, BotSocket, connect_to_bot
from ari_app.media.transports.chan_websocket import Event
from ari_app.media.transports.port import Direction, Traffic
from ari_app.media.transports.rtp import L16_16K, PCMU
from ari_app.media.transports.rtp_socket import open_rtp

#: Frames that may wait to be sent to an endpoint over RTP: it is to hear late no more than 0.2 s.
RTP_ROOM = 10
#: what we do to the endpoint when users do that to the call
_TO_TARGET = {
    Direction.LISTEN: Direction.SPEAK,
    Direction.SPEAK: Direction.LISTEN,
    Direction.BOTH: Direction.BOTH,
}


@dataclass(frozen=True)
class LinkRequest:
    """What is wanted of a link."""

    target: Target
    #: where the target is, and that it may be connected to, has been looked at
    place: Place
    #: the name of the attachment to endpoints that want one (AudioSocket)
    uuid: UUID
    #: what the user does to the call
    direction: Direction = Direction.BOTH
    #: slin or slin16: of 8 or 16 kHz, all the way
    format: str = "slin"


@dataclass(frozen=True)
class Figures:
    """What went through a link."""

    #: None: not there yet
    from_call: Traffic | None = None
    from_target: Traffic | None = None
    #: frames that the endpoint did not read, and those of it that there was no room for
    unread: int = 0
    dropped: int = 0


class Link(Protocol):
    """A link, wherever it is."""

    @property
    def near(self) -> Near:
        """The end that Asterisk reaches."""

    @property
    def over(self) -> asyncio.Event:
        """Set when either end is over."""

    @property
    def reason(self) -> str:
        """Why it is over; "": it is not."""

    @property
    def figures(self) -> Figures:
        """What went through it; as of a second ago, if it is in another process."""

    async def connect(self) -> None:
        """Connect to the endpoint. Raises OSError."""

    def join(self, **names: str) -> None:
        """The near end is open: audio flows. `names`: what an endpoint over a websocket is told of the call."""

    def end(self, reason: str) -> None:
        """It is over; the first reason stays."""

    def close(self) -> None:
        """Let go of both ends."""


class LinkHere:
    """A link in this process."""

    def __init__(self, ports: MediaPorts, request: LinkRequest, on_note: Callable[[str], None]) -> None:
        """on_note: called with what users want to know of: "slow", "flushed", .."""
        self._ports = ports
        self._request = request
        self._pieces = FORMATS[request.format] // RATE
        self._relay = Relay(ports.ticker, on_note, self._pieces)
        self._target: Attachment | None = None
        self.near = NearHere(ports, self._relay.from_call, request.direction, self._pieces)
        self.over = self._relay.over

    @property
    def reason(self) -> str:
        """As in Link."""
        return self._relay.reason

    @property
    def figures(self) -> Figures:
        """As in Link."""
        near, target = self.near.transport, self._target
        return Figures(
            from_call=near.traffic() if near is not None else None,
            from_target=target.traffic() if target is not None else None,
            unread=target.unread if isinstance(target, BotSocket | AudioSocketClient) else 0,
            dropped=self._relay.dropped,
        )

    async def connect(self) -> None:
        """As in Link."""
        request, relay, ticker = self._request, self._relay, self._ports.ticker
        target, place, direction = request.target, request.place, _TO_TARGET[request.direction]
        if target.scheme in ("ws", "wss"):
            bot = BotSocket(relay.from_target, ticker=ticker, direction=direction, format=request.format)
            self._target = bot
            relay.set_target(bot, bot, lambda: bot.tell(Event.DRAINED))
            await connect_to_bot(bot, target.url, place.address, place.port)
        elif target.scheme == "audiosocket":
            client = AudioSocketClient(
                relay.from_target, request.uuid, ticker=ticker, direction=direction, pieces=self._pieces
            )
            self._target = client
            relay.set_target(client, client)
            await connect_to_audiosocket(client, place.address, place.port)
        else:
            any_address = "::" if ":" in place.address else "0.0.0.0"
            rtp = await open_rtp(
                relay.from_target,
                clock=self._ports.clock,
                ticker=ticker,
                host=any_address,
                direction=direction,
                payload_type=PCMU if self._pieces == 1 else L16_16K,
                peer=(place.address, place.port),
                room=RTP_ROOM,
            )
            self._target = rtp
            relay.set_target(rtp, live=True)

    def join(self, **names: str) -> None:
        """As in Link."""
        if self.near.transport is not None:
            self._relay.set_call(self.near.transport)
        if isinstance(self._target, BotSocket):
            self._target.begin(**names)

    def end(self, reason: str) -> None:
        """As in Link."""
        self._relay.end(reason)

    def close(self) -> None:
        """As in Link."""
        self.near.close("ended")
        if self._target is not None:
            self._target.close("ended")
