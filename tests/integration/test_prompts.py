"""Prompts on a real Asterisk: what was sent, or written, is what a caller hears."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

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
