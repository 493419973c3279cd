"""The stream of events of a real server, with a real caller, through a crash and to its end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp

from tests.harness.phones import PhoneBox
from tests.integration.server import BASE, contact_centre


async def told(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """The next server-sent event. Raises: asyncio.IncompleteReadError, aiohttp.ClientError: the stream is over."""
    while True:
        frame = (await response.content.readuntil(b"\n\n")).decode()
        for line in frame.splitlines():
            if line.startswith("data: "):
                found: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return found


async def test_what_happens_to_a_caller_is_told(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    async with contact_centre(tmp_path, start_asterisk, world) as centre, aiohttp.ClientSession() as http:
        await centre.queue()
        url = f"http://127.0.0.1:{centre.server.http_port}{BASE}/x/events"
        query = {"auth_key": centre.server.key}
        async with asyncio.timeout(300):
            async with http.get(url, params=query) as first:
                assert (await told(first))["type"] == "Connected"
                caller = await world.call("500", centre.pbx)
                entered = await told(first)
                (waiting,) = await centre.until_waiting(1)
                assert (entered["type"], entered["call"], entered["position"]) == ("CallerEntered", waiting["id"], 1)
                await centre.server.kill()
            await centre.server.start()
            # another process: it cannot know what was told before it
            async with http.get(url, params=query, headers={"Last-Event-ID": entered["id"]}) as again:
                assert (await told(again))["type"] == "Gap"
                await centre.until_waiting(1)
                await caller.hang_up()
                left = await told(again)
                assert (left["type"], left["call"], left["outcome"]) == ("CallerExited", waiting["id"], "abandoned")
                await centre.idle()
                # somebody who listens does not keep it from stopping
                await centre.server.stop()
                assert await again.content.read() == b""
