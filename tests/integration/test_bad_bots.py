"""Endpoints of users that are slow, gone, or lie, all on one live call: each ends as docs/media-bots.md says, and the
call does not notice."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from ari_app.calls.media import MediaDesk, MediaRequest, MediaView
from ari_app.calls.verbs.attach import Side
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.config import networks
from ari_app.media import targets
from ari_app.media.targets import TargetError
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction
from tests.harness import net
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox, answers
from tests.integration import bad_bots
from tests.integration.house import CALLEE, CALLER, a_house, talking
from tests.integration.server import contact_centre
from tests.integration.waiting import until, until_it_is

LIMIT = 40
NOT_THERE = "cannot connect: "
#: what is wrong -> how it ends
REASONS = {
    "ws refused": NOT_THERE,
    "audiosocket refused": NOT_THERE,
    "401": NOT_THERE,
    "500": NOT_THERE,
    "redirect": NOT_THERE,
    "no TLS": NOT_THERE,
    "no answer": NOT_THERE,
    "rtp refused": "nobody listens at that port",
    "no AudioSocket": "not AudioSocket: the first message is of kind 0x48",
    "audiosocket FIN": "closed by the other side",
    "audiosocket RST": "the connection was lost",
    "ws RST": "the connection was lost",
    "ws closed": "closed by the other side",
    "half samples": "100 messages were not understood",
    "text": "100 messages were not understood",
    "too long": "what came is not of the protocol",
}
#: those that do not read, and are not given up yet
SLOW = ("ws unread", "audiosocket unread")


class Bots:
    """Attachments to the caller's leg of one call."""

    def __init__(self, desk: MediaDesk, account: int, call: str, stack: AsyncExitStack) -> None:
        self.desk, self.account, self.call, self._stack = desk, account, call, stack

    async def attach(self, url: str, *, direction: Direction = Direction.BOTH, heard_by: Side = Side.PARTY) -> str:
        request = MediaRequest(target=targets.parse(url), direction=direction, heard_by=heard_by)
        return await self.desk.attach(self.account, request, call=self.call)

    def view(self, attachment: str) -> MediaView:
        return self.desk.view(self.account, attachment)

    async def until(self, attachment: str, *, state: str = "ended", event: str = "") -> MediaView:
        """Until it is in a state, or something has happened to it."""
        return await until(
            lambda: self.view(attachment),
            lambda view: view.state == state if not event else event in [note.event for note in view.notes],
        )

    async def raw(self, scheme: str, serves: bad_bots.Raw, **options: Any) -> str:
        place = await self._stack.enter_async_context(bad_bots.raw(serves, **options))
        return await self.attach(f"{scheme}://{place}")

    async def websocket(self, bot: bad_bots.Bot, **options: Any) -> str:
        return await self.attach(await self._stack.enter_async_context(bad_bots.websocket(bot, **options)))


async def _all_of(bots: Bots) -> dict[str, str]:
    """What is wrong with it -> the attachment."""
    closed = f"127.0.0.1:{net.free_port()}"
    return {
        "ws refused": await bots.attach(f"ws://{closed}"),
        "audiosocket refused": await bots.attach(f"audiosocket://{closed}"),
        "rtp refused": await bots.attach(f"rtp://127.0.0.1:{net.free_port()}"),
        "401": await bots.raw("ws", bad_bots.says(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")),
        "500": await bots.raw("ws", bad_bots.says(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")),
        "redirect": await bots.raw(
            "ws", bad_bots.says(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
        ),
        "no TLS": await bots.raw("wss", bad_bots.says(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        "no answer": await bots.raw("ws", bad_bots.silent),
        "no AudioSocket": await bots.raw("audiosocket", bad_bots.speaks_http),
        "audiosocket FIN": await bots.raw("audiosocket", bad_bots.ends),
        "audiosocket RST": await bots.raw("audiosocket", bad_bots.resets),
        "ws RST": await bots.websocket(bad_bots.breaks_off),
        "ws closed": await bots.websocket(bad_bots.says_good_bye),
        "half samples": await bots.websocket(bad_bots.sends(b"\0", times=150)),
        "text": await bots.websocket(bad_bots.sends("hello", times=150)),
        "too long": await bots.websocket(bad_bots.sends(bytes(70_000))),
        "audiosocket unread": await bots.raw("audiosocket", bad_bots.silent, small=True),
        "ws unread": await bots.websocket(bad_bots.does_not_read, small=True),
        "audiosocket flood": await bots.raw("audiosocket", bad_bots.floods),
    }


async def test_whatever_they_do(start_asterisk: Any, world: PhoneBox) -> None:
    async with a_house(start_asterisk, world) as house, AsyncExitStack() as stack:
        ports = MediaPorts(house.clock, Ticker(house.clock), TransportKind.WEBSOCKET)
        await ports.start()
        stack.push_async_callback(ports.close)
        allowed = networks("127.0.0.0/8")
        desk = MediaDesk(house.registry, ports, lambda account, extension: None, private=allowed, limit=LIMIT)
        talk, caller, callee = await talking(house)
        bots = Bots(desk, talk.call.account, talk.call.id, stack)
        with pytest.raises(TargetError, match="resolve"):
            await bots.attach("ws://bot.invalid/")
        made = await _all_of(bots)
        for name, reason in REASONS.items():
            view = await bots.until(made[name])
            assert view.reason.startswith(f"target: {reason}"), (name, view.reason)
            # of one that cannot be connected to, nothing was made in Asterisk
            assert view.started_at is None or reason != NOT_THERE, name
        for name in SLOW:
            view = await bots.until(made[name], event="slow")
            assert (view.state, view.from_target and view.from_target.frames_in) == ("active", 0), name
        flood = bots.view(made["audiosocket flood"])
        assert (flood.state, flood.reason) == ("active", "")
        for attachment in made.values():
            desk.stop(talk.call.account, attachment)
        await asyncio.gather(caller.wait_tones(CALLEE), callee.wait_tones(CALLER))
        await caller.hang_up()
        await house.idle()


async def test_the_server_is_killed(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    """The endpoint sees its connection closed, the call goes on; of what was attached nothing is left, here and in
    Asterisk, and it can be attached anew."""
    gone: asyncio.Queue[None] = asyncio.Queue()

    async def bot(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for _ in connection:
                pass
        gone.put_nowait(None)

    private = {"MEDIA_PRIVATE_NETWORKS": "127.0.0.0/8"}
    async with contact_centre(tmp_path, start_asterisk, world, **private) as centre, bad_bots.websocket(bot) as url:
        server = centre.server
        await centre.queue()
        agent = await centre.agent("1001", answers(after=0.2, tone=CALLEE))
        caller = await world.call("500", centre.pbx, tone=CALLER)
        callee = await centre.phones["1001"].next_call()
        await asyncio.gather(caller.wait_tones(CALLEE), callee.wait_tones(CALLER))

        async def attach() -> str:
            made: str = await server.request("POST", "/x/media", data={"agent": agent, "target": url})
            await until_it_is(server, f"/x/media/{made}", state="active")
            return made

        first = await attach()
        await server.kill()
        async with asyncio.timeout(PATIENCE):
            await gone.get()
        await asyncio.gather(caller.wait_tones(CALLEE), callee.wait_tones(CALLER))
        await server.start()
        status, _ = await server.attempt("GET", f"/x/media/{first}")
        assert status == 404
        await centre.until_status("1001", "onCall")
        await attach()
        await caller.hang_up()
        async with asyncio.timeout(PATIENCE):
            await gone.get()
        await centre.until_status("1001", "available")
        await centre.idle()
