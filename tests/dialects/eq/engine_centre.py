"""The live side for tests of the EQ API: the real engine of each account, without telephones."""

from __future__ import annotations

from collections.abc import Callable

from ari_app.acd.changes import Changes
from ari_app.acd.commands import AnyFact, CancelTimer, Fact, Offer, StartTimer
from ari_app.acd.engine import Engine
from ari_app.acd.events import AnyEvent, CallBackRequested, CallerJoined, CallerSent, PriorityChanged, TimerFired
from ari_app.acd.opening import Opening
from ari_app.acd.views import AgentQueueStatus, CallBackView, QueueStatistics
from ari_app.ari.errors import Unreachable
from ari_app.calls.on_demand import NotRecorded
from ari_app.clock import ManualClock, Timer
from ari_app.dialects.eq.ports import QueuedCallInfo
from ari_app.errors import NotFound
from tests.dialects.eq.engine_calls import EngineCalls
from tests.dialects.eq.engine_conferences import EngineConferences


class EngineRecorder:
    """Recordings on demand of who is on a call in the engine."""

    def __init__(self, centre: EngineCentre) -> None:
        self._centre = centre
        self.going_on: set[tuple[int, str]] = set()
        self.paused: set[tuple[int, str]] = set()
        self.separate = False
        #: names of recordings that go on
        self.live: set[tuple[int, str]] = set()

    async def start(self, account: int, extension: str, separate: bool = False) -> None:
        self._check(account, extension)
        self.going_on.add((account, extension))
        self.separate = separate

    async def stop(self, account: int, extension: str) -> None:
        self._check(account, extension)
        if (account, extension) not in self.going_on:
            raise NotRecorded
        self.going_on.remove((account, extension))

    cancel = stop

    async def pause(self, account: int, extension: str) -> None:
        self._check(account, extension)
        if (account, extension) not in self.going_on:
            raise NotRecorded
        self.paused.add((account, extension))

    async def resume(self, account: int, extension: str) -> None:
        await self.pause(account, extension)
        self.paused.discard((account, extension))

    async def change(self, account: int, name: str, action: str) -> None:
        if not self._centre.reachable:
            raise Unreachable("down", operation="recordings", method="POST", path="/recordings")
        if (account, name) not in self.live:
            raise NotRecorded
        if action in ("stop", "cancel"):
            self.live.remove((account, name))

    def _check(self, account: int, extension: str) -> None:
        rows = self._centre.agent_status(account, None, None, True)
        if extension not in {row.extension for row in rows if row.status == "onCall"}:
            raise NotFound(f"extension {extension} is not on a call", parameter="extension")


class EngineCentre:
    """Engines of all accounts; commands to telephones are kept for the test to look at."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.engines: dict[int, Engine] = {}
        self.offers: list[Offer] = []
        #: what was told of each account
        self.facts: list[tuple[int, AnyFact]] = []
        self.listeners: list[Callable[[int, AnyFact], None]] = []
        #: account -> extensions that Asterisk has
        self.extensions: dict[int, set[str]] = {}
        self.monitored: list[tuple[str, str, str]] = []
        self.reachable = True
        self.requests = 0
        self.commits = 0
        self.opening = Opening(clock, self.engine, self.apply)
        self.calls = EngineCalls(self)
        self.conferences = EngineConferences(clock)
        self.recorder = EngineRecorder(self)
        self._timers: dict[tuple[int, str], Timer] = {}

    def engine(self, account: int) -> Engine:
        return self.engines.setdefault(account, Engine(account))

    def apply(self, account: int, event: AnyEvent) -> None:
        for decided in self.engine(account).apply(event, self.clock.now()):
            match decided:
                case StartTimer():
                    self._start(account, decided)
                case CancelTimer():
                    self._cancel(account, decided.timer)
                case Offer():
                    self.offers.append(decided)
                case Fact():
                    self.facts.append((account, decided))
                    for listener in self.listeners:
                        listener(account, decided)

    def _start(self, account: int, command: StartTimer) -> None:
        self._cancel(account, command.timer)
        fired = TimerFired(timer=command.timer)
        self._timers[account, command.timer] = self.clock.call_at(command.at, lambda: self.apply(account, fired))

    def _cancel(self, account: int, timer: str) -> None:
        found = self._timers.pop((account, timer), None)
        if found is not None:
            found.cancel()

    async def recorded(self) -> None:
        self.commits += 1

    def queued_calls(self, account: int, queue: str | None) -> list[QueuedCallInfo]:
        return [
            QueuedCallInfo(
                call=call.call,
                unique_id=f"unique-{call.call}",
                channel=f"PJSIP/trunk-{call.call}",
                queue=call.queue,
                position=call.position,
                priority=call.priority,
                caller_number="5551000",
                caller_name="",
                joined_at=call.joined_at,
                wait=call.wait,
                estimate=call.estimate,
            )
            for call in self.engine(account).queued_calls(queue, self.clock.now())
        ]

    def change_place(self, account: int, call: str, priority: int | None, queue: str | None) -> None:
        if self.engine(account).call_back(call) is not None:
            raise NotFound("There is no such waiting call.", call=call)
        if queue is not None:
            self.apply(account, CallerSent(call=call, queue=queue))
            self.apply(account, CallerJoined(call=call, queue=queue, priority=priority or 0))
        elif priority is not None:
            self.apply(account, PriorityChanged(call=call, priority=priority))

    def call_backs(self, account: int, queue: str | None) -> list[CallBackView]:
        return self.engine(account).call_backs(queue)

    def call_back(self, account: int, queue: str, number: str, name: str, priority: int) -> str:
        self.requests += 1
        entry = f"callback-{self.requests}"
        event = CallBackRequested(entry=entry, queue=queue, number=number, name=name, priority=priority)
        self.apply(account, event)
        return entry

    def agent_status(
        self, account: int, queue: str | None, agent: int | None, combined: bool
    ) -> list[AgentQueueStatus]:
        return self.engine(account).agent_status(queue, agent, combined)

    def agent_changes(self, account: int) -> Changes:
        return self.engine(account).changes

    def statistics(self, account: int, queue: str | None) -> list[QueueStatistics]:
        return self.engine(account).statistics(queue, self.clock.now())

    async def extension_exists(self, account: int, extension: str) -> bool:
        if not self.reachable:
            raise Unreachable("connection refused", operation="endpoints.get", method="GET", path="/endpoints")
        return extension in self.extensions.get(account, set())

    async def monitor(self, account: int, action: str, target_extension: str, monitor_extension: str) -> None:
        """As the real one answers: whoever is monitored must be on a call, one of the engine's here."""
        on_call = {
            status.extension for status in self.agent_status(account, None, None, True) if status.status == "onCall"
        }
        if target_extension not in on_call:
            raise NotFound(f"extension {target_extension} is not on a call", parameter="targetExtension")
        self.monitored.append((action, target_extension, monitor_extension))
