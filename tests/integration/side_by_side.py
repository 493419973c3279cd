"""The same scenario twice on one Asterisk: through a queue of ours and through app_queue's. What counts is what the
phones saw: who was rung for whom, in which order, for how long, and who answered.

Each scenario has a queue and agents' phones of its own on either side; both sides run at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness import docker
from tests.harness.patience import PATIENCE
from tests.harness.phones import Behaviour, Extension, Phone, PhoneBox
from tests.integration.server import ContactCentre, contact_centre

SPEAKING = """
exten => {number},1,Set(CHANNEL(language)={language})
 same => n,Stasis(${{APP}},in,${{EXTEN}},${{CONTEXT}})
 same => n,Hangup()
"""
NUMBER = """
exten => {number},1,{answer}
 same => n,{before}
 same => n,Queue({number},{options},,,{timeout})
 same => n,Hangup(${{IF($["${{QUEUESTATUS}}" = "FULL"]?17:34)}})
"""


@dataclass(frozen=True)
class Scenario:
    """Two digits that name it; how the queues are set; agents: phone, and penalty of each, in the order of joining."""

    id: str
    ours: dict[str, Any]
    theirs: str
    agents: dict[str, Behaviour]
    penalties: dict[str, int] = field(default_factory=dict)
    #: app_queue's Queue(): its options, and after how many seconds the caller goes
    options: str = ""
    timeout: str = ""
    #: no: nobody is answered who does not get in
    answer: bool = True
    #: what the dialplan does before app_queue's Queue()
    before: str = "NoOp()"
    #: whether agents' phones register; else their address is known
    registers: bool = False
    #: of callers; "": Asterisk's
    language: str = ""

    @property
    def number(self) -> str:
        """Of app_queue's queue."""
        return f"6{self.id}"

    @property
    def our_number(self) -> str:
        return f"5{self.id}"

    def extension(self, side: str, agent: str) -> str:
        return f"{'1' if side == 'ours' else '2'}{self.id}{'abcdef'.index(agent) + 1}"


def configuration(scenarios: list[Scenario]) -> dict[str, str]:
    """What is appended to Asterisk's files for app_queue."""
    queues, numbers = "", "\n[from-trunk](+)\n"
    for each in scenarios:
        queues += f"\n[{each.number}]\nringinuse = no\nautofill = yes\nwrapuptime = 0\n{each.theirs}\n"
        for agent in each.agents:
            penalty = each.penalties.get(agent, 0)
            queues += f"member => PJSIP/{each.extension('theirs', agent)},{penalty}\n"
        first, before = "Answer(,i)" if each.answer else "NoOp()", each.before
        if each.language:
            numbers += SPEAKING.format(number=each.our_number, language=each.language)
            before = f"Set(CHANNEL(language)={each.language})"
        numbers += NUMBER.format(
            number=each.number, answer=first, before=before, options=each.options, timeout=each.timeout
        )
    return {"queues.conf": queues, "extensions.conf": numbers}


@dataclass(frozen=True)
class Ring:
    """A phone was rung for a caller. ended: taken back, refused, or answered. Seconds of the epoch."""

    caller: str
    agent: str
    began: float
    ended: float
    answered: bool

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Side:
    """One of the two."""

    def __init__(self, name: str, scenario: Scenario, centre: ContactCentre) -> None:
        self.name = name
        self.scenario = scenario
        self.centre = centre
        self.phones: dict[str, Extension] = {}
        self.number = scenario.number if name == "theirs" else scenario.our_number
        self.callers: dict[str, Phone] = {}

    async def prepare(self) -> None:
        centre, scenario = self.centre, self.scenario
        if self.name == "ours":
            await centre.queue(self.number, **{"agentTimeout": 15, "agentRetryTime": 5, **scenario.ours})
        for agent, behaviour in scenario.agents.items():
            extension = scenario.extension(self.name, agent)
            if self.name == "ours":
                skill = scenario.penalties.get(agent, 0) + 1
                await centre.agent(extension, behaviour, self.number, skill=skill, registers=scenario.registers)
                self.phones[agent] = centre.phones[extension]
            else:
                self.phones[agent] = await centre.phone(extension, behaviour, registers=scenario.registers)

    async def call(self, caller: str, *, listen: bool = False, name: str = "") -> Phone:
        """Somebody calls the queue; he is known by his number, which the agents' phones show."""
        phone = await self.centre.world.call(self.number, self.centre.pbx, caller=caller, listen=listen, name=name)
        self.callers[caller] = phone
        return phone

    async def pause(self, agent: str) -> None:
        await self._act("pause", "pause", agent)

    async def resume(self, agent: str) -> None:
        await self._act("resume", "unpause", agent)

    async def until(self, agent: str, ours: str, theirs: str) -> None:
        """Wait until the queue knows this of an agent, in the words of either side. Raises TimeoutError."""
        extension = self.scenario.extension(self.name, agent)
        if self.name == "ours":
            await self.centre.until_status(extension, ours, self.number)
            return
        async with asyncio.timeout(PATIENCE):
            while True:
                lines = (await self.centre.pbx.cli(f"queue show {self.number}")).splitlines()
                if any(f"PJSIP/{extension} " in line and theirs in line for line in lines):
                    return
                await asyncio.sleep(0.2)

    async def lose(self, agent: str) -> None:
        """An agent's phone is registered no more; wait until the queue knows."""
        await self.until(agent, "available", "Not in use")
        extension = self.scenario.extension(self.name, agent)
        await self.centre.world.asterisk.cli(f"pjsip send unregister line-{extension}")
        await self.until(agent, "unavailable", "Unavailable")

    async def _act(self, ours: str, theirs: str, agent: str) -> None:
        extension = self.scenario.extension(self.name, agent)
        if self.name == "ours":
            await self.centre.act(ours, extension)
        else:
            await self.centre.pbx.cli(f"queue {theirs} member PJSIP/{extension} queue {self.number}")

    async def served(self, caller: str, talk: float = 0.2) -> str:
        """Somebody calls, talks, and hangs up; who answered."""
        phone = await self.call(caller)
        agent = await self.taken(caller)
        await asyncio.sleep(talk)
        await phone.hang_up()
        return agent

    async def taken(self, caller: str, within: float = PATIENCE) -> str:
        """Wait until a caller has an agent, who."""
        end = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < end:
            for ring in self.rings():
                if ring.caller == caller and ring.answered:
                    return ring.agent
            await asyncio.sleep(0.02)
        raise TimeoutError(f"{self.name}: nobody took {caller} within {within} s: {self.rings()}")

    async def rung(self, count: int, within: float = PATIENCE) -> list[Ring]:
        """Wait until so many phones were rung, and have ceased to ring."""
        end = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < end:
            if len(rings := self.rings()) >= count:
                return rings[:count]
            await asyncio.sleep(0.02)
        raise TimeoutError(f"{self.name}: rung {len(rings)}, not {count} times within {within} s: {rings}")

    def rings(self) -> list[Ring]:
        """Those that are over, in the order in which they began."""
        found = []
        for agent, extension in self.phones.items():
            for phone in extension.calls:
                ended = phone.answered.at or phone.ended.at
                if ended is not None and phone.started.at is not None:
                    answered = bool(phone.answered)
                    found.append(Ring(phone.caller_number, agent, phone.started.at, ended, answered))
        return sorted(found, key=lambda ring: ring.began)

    async def entered(self, count: int) -> None:
        """Wait until so many callers have entered the queue. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while [line[0] for line in await self.log()].count("ENTERQUEUE") < count:
                await asyncio.sleep(0.1)

    async def logged(self, event: str) -> None:
        """Wait until an event is in the queue log. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while event not in [line[0] for line in await self.log()]:
                await asyncio.sleep(0.1)

    async def log(self) -> list[tuple[str, ...]]:
        """Lines of the queue log about this queue, without time, call and agent: event and data."""
        if self.name == "ours":
            path = self.centre.server.directory / "queue_log"
            text = path.read_text() if path.exists() else ""
        else:
            text = await docker.docker("exec", self.centre.pbx.container, "cat", "/var/log/asterisk/queue_log")
        lines = [line.split("|") for line in text.splitlines()]
        return [tuple(line[4:]) for line in lines if line[2] == self.number]


async def together(*runs: Awaitable[Any]) -> list[Any]:
    """What comes of each; when one fails, the others do not go on behind the test's back."""

    async def one(run: Awaitable[Any]) -> Any:
        return await run

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(run)) for run in runs]
    return [task.result() for task in tasks]


Script = Callable[[Side], Awaitable[Any]]


class Bench:
    """Both sides."""

    def __init__(self, centre: ContactCentre) -> None:
        self.centre = centre

    async def run(self, scenario: Scenario, script: Script) -> tuple[Any, Any]:
        """What comes of it: (ours, theirs)."""
        ours, theirs = Side("ours", scenario, self.centre), Side("theirs", scenario, self.centre)
        await together(ours.prepare(), theirs.prepare())
        one, other = await together(script(ours), script(theirs))
        return one, other


@asynccontextmanager
async def side_by_side(
    directory: Path, start_asterisk: Any, world: PhoneBox, scenarios: list[Scenario]
) -> AsyncIterator[Bench]:
    """Our server and app_queue on one Asterisk."""
    extra = configuration(scenarios)
    async with contact_centre(directory, start_asterisk, world, extra=extra, QUEUE_LOG_FILE="queue_log") as centre:
        yield Bench(centre)
