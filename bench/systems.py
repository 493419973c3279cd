"""What is measured, each behind a number of its own on the same Asterisk: app_queue, our system, the bare loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from bench.peers import app_queue
from tests.harness import sipp
from tests.harness.asterisk import Asterisk
from tests.harness.docker import ROOT, docker
from tests.integration.server import APP_PASSWORD, Server

EXTENSIONS = [str(1001 + n) for n in range(100)]
#: how many of them serve
FEW, MANY = 20, 100
#: numbers of app_queue, of our queues (WAIT has no agents), and of the bare loop
PEER_FEW, PEER_MANY = "620", "700"
OURS_FEW, OURS_MANY, OURS_WAIT = "520", "500", "501"
#: the same two with every option on
OURS_FEW_FULL, OURS_MANY_FULL = "521", "502"
BARE = "800"
BARE_APP = "bare_loop"

#: all that a queue can be told to do; but announced seldom enough to leave Asterisk time for the calls
EVERYTHING: dict[str, Any] = {
    "weight": 5,
    "sysResume": 60,
    "cidNamePrefix": "bench: ",
    "recordingFormat": "wav",
    "recordingMode": "afteranswered",
    "maxWaitTime": 600,
    "maxCallers": 1000,
    "joinEmpty": "loose",
    "leaveEmpty": "loose",
    "announceFrequency": 20,
    "announcePosition": "yes",
    "announceHoldTime": "yes",
    "autoPause": "yes",
    "callBackKey": "1",
}

_BARE_NUMBER = f"""
[from-trunk](+)
exten => {BARE},1,Stasis({BARE_APP})
 same => n,Hangup()
"""


class Process:
    """Counters of a process and its threads."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def cpu(self) -> float:
        """Seconds of processor time so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes that are its own: what the machine would get back if it ended."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        sizes = {line.split()[0]: int(line.split()[1]) for line in rollup.splitlines()[1:]}
        return (sizes["Private_Clean:"] + sizes["Private_Dirty:"]) * 1024


class Bench:
    """One Asterisk with all three on it."""

    def __init__(self, pbx: Asterisk, server: Server, phones: str, carrier: str) -> None:
        self.pbx = pbx
        self.server = server
        #: addresses of the agents' phones and of the callers
        self.phones = phones
        self.carrier = carrier
        self.asterisk = Process(0)
        #: their user ids, by the order of EXTENSIONS
        self.agents: list[int] = []

    @property
    def ours(self) -> Process:
        assert self.server.process is not None
        return Process(self.server.process.pid)

    async def prepare(self) -> None:
        """Extensions, and our queues with their agents."""
        self.asterisk = Process(int(await docker("inspect", "-f", "{{.State.Pid}}", self.pbx.container)))
        for extension in EXTENSIONS:
            await self.pbx.provision(extension, "secret", contact=sipp.contact(extension, self.phones))
        await self.server.install(self.pbx)
        await self.server.start()
        await self._queue(OURS_FEW)
        await self._queue(OURS_MANY)
        await self._queue(OURS_WAIT, mohClass="none")  # music for 500 would keep Asterisk's processor busy
        await self._queue(OURS_FEW_FULL, **EVERYTHING)
        await self._queue(OURS_MANY_FULL, **EVERYTHING)
        for n, extension in enumerate(EXTENSIONS):
            self.agents.append(await self._agent(extension))
            await self._sign_in(n, [OURS_MANY, OURS_FEW] if n < FEW else [OURS_MANY])

    async def turn_everything_on(self) -> None:
        """The agents serve the queues that have every option on, too."""
        for n in range(len(EXTENSIONS)):
            await self._sign_in(n, [OURS_MANY_FULL, OURS_FEW_FULL] if n < FEW else [OURS_MANY_FULL])

    async def _queue(self, number: str, **settings: Any) -> None:
        data = {"extension": number, "name": number, "type": 0, "ringStrategy": "leastrecent", "agentTimeout": 15}
        await self.server.request("POST", "/call_queue", data=data | settings)

    async def _agent(self, extension: str) -> int:
        data = {"number": extension, "firstName": "Agent", "lastName": extension, "password": "1234"}
        agent: int = await self.server.request("POST", "/agent", data=data)
        await self.server.request("POST", "/agent_session", user=agent, extension=extension)
        return agent

    async def _sign_in(self, n: int, queues: list[str]) -> None:
        options = {"agent": self.agents[n], "queues": queues, "skills": [3] * len(queues)}
        await self.server.request("POST", "/call_queue_agent_action", action="signIn", options=options)

    @contextlib.asynccontextmanager
    async def bare_loop(self, agents: Sequence[str]) -> AsyncIterator[None]:
        """Runs it for these agents."""
        pbx = self.pbx
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.peers.bare_loop"),
            *(pbx.ari_url, pbx.ari_user, pbx.ari_password, BARE_APP, *agents),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            await asyncio.wait_for(process.stdout.readline(), 10)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


@contextlib.asynccontextmanager
async def bench(directory: Path, phones: str, carrier: str) -> AsyncIterator[Bench]:
    """Everything up and idle; gone afterwards."""
    server = Server(directory)
    extra = app_queue.configuration({PEER_FEW: EXTENSIONS[:FEW], PEER_MANY: EXTENSIONS[:MANY]})
    extra["extensions.conf"] += _BARE_NUMBER
    pbx = Asterisk(
        "main",
        app_uri=server.app_uri(server.ari_port),
        app_password=APP_PASSWORD,
        environment={"TRUNK_MATCH": carrier},
        extra=extra,
    )
    async with pbx:
        made = Bench(pbx, server, phones, carrier)
        try:
            await made.prepare()
            yield made
        finally:
            await server.stop()
