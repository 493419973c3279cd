"""The contact centre as a whole: what dialects and the console ask of queues, agents and live calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from ari_app.acd import events, skills
from ari_app.acd.call_control import CallControl
from ari_app.acd.calling_back import CallBackProgram
from ari_app.acd.changes import Changes
from ari_app.acd.commands import AnyFact
from ari_app.acd.destination import Overflow
from ari_app.acd.dispatcher import Dispatcher
from ari_app.acd.engine import Engine
from ari_app.acd.opening import Opening
from ari_app.acd.phone_transfers import PhoneTransfers
from ari_app.acd.phones import Phones
from ari_app.acd.ports import AcdStore
from ari_app.acd.queue_program import QueueProgram
from ari_app.acd.recorder import Recorder
from ari_app.acd.rules import RuleError
from ari_app.acd.views import AgentQueueStatus, CallBackView, QueuedCallInfo, QueueStatistics
from ari_app.ari.errors import Gone
from ari_app.ari.node import Node
from ari_app.calls.call import Call
from ari_app.calls.conference_programs import ConferenceCalls
from ari_app.calls.directory import Directory
from ari_app.calls.extension_routing import ExtensionRouting
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.monitoring import MonitorProgram, monitor
from ari_app.calls.originating import ClickToDial
from ari_app.calls.parking import DEFAULT_PARKING, Parked, ParkedState, Parking
from ari_app.calls.program import Program
from ari_app.calls.programs import Announcement, ExtensionCall, Unallocated, UserBusy
from ari_app.calls.registry import Registry
from ari_app.calls.transfers import Join, Transfer
from ari_app.calls.verbs.monitor import MonitorMode
from ari_app.calls.voicemail import LeaveMessage
from ari_app.clock import Clock
from ari_app.errors import NotFound

log = structlog.get_logger(__name__)

#: a number that proves the path from a phone to the application and back
ECHO_NUMBER = "100"


class DurableStore(AcdStore, Protocol):
    """A store that can be waited for."""

    async def committed(self) -> None:
        """Return when all that was given so far is on disk."""


def _wanted(call: Call) -> dict[str, int] | None:
    """The skills that the dialplan asks for; None: it does not, or nobody understands it."""
    try:
        return skills.read(call.skills) if call.skills.strip() else None
    except RuleError as error:
        log.warning("= skills of the dialplan not understood", call=call.id, skills=call.skills, error=str(error))
        return None


class Centre:
    """Engines of all accounts, over one registry of calls."""

    def __init__(
        self,
        registry: Registry,
        store: DurableStore,
        clock: Clock,
        dial_template: str,
        trunk_template: str = "",
        outside: str = "",
        emergency: str = "",
        parking: Parking = DEFAULT_PARKING,
        forward_template: str = "",
    ) -> None:
        """dial_template: how an extension is dialled. trunk_template: how other numbers are, which are those that begin
        as the pattern `outside` says; empty: there are none. emergency: pattern of numbers to call for help. parking:
        where and how long calls are parked. forward_template: how an extension is dialled whose calls are forwarded;
        empty: none's are."""
        self.registry = registry
        self.store = store
        self.clock = clock
        self.directory = Directory()
        self.numbers = ExtensionRouting(registry, self.directory, dial_template, trunk_template, outside, emergency)
        self._forward_template = forward_template
        self._dispatchers: dict[int, Dispatcher] = {}
        self.listeners: list[Callable[[int, AnyFact], None]] = []
        #: when queues are open
        self.opening = Opening(clock, lambda account: self.dispatcher(account).engine, self.apply)
        self.conferences = ConferenceCalls(registry, self.numbers)
        #: the calls of extensions
        self.calls = CallControl(
            registry, self.dispatcher, self.endpoint, self.dialled, parking, self.numbers.number_of
        )
        self.recorder = Recorder(self.calls, self._may_record, clock)
        registry.on_digits.append(self.recorder.pressed)
        registry.on_transfer = PhoneTransfers(registry, self.calls).asked_for
        self.phones = Phones(lambda: self.node, clock, self.endpoint, self._staffed, self._phone, self._forwarded)
        registry.on_endpoint = self.phones.changed
        registry.programs.update(
            {
                "queue": lambda state: QueueProgram.restored(self.dispatcher, state),
                "call_back": lambda state: CallBackProgram(self.dispatcher, state["queue"]),
                "announcement": lambda state: Announcement(state["media"]),
                "unallocated": lambda state: Unallocated(),
                "busy": lambda state: UserBusy(),
                "extension": lambda state: ExtensionCall.of(state, self.numbers.otherwise),
                "mailbox": lambda state: self.numbers.mailbox(state["extension"]),
                "voicemail": lambda state: LeaveMessage.of(self.numbers.voicemail, state),
                "click_to_dial": lambda state: ClickToDial(self.dialled, state["number"]),
                "transfer": lambda state: Transfer(self.dialled, state["number"]),
                "join": lambda state: Join(state["leg"]),
                "parked": lambda state: Parked(msgspec.convert(state, ParkedState)),
                "monitor": lambda state: MonitorProgram(registry, state["target"], state["mode"]),
            }
        )

    # accounts

    def dispatcher(self, account: int) -> Dispatcher:
        """The queues of an account; made when first asked for."""
        found = self._dispatchers.get(account)
        return found if found is not None else self.add(Engine(account))

    def add(self, engine: Engine) -> Dispatcher:
        """Serve an account with this engine (a new one, or one brought back from the journal)."""
        dispatcher = Dispatcher(engine, self.registry, self.store, self.clock, self.endpoint, self.reach)
        dispatcher.ring = self._ring
        dispatcher.forward_template = self._forward_template
        dispatcher.before_joining = lambda queue: self.opening.look(engine.account, queue)
        dispatcher.listeners.append(self._told)
        self._dispatchers[engine.account] = dispatcher
        return dispatcher

    def _told(self, account: int, fact: AnyFact) -> None:
        for listener in self.listeners:
            listener(account, fact)

    def endpoint(self, extension: str) -> str:
        """How an extension is dialled."""
        return self.numbers.endpoint(extension)

    def reach(self, number: str) -> str:
        """How any number is dialled."""
        return self.numbers.reach(number)

    # routing

    def route(self, call: Call, context: str) -> Program:
        """Which program serves a new call: a queue, an extension, or none."""
        if self.dispatcher(call.account).engine.settings(call.number) is not None:
            return QueueProgram(self.dispatcher, call.number, call.started_at, wanted=_wanted(call))
        if (conference := self.conferences.program(call, call.number)) is not None:
            return conference
        if call.number == ECHO_NUMBER:
            return Announcement(["sound:hello-world"])
        return self._inside(call, call.number) if context != "from-trunk" else Unallocated()

    def dialled(self, call: Call, number: str) -> Program:
        """What serves a number that is called from here: a queue, an extension, or one outside."""
        if self.dispatcher(call.account).engine.settings(number) is not None:
            return QueueProgram(self.dispatcher, number, self.clock.now())
        return self.conferences.program(call, number) or self._inside(call, number)

    def _inside(self, call: Call, number: str) -> Program:
        if self.directory.get(call.account, number) is None:  # an extension comes before a parking space
            return self.calls.lot_program(call, number) or self.numbers.route(call, number)
        return self.numbers.route(call, number)

    def _ring(self, call: Call, number: str) -> Program:
        return self.conferences.program(call, number) or self.numbers.ring(call, number)

    def _may_record(self, leg: Leg) -> bool:
        settings = self.numbers.settings_of(leg)
        return settings is not None and settings.recording.on_demand

    # recovery

    def restored(self, calls: list[Call]) -> None:
        """Calls have been made again: let their events find their queues."""
        self.recorder.restored(calls)
        self.conferences.restored(calls)
        for call in calls:
            if isinstance(call.program, ExtensionCall | LeaveMessage):
                call.program.reattach(call)
            if isinstance(call.program, QueueProgram | CallBackProgram):
                self.dispatcher(call.account).reattach(call, call.program.queue)

    def follow_phones(self) -> None:
        """Of the agents whose sessions outlived the process before this one; before Asterisk is connected."""
        for dispatcher in self._dispatchers.values():
            self.phones.restored(dispatcher.engine.extensions())

    def recover(self) -> None:
        """Asterisk has been compared with: settle what is open."""
        self.phones.recovered()
        for dispatcher in self._dispatchers.values():
            dispatcher.recover()

    def stop(self) -> None:
        """The process ends; keep where the queues are."""
        self.opening.stop()
        for dispatcher in self._dispatchers.values():
            dispatcher.stop()
            dispatcher.snapshot()

    def conversations(self) -> int:
        """How many callers queues hold: for the gauges, and to see that none is left over."""
        return sum(dispatcher.conversations for dispatcher in self._dispatchers.values())

    # what is asked

    def apply(self, account: int, event: events.AnyEvent) -> None:
        """Tell the account's queues.

        Raises:
            CommandRefused, NotFound: the state does not allow it; nothing has changed.
        """
        dispatcher = self.dispatcher(account)
        if not isinstance(event, events.AgentSignedIn | events.AgentSignedOut | events.AgentRemoved):
            return dispatcher.apply(event)
        before = dispatcher.engine.extension(event.agent)
        dispatcher.apply(event)
        for extension in {before, dispatcher.engine.extension(event.agent)} - {""}:
            self.phones.look(extension)
        return None

    def _staffed(self, extension: str) -> bool:
        return any(dispatcher.engine.staffed(extension) for dispatcher in self._dispatchers.values())

    def _forwarded(self, extension: str) -> int:
        if not self._forward_template:
            return 0
        endpoint = self.endpoint(extension)
        legs = (leg for leg in self.registry.legs.values() if leg.alive and leg.endpoint == endpoint)
        return sum(bool(leg.name) and not leg.name.startswith(endpoint) for leg in legs)

    def _phone(self, extension: str, state: str) -> None:
        """Extensions are of the whole installation: each account with an agent there has to know."""
        for dispatcher in self._dispatchers.values():
            engine = dispatcher.engine
            if engine.phone(extension) != state and (state == "idle" or engine.staffed(extension)):
                dispatcher.apply(events.PhoneStateChanged(extension=extension, state=state))

    async def recorded(self) -> None:
        """Return when all that was applied so far is committed."""
        await self.store.committed()

    def configure_skills(
        self, account: int, of_agents: dict[int, skills.Skills], of_queues: dict[str, skills.Routing]
    ) -> None:
        """Tell the account's queues what agents can and by what rules they choose, where they do not know it."""
        engine = self.dispatcher(account).engine
        for agent in engine.agents():
            if engine.skills(agent) != (wanted := of_agents.get(agent, {})):
                self.apply(account, events.SkillsConfigured(agent=agent, skills=wanted))
        for queue in engine.queues():
            if engine.routing(queue) != (routing := of_queues.get(queue, skills.Routing())):
                told = events.RoutingConfigured(queue=queue, rule=routing.rule, wanted=routing.wanted)
                self.apply(account, told)

    def configure_overflow(self, account: int, of_queues: dict[str, tuple[Overflow, ...]]) -> None:
        """Tell the account's queues where callers go whom they do not serve, where they do not know it."""
        engine = self.dispatcher(account).engine
        for queue in engine.queues():
            if engine.overflow(queue) != (rules := of_queues.get(queue, ())):
                self.apply(account, events.OverflowConfigured(queue=queue, rules=rules))

    def queued_calls(self, account: int, queue: str | None) -> list[QueuedCallInfo]:
        """Who waits, in order, in one queue or in all."""
        now = self.clock.now()
        rows = []
        for waiting in self.dispatcher(account).engine.queued_calls(queue, now):
            call = self.registry.calls.get(waiting.call)
            caller = call.origin if call else None
            rows.append(
                QueuedCallInfo(
                    call=waiting.call,
                    unique_id=caller.id if caller else "",
                    channel=caller.name if caller else "",
                    queue=waiting.queue,
                    position=waiting.position,
                    priority=waiting.priority,
                    caller_number=call.caller_number if call else "",
                    caller_name=call.caller_name if call else "",
                    joined_at=waiting.joined_at,
                    wait=max(0.0, now - waiting.joined_at),
                    estimate=waiting.estimate,
                )
            )
        return rows

    def change_place(self, account: int, call: str, priority: int | None, queue: str | None) -> None:
        """Of a caller who waits on the line: give him another priority (None: his own), which he keeps wherever he goes
        from there; send him to another queue (None: not).

        Raises:
            NotFound: nobody waits who is called that; or, with "queue" in the context, there is no such queue.
            CommandRefused: that queue would not let him in; nothing has changed.
        """
        engine = self.dispatcher(account).engine
        if engine.call_back(call) is not None:
            raise NotFound("There is no such waiting call.", call=call)
        if queue is not None:
            self.apply(account, events.CallerSent(call=call, queue=queue))
        elif priority is not None:
            self.apply(account, events.PriorityChanged(call=call, priority=priority))
        live = self.registry.calls.get(call)
        if priority is not None and live is not None and isinstance(live.program, QueueProgram):
            live.program.priority = priority  # with which he joins the other queue, in a moment
            live.save()

    def call_backs(self, account: int, queue: str | None) -> list[CallBackView]:
        """Who is to be called, in order, by one queue or by all. Raises NotFound."""
        return self.dispatcher(account).engine.call_backs(queue)

    def call_back(self, account: int, queue: str, number: str, name: str, priority: int) -> str:
        """Have somebody called when it is his turn; the id of the request.

        Raises:
            NotFound: there is no such queue.
            AlreadyRequested: the number waits for that already.
        """
        entry = self.registry.ids.new("callback")
        self.apply(
            account,
            events.CallBackRequested(entry=entry, queue=queue, number=number, name=name, priority=priority),
        )
        return entry

    def agent_status(
        self, account: int, queue: str | None, agent: int | None, combined: bool
    ) -> list[AgentQueueStatus]:
        """What agents do."""
        return self.dispatcher(account).engine.agent_status(queue, agent, combined)

    def agent_changes(self, account: int) -> Changes:
        return self.dispatcher(account).engine.changes

    def statistics(self, account: int, queue: str | None) -> list[QueueStatistics]:
        """Figures of one queue or of all."""
        return self.dispatcher(account).engine.statistics(queue, self.clock.now())

    @property
    def node(self) -> Node:
        """The Asterisk that extensions are on."""
        return next(iter(self.registry.nodes.values()))

    async def extension_exists(self, account: int, extension: str) -> bool:
        """Whether Asterisk has an endpoint for it, and it is not another account's.

        Raises:
            AriError: Asterisk does not answer.
        """
        if self.directory.is_anothers(account, extension):
            return False
        technology, _, resource = self.endpoint(extension).partition("/")
        try:
            await self.node.endpoints.get(tech=technology, resource=resource)
        except Gone:
            return False
        return True

    async def monitor(self, account: int, action: str, target_extension: str, monitor_extension: str) -> None:
        """Spy on, whisper to, or barge into the call of an extension; called again, it switches.

        Raises:
            NotFound: context "parameter" names which extension does not exist or is on no call.
            AriError: Asterisk does not answer.
        """
        for parameter, extension in (("targetExtension", target_extension), ("monitorExtension", monitor_extension)):
            if not await self.extension_exists(account, extension):
                raise NotFound(f"extension {extension} does not exist", parameter=parameter)
        target = self.talking_leg(account, target_extension)
        if target is None:
            raise NotFound(f"extension {target_extension} is not on a call", parameter="targetExtension")
        monitor(self.registry, self.endpoint(monitor_extension), target, MonitorMode(action), account)

    def talking_leg(self, account: int, extension: str) -> Leg | None:
        """The leg with which an extension is on a call: the newest of those that are up."""
        endpoint = self.endpoint(extension)
        legs = [
            leg
            for leg in self.registry.legs.values()
            if leg.call.account == account
            and leg.alive
            and leg.state is LegState.UP
            and leg.role != "supervisor"
            and (leg.endpoint == endpoint or leg.name.startswith(endpoint + "-"))
        ]
        return max(legs, key=lambda leg: leg.answered_at or 0.0, default=None)
