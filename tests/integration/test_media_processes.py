"""Who carries the audio of attachments: a process of its own, which may die, or the port that Asterisk connects to."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from tests.harness import net
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox, answers
from tests.integration.house import CALLEE, CALLER
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.test_media_bots import LOOPBACK, example_bot
from tests.integration.waiting import until_it_is


def media_processes(server: int) -> list[int]:
    """Of the server with this process id."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                parent = int((directory / "stat").read_text().rpartition(")")[2].split()[1])
                command = (directory / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended meanwhile
            if parent == server and b"ari_app.media.workers.process" in command:
                found.append(int(directory.name))
    return found


def alive(process: int) -> bool:
    """It runs; one that has ended and that nobody has asked about has no command line."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return False


async def talking(centre: ContactCentre) -> tuple[Any, Any, dict[str, Any]]:
    """A caller and an agent who talk, and what an attachment to them wants."""
    await centre.queue()
    agent = await centre.agent("1001", answers(after=0.2, tone=CALLEE))
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    callee = await centre.phones["1001"].next_call()
    await asyncio.gather(caller.wait_tones(CALLEE), callee.wait_tones(CALLER))
    return caller, callee, {"agent": agent, "hear": "others", "heardBy": "others"}


async def echoed(centre: ContactCentre, caller: Any, wanted: dict[str, Any], url: str) -> str:
    """Attach an echo; the caller hears himself."""
    made: str = await centre.server.request("POST", "/x/media", data={**wanted, "target": url})
    await until_it_is(centre.server, f"/x/media/{made}", state="active")
    await caller.wait_tones(CALLER, CALLEE, within=PATIENCE)
    return made


async def test_a_media_process_that_is_killed(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    """Its attachments end, which is told; the call goes on; the next attachment has another process."""
    async with contact_centre(tmp_path, start_asterisk, world, MEDIA_PRIVATE_NETWORKS=LOOPBACK) as centre:
        caller, callee, wanted = await talking(centre)
        assert centre.server.process is not None
        server = centre.server.process.pid
        assert media_processes(server) == []  # none before it is needed
        async with example_bot() as url:
            first = await echoed(centre, caller, wanted, url)
            (killed,) = media_processes(server)
            os.kill(killed, signal.SIGKILL)
            row = await until_it_is(centre.server, f"/x/media/{first}", state="ended")
            assert row["reason"] == "media: its process has died"
            assert "media process died" in [event["event"] for event in row["events"]]
            await asyncio.gather(caller.wait_tones(CALLEE, absent=(CALLER,)), callee.wait_tones(CALLER))
            second = await echoed(centre, caller, wanted, url)
            (running,) = media_processes(server)
            assert running != killed
            # a server that is killed leaves no process behind
            await centre.server.kill()
            async with asyncio.timeout(PATIENCE):
                while alive(running):
                    await asyncio.sleep(0.05)
            assert second != first


async def test_asterisk_connects_to_media_listen(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    """The server as a whole, with Asterisk's image as it is configured for it."""
    port = net.free_port()
    async with contact_centre(
        tmp_path,
        start_asterisk,
        world,
        environment={"MEDIA_WS_URI": f"ws://127.0.0.1:{port}"},
        MEDIA_LISTEN=f"127.0.0.1:{port}",
        MEDIA_PRIVATE_NETWORKS=LOOPBACK,
    ) as centre:
        caller, _, wanted = await talking(centre)
        async with example_bot() as url:
            made = await echoed(centre, caller, wanted, url)
            await centre.server.request("DELETE", f"/x/media/{made}")
            row = await until_it_is(centre.server, f"/x/media/{made}", state="ended")
            assert row["callSide"]["framesIn"] > 0
            assert row["callSide"]["framesOut"] > 0
        await caller.hang_up()
        await centre.until_status("1001", "available")
        await centre.idle()
