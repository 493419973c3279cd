"""Calls of extensions that are recorded by their rules, or by a key of the phone: real phones, what is in the files
measured."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import audio
from tests.harness.phones import Phone, PhoneBox, answers
from tests.integration.server import ContactCentre, contact_centre

SECRET = "Correct horse, 9 batteries"
CALLER, CALLEE = 440, 660
#: samples
WINDOW = int(0.4 * audio.RATE)


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug") as made:
        yield made


async def phones(centre: ContactCentre, **rules: dict[str, Any]) -> None:
    """1001 and 1002, registered, with these rules: n1001={...}."""
    for number in ("1001", "1002"):
        data = {"extension": number, "name": f"Phone {number}", "sip": {"secret": SECRET}}
        data["recording"] = rules.get(f"n{number}", {})
        assert await centre.server.request("POST", "/extension", data=data) == number
        await centre.world.line(number, SECRET)
        await centre.world.register(number, centre.pbx)


async def talking(centre: ContactCentre) -> tuple[Phone, Phone]:
    """1001 has called 1002, and they hear each other."""
    phone = centre.world.extension("1002", answers(tone=CALLEE))
    caller = await centre.world.call("1002", centre.pbx, line="1001", tone=CALLER)
    callee = await phone.next_call()
    await asyncio.gather(callee.wait_tones(CALLER), caller.wait_tones(CALLEE))
    return caller, callee


async def are_heard_in(centre: ContactCentre, recording: dict[str, Any], *tones: int) -> None:
    """More than a second, and for 400 ms of it these are heard."""
    status, file = await centre.server.download(f"/x/recording/{recording['id']}/file")
    assert status == 200
    with wave.open(io.BytesIO(file)) as opened:
        samples = audio.from_pcm(opened.readframes(opened.getnframes()))
    assert len(samples) > audio.RATE
    starts = range(0, len(samples) - WINDOW, WINDOW // 4)
    assert any(all_in(samples[start : start + WINDOW], tones) for start in starts)


def all_in(window: audio.Samples, tones: tuple[int, ...]) -> bool:
    try:
        return all(audio.hears(window, tone) for tone in tones)
    except audio.AmbiguousLevel:  # one of them begins or ends in it
        return False


async def test_a_call_that_a_rule_records_also_when_we_are_killed_in_it(centre: ContactCentre) -> None:
    await phones(centre, n1001={"outboundInternal": "never"}, n1002={"inboundInternal": "always"})
    caller, _ = await talking(centre)
    going_on = await centre.server.until_recording("recording")
    assert [going_on[name] for name in ("kind", "caller", "called", "queue")] == ["extension", "1001", "1002", None]
    await centre.server.kill()
    await asyncio.sleep(1.5)  # of conversation, with nobody to look after it
    await caller.wait_tones(CALLEE)
    await centre.server.start()
    await caller.hang_up()
    recording = await centre.server.until_recording("stored")
    assert recording["id"] == going_on["id"]
    await are_heard_in(centre, recording, CALLER, CALLEE)
    for number, found in (("1001", 1), ("1002", 1), ("100", 0)):
        assert len(await centre.server.request("GET", "/x/recordings", {"number": number})) == found
    await centre.idle()


async def test_what_a_rule_records_is_thrown_away_by_its_id(centre: ContactCentre) -> None:
    await phones(centre, n1002={"inboundInternal": "always"})
    caller, _ = await talking(centre)
    going_on = await centre.server.until_recording("recording")
    await centre.server.logged("RecordingStarted")
    await centre.server.request("POST", f"/x/recording/{going_on['id']}/action", action="cancel")
    gone = await centre.server.until_recording("cancelled")
    assert (gone["id"], gone["path"]) == (going_on["id"], None)
    await caller.wait_tones(CALLEE)  # the call has not noticed
    await caller.hang_up()
    await centre.idle()
    assert await centre.pbx.ari.get("/recordings/stored") == []
    assert [one["state"] for one in await centre.server.request("GET", "/x/recordings")] == ["cancelled"]


async def test_a_call_that_the_phone_records_by_its_keys(centre: ContactCentre) -> None:
    await phones(centre, n1002={"onDemand": True})
    phone = centre.world.extension("1002", answers())
    caller = await centre.world.call("1002", centre.pbx, line="1001", tone=CALLER)
    callee = await phone.next_call()
    await callee.wait_tones(CALLER)
    await callee.send_digits("*1")
    begun = await centre.server.until_recording("recording")
    assert begun["kind"] == "on_demand"
    await centre.server.logged("RecordingStarted")
    await asyncio.sleep(1.5)  # of what he hears
    await callee.send_digits("*1")
    recording = await centre.server.until_recording("stored")
    await are_heard_in(centre, recording, CALLER)
    await caller.hang_up()
    await centre.idle()
