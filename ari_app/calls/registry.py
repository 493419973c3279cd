"""All live calls of all nodes, and the way of every event to the leg it concerns.

Dispatch is synchronous and in order (architecture, rule 2): an event changes a leg, and whoever waits for that leg is
woken, before the next event is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from ari_app.ari import events
from ari_app.ari.models import Endpoint
from ari_app.ari.node import Node
from ari_app.ari.protocol import Received, event_time
from ari_app.calls import facts, ports, quality
from ari_app.calls.call import Call
from ari_app.calls.ending import end
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.program import ProgramFactory
from ari_app.calls.spare_bridges import SpareBridges
from ari_app.clock import Clock
from ari_app.ids import IdSource

log = structlog.get_logger(__name__)

_STATES = {"Up": LegState.UP, "Ringing": LegState.RINGING}
#: Q.850, for a caller whom nobody can serve: network out of order
_FAILURE = "38"
#: seconds from the end of a leg's time in our application to the word that it has ended: they come together
LAST_WORD = 1.0
#: seconds after the end of a call in which Asterisk tells the end of what belonged to it, of recordings above all
TOLD_WITHIN = 5.0


class Registry:
    """Finds legs by channel, calls by id, and hands events on."""

    def __init__(self, clock: Clock, ids: IdSource, store: ports.CallStore, account: int = 1) -> None:
        self.clock = clock
        self.ids = ids
        self.store = store
        #: set by whoever serves calls
        self.route: ports.Router = ports.unserved
        #: the account of calls that come in
        self.account = account
        self.nodes: dict[str, Node] = {}
        self.calls: dict[str, Call] = {}
        self.legs: dict[tuple[str, str], Leg] = {}
        self.programs: dict[str, ProgramFactory] = {}
        #: channels that are ours but no leg: snoops, external media
        self.helpers: dict[tuple[str, str], ports.Waiter] = {}
        self.waiters: dict[tuple[str, str], ports.Waiter] = {}
        #: ids of bridges that are nobody's alone: of conferences
        self.shared_bridges: set[str] = set()
        #: events that concerned nothing we know, by type
        self.foreign: Counter[str] = Counter()
        #: an endpoint that we follow has come, gone, or got or lost a channel
        self.on_endpoint: Callable[[Node, Endpoint], None] = ports.nobody_looks
        #: a recording has ended, whether or not anybody here waits for it; after the record knows
        self.on_recorded: Callable[[Node, str], None] = ports.nobody_fetches
        #: what is played for a media URI: of an account, in a language
        self.sound: Callable[[int, str, str], Awaitable[str]] = ports.as_it_is
        #: media URIs of a text's sentences as they are made: by an engine ("": the usual), in a voice (None: its own)
        self.speech: Callable[[str, str, str | None], AsyncIterator[str]] = ports.nobody_speaks
        #: a phone asks for a transfer
        self.on_transfer: Callable[[Node, events.ChannelTransfer], None] = ports.nobody_looks
        #: a key was pressed on a leg, whether or not its call waits for keys
        self.on_digits: list[Callable[[Leg, str], None]] = []
        self.on_ended: list[Callable[[Call], None]] = []
        #: empty ones, for the next call
        self.spares = SpareBridges(clock, self._destroy_spare)

    # the event stream

    def on_event(self, node: Node, event: Received) -> None:
        """Take one event in."""
        match event:
            case events.StasisStart():
                self._entered(node, event)
            case events.ChannelStateChange():
                state = _STATES.get(event.channel.state)
                if state is not None:
                    self._moved(node, event.channel.id, state, event.timestamp)
            case events.ChannelDtmfReceived():
                self._digit(node, event)
            case events.ChannelHangupRequest():
                if not event.soft:  # that of our own side is not the end, and its cause is none (always 32)
                    self._gone(node, event.channel.id, event.cause or 0, event)
            case events.StasisEnd():
                self._left(node, event)
            case events.ChannelVarset(variable=quality.VARIABLE):
                self._measured(node, event)
            case events.ChannelDestroyed():
                if not self.helped(node, event.channel.id, event):
                    self._gone(node, event.channel.id, event.cause, event)
            case _:
                self._object_event(node, event)

    def _object_event(self, node: Node, event: Received) -> None:
        match event:
            case events.PlaybackStarted() | events.PlaybackFinished():
                self._wake(node, event.playback.id, event)
            case events.RecordingStarted() | events.RecordingFinished() | events.RecordingFailed():
                self._wake(node, event.recording.name, event)
                if not isinstance(event, events.RecordingStarted):
                    self.on_recorded(node, event.recording.name)
            case events.ChannelEnteredBridge(channel=channel) if channel is not None:
                self.spares.entered(node, event.bridge.id, channel.id)
            case events.ChannelLeftBridge():
                self.spares.left(node, event.bridge.id, event.channel.id)
            case events.BridgeDestroyed():
                self.spares.gone(node, event.bridge.id)
                self._wake(node, event.bridge.id, event)
            case events.ChannelTransfer():
                self.on_transfer(node, event)
            case events.EndpointStateChange():
                self.on_endpoint(node, event.endpoint)
            case _:
                pass

    def at(self, timestamp: str) -> float:
        """When it happened: Asterisk's time, but never later than now (a clock ahead of ours would undo timers)."""
        now = self.clock.now()
        then = event_time(timestamp)
        return min(now, then) if then else now

    def _entered(self, node: Node, event: events.StasisStart) -> None:
        key = (node.name, event.channel.id)
        leg = self.legs.get(key)
        at = self.at(event.timestamp)
        if leg is not None:
            leg.name, leg.language = event.channel.name, event.channel.language
            leg.created = True
            self.leg_state(leg, LegState.UP if event.channel.state == "Up" else LegState.DOWN, at)
            return
        if key in self.helpers:
            self.helped(node, event.channel.id, event)
            return
        if event.args and event.args[0] == "in":
            self._incoming(node, event, at)
            return
        # a channel we began in a life of which nothing was kept: nobody waits for it
        self.foreign["StasisStart"] += 1
        log.warning("= orphan channel hung up", node=node.name, channel=event.channel.id, args=event.args)
        self.hang_up_orphan(node, event.channel.id)

    def _incoming(self, node: Node, event: events.StasisStart, at: float) -> None:
        """A channel that the dialplan sent: Stasis(app,in,number,context,skills)."""
        channel = event.channel
        number = event.args[1] if len(event.args) > 1 else channel.dialplan.exten
        context = event.args[2] if len(event.args) > 2 else channel.dialplan.context
        call = Call(
            self,
            self.ids.new("call"),
            node,
            account=self.account,
            direction="inbound",
            number=number,
            caller_number=channel.caller.number,
            caller_name=channel.caller.name,
            at=at,
        )
        call.skills = event.args[3] if len(event.args) > 3 else ""
        leg = Leg(call, node, channel.id, "caller", endpoint=channel.name, at=at)
        leg.name, leg.language = channel.name, channel.language
        leg.created = leg.came_in = True
        leg.state = LegState.UP if channel.state == "Up" else LegState.DOWN
        self.calls[call.id] = call
        call.adopt(leg)
        try:
            program = self.route(call, context)
        except Exception:
            log.exception("= call could not be routed", call=call.id, number=number)
            del self.calls[call.id], self.legs[node.name, leg.id]
            self.hang_up_orphan(node, leg.id, _FAILURE)
            return
        self._tell_started(call, at, program.name)
        self.tell(
            facts.LegStarted(
                at=at, leg=leg.id, call=call.id, account=call.account, role=leg.role, endpoint=leg.endpoint, agent=None
            )
        )
        log.debug("= call", call=call.id, number=number, caller=call.caller_number, program=program.name)
        call.start(program)

    def _moved(self, node: Node, channel: str, state: LegState, timestamp: str) -> None:
        leg = self.legs.get((node.name, channel))
        if leg is not None:
            self.leg_state(leg, state, self.at(timestamp))
        elif (node.name, channel) not in self.helpers:
            self.foreign["ChannelStateChange"] += 1

    def leg_state(self, leg: Leg, state: LegState, at: float) -> None:
        """A leg is found in a state; nothing if that is known."""
        if not leg.moved(state, at):
            return
        if leg.state is LegState.RINGING:
            self.tell(facts.LegRinging(at=at, leg=leg.id))
        elif leg.state is LegState.UP:
            self.tell(facts.LegAnswered(at=at, leg=leg.id))
            if leg is leg.call.origin and leg.call.answered_at is None:
                leg.call.answered_at = at
                self.tell(facts.CallAnswered(at=at, call=leg.call.id))
        leg.call.save()

    def _digit(self, node: Node, event: events.ChannelDtmfReceived) -> None:
        leg = self.legs.get((node.name, event.channel.id))
        if leg is None:
            return
        if leg.on_digit is not None:
            leg.on_digit(leg, event.digit)
        for told in tuple(self.on_digits):  # one may be the last that it wants to be told
            told(leg, event.digit)

    def _measured(self, node: Node, event: events.ChannelVarset) -> None:
        """Its RTP statistics, at its hang-up. None of a channel of which we know the end, or that is no leg."""
        leg = None if event.channel is None else self.legs.get((node.name, event.channel.id))
        found = quality.parse(event.value)
        if leg is not None and found is not None:
            at, call = self.at(event.timestamp), leg.call
            self.tell(facts.LegMeasured(at=at, leg=leg.id, call=call.id, account=call.account, quality=found))

    def _gone(self, node: Node, channel: str, cause: int, event: events.Event) -> None:
        leg = self.legs.get((node.name, channel))
        if leg is not None:
            self.leg_gone(leg, cause, self.at(event.timestamp))
        else:
            # the second word of the end of a leg, or about a channel that is none of ours
            self.foreign[event.type] += 1

    def _left(self, node: Node, event: events.StasisEnd) -> None:
        """A channel has left our application. Of one that came in this is the last word; of one that we made, the last
        is ChannelDestroyed, which knows the cause and comes with it."""
        if self.helped(node, event.channel.id, event):
            return
        leg = self.legs.get((node.name, event.channel.id))
        at = self.at(event.timestamp)
        if leg is None or leg.came_in:
            self._gone(node, event.channel.id, 0 if leg is None else leg.ending, event)
        else:
            self.clock.call_at(self.clock.now() + LAST_WORD, lambda: self.leg_gone(leg, leg.ending, at))

    def leg_gone(self, leg: Leg, cause: int, at: float) -> None:
        """A leg's channel has ended, or never came to be."""
        if leg.state is LegState.GONE:
            return
        leg.cause = cause
        self.legs.pop((leg.node.name, leg.id), None)
        self.tell(facts.LegEnded(at=at, leg=leg.id, cause=cause))
        leg.moved(LegState.GONE, at)
        leg.call.leg_gone(leg, at)
        leg.call.save()

    def helped(self, node: Node, channel: str, event: Received) -> bool:
        """An event of a channel that is ours but no leg; false if this is none."""
        waiter = self.helpers.get((node.name, channel))
        if waiter is not None:
            waiter(event)
        return waiter is not None

    def _wake(self, node: Node, object_id: str, event: Received) -> None:
        waiter = self.waiters.get((node.name, object_id))
        if waiter is not None:
            waiter(event)
        else:
            self.foreign[type(event).__name__] += 1

    # calls and legs

    def new_call(
        self, node: Node, *, account: int, number: str, program: str, id: str | None = None, caller_number: str = ""
    ) -> Call:
        """A call that we begin; under an id that was chosen before, or a new one. caller_number: for whom."""
        at = self.clock.now()
        call = Call(
            self,
            id or self.ids.new("call"),
            node,
            account=account,
            direction="outbound",
            number=number,
            caller_number=caller_number,
            at=at,
        )
        self.calls[call.id] = call
        self._tell_started(call, at, program)
        return call

    def _tell_started(self, call: Call, at: float, program: str) -> None:
        self.tell(
            facts.CallStarted(
                at=at,
                call=call.id,
                account=call.account,
                node=call.node.name,
                direction=call.direction,
                number=call.number,
                caller_number=call.caller_number,
                caller_name=call.caller_name,
                program=program,
            )
        )

    def add_leg(self, leg: Leg) -> None:
        """Let a leg's events find it."""
        self.legs[leg.node.name, leg.id] = leg

    def ended(self, call: Call) -> None:
        """The call has released everything."""
        at = call.ended_at or self.clock.now()
        for leg in call.legs.values():
            self.legs.pop((leg.node.name, leg.id), None)
        self.calls.pop(call.id, None)
        self.tell(facts.CallEnded(at=at, call=call.id, cause=call.cause, ended_by=call.ended_by))
        self.store.remove(call)
        for give_up in call.afterwards:
            self.clock.call_at(self.clock.now() + TOLD_WITHIN, give_up)
        for callback in self.on_ended:
            try:
                callback(call)
            except Exception:
                log.exception("= what listens to the end of calls failed", call=call.id)
        log.info(
            "= call ended",
            call=call.id,
            number=call.number,
            caller=call.caller_number,
            program=call.program.name if call.program else "",
            by=call.ended_by,
            cause=call.cause,
        )

    def tell(self, fact: facts.AnyCallFact) -> None:
        """Pass a fact to the record."""
        self.store.tell(fact)

    def save(self, call: Call) -> None:
        """Keep what a call is now; not once it has ended."""
        if call.id in self.calls:
            self.store.save(call)

    def _destroy_spare(self, node: Node, bridge: str) -> None:
        node.background(self._destroy_bridge(node, bridge))

    def disconnected(self, node: Node) -> None:
        """Events of a node are missed from now on."""
        self.spares.disconnected(node)

    async def release_bridge(self, node: Node, bridge: str) -> bool:
        """Let go of a bridge: it is kept for another call, or taken down. Says whether it is no longer the call's; if
        not, taking it down is tried again later."""
        return self.spares.keep(node, bridge) or await self._destroy_bridge(node, bridge)

    async def _destroy_bridge(self, node: Node, bridge: str) -> bool:
        return await end(self.clock, node, lambda: node.bridges.destroy(bridgeId=bridge), f"bridge {bridge}")

    def hang_up_orphan(self, node: Node, channel: str, cause: str | None = None) -> None:
        """End a channel that belongs to no call, beside everything else."""
        node.background(self.hang_up(node, channel, cause))

    async def hang_up(self, node: Node, channel: str, cause: str | None = None) -> None:
        """End a channel that is no leg; if Asterisk does not, that is tried again later."""
        what = f"channel {channel}"
        await end(self.clock, node, lambda: node.channels.hangup(channelId=channel, reason_code=cause), what)
