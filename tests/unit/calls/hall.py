"""A contact centre on a FakeAsterisk: queues, agents with phones, callers; what was journalled, and that it replays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from ari_app.acd import events
from ari_app.acd.centre import Centre
from ari_app.acd.commands import AnyFact
from ari_app.acd.dispatcher import Dispatcher
from ari_app.acd.engine import Engine
from ari_app.acd.settings import QueueSettings, Strategy
from ari_app.ari.fake import Behaviour, FakeAsterisk, NeverAnswers
from ari_app.ari.fake.state import FakeChannel
from ari_app.calls import recovery
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg
from tests.unit.calls.stage import Stage, Store

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(events.AnyEvent).decode


class HallStore(Store):
    """Also keeps the journal as the real one does: as JSON, from the last snapshot on."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: bytes | None = None
        self.journal: list[tuple[float, bytes]] = []
        self.snapshots = 0
        self.acd: list[AnyFact] = []

    def event(self, account: int, at: float, event: events.AnyEvent) -> None:
        self.journal.append((at, _encode(event)))

    def fact(self, account: int, fact: AnyFact) -> None:
        self.acd.append(fact)

    def snapshot(self, account: int, at: float, state: bytes) -> None:
        self.kept, self.journal = state, []
        self.snapshots += 1

    async def committed(self) -> None:
        return

    def journalled(self, kind: type | None = None) -> list[Any]:
        """The events, without their times."""
        found = [_decode(body) for _, body in self.journal]
        return [event for event in found if kind is None or isinstance(event, kind)]

    def facts_of(self, kind: type) -> list[Any]:
        return [fact for fact in self.acd if isinstance(fact, kind)]

    def replayed(self) -> Engine:
        """The engine as another process makes it from what was kept."""
        engine = Engine.restore(self.kept) if self.kept else Engine(1)
        for at, body in self.journal:
            engine.replay(_decode(body), at)
        return engine


class Hall:
    """One account's queues on a stage."""

    def __init__(self, stage: Stage, engine: Engine | None = None) -> None:
        self.stage = stage
        self.fake: FakeAsterisk = stage.fake
        assert isinstance(stage.store, HallStore)
        self.store: HallStore = stage.store
        self.clock = stage.clock
        self.centre = Centre(stage.registry, self.store, stage.clock, "PJSIP/{extension}")
        self.dispatcher: Dispatcher = self.centre.add(engine or Engine(1))
        stage.registry.route = self.centre.route

    @property
    def engine(self) -> Engine:
        return self.dispatcher.engine

    # what people do

    def apply(self, event: events.AnyEvent) -> None:
        self.centre.apply(1, event)

    def queue(self, extension: str = "500", **settings: Any) -> None:
        settings = {"strategy": Strategy.LINEAR, "agent_timeout": 15.0, "retry": 5.0, **settings}
        self.apply(events.QueueConfigured(queue=QueueSettings(extension=extension, **settings)))

    def agent(self, number: int, *queues: str, phone: Behaviour | None = None) -> str:
        """Signed in at extension 10xx with a phone, which rings and does not answer; the phone's endpoint."""
        extension = f"10{number:02}"
        self.fake.endpoints[f"PJSIP/{extension}"] = phone or NeverAnswers()
        self.apply(events.AgentConfigured(agent=number))
        self.apply(events.AgentSignedIn(agent=number, extension=extension))
        self.apply(events.QueueSignedIn(agent=number, queues=queues or ("500",)))
        return f"PJSIP/{extension}"

    async def call(self, queue: str = "500", caller: str = "0301234567") -> tuple[Call, FakeChannel]:
        return await self.stage.incoming(exten=queue, caller=caller)

    # what is seen

    def status(self, agent: int) -> str:
        (row,) = self.engine.agent_status(agent=agent, combined=True)
        return row.status

    def waiting(self, queue: str = "500") -> list[str]:
        return [row.call for row in self.engine.queued_calls(queue, self.clock.now())]

    def talks(self) -> dict[str, int]:
        return {talk.call: talk.agent for talk in self.engine.conversations()}

    def legs_of(self, agent: int) -> list[Leg]:
        return [leg for leg in self.stage.registry.legs.values() if leg.agent == agent]

    async def ringing(self, agent: int) -> Leg:
        """The leg with which an agent's phone rings, once it does."""
        extension = f"PJSIP/10{agent:02}"

        def rings() -> Leg | None:
            for leg in self.legs_of(agent):
                channel = self.stage.channel(leg)
                if leg.endpoint == extension and channel is not None and leg.state.name == "RINGING":
                    return leg
            return None

        return await self.stage.until(rings)

    async def joined(self, channel: FakeChannel, leg: Leg) -> None:
        """Wait until caller and agent hear each other, and everybody knows."""

        def together() -> bool:
            conversation = self.dispatcher._conversations.get(leg.call.id)
            return bool(channel.bridge and conversation and conversation.agent is leg)

        await self.stage.until(together)
        assert self.fake.world.bridges[channel.bridge or ""].channels == [channel.id, leg.id]
        assert channel.music is None

    async def talk(self, agent: int, channel: FakeChannel) -> Leg:
        """The agent whose phone rings answers; they talk."""
        leg = await self.ringing(agent)
        self.fake.answer(leg.id)
        await self.joined(channel, leg)
        return leg

    # at the end

    def replays(self) -> None:
        """What was kept makes the same engine, to the byte."""
        assert self.store.replayed().snapshot() == self.engine.snapshot()

    async def nothing_left(self) -> None:
        """No call, no leg, no conversation; and the journal tells the whole story."""
        await self.stage.nothing_left()
        assert self.dispatcher.conversations == 0
        assert self.dispatcher._offers == {}
        assert self.engine.known_calls() == []
        assert self.engine.open_offers() == []
        assert self.dispatcher.timers.names() == self.engine.timers().keys()
        self.replays()

    # another process

    async def crash(self) -> None:
        """The process is gone from one moment to the next: what its remains still say is not kept."""
        self.dispatcher.stop()
        self.dispatcher.store = HallStore()
        await self.stage.crash()
        self.dispatcher.stop()

    @asynccontextmanager
    async def next_process(self) -> AsyncIterator[Hall]:
        """After `crash()`: a process that is started from what was kept, up to and with its recovery."""
        halls: list[Hall] = []

        def build(stage: Stage, calls: list[Call]) -> None:
            hall = Hall(stage, self.store.replayed())
            halls.append(hall)
            for call in calls:
                record = next(r for r in self.store.records() if r.id == call.id)
                call.program = stage.registry.programs[record.program](record.program_state)
            hall.centre.restored(calls)
            hall.centre.follow_phones()

        async with self.stage.next_process({}, build) as (_, calls):
            (hall,) = halls
            hall.centre.recover()
            recovery.resume(calls)
            yield hall


@asynccontextmanager
async def a_hall() -> AsyncIterator[Hall]:
    """A running one, with nothing in it."""
    async with FakeAsterisk() as fake:
        stage = Stage(fake, HallStore())
        hall = Hall(stage)
        await stage.start()
        try:
            yield hall
        finally:
            hall.dispatcher.stop()
            await stage.stop()
