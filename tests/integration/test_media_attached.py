"""Endpoints that are attached while a call goes on in other ways than they began it: several at once, transfers, a
conference; clocks that are not ours; and those that are gone without a word."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from ari_app.calls.media import MediaDesk, MediaRequest
from ari_app.calls.verbs.attach import Side
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.config import networks
from ari_app.media import g711, relay, targets
from ari_app.media.relay import LIVE_ROOM
from ari_app.media.transports import bot_socket, rtp
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction
from tests.harness import audio
from tests.harness.patience import PATIENCE
from tests.harness.phones import Phone, PhoneBox
from tests.integration import bad_bots
from tests.integration.house import CALLEE, CALLER, a_house, talking
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.test_bad_bots import Bots
from tests.integration.test_call_control import phone
from tests.integration.test_conferences import ONE, THREE, TWO, make, members, three
from tests.integration.test_phone_transfers import AGENT, DESK, refer, refer_to, served
from tests.integration.test_phone_transfers import CALLER as PHONE

#: Hz, of bots
FIRST, SECOND = 1000, 1300
LOOPBACK = "127.0.0.0/8"


class Hearing:
    """A bot that keeps the last half second that it has heard."""

    def __init__(self) -> None:
        self.heard = b""
        self.url = ""
        self._more = asyncio.Event()

    async def serve(self, connection: Any) -> None:
        async for message in connection:
            if isinstance(message, bytes):
                self.heard = (self.heard + message)[-8000:]
                self._more.set()

    async def hears(self, *tones: int, absent: tuple[int, ...] = ()) -> None:
        """Wait until it hears these, and none of the others."""
        async with asyncio.timeout(PATIENCE):
            while True:
                await self._more.wait()
                self._more.clear()
                samples = audio.from_pcm(self.heard[-3200:])
                if len(samples) < 1600 or not all(audio.level(samples, hz) > audio.HEARD for hz in tones):
                    continue
                if all(audio.level(samples, hz) < audio.NOT_HEARD for hz in absent):
                    return


@asynccontextmanager
async def listening() -> AsyncIterator[Hearing]:
    hearing = Hearing()
    async with bad_bots.websocket(hearing.serve) as hearing.url:
        yield hearing


@asynccontextmanager
async def on_a_call(
    start_asterisk: Any, world: PhoneBox, kind: TransportKind = TransportKind.WEBSOCKET
) -> AsyncIterator[tuple[Bots, Phone, Phone]]:
    """Two who talk, and who attaches to the caller's leg. At the end they still talk, and nothing is left."""
    async with a_house(start_asterisk, world) as house, AsyncExitStack() as stack:
        ports = MediaPorts(house.clock, Ticker(house.clock), kind)
        await ports.start()
        stack.push_async_callback(ports.close)
        desk = MediaDesk(house.registry, ports, lambda _account, _number: None, private=networks(LOOPBACK), limit=9)
        talk, caller, callee = await talking(house)
        bots = Bots(desk, talk.call.account, talk.call.id, stack)
        yield bots, caller, callee
        for view in desk.views(talk.call.account):
            desk.stop(talk.call.account, view.id)
        await asyncio.gather(caller.wait_tones(CALLEE), callee.wait_tones(CALLER))
        await caller.hang_up()
        await house.idle()
        assert (len(desk), len(ports.ticker)) == (0, 0)


async def test_two_listen_and_two_speak(start_asterisk: Any, world: PhoneBox) -> None:
    """Each listener hears what it would alone, without what is whispered; what two say at once is mixed."""
    async with (
        on_a_call(start_asterisk, world) as (bots, caller, callee),
        listening() as party,
        listening() as both,
        AsyncExitStack() as stack,
    ):

        async def listen(bot: Hearing, hear: Side) -> str:
            request = MediaRequest(target=targets.parse(bot.url), direction=Direction.LISTEN, hear=hear)
            return await bots.desk.attach(bots.account, request, call=bots.call)

        await listen(party, Side.PARTY)
        await listen(both, Side.BOTH)
        await asyncio.gather(party.hears(CALLER, absent=(CALLEE,)), both.hears(CALLER, CALLEE))
        said = []
        for hz in (FIRST, SECOND):
            bot = bad_bots.websocket(bad_bots.says_tone(hz, 60))
            said.append(await bots.attach(await stack.enter_async_context(bot), direction=Direction.SPEAK))
        await asyncio.gather(
            caller.wait_tones(FIRST, SECOND, CALLEE),
            callee.wait_tones(CALLER, absent=(FIRST, SECOND)),
            party.hears(CALLER, absent=(CALLEE, FIRST, SECOND)),
        )
        bots.desk.stop(bots.account, said[0])
        await caller.wait_tones(SECOND, CALLEE, absent=(FIRST,))


async def test_those_that_are_gone_without_a_word(
    start_asterisk: Any, world: PhoneBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reads, and answers no ping. Of one that reads nothing, what waits for it is bounded, what it misses is
    counted, and after a while (here 3 s) it is over."""
    monkeypatch.setattr(bot_socket, "PING_EVERY", 0.5)
    monkeypatch.setattr(bot_socket, "PONG_WITHIN", 1.0)
    monkeypatch.setattr(relay, "DEAF", 150)
    read = 0

    async def half_dead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal read
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        (key,) = [line.split()[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key:")]
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: media\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        while data := await reader.read(65536):
            read += len(data)

    async with on_a_call(start_asterisk, world) as (bots, _, _):
        silent = await bots.raw("ws", half_dead)
        deaf = await bots.raw("audiosocket", bad_bots.silent, small=True)
        view = await bots.until(silent)
        assert view.reason == "target: a ping was not answered"
        assert read > 0
        view = await bots.until(deaf)
        assert view.reason == "target: has not read for 3 s"
        assert "slow" in [note.event for note in view.notes]
        assert view.unread >= 150
        assert view.from_target is not None
        assert view.from_target.frames_out < 150  # what its socket, and ours, had taken


class Clock(asyncio.DatagramProtocol):
    """An endpoint over RTP that says a tone by a clock of its own: `pace` seconds of it in one of ours."""

    def __init__(self, hz: int, pace: float) -> None:
        self._tone = audio.to_pcm(audio.sine(hz, 1.0))
        self._pace = pace
        self._saying: asyncio.Task[None] | None = None
        self.sent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if self._saying is None:
            self._saying = asyncio.get_running_loop().create_task(self._say(addr))

    async def _say(self, to: tuple[Any, ...]) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            while self.sent * 0.02 / self._pace <= loop.time() - begun:
                at = 320 * self.sent % len(self._tone)
                payload = g711.ulaw_encode(self._tone[at : at + 320])
                packet = rtp.Packet(rtp.PCMU, self.sent % 65536, 160 * self.sent, 7, payload)
                self.transport.sendto(rtp.build(packet), to)
                self.sent += 1
            await asyncio.sleep(0.02)

    def close(self) -> None:
        if self._saying is not None:
            self._saying.cancel()
        self.transport.close()


async def test_clocks_that_are_one_percent_off(start_asterisk: Any, world: PhoneBox) -> None:
    """Both are heard without being heard later and later, and it is said by how much they are off."""
    paces = {FIRST: 1.01, SECOND: 0.99}
    async with on_a_call(start_asterisk, world) as (bots, caller, _), AsyncExitStack() as stack:
        made = {}
        for hz, pace in paces.items():
            transport, clock = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda hz=hz, pace=pace: Clock(hz, pace),
                ("127.0.0.1", 0),  # type: ignore[misc]
            )
            stack.callback(clock.close)
            place = transport.get_extra_info("sockname")[1]
            made[hz] = await bots.attach(f"rtp://127.0.0.1:{place}", direction=Direction.SPEAK)
        await caller.wait_tones(FIRST, SECOND, CALLEE)
        async with asyncio.timeout(3 * PATIENCE):
            for hz, pace in paces.items():
                while True:
                    side = bots.view(made[hz]).from_target
                    if side is not None and side.drift is not None and abs(side.drift - (pace - 1)) < 0.003:
                        break
                    await asyncio.sleep(0.1)
                near = bots.desk._live[made[hz]][1]._link.near.transport  # type: ignore[attr-defined]
                assert near.waiting <= LIVE_ROOM
                assert side.frames_lost == 0
        await caller.wait_tones(FIRST, SECOND, CALLEE)


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    settings = {"LOG_LEVEL": "debug", "MEDIA_PRIVATE_NETWORKS": LOOPBACK}
    async with contact_centre(tmp_path, start_asterisk, world, **settings) as made:
        yield made


async def attach(centre: ContactCentre, bot: Hearing, **whom: Any) -> str:
    made: str = await centre.server.request("POST", "/x/media", data={"target": bot.url, **whom})
    return made


async def until_ended(centre: ContactCentre, attachment: str) -> str:
    """Why."""
    async with asyncio.timeout(PATIENCE):
        while (row := await centre.server.request("GET", f"/x/media/{attachment}"))["state"] != "ended":
            await asyncio.sleep(0.05)
    return str(row["reason"])


@pytest.mark.refer
@pytest.mark.parametrize("attended", [False, True])
async def test_a_transfer(centre: ContactCentre, attended: bool) -> None:
    """What is attached to the caller goes with him; what is attached to the agent's leg ends with it.

    It hears what he says. (What he hears is not looked at: after a transfer Asterisk 22.10 hands on silence for it,
    some of the time.)"""
    caller, agent, call = await served(centre)
    desk = await phone(centre, "1002", tone=DESK)
    async with listening() as stays, listening() as goes:
        kept = await attach(centre, stays, call=call)
        lost = await attach(centre, goes, extension="1001")
        await asyncio.gather(stays.hears(PHONE), goes.hears(AGENT))
        if attended:
            await centre.world.line("1001", "secret")
            consult = await centre.world.call("1002", centre.pbx, line="1001", tone=AGENT)
            there = await desk.next_call()
            await there.wait_tones(AGENT)
            await refer_to(centre, agent, consult, "1002")
        else:
            await refer(agent, f"sip:1002@{centre.pbx.sip}")
            there = await desk.next_call()
        await asyncio.gather(agent.ended.wait(), caller.wait_tones(DESK), there.wait_tones(PHONE))
        await caller.play_tone(FIRST)
        await stays.hears(FIRST, absent=(PHONE,))
        assert await until_ended(centre, lost) == "call: the leg is gone"
        await caller.hang_up()
        assert (await until_ended(centre, kept)).startswith("call: ")
    await centre.idle()


@pytest.mark.refer
async def test_a_conference(centre: ContactCentre) -> None:
    """By one of its members: he is heard, or what he hears, which is all the others, or all of them."""
    await make(centre)
    one, two, called = await three(centre)
    member = (await members(centre, 3))[2]
    (leg,) = (await centre.server.request("GET", f"/x/call/{member['call']}"))["legs"]
    assert leg["uniqueId"] == member["uniqueId"]
    async with listening() as party, listening() as others, listening() as all_of_them:
        for bot, hear in ((party, "party"), (others, "others"), (all_of_them, "both")):
            whom = {"leg": leg["uniqueId"]} if bot is party else {"extension": "1003"}
            await attach(centre, bot, **whom, hear=hear, direction="listen")
        await asyncio.gather(
            party.hears(THREE, absent=(ONE, TWO)),
            others.hears(ONE, TWO, absent=(THREE,)),
            all_of_them.hears(ONE, TWO, THREE),
        )
        async with bad_bots.websocket(bad_bots.says_tone(FIRST, 60)) as url:
            data = {"target": url, "extension": "1003", "direction": "speak", "heardBy": "both"}
            made = await centre.server.request("POST", "/x/media", data=data)
            await asyncio.gather(*(each.wait_tones(FIRST) for each in (one, two, called)))
            await centre.server.request("DELETE", f"/x/media/{made}")
        await asyncio.gather(*(each.wait_tones(absent=(FIRST,)) for each in (one, two, called)))
        # he is out, and so are they
        await called.hang_up()
        await members(centre, 2)
        async with asyncio.timeout(PATIENCE):
            while any(row["state"] != "ended" for row in await centre.server.request("GET", "/x/media")):
                await asyncio.sleep(0.05)
    for each in (one, two):
        await each.hang_up()
    await centre.idle()
