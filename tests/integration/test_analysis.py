"""Analyses over REST, on a real call of a queue, by the server as it is run; what is found comes as events too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from ari_app.media.detection import replay
from ari_app.media.recorded import read
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox, answers
from tests.integration.house import CALLEE
from tests.integration.server import BASE, ContactCentre, contact_centre
from tests.integration.waiting import until_it_is
from tests.unit.media.signals import pcm, silence, sine, voice

#: five, a tone of 850 Hz, silence, a word
SAID = np.concatenate(
    [silence(500), sine(770, 300) + sine(1336, 300), silence(700), sine(850, 400), silence(2500), voice(900)]
)


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        yield made


async def test_what_a_caller_sends_is_found_and_told(centre: ContactCentre) -> None:
    """Digits, a tone that was named, talk and silence of the caller, heard at the agent's leg; told as they are found;
    the same is found in the features that were kept. Another analysis of the call ends with it."""
    await centre.queue()
    agent = await centre.agent("1001", answers(after=0.2, tone=CALLEE))
    caller = await centre.world.call("500", centre.pbx)
    await caller.wait_tones(CALLEE)
    base, key = f"http://127.0.0.1:{centre.server.http_port}{BASE}", {"auth_key": centre.server.key}
    asked = {
        "agent": agent,
        "hear": "others",
        "tell": ["digits", "talk", "silence"],
        "tones": {"GATE": "850|10"},
        "silence": 1500,
        "totalTimeout": 600_000,
        "breakEvents": ["TALKSTOP"],
        "keepFeatures": True,
    }
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as client:
        async with client.ws_connect(f"{base}/x/events", params=key) as events:
            assert (await events.receive_json())["type"] == "Connected"

            async def until(*kinds: str) -> list[dict[str, Any]]:
                told = []
                while not told or told[-1]["type"] != kinds[-1]:
                    event = await events.receive_json()
                    told += [event] if event["type"] in kinds else []
                return told

            async with asyncio.timeout(PATIENCE):
                made = await centre.server.request("POST", "/x/analysis", data=asked)
                (started,) = await until("AnalysisStarted")
                await caller.play(await asyncio.to_thread(centre.world.sound_file, pcm(SAID) + bytes(32000)))
                told = await until("AnalysisFound", "AnalysisEnded")
        row = await until_it_is(centre.server, f"/x/analysis/{made}", state="ended")
        async with client.get(f"{base}/x/analysis/{made}/features", params=key) as reply:
            assert reply.content_type == "application/gzip"
            wanted, kept = read(await reply.read())
    assert started["analysis"] == made
    assert {each["call"] for each in told} == {row["call"]}
    codes = [each["code"] for each in told[:-1]]
    before = codes[:1] if codes[0] == "SILENCE" else []  # of the time until he began
    assert codes == [*before, "DTMF", "GATE", "SILENCE", "TALKSTART", "TALKSTOP"]
    assert next(each for each in told if each["code"] == "DTMF")["facts"]["digit"] == "5"
    assert (row["reason"], row["found"], told[-1]["reason"]) == ("done", len(codes), "done")
    assert [each["code"] for each in row["findings"]] == codes == [finding.code for finding in replay(kept, wanted)]
    begun, stopped = (next(each for each in told if each["code"] == code) for code in ("TALKSTART", "TALKSTOP"))
    assert 700 <= stopped["since"] - begun["since"] <= 1300
    last = await centre.server.request("POST", "/x/analysis", data={"call": row["call"], "tell": ["talk"]})
    await caller.hang_up()
    assert (await until_it_is(centre.server, f"/x/analysis/{last}", state="ended"))["reason"] == "call: it has ended"
    await centre.idle()
