"""asterisk-conf keeps its promises: what it refuses, how it reaches the application, what callers get without one."""

import asyncio
import base64
import json

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.harness import docker, net
from tests.harness.asterisk import Asterisk
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox, answers
from tests.integration.conftest import AsteriskFactory


class Application:
    """As much of an application as Asterisk needs to connect to: it keeps every event."""

    def __init__(self) -> None:
        self.port = net.free_port()
        self.connected = asyncio.Event()
        self.path = ""
        self.authorization = ""
        self.events: asyncio.Queue[dict] = asyncio.Queue()

    @property
    def uri(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ari/main"

    def listen(self) -> serve:
        return serve(self._serve, "127.0.0.1", self.port, subprotocols=["ari"])

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.path = connection.request.path
        self.authorization = connection.request.headers.get("Authorization", "")
        self.connected.set()
        async for message in connection:
            self.events.put_nowait(json.loads(message))

    async def next(self, kind: str, within: float = PATIENCE) -> dict:
        async with asyncio.timeout(within):
            while True:
                event = await self.events.get()
                if event["type"] == kind:
                    return event


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "ARI_PASSWORD is not set"),
        ({"ARI_PASSWORD": "x"}, "ARI_WS_URI is not set"),
        ({"ARI_PASSWORD": "x", "ARI_CONNECT": "both"}, "ARI_CONNECT is 'both'"),
    ],
)
async def test_refuses_to_start_half_configured(asterisk_image: str, settings: dict[str, str], complaint: str) -> None:
    environment = [word for name, value in settings.items() for word in ("-e", f"{name}={value}")]
    with pytest.raises(docker.DockerError, match=complaint):
        await docker.docker("run", "--rm", "--network", "none", *environment, asterisk_image)


async def test_any_character_may_be_in_a_password(start_asterisk: AsteriskFactory) -> None:
    password = "a;b|c&d\\e\"f'g $h/i"
    pbx = await start_asterisk("pbx", ari_password=password)
    await pbx.ari.get("/asterisk/info")


async def test_calls_wait_for_an_application_that_restarts(start_asterisk: AsteriskFactory, world: PhoneBox) -> None:
    application = Application()
    trunk = {"TRUNK_MATCH": world.trunk_address}
    async with application.listen():
        pbx = await start_asterisk("main", app_uri=application.uri, app_user="u", app_password="p", environment=trunk)
        await asyncio.wait_for(application.connected.wait(), PATIENCE)
        assert application.path == "/ari/main"
        assert application.authorization == "Basic " + base64.b64encode(b"u:p").decode()
        caller = await world.call("500", pbx, caller="0301111111", listen=False)
        event = await application.next("StasisStart")
        assert event["args"] == ["in", "500", "from-trunk", ""]
        assert event["channel"]["caller"]["number"] == "0301111111"
        assert event["channel"]["id"].startswith("main-")
        await caller.hang_up()
        await application.next("StasisEnd")

    late = await world.call("501", pbx, listen=False)
    async with application.listen():
        assert (await application.next("StasisStart"))["args"] == ["in", "501", "from-trunk", ""]
    await late.hang_up()


async def test_the_fallback_answers_while_no_application_is_there(
    start_asterisk: AsteriskFactory, world: PhoneBox
) -> None:
    trunk = {"TRUNK_MATCH": world.trunk_address, "FALLBACK_DIAL": "PJSIP/1001"}
    pbx = await start_asterisk("pbx", environment=trunk)
    await pbx.provision("1001", "secret", contact=world.contact("1001"))
    world.extension("1001", answers(tone=660))
    caller = await world.call("500", pbx)
    await caller.wait_tones(660)
    await caller.hang_up()
    await pbx.wait_idle()


async def test_extensions_survive_a_restart(start_asterisk: AsteriskFactory, world: PhoneBox) -> None:
    pbx: Asterisk = await start_asterisk("pbx", environment={"FALLBACK_DIAL": "PJSIP/1001"})
    await pbx.provision("1001", "secret", contact=world.contact("1001"))
    await world.line("1001", "secret")
    await pbx.stored("ps_endpoints/endpoint/1001")
    await pbx.restart()
    world.extension("1001", answers(listen=False))
    caller = await world.call("500", pbx, line="1001", listen=False)
    await caller.answered.wait()


@pytest.mark.parametrize("music", ["default", "none"])
async def test_music_on_hold(start_asterisk: AsteriskFactory, world: PhoneBox, music: str) -> None:
    dialplan = f"[music]\nexten => 700,1,Answer()\n same => n,MusicOnHold({music})\n"
    pbx = await start_asterisk("pbx", extra={"extensions.conf": dialplan})
    await pbx.provision("1001", "secret", context="music")
    await world.line("1001", "secret")
    caller = await world.call("700", pbx, line="1001")
    await caller.answered.wait()
    assert caller.ear is not None
    await caller.ear.wait_for(lambda ear: ear.heard().seconds > 2)
    loud = bool((abs(caller.heard.samples) > 0.01).any())
    assert loud == (music == "default")
