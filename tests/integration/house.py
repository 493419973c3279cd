"""Call control in the test's own process, on a real Asterisk with real phones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ari_app.ari.http import HttpOptions
from ari_app.ari.node import Node
from ari_app.calls import facts
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.program import Program
from ari_app.calls.registry import Registry
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import DialOutcome, Party, dial
from ari_app.clock import SystemClock
from ari_app.ids import IdSource
from tests.harness import audio
from tests.harness.asterisk import Asterisk
from tests.harness.patience import PATIENCE
from tests.harness.phones import Behaviour, Extension, Phone, PhoneBox, answers
from tests.unit.calls.stage import Plan, Script, Store

CALLER, CALLEE = 440, 660
#: dBFS; a silent line is below -60
LOUD, SILENT = -45, -60


class House:
    """Call control in this process, on an Asterisk of its own, with phones outside."""

    def __init__(self, pbx: Asterisk, world: PhoneBox) -> None:
        self.pbx, self.world = pbx, world
        self.store = Store()
        self.clock = SystemClock()
        self.registry = Registry(self.clock, IdSource(), self.store)
        self.registry.route = lambda call, context: self.programs[call.number]
        #: number -> what serves it
        self.programs: dict[str, Program] = {}
        patient = HttpOptions(base_url=pbx.ari_url, user=pbx.ari_user, password=pbx.ari_password, timeout=PATIENCE)
        node = self.node = Node(
            "pbx", url=pbx.ari_url, user=pbx.ari_user, password=pbx.ari_password, app="ari_app", http=patient
        )
        node.on_event = lambda event: self.registry.on_event(node, event)
        self.registry.nodes["pbx"] = node

    async def start(self) -> None:
        await self.node.start()
        async with asyncio.timeout(PATIENCE):
            await self.node.wait_resynced()

    async def stop(self) -> None:
        for call in list(self.registry.calls.values()):
            call.detach()
        await self.node.close()

    async def phone(self, number: str, behaviour: Behaviour | None = None) -> Extension:
        """A phone that can be called as PJSIP/<number>."""
        await self.pbx.provision(number, "secret", contact=self.world.contact(number))
        return self.world.extension(number, behaviour)

    async def caller(self, plan: Plan | Program, **options: Any) -> Phone:
        """Somebody calls over the trunk and is served by that."""
        self.programs["300"] = plan if not callable(plan) else Script(plan)
        return await self.world.call("300", self.pbx, **options)

    async def idle(self) -> None:
        """Everything is over: no channel and no bridge in Asterisk, no call, leg, helper or waiter here."""
        await self.pbx.wait_idle()
        registry = self.registry
        async with asyncio.timeout(PATIENCE):
            while registry.calls or registry.legs or registry.helpers or registry.waiters:
                await asyncio.sleep(0.01)
        assert self.node.handler_errors == 0
        assert {fact.leg for fact in self.store.of(facts.LegEnded)} == {
            fact.leg for fact in self.store.of(facts.LegStarted)
        }


@asynccontextmanager
async def a_house(start_asterisk: Any, world: PhoneBox, **environment: str) -> AsyncIterator[House]:
    """A running one. environment: more settings of its Asterisk."""
    environment["TRUNK_MATCH"] = world.trunk_address
    house = House(await start_asterisk("verbs", environment=environment), world)
    await house.start()
    try:
        yield house
    finally:
        await house.stop()


class Talk:
    """A caller and a callee who talk, with the handles of both."""

    def __init__(self) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.callee: Leg
        self.bridge: Bridge

    async def plan(self, call: Call) -> None:
        self.call = call
        await answer(call.caller)
        self.callee = call.new_leg("callee", endpoint="PJSIP/1001")
        assert await dial(self.callee, shown=Party("0301")) is DialOutcome.ANSWERED
        self.bridge = Bridge(call)
        await self.bridge.create()
        await self.bridge.add(call.caller, self.callee)
        self.ready.set_result(None)
        await self.callee.until(LegState.GONE)


async def talking(house: House) -> tuple[Talk, Phone, Phone]:
    phone_1001 = await house.phone("1001", answers(tone=CALLEE))
    talk = Talk()
    caller = await house.caller(talk.plan, tone=CALLER)
    callee = await phone_1001.next_call()
    await asyncio.gather(talk.ready, caller.wait_tones(CALLEE), callee.wait_tones(CALLER))
    return talk, caller, callee


async def until_loud(phone: Phone, within: float = PATIENCE) -> None:
    assert phone.ear is not None
    await phone.ear.wait_for(lambda ear: audio.loudness(ear.recent(0.2).samples) > LOUD, within=within)


async def until_silent(phone: Phone, within: float = PATIENCE) -> None:
    assert phone.ear is not None
    await phone.ear.wait_for(
        lambda ear: ear.recent(0.3).seconds > 0.29 and audio.loudness(ear.recent(0.3).samples) < SILENT, within=within
    )
