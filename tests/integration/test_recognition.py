"""Speech recognition over REST, on a real call of a queue, by the server as it is run."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ari_app.media.tts.engine import FLITE
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox, answers
from tests.integration.house import CALLEE
from tests.integration.server import ContactCentre, contact_centre

pytestmark = pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        yield made


async def until(centre: ContactCentre, recognition: str, name: str, value: Any) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        row: dict[str, Any] = await centre.server.request("GET", f"/x/recognition/{recognition}")
        if row[name] == value:
            return row
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{row}, not {name} {value}")


async def test_what_a_caller_says_to_an_agent_is_found(centre: ContactCentre) -> None:
    """The caller is recognised at the agent's leg, the agent's tone is not taken for speech; it ends with the call."""
    await centre.queue()
    agent = await centre.agent("1001", answers(after=0.2, tone=CALLEE))
    caller = await centre.world.call("500", centre.pbx)
    await caller.wait_tones(CALLEE)
    wanted = {"agent": agent, "hear": "others", "keywords": ["cancel my contract", "Operator"]}
    status, body = await centre.server.attempt("POST", "/x/recognition", data={**wanted, "engine": "vosk"})
    assert (status, body["errors"][0]["parameter"], body["errors"][0]["type"]) == (400, "engine", "nonexistent")
    made = await centre.server.request("POST", "/x/recognition", data=wanted)
    await until(centre, made, "state", "active")
    said = await FLITE.speak("i would like to cancel my contract today", "rms")
    await caller.play(await asyncio.to_thread(centre.world.sound_file, bytes(8000) + said + bytes(8000)))
    row = await until(centre, made, "pieces", 1)
    end = time.monotonic() + PATIENCE
    while not row["results"] and not row["unmatched"] and time.monotonic() < end:
        await asyncio.sleep(0.05)
        row = await centre.server.request("GET", f"/x/recognition/{made}")
    (found,) = row["results"]
    assert found["text"] == "cancel my contract"
    (word,) = found["words"]
    assert found["start"] <= word["start"] + 0.5 < word["end"] + 0.5 <= found["end"] + 1
    assert (row["failed"], row["missed"]) == (0, 0)
    await caller.hang_up()
    row = await until(centre, made, "state", "ended")
    assert row["reason"].startswith("call: ")
    assert len(row["results"]) == 1
    await centre.idle()
