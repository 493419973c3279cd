"""Events of a playback on a real call, posted to a web server: through a crash, in order, each under its own id."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from ari_app.hooks.sign import HEADER
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox
from tests.integration.server import contact_centre
from tests.integration.test_alerts import SECRET, Receiver, openssl_signature


async def test_what_was_told_before_a_crash_is_posted_after_it(
    tmp_path: Path, start_asterisk: Any, world: PhoneBox
) -> None:
    async with (
        Receiver() as receiver,
        contact_centre(
            tmp_path,
            start_asterisk,
            world,
            EVENT_URL=receiver.url,
            EVENT_TYPES="Playback",
            HOOK_SECRET=SECRET,
            HOOK_NETWORKS="127.0.0.0/8",
        ) as centre,
    ):
        server = centre.server
        await centre.queue()
        caller = await world.call("500", centre.pbx)
        (waiting,) = await centre.until_waiting(1)
        asked = {"call": waiting["id"], "items": [{"sound": "beep"}]}
        made = await server.request("POST", "/x/playback", data=asked)
        first, body = await receiver.next()  # and does not answer
        async with asyncio.timeout(PATIENCE):
            while not server.rows("SELECT 1 FROM outbox WHERE body LIKE '%PlaybackEnded%'"):
                await asyncio.sleep(0.05)
        await server.kill()
        receiver.awake.set()
        await server.start()
        by_id: dict[str, tuple[dict[str, str], bytes]] = {}
        while len(by_id) < 4:  # the first may have been tried again before the crash
            headers, text = await receiver.next()
            by_id[headers["Idempotency-Key"]] = headers, text
        posted = list(by_id.values())
        again, same = posted[0]
        assert (again["Idempotency-Key"], same) == (first["Idempotency-Key"], body)
        told = [json.loads(text) for _, text in posted]
        assert [each["event"] for each in told] == ["PlaybackStarted", "PlaybackItem", "PlaybackItem", "PlaybackEnded"]
        assert {(each["account"], each["playback"], each["call"]) for each in told} == {(1, made, waiting["id"])}
        assert told[-1]["reason"] == "done"
        for headers, text in posted:
            seconds, signature = headers[HEADER].removeprefix("t=").split(",v1=")
            assert signature == openssl_signature(1, f"{seconds}.{headers['Idempotency-Key']}.".encode() + text)
        async with asyncio.timeout(PATIENCE):
            while server.rows("SELECT 1 FROM outbox WHERE delivered_at IS NULL"):
                await asyncio.sleep(0.05)
        assert receiver.requests.empty()  # once each, since the restart
        await caller.hang_up()
        await centre.idle()
