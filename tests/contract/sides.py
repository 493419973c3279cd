"""The two sides of the contract: FakeAsterisk and a real Asterisk, with the same handles for the outside world."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from typing import Any

from ari_app.ari.connection import Keepalive, OutboundServer
from ari_app.ari.errors import NotInStasis
from ari_app.ari.events import Event
from ari_app.ari.fake import Answers, Busy, Declines, EntersStasis, FakeAsterisk, NeverAnswers
from ari_app.ari.http import HttpOptions
from ari_app.ari.node import Node
from ari_app.ari.protocol import Received
from tests.harness.ari import Ari, AriError
from tests.harness.asterisk import Asterisk
from tests.harness.patience import PATIENCE

APP = "contract"

#: What the endpoints of the contract do. The fake is told so below.
DIALPLAN = """
[contract]
exten => answer,1,Answer()
 same => n,Wait(600)
exten => later,1,Ringing()
 same => n,Wait(0.3)
 same => n,Answer()
 same => n,Wait(600)
exten => ring,1,Ringing()
 same => n,Wait(600)
; A Local channel whose other half ends at once loses the cause now and then.
exten => busy,1,Wait(0.2)
 same => n,Hangup(17)
exten => decline,1,Wait(0.2)
 same => n,Hangup(21)
exten => _call.,1,Stasis(contract,in,${EXTEN:4})
 same => n,Set(GLOBAL(CONTRACT_STATUS)=${STASISSTATUS})
 same => n,Hangup()
"""

ENDPOINTS = {
    "Local/answer@contract": Answers(ring=None),
    "Local/later@contract": Answers(after=0.3),
    "Local/ring@contract": NeverAnswers(),
    "Local/busy@contract": Busy(),
    "Local/decline@contract": Declines(),
    "Local/call500@contract": EntersStasis("in", "500"),
}

_serial = itertools.count(1)


def fresh(prefix: str) -> str:
    """An id that no other test has used; all as long: Asterisk refuses one with which another channel's begins."""
    return f"{prefix}-{next(_serial):06}"


class FakeSide:
    """The fake, as the contract sees it."""

    kind = "fake"

    def __init__(self) -> None:
        self.fake = FakeAsterisk()
        self.fake.endpoints.update(ENDPOINTS)
        self.fake.world.missing_media.add("sound:no-such-sound")
        self.user, self.password = self.fake.user, self.fake.password

    @property
    def url(self) -> str:
        return self.fake.url

    async def start(self) -> None:
        await self.fake.start()

    async def connect_outbound(self, port: int) -> None:
        await self.fake.connect_outbound(f"ws://127.0.0.1:{port}/ari/pbx", "ws-user", "ws-password", APP)

    async def incoming(self, exten: str = "500", caller: str = "0301234567") -> str:
        """Somebody dials in; the id of the channel, which has entered the application if that takes calls."""
        return self.fake.incoming_call(exten, caller, app=APP, args=("in", exten)).id

    async def far_hangup(self, channel: str, cause: int) -> None:
        self.fake.hangup_from_far_end(channel, cause)

    async def far_digits(self, channel: str, digits: str) -> None:
        self.fake.dtmf(channel, digits)

    async def restart(self) -> None:
        self.fake.restart(booting=0.2)

    async def cut(self, _: Node) -> None:
        self.fake.drop_socket()

    async def stop(self) -> None:
        await self.fake.stop()


class RealSide:
    """A real Asterisk. Local channels play the outside world: one half is in our application, the other is far away."""

    kind = "real"

    def __init__(self, pbx: Asterisk) -> None:
        self.pbx = pbx
        self.url, self.user, self.password = pbx.ari_url, pbx.ari_user, pbx.ari_password
        self.ari = Ari(pbx.ari_url, pbx.ari_user, pbx.ari_password)
        self._far: dict[str, str] = {}
        self._far_entered: dict[str, asyncio.Event] = {}

    async def start(self) -> None:
        await self.ari.listen("far", self._on_far_event)

    def _on_far_event(self, event: dict[str, Any]) -> None:
        if event["type"] == "StasisStart":
            self._far_entered.setdefault(event["channel"]["id"], asyncio.Event()).set()

    async def incoming(self, exten: str = "500", caller: str = "0301234567") -> str:
        near, far = fresh("near"), fresh("far")
        self._far[near] = far
        await self.ari.post(
            "/channels",
            endpoint=f"Local/call{exten}@contract/n",
            app="far",
            channelId=far,
            otherChannelId=near,
            callerId=caller,
        )
        async with asyncio.timeout(PATIENCE):
            while (await self.ari.get(f"/channels/{near}"))["dialplan"]["app_name"] != "Stasis":
                await asyncio.sleep(0.01)  # so that several come in the order in which they were made
        return near

    async def far_hangup(self, channel: str, cause: int) -> None:
        await self.ari.delete(f"/channels/{self._far[channel]}", reason_code=cause)

    async def far_digits(self, channel: str, digits: str) -> None:
        far = self._far[channel]
        await self._far_entered.setdefault(far, asyncio.Event()).wait()  # entered when we answered
        await self.ari.post(f"/channels/{far}/dtmf", dtmf=digits)

    async def restart(self) -> None:
        await self.pbx.restart()

    async def cut(self, node: Node) -> None:
        """Cut the connection of events without a word, at our end of it."""
        source = node._source
        socket = getattr(source, "socket", None) or source._server._nodes["pbx"].socket
        socket.transport.abort()

    async def stop(self) -> None:
        """Leave nothing to the next test."""
        with contextlib.suppress(AriError):
            for channel in await self.ari.get("/channels"):
                with contextlib.suppress(AriError):
                    await self.ari.delete(f"/channels/{channel['id']}")
            for bridge in await self.ari.get("/bridges"):
                with contextlib.suppress(AriError):
                    await self.ari.delete(f"/bridges/{bridge['id']}")
            for recording in await self.ari.get("/recordings/stored"):
                await self.ari.delete(f"/recordings/stored/{recording['name']}")
        await self.ari.close()


Side = FakeSide | RealSide


class Ear:
    """Hears a node's events and waits for them."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.events: list[Received] = []
        self._changed = asyncio.Event()
        node.on_event = self._hear

    def _hear(self, event: Received) -> None:
        self.events.append(event)
        self._changed.set()

    def of(self, channel: str) -> list[str]:
        """Types of the events of a channel, in order."""
        return [e.type for e in self.events if channel_of(e) == channel]

    async def until(
        self,
        type_: str,
        channel: str | None = None,
        *,
        count: int = 1,
        within: float = PATIENCE,
        where: Callable[[Any], bool] = lambda event: True,
    ) -> Any:
        """The first (or `count`th) event of the type, of the channel; heard already, or still to come."""
        try:
            async with asyncio.timeout(within):
                while True:
                    found = [e for e in self.events if e.type == type_ and _about(e, channel) and where(e)]
                    if len(found) >= count:
                        return found[count - 1]
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            heard = [(e.type, channel_of(e)) for e in self.events]
            raise AssertionError(f"no {type_} of {channel} in {within} s; heard {heard}") from None

    async def silence(self) -> None:
        """Everything that Asterisk has said by now has been heard."""
        await self.node._fence()
        await self.node._fence()


async def out_of_reach(node: Node, channel: str) -> None:
    """Wait until it takes no commands: StasisEnd comes a moment before (an answer in between is a ServerFault)."""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(NotInStasis):
            while True:
                await node.channels.ringStop(channel)
                await asyncio.sleep(0.01)


def channel_of(event: Any) -> str | None:
    """The id of the channel that an event is about."""
    channel = getattr(event, "channel", None) or getattr(event, "peer", None)
    return channel.id if channel is not None else None


def _about(event: Any, channel: str | None) -> bool:
    return channel is None or channel_of(event) == channel


def node_for(side: Side, server: OutboundServer | None = None, **options: Any) -> Node:
    """A node that talks to the side."""
    source = server.source("pbx", "ws-user", "ws-password") if server is not None else None
    if "http" not in options:
        options["http"] = HttpOptions(base_url=side.url, user=side.user, password=side.password, timeout=PATIENCE)
    return Node(
        "pbx",
        url=side.url,
        user=side.user,
        password=side.password,
        app=APP,
        source=source,
        unwanted_events=("ChannelVarset", "ChannelDialplan", "ChannelConnectedLine", "ChannelCallerId"),
        **options,
    )


__all__ = [
    "APP",
    "Ear",
    "Event",
    "FakeSide",
    "Keepalive",
    "RealSide",
    "Side",
    "channel_of",
    "fresh",
    "node_for",
    "out_of_reach",
]
