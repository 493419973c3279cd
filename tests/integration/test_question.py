"""Questions over REST on a real call, by the server as it is run: a phone hears the prompt and answers it, by voice and
with keys; the conversation goes on."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ari_app.media.tts.engine import FLITE
from tests.harness.phones import PhoneBox, answers
from tests.integration.house import CALLEE
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.waiting import until_it_is
from tests.unit.prompts.test_prompts import tone

pytestmark = pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")

PROMPT = 1000
PHRASES = ["Sales department", "billing", "operator"]


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        yield made


async def test_a_caller_answers_over_the_prompt_and_with_keys_and_the_call_goes_on(centre: ContactCentre) -> None:
    server = centre.server
    await centre.queue()
    agent = await centre.agent("1001", answers(after=0.2, tone=CALLEE))
    caller = await centre.world.call("500", centre.pbx)
    await caller.wait_tones(CALLEE)
    await server.upload("/x/prompt/question/file", tone(PROMPT, form="FLAC", seconds=60), "audio/flac")
    asked = {"agent": agent, "asked": "others", "prompt": [{"sound": "question"}]}

    # he talks over it, and hears no more of it
    made = await server.request("POST", "/x/question", data={**asked, "phrases": PHRASES})
    await caller.wait_tones(CALLEE, PROMPT)
    said = await FLITE.speak("billing", "rms")
    await caller.play(await asyncio.to_thread(centre.world.sound_file, bytes(8000) + said + bytes(8000)))
    row = await until_it_is(server, f"/x/question/{made}", state="ended")
    assert (row["reason"], row["answer"]["outcome"]) == ("answered", "match"), row
    assert row["answer"]["speech"]["text"] == "billing"
    assert [item["state"] for item in row["prompt"]] == ["stopped"]
    await caller.wait_tones(CALLEE, absent=(PROMPT,))

    # keys end it too, and are a number
    made = await server.request(
        "POST", "/x/question", data={**asked, "phrases": PHRASES, "digits": 8, "terminator": "#"}
    )
    await caller.wait_tones(CALLEE, PROMPT)
    await caller.send_digits("471#")
    row = await until_it_is(server, f"/x/question/{made}", state="ended")
    assert (row["answer"]["outcome"], row["answer"]["digits"]) == ("digits", "471")

    # nobody says anything after it: the agent's leg itself is asked, whose phone sends a tone
    short = {"agent": agent, "prompt": [{"text": "Well?"}], "phrases": PHRASES, "timeout": 0.3}
    made = await server.request("POST", "/x/question", data=short)
    row = await until_it_is(server, f"/x/question/{made}", state="ended")
    assert (row["answer"]["outcome"], row["prompt"][0]["state"]) == ("noinput", "done")

    # what a process that is killed has asked is over with the next one's start; the conversation is not
    await server.request("POST", "/x/question", data={**asked, "speech": False})
    await caller.wait_tones(CALLEE, PROMPT)
    await server.kill()
    await server.start()
    await caller.wait_tones(CALLEE, absent=(PROMPT,))
    assert await server.request("GET", "/x/question") == []
    made = await server.request("POST", "/x/question", data={**asked, "speech": False})
    await caller.wait_tones(CALLEE, PROMPT)
    await caller.hang_up()
    assert (await until_it_is(server, f"/x/question/{made}", state="ended"))["reason"].startswith("call: ")
    await centre.idle()
