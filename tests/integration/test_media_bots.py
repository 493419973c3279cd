"""Users' endpoints on live calls: the example bot over REST as its users run it, echoes over the other transports."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from ari_app.calls.media import MediaDesk, MediaRequest
from ari_app.calls.verbs.attach import Side
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.config import networks
from ari_app.media import targets
from ari_app.media.transports.audiosocket import Kind, Message, Parser, build
from ari_app.media.transports.pacing import Ticker
from ari_app.media.tts.engine import FLITE
from tests.harness.docker import ROOT
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox, answers
from tests.integration.house import CALLEE, CALLER, a_house, talking
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.waiting import until_it_is

LOOPBACK = "127.0.0.0/8"
#: of the keyword bot, in Hz
BEEP = 1000


@asynccontextmanager
async def bot_of(example: str, *arguments: str) -> AsyncIterator[tuple[str, asyncio.StreamReader]]:
    """A bot of docs/examples as a process; where it listens, and what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "docs/examples" / example), "--port", "0", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        yield line.decode().split()[-1], process.stdout
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def example_bot() -> AsyncIterator[str]:
    """The echo bot; its URL."""
    async with bot_of("echo_bot.py") as (place, _):
        yield f"ws://{place}/echo?token=secret"


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    settings = {"MEDIA_PRIVATE_NETWORKS": LOOPBACK}
    async with contact_centre(tmp_path, start_asterisk, world, **settings) as made:
        yield made


async def test_the_example_bot_on_an_agents_call(centre: ContactCentre) -> None:
    """It hears the caller and speaks to him alone; stopped, it is gone, and the call goes on to its end."""
    await centre.queue()
    agent = await centre.agent("1001", answers(after=0.2, tone=CALLEE))
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    callee = await centre.phones["1001"].next_call()
    await asyncio.gather(caller.wait_tones(CALLEE), callee.wait_tones(CALLER))
    wanted = {"agent": agent, "hear": "others", "heardBy": "others"}
    async with example_bot() as url:
        status, body = await centre.server.attempt("POST", "/x/media", data={**wanted, "target": "ws://10.0.0.1/"})
        assert (status, body["errors"][0]["type"]) == (400, "forbidden")
        made = await centre.server.request("POST", "/x/media", data={**wanted, "target": url})
        row = await until_it_is(centre.server, f"/x/media/{made}", state="active")
        assert "secret" not in str(row)
        await asyncio.gather(
            caller.wait_tones(CALLER, CALLEE, within=PATIENCE),  # his own voice, and the agent's
            callee.wait_tones(CALLER, absent=(CALLEE,)),
        )
        await centre.server.request("DELETE", f"/x/media/{made}")
        row = await until_it_is(centre.server, f"/x/media/{made}", state="ended")
        assert row["reason"] == "stopped by request"
        assert row["callSide"]["framesIn"] > 0
        assert row["targetSide"]["framesIn"] > 0
        await caller.wait_tones(CALLEE, absent=(CALLER,))
        # and once more, until the call ends
        second = await centre.server.request("POST", "/x/media", data={**wanted, "target": url})
        await until_it_is(centre.server, f"/x/media/{second}", state="active")
        await caller.hang_up()
        row = await until_it_is(centre.server, f"/x/media/{second}", state="ended")
        assert row["reason"].startswith("call: ")
    await centre.until_status("1001", "available")
    await centre.idle()
    assert "secret" not in centre.server.log_path.read_text()


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
async def test_the_keyword_bot_hears_a_word_and_beeps(centre: ContactCentre) -> None:
    await centre.queue()
    agent = await centre.agent("1001", answers(after=0.2, tone=CALLEE))
    caller = await centre.world.call("500", centre.pbx)
    await caller.wait_tones(CALLEE)
    said = await FLITE.speak("i have a question about billing", "rms")
    sound = await asyncio.to_thread(centre.world.sound_file, bytes(8000) + said + bytes(8000))
    async with bot_of("keyword_bot.py", "operator", "billing") as (place, printed):
        wanted = {"agent": agent, "hear": "others", "heardBy": "others", "format": "slin16"}
        await centre.server.request("POST", "/x/media", data={**wanted, "target": f"ws://{place}/"})
        async with asyncio.timeout(PATIENCE):
            assert (await printed.readline()).endswith(b": begins\n")
        await caller.play(sound)
        beep = asyncio.create_task(caller.wait_tones(BEEP, CALLEE, within=PATIENCE))
        async with asyncio.timeout(PATIENCE):
            assert await printed.readline() == b"heard: billing\n"
        await beep
        await caller.hang_up()
        async with asyncio.timeout(PATIENCE):
            assert await printed.readline() == b"it has ended\n"
    await centre.idle()


class EchoOverAudioSocket(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.parser = transport, Parser()

    def data_received(self, data: bytes) -> None:
        for message in self.parser.feed(data):
            if message.kind is Kind.AUDIO_8K:
                self.transport.write(build(Message(Kind.AUDIO_8K, message.payload)))


class EchoOverRtp(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.transport.sendto(data, addr)


@asynccontextmanager
async def echo(scheme: str) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    if scheme == "audiosocket":
        server = await loop.create_server(EchoOverAudioSocket, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        close = server.close
    else:
        transport, _ = await loop.create_datagram_endpoint(EchoOverRtp, ("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        close = transport.close
    try:
        yield f"{scheme}://127.0.0.1:{port}"
    finally:
        close()


@pytest.mark.parametrize(("scheme", "kind"), [("audiosocket", TransportKind.RTP), ("rtp", TransportKind.AUDIOSOCKET)])
async def test_an_echo_over_another_transport(
    start_asterisk: Any, world: PhoneBox, scheme: str, kind: TransportKind
) -> None:
    async with a_house(start_asterisk, world) as house, echo(scheme) as url:
        ports = MediaPorts(house.clock, Ticker(house.clock), kind)
        await ports.start()
        desk = MediaDesk(house.registry, ports, lambda account, extension: None, private=networks(LOOPBACK), limit=1)
        talk, caller, callee = await talking(house)
        request = MediaRequest(target=targets.parse(url), hear=Side.PARTY, heard_by=Side.PARTY)
        made = await desk.attach(talk.call.account, request, call=talk.call.id)
        await asyncio.gather(
            caller.wait_tones(CALLER, CALLEE, within=PATIENCE),
            callee.wait_tones(CALLER, absent=(CALLEE,)),
        )
        view = desk.view(talk.call.account, made)
        assert (view.state, view.dropped) == ("active", 0)
        desk.stop(talk.call.account, made)
        await caller.wait_tones(CALLEE, absent=(CALLER,))
        await caller.hang_up()
        await house.idle()
        assert (len(desk), len(ports.ticker)) == (0, 0)
        await ports.close()
