"""Prompts on a real Asterisk: what was sent, or written, is what a caller hears."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.harness import audio
from tests.harness.phones import Phone, PhoneBox
from tests.integration.server import ContactCentre, contact_centre
from tests.unit.prompts.test_prompts import tone

FIRST, ENGLISH, LATER = 660, 880, 1100
#: dBFS; a silent line is below -60
SPEECH = -40


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug") as made:
        yield made


async def called(centre: ContactCentre) -> Phone:
    """Somebody who calls the queue, which is closed, and hears its message to the end."""
    caller = await centre.world.call("500", centre.pbx)
    await caller.answered.wait()
    await caller.ended.wait()
    return caller


def hears(caller: Phone, hertz: int) -> bool:
    """Of the tones that there are, this one for more than a second, and no other."""
    seconds = {one: float(caller.heard.presence(one).sum()) * 0.01 for one in (FIRST, ENGLISH, LATER)}
    return seconds.pop(hertz) > 1 and all(other < 0.2 for other in seconds.values())


async def test_a_caller_hears_the_prompt_that_a_setting_names(centre: ContactCentre) -> None:
    server = centre.server
    await centre.queue()
    await server.upload("/x/prompt/closed-today/file", tone(FIRST, form="OGG", seconds=4), "audio/ogg")
    hours = {"weekly": {}, "message": "closed-today"}
    await server.request("PUT", "/x/call_queue/500/hours", data=hours)
    assert hears(await called(centre), FIRST)
    # in the language of the channel, where there is one of it; other accounts' and other languages' are not played
    await server.upload("/x/prompt/closed-today/file", tone(LATER, form="MP3", seconds=4), "audio/mpeg", language="de")
    await server.upload("/x/prompt/closed-today/file", tone(ENGLISH, seconds=4), "audio/wav", language="en")
    assert hears(await called(centre), ENGLISH)
    # what is sent in its place is heard at once, also by a process that has never seen the other
    await server.kill()
    await server.start()
    await server.upload("/x/prompt/closed-today/file", tone(LATER, seconds=4), "audio/wav", language="en")
    assert hears(await called(centre), LATER)
    await server.request("DELETE", "/x/prompt/closed-today", {"language": "en"})
    assert hears(await called(centre), FIRST)
    await centre.idle()


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
async def test_a_caller_hears_what_was_written(centre: ContactCentre) -> None:
    await centre.queue()
    text = "We are closed today. Please call again tomorrow."
    await centre.server.request("PUT", "/x/prompt/closed-today", text=text)
    (prompt,) = await centre.server.request("GET", "/x/prompts")
    await centre.server.request("PUT", "/x/call_queue/500/hours", data={"weekly": {}, "message": "closed-today"})
    caller = await called(centre)
    assert caller.answered.at is not None
    assert caller.ended.at is not None
    assert caller.ended.at - caller.answered.at >= prompt["duration"] - 1.5
    pieces = audio.hops(caller.heard.samples, 0.1, 0.1)
    assert sum(audio.loudness(piece) > SPEECH for piece in pieces) > 10


class WebServer:
    """Somebody's sounds, each under its name; the path /wait never answers."""

    def __init__(self, sounds: dict[str, bytes]) -> None:
        self._sounds = sounds
        self._over = asyncio.Event()
        self._runner = web.ServerRunner(web.Server(self._answer), handle_signals=False, shutdown_timeout=0.0)
        self.url = ""

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        name = request.path.lstrip("/")
        if name == "wait":
            await self._over.wait()
        return web.Response(body=self._sounds[name]) if name in self._sounds else web.Response(status=404)

    async def __aenter__(self) -> WebServer:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._over.set()
        await self._runner.cleanup()


async def test_a_caller_hears_a_url_and_a_file_and_a_call_goes_on_without(
    centre: ContactCentre, tmp_path: Path
) -> None:
    server, files = centre.server, tmp_path / "sounds"
    files.mkdir()
    (files / "closed.ogg").write_bytes(tone(ENGLISH, form="OGG", seconds=2))
    await server.stop()
    server.environment |= {"PROMPT_DIRS": str(files), "PROMPT_NETWORKS": "127.0.0.1"}
    await server.start()
    await centre.queue()

    async def closed(message: str) -> Phone:
        await server.request("PUT", "/x/call_queue/500/hours", data={"weekly": {}, "message": message})
        return await called(centre)

    async with WebServer({"closed.mp3": tone(FIRST, form="MP3", seconds=2)}) as web_server:
        assert hears(await closed(f"{web_server.url}/closed.mp3"), FIRST)
        assert hears(await closed("file:closed.ogg"), ENGLISH)
        # what cannot be had is left out: the caller is hung up, as after any message
        await closed(f"{web_server.url}/wait")
        await server.logged("= sound left out")
    await centre.idle()
