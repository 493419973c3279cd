"""Texts and sounds on live calls, over REST: phones that hear them, and are heard; keys that reach a phone."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ari_app.media.tts.engine import FLITE
from tests.harness.phones import Phone, PhoneBox, answers
from tests.integration.house import CALLEE, until_silent
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.waiting import until, until_it_is
from tests.unit.prompts.test_prompts import tone

CALLER, FIRST, SECOND = 440, 1000, 1500


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        yield made


async def conversation(centre: ContactCentre) -> tuple[int, Phone, Phone]:
    """An agent's id, his phone, and a caller, who talk to each other in tones."""
    await centre.queue()
    agent = await centre.agent("1001", answers(after=0.2, tone=CALLEE))
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    await caller.wait_tones(CALLEE)
    phone = await centre.phones["1001"].next_call()
    await phone.wait_tones(CALLER)
    return agent, phone, caller


async def change(centre: ContactCentre, playback: str, action: str) -> None:
    await centre.server.request("PUT", f"/x/playback/{playback}", data={"action": action})


async def pressed(phone: Phone, digits: str) -> None:
    """Wait until a phone has got these; beside the key that its peer has pressed. Raises TimeoutError."""
    await until(lambda: phone.digits, lambda got: got.replace("5", "") == digits)


async def test_sounds_are_heard_by_who_is_meant_and_the_conversation_goes_on(centre: ContactCentre) -> None:
    """Paused, resumed, skipped; then to both, until it is ended."""
    server = centre.server
    agent, phone, caller = await conversation(centre)
    await server.upload("/x/prompt/first/file", tone(FIRST, form="FLAC", seconds=60), "audio/flac")
    await server.upload("/x/prompt/second/file", tone(SECOND, seconds=3), "audio/wav")
    sounds = [{"sound": "first"}, {"sound": "no-such-sound"}, {"sound": "second"}]
    made = await server.request("POST", "/x/playback", data={"agent": agent, "items": sounds})
    await phone.wait_tones(CALLER, FIRST)
    await caller.wait_tones(CALLEE, absent=(FIRST,))
    await change(centre, made, "pause")
    await phone.wait_tones(CALLER, absent=(FIRST,))
    assert (await until_it_is(server, f"/x/playback/{made}", state="paused"))["items"][0]["state"] == "playing"
    await change(centre, made, "resume")
    await phone.wait_tones(CALLER, FIRST)
    await change(centre, made, "skip")
    await phone.wait_tones(CALLER, SECOND, absent=(FIRST,))
    row = await until_it_is(server, f"/x/playback/{made}", state="ended")
    assert [item["state"] for item in row["items"]] == ["stopped", "failed", "done"]
    assert row["reason"] == "done"
    everybody = {"call": row["call"], "heardBy": "both", "items": [{"sound": "first"}]}
    made = await server.request("POST", "/x/playback", data=everybody)
    await caller.wait_tones(CALLEE, FIRST)
    await phone.wait_tones(CALLER, FIRST)
    await server.request("DELETE", f"/x/playback/{made}")
    await caller.wait_tones(CALLEE, absent=(FIRST,))
    await phone.wait_tones(CALLER, absent=(FIRST,))
    # what a process that is killed has begun is over with the next one's start; the conversation is not
    made = await server.request("POST", "/x/playback", data=everybody)
    await caller.wait_tones(CALLEE, FIRST)
    await server.kill()
    await server.start()
    await asyncio.gather(caller.wait_tones(CALLEE, absent=(FIRST,)), phone.wait_tones(CALLER, absent=(FIRST,)))
    assert await server.request("GET", "/x/playback") == []
    made = await server.request("POST", "/x/playback", data=everybody)
    await caller.wait_tones(CALLEE, FIRST)
    await caller.hang_up()
    assert (await until_it_is(server, f"/x/playback/{made}", state="ended"))["reason"].startswith("call: ")
    await centre.idle()


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
async def test_who_listens_ends_it_with_a_word_or_a_key(centre: ContactCentre) -> None:
    """Texts one after the other; a word of the caller's, then a key; and keys that are sent to him."""
    server = centre.server
    agent, phone, caller = await conversation(centre)
    short = [{"text": "One moment."}, {"text": "Please.", "voice": "rms"}]
    made = await server.request("POST", "/x/playback", data={"agent": agent, "heardBy": "others", "items": short})
    row = await until_it_is(server, f"/x/playback/{made}", state="ended")
    assert [item["state"] for item in row["items"]] == ["done", "done"]
    assert row["endTime"] - row["startTime"] > 0.5
    await caller.silence()  # a tone that is cut to pieces may be taken for speech
    await until_silent(phone)
    long = [{"text": "This is a long text, and it goes on. " * 20}]
    to_caller = {"agent": agent, "heardBy": "others", "bargeIn": "speech", "items": long}
    made = await server.request("POST", "/x/playback", data=to_caller)
    await until_it_is(server, f"/x/playback/{made}", state="active")
    said = 2 * await FLITE.speak("i know that already, thank you very much", "rms")
    await caller.play(await asyncio.to_thread(centre.world.sound_file, bytes(8000) + said + bytes(16000)))
    row = await until_it_is(server, f"/x/playback/{made}", state="ended")
    assert (row["reason"], row["items"][0]["state"]) == ("barge-in: speech", "stopped")
    made = await server.request("POST", "/x/playback", data={"call": row["call"], "bargeIn": "digit", "items": long})
    await until_it_is(server, f"/x/playback/{made}", state="active")
    await caller.send_digits("5")
    assert (await until_it_is(server, f"/x/playback/{made}", state="ended"))["reason"] == "barge-in: digit"
    await server.request("POST", "/x/dtmf", data={"agent": agent, "heardBy": "others", "digits": "12#"})
    await pressed(caller, "12#")
    await server.request("POST", "/x/dtmf", data={"agent": agent, "digits": "9w8"})
    await pressed(phone, "98")
    await caller.hang_up()
    await centre.idle()
