"""Speech recognition over REST, on a real call of a queue, by the server as it is run."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.server import ServerConnection, serve

from ari_app.media.tts.engine import FLITE
from tests.harness.phones import PhoneBox, answers
from tests.integration.house import CALLEE
from tests.integration.server import BASE, ContactCentre, contact_centre
from tests.integration.waiting import until, until_it_is

pytestmark = pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        yield made


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
    await until_it_is(centre.server, f"/x/recognition/{made}", state="active")
    said = await FLITE.speak("i would like to cancel my contract today", "rms")
    await caller.play(await asyncio.to_thread(centre.world.sound_file, bytes(8000) + said + bytes(8000)))
    row = await until_it_is(centre.server, f"/x/recognition/{made}", pieces=1)
    row = await until(
        lambda: centre.server.request("GET", f"/x/recognition/{made}"), lambda row: row["results"] or row["unmatched"]
    )
    (found,) = row["results"]
    assert found["text"] == "cancel my contract"
    (word,) = found["words"]
    assert found["start"] <= word["start"] + 0.5 < word["end"] + 0.5 <= found["end"] + 1
    assert (row["failed"], row["missed"]) == (0, 0)
    await caller.hang_up()
    row = await until_it_is(centre.server, f"/x/recognition/{made}", state="ended")
    assert row["reason"].startswith("call: ")
    assert len(row["results"]) == 1
    await centre.idle()


async def writes_down(connection: ServerConnection) -> None:
    """A server that speaks as vosk-server does: a bit more with each message of speech, and all of it at the end."""
    words = ["i", "would", "like", "to", "cancel", "my", "contract", "today"]
    said = 0
    async for message in connection:
        if isinstance(message, bytes):
            said = min(said + 1, 3)
            await connection.send(json.dumps({"partial": " ".join(words[:said])}))
        elif "eof" in message:
            await connection.send(json.dumps({"text": " ".join(words)}))
            return


async def test_what_a_caller_is_saying_is_told_while_he_says_it(
    tmp_path: Path, start_asterisk: Any, world: PhoneBox
) -> None:
    """Told before he has ended, by a service over a websocket; then what he said."""
    async with serve(writes_down, "127.0.0.1", 0) as service:
        (listening,) = service.sockets
        engines = {"vosk": {"kind": "vosk", "url": f"ws://127.0.0.1:{listening.getsockname()[1]}/"}}
        async with (
            contact_centre(tmp_path, start_asterisk, world, recognition_engines=json.dumps(engines)) as centre,
            aiohttp.ClientSession() as http,
            asyncio.timeout(300),
        ):
            url = f"http://127.0.0.1:{centre.server.http_port}{BASE}/x/events"
            async with http.ws_connect(url, params={"auth_key": centre.server.key}) as events:
                await centre.queue()
                caller = await world.call("500", centre.pbx)
                (waiting,) = await centre.until_waiting(1)
                wanted = {"call": waiting["id"], "engine": "vosk", "endSilence": 2.0, "partials": True}
                made = await centre.server.request("POST", "/x/recognition", data=wanted)
                await until_it_is(centre.server, f"/x/recognition/{made}", state="active")
                said = 3 * await FLITE.speak("i would like to cancel my contract today", "rms")
                await caller.play(await asyncio.to_thread(world.sound_file, bytes(8000) + said + bytes(8000)))
                told: list[dict[str, Any]] = []
                while not told or told[-1]["type"] != "RecognitionResult":
                    event = await events.receive_json()
                    if event["type"] in ("RecognitionPartial", "RecognitionResult"):
                        assert event["recognition"] == made
                        told.append(event)
                partials, result = told[:-1], told[-1]
                assert partials, "nothing was told while he spoke"
                assert all("i would like to cancel".startswith(each["text"]) for each in partials)
                assert result["text"] == "i would like to cancel my contract today"
                assert {each["start"] for each in partials} == {result["start"]}
                assert partials[0]["at"] < result["at"] - 2  # while he spoke, not with what was said
                await caller.hang_up()
                await centre.idle()
