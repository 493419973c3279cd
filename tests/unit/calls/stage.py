"""Call control on a FakeAsterisk, in one process: for tests of calls, and of what stands on them.

Asterisk and the network run in real time, in milliseconds; whatever call control times by itself (`stage.clock`) stands
still until a test moves it. Tests wait for what must come (`stage.until`), never for time to pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec

from ari_app.ari.errors import Unreachable
from ari_app.ari.fake import FakeAsterisk
from ari_app.ari.fake.state import FakeChannel
from ari_app.ari.http import HttpOptions
from ari_app.ari.node import Node
from ari_app.calls import facts, recovery
from ari_app.calls.call import Call, CallRecord
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.program import Program, State
from ari_app.calls.registry import Registry
from ari_app.clock import ManualClock
from ari_app.ids import IdSource

#: seconds until something that must happen has not: longer than any machine is busy with something else
PATIENCE = 40.0
#: seconds until Asterisk has not answered: usually, and where a test wants it not to
HTTP_TIMEOUT, SHORT_TIMEOUT = 30.0, 0.5

Plan = Callable[[Call], Awaitable[None]]


class Store:
    """Keeps what calls tell, and the newest state of each live call, in the form in which it outlives a process."""

    def __init__(self) -> None:
        self.facts: list[facts.AnyCallFact] = []
        self.live: dict[str, bytes] = {}

    def tell(self, fact: facts.AnyCallFact) -> None:
        self.facts.append(fact)

    def save(self, call: Call) -> None:
        self.live[call.id] = msgspec.json.encode(call.record())

    def remove(self, call: Call) -> None:
        self.live.pop(call.id, None)

    def records(self) -> list[CallRecord]:
        """As a new process finds them."""
        return [msgspec.json.decode(kept, type=CallRecord) for kept in self.live.values()]

    def of(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


class Script:
    """A program made of functions of a test."""

    name = "script"

    def __init__(self, run: Plan, resume: Plan | None = None, state: State | None = None) -> None:
        self._run, self._resume = run, resume or run
        self.kept = state or {}

    def state(self) -> State:
        return self.kept

    async def run(self, call: Call) -> None:
        await self._run(call)

    async def resume(self, call: Call) -> None:
        await self._resume(call)


async def _dead(*_: Any, **__: Any) -> bytes:
    raise Unreachable("this process is gone")


async def stay(call: Call) -> None:
    """A plan that does nothing for as long as the call lives."""
    await asyncio.Event().wait()


class Stage:
    """One Asterisk, one process of ours."""

    def __init__(self, fake: FakeAsterisk, store: Store | None = None, clock: ManualClock | None = None) -> None:
        self.fake = fake
        self.clock = clock or ManualClock()
        self.store = store or Store()
        self.registry = Registry(self.clock, IdSource(), self.store)
        self.registry.route = lambda call, context: self.program(call)
        #: what serves the next call that comes in
        self.program: Callable[[Call], Program] = lambda call: Script(stay)
        self.node = self.make_node("pbx", fake)

    def make_node(self, name: str, fake: FakeAsterisk) -> Node:
        """A node of this process; not started."""
        options = HttpOptions(base_url=fake.url, user=fake.user, password=fake.password, timeout=HTTP_TIMEOUT)
        node = Node(name, url=fake.url, user=fake.user, password=fake.password, app="ari_app", http=options)
        node.on_event = lambda event: self.registry.on_event(node, event)
        node.on_disconnected = lambda _why: self.registry.disconnected(node)
        self.registry.nodes[name] = node
        return node

    async def start(self) -> None:
        await self.node.start()
        async with asyncio.timeout(PATIENCE):
            await self.node.wait_resynced()

    def time_out(self, operation: str) -> None:
        """Asterisk does the next such request, and does not answer in time."""
        self.fake.faults.delay(operation, 2 * HTTP_TIMEOUT)
        http = self.node.http
        send, usual = http.request, http.options

        async def request(asked: str, *arguments: Any) -> bytes:
            if asked == operation:
                # a request looks at its time as it begins; those after it have the usual one
                http.request, http.options = send, replace(usual, timeout=SHORT_TIMEOUT)
                asyncio.get_running_loop().call_soon(setattr, http, "options", usual)
            return await send(asked, *arguments)

        http.request = request

    async def stop(self) -> None:
        for call in list(self.registry.calls.values()):
            call.detach()
        for node in self.registry.nodes.values():
            await node.close()

    # waiting

    async def until(self, condition: Callable[[], Any], pace: float = 0.0) -> Any:
        """Wait until that holds; what it said. pace: seconds that go by on call control's clock with each look."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := condition()):
                    if pace:
                        self.clock.advance(pace)
                    await asyncio.sleep(0)
        except TimeoutError:
            raise AssertionError(f"it never came: {self!r}") from None
        return found

    async def quiet(self) -> None:
        """Everything that Asterisk has said by now has been taken in."""
        await self.node._fence()
        await self.node._fence()

    async def over(self, call: Call) -> None:
        """Wait until a call has ended."""
        await self.until(lambda: call.id not in self.registry.calls)

    def __repr__(self) -> str:
        calls, legs = list(self.registry.calls.values()), list(self.registry.legs.values())
        return f"<Stage {calls} {legs} asterisk={list(self.fake.world.channels.values())} log={self.asked()[-8:]}>"

    # what happens

    async def incoming(
        self, plan: Plan | None = None, *, exten: str = "500", caller: str = "0301234567", **options: Any
    ) -> tuple[Call, FakeChannel]:
        """Somebody dials in and is served by a plan (none: it stays)."""
        if plan is not None:
            self.program = lambda call: Script(plan)
        channel = self.fake.incoming_call(exten, caller, **options)
        leg = await self.until(lambda: self.registry.legs.get((self.node.name, channel.id)))
        return leg.call, channel

    def outgoing(self, plan: Plan, *, endpoint: str = "PJSIP/1001", role: str = "callee") -> Call:
        """A call that we begin: its first leg is there, and not dialled."""
        call = self.registry.new_call(self.node, account=1, number=endpoint, program="script")
        call.program = Script(plan)
        call.new_leg(role, endpoint=endpoint)
        call.start(call.program)
        return call

    # what is seen

    def asked(self, operation: str | None = None) -> list[Any]:
        """What Asterisk was asked, in order: operations, or the arguments of one."""
        if operation is None:
            return [name for name, _ in self.fake.log]
        return [arguments for name, arguments in self.fake.log if name == operation]

    def channel(self, leg: Leg) -> FakeChannel | None:
        """Its channel in Asterisk."""
        return self.fake.world.channels.get(leg.id)

    def leftovers(self) -> list[str]:
        """What is still there, here and in Asterisk."""
        world, registry = self.fake.world, self.registry
        left = [f"channel {c.name}" for c in world.channels.values()]
        # a spare one waits for the next call, and is destroyed when none comes (test_spare_bridges.py)
        left += [
            f"bridge {b}" for b in world.bridges if not any(b in registry.spares.of(n) for n in registry.nodes.values())
        ]
        left += [f"call {c.id}" for c in registry.calls.values()]
        left += [f"leg {leg.id}" for leg in registry.legs.values()]
        left += [f"helper {key}" for key in registry.helpers] + [f"waiter {key}" for key in registry.waiters]
        left += [f"live call {kept}" for kept in self.store.live]
        left += [f"task {task.get_name()}" for task in self.node._tasks]
        return left

    async def nothing_left(self) -> None:
        """Wait until nothing is left over, and see that every leg that began has ended, once."""
        try:
            await self.until(lambda: not self.leftovers())
        except AssertionError:
            raise AssertionError(f"left over: {self.leftovers()}") from None
        began = sorted(fact.leg for fact in self.store.of(facts.LegStarted))
        assert sorted(fact.leg for fact in self.store.of(facts.LegEnded)) == began
        calls = sorted(fact.call for fact in self.store.of(facts.CallStarted))
        assert sorted(fact.call for fact in self.store.of(facts.CallEnded)) == calls
        assert self.node.handler_errors == 0

    # another process

    async def crash(self) -> None:
        """This process is gone from one moment to the next: nothing more is kept, nobody more is asked."""
        kept = dict(self.store.live)
        self.registry.store = Store()
        await self.stop()
        self.node.http.request = _dead  # type: ignore[method-assign]  # timers of its remains may still fire
        self.store.live = kept

    @asynccontextmanager
    async def next_process(
        self, programs: dict[str, Any] | None = None, before: Callable[[Stage, list[Call]], None] | None = None
    ) -> AsyncIterator[tuple[Stage, list[Call]]]:
        """A process that is started after this one is gone, up to the moment in which programs may go on."""
        stage = Stage(self.fake, self.store, self.clock)
        stage.registry.programs.update(programs or {})
        calls = recovery.restore(stage.registry, self.store.records(), stage.registry.nodes)
        if before is not None:
            before(stage, calls)

        def resynced(snapshot: Any) -> None:
            recovery.reconcile(stage.registry, stage.node, snapshot.channels, snapshot.bridges)

        stage.node.on_resynced = resynced
        await stage.start()
        try:
            yield stage, calls
        finally:
            await stage.stop()


@asynccontextmanager
async def a_stage() -> AsyncIterator[Stage]:
    """A running one."""
    async with FakeAsterisk() as fake:
        stage = Stage(fake)
        await stage.start()
        try:
            yield stage
        finally:
            await stage.stop()


__all__ = ["LegState", "Script", "Stage", "Store", "a_stage", "stay"]
