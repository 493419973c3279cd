"""Whatever goes wrong, in whatever order: nobody is lost, nothing is left over, and the journal tells the whole story.

Random people call, answer, hang up, pause and sign out, while Asterisk refuses, loses and delays what it is asked for,
the events are cut off, and the process is killed and started again. In the end everybody hangs up.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from random import Random

import pytest

from ari_app.acd import events
from ari_app.acd.settings import AutoPause, Strategy
from ari_app.ari.fake import Answers, Busy, Declines, NeverAnswers, Offline
from ari_app.calls import recovery
from ari_app.calls.leg import LegState
from ari_app.calls.monitoring import monitor
from ari_app.calls.verbs.monitor import MonitorMode
from ari_app.errors import CommandRefused
from tests.unit.calls.hall import Hall, a_hall

AGENTS = range(1, 6)
OPERATIONS = [
    "channels.create",
    "channels.dial",
    "channels.hangup",
    "channels.answer",
    "channels.startMoh",
    "channels.stopMoh",
    "channels.snoopChannelWithId",
    "bridges.createWithId",
    "bridges.addChannel",
    "bridges.destroy",
    "bridges.record",
]


class Chaos:
    def __init__(self, hall: Hall, chance: Random) -> None:
        self.hall, self.chance = hall, chance
        self.fake = hall.fake

    def open(self) -> None:
        hall = self.hall
        hall.queue("500", strategy=Strategy.LINEAR, agent_timeout=15.0, retry=2.0, wrap_up=3.0)
        hall.queue("501", strategy=Strategy.RINGALL, auto_pause=AutoPause.YES, system_resume=20.0, max_wait=60.0)
        hall.queue("502", strategy=Strategy.RRMEMORY, recording_format="wav", ringing=True, max_callers=3)
        for number in AGENTS:
            phone = self.chance.choice([NeverAnswers(), NeverAnswers(), Answers(), Answers(), Busy(), Declines()])
            hall.agent(number, *self.chance.sample(["500", "501", "502"], k=self.chance.randint(1, 3)), phone=phone)
        self.fake.endpoints["PJSIP/1000"] = Answers()
        self.watch()

    def watch(self) -> None:
        stage = self.hall.stage
        stage.node.on_resynced = lambda snapshot: recovery.reconcile(
            stage.registry, stage.node, snapshot.channels, snapshot.bridges
        )

    async def step(self) -> None:
        chance = self.chance
        act = chance.choice(
            [self.call] * 3
            + [self.answer] * 4
            + [self.hang_up] * 3
            + [self.fault] * 4
            + [self.time] * 4
            + [self.person, self.person, self.phone, self.cut, self.monitor, self.settings]
        )
        act()
        for _ in range(chance.choice([0, 0, 1, 3, 10, 40])):
            await asyncio.sleep(0)

    def call(self) -> None:
        if len(self.fake.world.channels) < 40:
            self.fake.incoming_call(self.chance.choice(["500", "501", "502", "599"]))

    def _channels(self) -> list[str]:
        return [c.id for c in self.fake.world.channels.values() if c.spied is None]

    def answer(self) -> None:
        ringing = [c.id for c in self.fake.world.channels.values() if c.state == "Ringing"]
        if ringing:
            self.fake.answer(self.chance.choice(ringing))

    def hang_up(self) -> None:
        if channels := self._channels():
            self.fake.hangup_from_far_end(self.chance.choice(channels), self.chance.choice([16, 17, 21]))

    def fault(self) -> None:
        operation = self.chance.choice(OPERATIONS)
        kind = self.chance.randrange(5)
        if kind == 0:
            self.fake.faults.lose(operation, carried_out=self.chance.random() < 0.5)
        elif kind == 1:
            self.fake.faults.delay(operation, self.chance.choice([0.01, 0.03, 0.1]))
        else:
            ends = operation in ("channels.hangup", "bridges.destroy")  # gone, Asterisk says only of what is gone
            status = self.chance.choice([400, 409, 412, 422, 500, 503] + [404] * (not ends))
            self.fake.faults.refuse(operation, status, self.chance.choice(["", "Channel not in Stasis application"]))

    def time(self) -> None:
        self.hall.clock.advance(self.chance.choice([0.01, 0.5, 1.0, 3.0, 10.0]))

    def person(self) -> None:
        agent = self.chance.choice(AGENTS)
        event = self.chance.choice(
            [
                events.Paused(agent=agent),
                events.Resumed(agent=agent),
                events.AgentSignedOut(agent=agent),
                events.AgentSignedIn(agent=agent, extension=f"10{agent:02}"),
                events.QueueSignedIn(agent=agent, queues=(self.chance.choice(["500", "501", "502"]),)),
                events.WrapUpExited(agent=agent),
            ]
        )
        with suppress(CommandRefused):
            self.hall.apply(event)

    def phone(self) -> None:
        endpoint = f"PJSIP/10{self.chance.choice(AGENTS):02}"
        self.fake.endpoints[endpoint] = self.chance.choice([NeverAnswers(), Answers(), Busy(), Offline()])

    def cut(self) -> None:
        if self.chance.random() < 0.3:
            self.fake.drop_socket()

    def settings(self) -> None:
        self.hall.queue("500", strategy=self.chance.choice([Strategy.LINEAR, Strategy.RINGALL]), retry=2.0)

    def monitor(self) -> None:
        registry = self.hall.stage.registry
        targets = [leg for leg in registry.legs.values() if leg.state is LegState.UP and leg.role != "supervisor"]
        if targets:
            mode = self.chance.choice(list(MonitorMode))
            monitor(registry, "PJSIP/1000", self.chance.choice(targets), mode, 1)

    # the end

    async def end(self) -> None:
        """Nothing goes wrong any more, and everybody hangs up."""
        hall = self.hall
        self.fake.faults.clear()
        await hall.stage.until(lambda: hall.stage.node._resynced.is_set())
        for number in AGENTS:
            hall.apply(events.AgentSignedOut(agent=number))
        hall.clock.advance(30.0)

        def over() -> bool:
            for channel in self._channels():
                self.fake.hangup_from_far_end(channel)
            return not hall.stage.leftovers()

        try:
            await hall.stage.until(over, pace=0.2)
        except AssertionError:
            raise AssertionError(f"left over: {hall.stage.leftovers()}") from None
        await hall.nothing_left()
        assert [row.call for row in hall.engine.agent_status(combined=True) if row.call] == []


@pytest.mark.parametrize("seed", range(25))
async def test_anything_may_happen(seed: int) -> None:
    async with a_hall() as hall:
        chaos = Chaos(hall, Random(seed))
        chaos.open()
        for n in range(250):
            await chaos.step()
            if n % 50 == 49:
                hall.replays()
        await chaos.end()


@pytest.mark.parametrize("seed", range(100, 115))
async def test_the_process_may_be_killed(seed: int) -> None:
    chance = Random(seed)
    async with AsyncExitStack() as stack:
        hall = await stack.enter_async_context(a_hall())
        chaos = Chaos(hall, chance)
        chaos.open()
        for _ in range(4):
            for _ in range(60):
                await chaos.step()
            await chaos.hall.crash()
            chaos.fake.faults.clear()
            for _ in range(5):
                chaos.hang_up()
                chaos.answer()
            hall.clock.advance(chance.choice([0.0, 5.0, 30.0]))
            chaos.hall = await stack.enter_async_context(chaos.hall.next_process())
            chaos.watch()
        await chaos.end()
