"""The baseline: Asterisk's own app_amd in a real Asterisk, on the same calls, in real time.

Each call is a Local channel: one end plays the sound, on the other AMD() listens. Lost frames are left out of the
sound, as Asterisk never sees what does not arrive.
"""

from __future__ import annotations

import asyncio
import tempfile
import wave
from pathlib import Path

from bench.cpa.calls import Call, pcm
from tests.harness import docker
from tests.harness.ari import AriError
from tests.harness.asterisk import Asterisk

#: AMD()'s arguments: initial silence, greeting, after greeting silence, total, minimum word, between words, words,
#: silence threshold, maximum word. The sample configuration's, and the better ones that are recommended.
SETTINGS = {
    "app_amd, defaults": "2500,1500,800,5000,100,50,2,256,5000",
    "app_amd, 3 words": "5000,1500,800,5000,100,50,3,256,5000",
}
TOGETHER = 80
_RESULTS = "/tmp/amd.txt"

DIALPLAN = """
[play]
exten => _X!,1,Answer()
 same => n,Playback(/calls/${EXTEN})
 same => n,Wait(3)
 same => n,Hangup()

[amd]
exten => _X.,1,Set(CALL=${CUT(EXTEN,*,1)})
 same => n,Set(SETTING=${CUT(EXTEN,*,2)})
 same => n,Goto(amd-${SETTING},1)
""" + "".join(
    f"""exten => amd-{number},1,AMD({settings})
 same => n,Set(FILE({_RESULTS},,,al,u)=${{CALL}} {number} ${{AMDSTATUS}} ${{AMDCAUSE}})
 same => n,Hangup()
"""
    for number, settings in enumerate(SETTINGS.values())
)


def _write(call: Call, directory: Path) -> None:
    data = pcm(call.sound)
    kept = b"".join(data[at : at + 320] for at in range(0, len(data), 320) if at // 320 not in call.lost)
    with wave.open(str(directory / f"{call.number}.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(kept)


def _write_all(calls: list[Call], directory: Path) -> None:
    directory.chmod(0o755)
    for call in calls:
        _write(call, directory)


async def ask(calls: list[Call]) -> dict[str, dict[int, str]]:
    """What AMD said of each call with each of SETTINGS: HUMAN, MACHINE or NOTSURE."""
    with tempfile.TemporaryDirectory(prefix="cpa-calls-") as name:
        await asyncio.to_thread(_write_all, calls, Path(name))
        files = {"extensions.conf": DIALPLAN}
        async with Asterisk("cpa", extra=files, volumes={name: "/calls"}) as asterisk:
            touch = f"touch {_RESULTS} && chmod 666 {_RESULTS}"  # FILE() appends to what is there
            await docker.docker("exec", asterisk.container, "sh", "-c", touch)
            places = asyncio.Semaphore(TOGETHER)
            jobs = [(call, number) for call in calls for number in range(len(SETTINGS))]
            await asyncio.gather(*(_one(asterisk, places, call, number) for call, number in jobs))
            text = await docker.docker("exec", asterisk.container, "cat", _RESULTS)
    found: dict[str, dict[int, str]] = {name: {} for name in SETTINGS}
    for line in filter(None, text.splitlines()):
        number, setting, status, *_ = line.split()
        found[list(SETTINGS)[int(setting)]][int(number)] = status
    return found


async def _one(asterisk: Asterisk, places: asyncio.Semaphore, call: Call, setting: int) -> None:
    async with places:
        channel = await asterisk.ari.request(
            "POST",
            "/channels",
            endpoint=f"Local/{call.number}@play/n",
            context="amd",
            extension=f"{call.number}*{setting}",
            priority=1,
        )
        # AMD hangs up when it has decided, after five seconds of audio at most.
        for _ in range(30):
            await asyncio.sleep(0.5)
            try:
                await asterisk.ari.request("GET", f"/channels/{channel['id']}")
            except AriError:
                return
