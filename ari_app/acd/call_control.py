"""What is asked of an extension's calls from outside: which it is on; dial, transfer, park, hang up; and to take a call
that waits in a queue, or is parked."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import msgspec

from ari_app.acd import events
from ari_app.acd.destination import Kind
from ari_app.acd.dispatcher import Dispatcher
from ari_app.acd.queue_program import QueueProgram
from ari_app.calls.call import Call
from ari_app.calls.conference_programs import ConferenceMember
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.originating import ClickToDial
from ari_app.calls.parking import Parked, Parking, ParkingLot
from ari_app.calls.picking_up import PickUp
from ari_app.calls.program import Program
from ari_app.calls.programs import Announcement, ExtensionCall, Unallocated
from ari_app.calls.registry import Registry
from ari_app.calls.transfers import TRANSFEROR, Transfer
from ari_app.calls.verbs.hangup import DECLINED, NORMAL, release
from ari_app.calls.verbs.record import Recording
from ari_app.errors import CommandRefused, NotFound

#: a call as the one at the extension sees it
RINGING, DIALLING, UP = "ringing", "dialling", "up"


#: ends a leg that has passed the other one on
Parting = Callable[[Leg], Coroutine[Any, Any, None]]


class ActiveCallInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One channel of an extension, with what is known of its call."""

    call: str
    #: Asterisk's id of the channel
    unique_id: str
    channel: str
    extension: str
    #: "inbound": the extension was called; "outbound": it calls
    direction: str
    #: "ringing" (the phone itself), "dialling" (it waits for an answer), "up"
    state: str
    caller_number: str
    caller_name: str
    #: whom the one at the extension talks to, or calls
    connected_number: str
    connected_name: str
    #: which the call waits in, or came through to the one it is connected with
    queue: str | None
    started_at: float
    answered_at: float | None
    recording: bool


class ParkedCallInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A call in the parking lot."""

    channel: str
    space: int
    caller_number: str
    caller_name: str
    since: float
    #: seconds until the parker is called, and between one call of him and the next
    timeout: float
    #: extension
    parked_by: str


class CallControl:
    """The live calls of all accounts, by extension."""

    def __init__(
        self,
        registry: Registry,
        dispatcher: Callable[[int], Dispatcher],
        endpoint: Callable[[str], str],
        program: Callable[[Call, str], Program],
        parking: Parking,
        number_at: Callable[[Leg], str],
    ) -> None:
        """endpoint: an extension's dial string. program: what serves a number that somebody here calls. number_at: the
        extension that a leg is at; "": it is at none."""
        self._registry = registry
        self._dispatcher = dispatcher
        self._endpoint = endpoint
        self._program = program
        self._number_at = number_at
        lot = self._lot = ParkingLot(registry, parking)
        registry.programs["pick_up"] = lambda state: PickUp(lot, state["space"])

    # what there is

    def legs(self, account: int, extension: str) -> list[Leg]:
        """The channels of an extension that are not gone, the oldest first."""
        return sorted(self._legs(account, self._endpoint(extension)), key=lambda leg: (leg.started_at, leg.id))

    def _legs(self, account: int, endpoint: str) -> Iterator[Leg]:
        for leg in self._registry.legs.values():
            if leg.call.account == account and leg.alive and _is_at(leg, endpoint):
                yield leg

    def recording(self, account: int, name: str) -> Recording | None:
        """A recording that goes on; None: it does not, or is another account's."""
        calls = self._registry.calls.values()
        found = (call.recordings.get(name) for call in calls if call.account == account)
        return next(filter(None, found), None)

    def active_calls(self, account: int, extension: str) -> list[ActiveCallInfo]:
        """The calls an extension is on, rings for or makes; the oldest first."""
        return [self._info(leg, extension) for leg in self.legs(account, extension)]

    def _info(self, leg: Leg, extension: str) -> ActiveCallInfo:
        call = leg.call
        number, name = self._connected(leg)
        return ActiveCallInfo(
            call=call.id,
            unique_id=leg.id,
            channel=leg.name,
            extension=extension,
            direction="outbound" if leg.role == "caller" else "inbound",
            state=_state(leg),
            caller_number=call.caller_number,
            caller_name=call.caller_name,
            connected_number=number,
            connected_name=name,
            queue=queue_of(call),
            started_at=leg.started_at,
            answered_at=leg.answered_at,
            recording=bool(call.recordings),
        )

    def _connected(self, leg: Leg) -> tuple[str, str]:
        call = leg.call
        if leg is not call.origin:
            return call.caller_number, call.caller_name
        for other in call.legs.values():
            if other is not leg and other.alive and other.bridge is not None and other.bridge == leg.bridge:
                return number_of(other), ""
        return call.number, ""

    # what is done

    def steal(self, account: int, channel: str, destination: str) -> None:
        """Take a caller out of his queue and send him to a number: another queue, an extension, anybody. He is recorded
        as stolen (another queue: as sent), and nobody whose phone rings for him is blamed.

        channel: its name, or its id.

        Raises:
            NotFound: no such call waits; or it is not known any more, with "queue" in the context, where it was to go.
            CommandRefused: it is a queue that would not let him in, or a number that nobody can call (reason
                "unreachable"); nothing has changed.
        """
        dispatcher = self._dispatcher(account)
        call = self._waiting(dispatcher, channel)
        event: events.CallerSent | events.CallerStolen
        if dispatcher.engine.settings(destination) is not None:
            event = events.CallerSent(call=call, queue=destination)
        elif isinstance(self._program(self._registry.calls[call], destination), Unallocated):
            raise CommandRefused("Nobody can be called there.", reason="unreachable")
        else:
            event = events.CallerStolen(call=call, to=destination)
        dispatcher.apply(event)

    def _waiting(self, dispatcher: Dispatcher, channel: str) -> str:
        for leg in self._registry.legs.values():
            if channel in (leg.name, leg.id) and leg is leg.call.origin:
                if leg.call.account == dispatcher.engine.account and dispatcher.engine.knows(leg.call.id):
                    return leg.call.id
                break
        raise NotFound("There is no such waiting call.", channel=channel)

    def dial(self, account: int, extension: str, destination: str) -> None:
        """Ring an extension, and when it has answered call a number from there, as if it had dialled it. Waits for
        neither."""
        node = next(iter(self._registry.nodes.values()))
        program = ClickToDial(self._program, destination)
        call = self._registry.new_call(
            node, account=account, number=destination, program=program.name, caller_number=extension
        )
        call.program = program
        call.new_leg("caller", endpoint=self._endpoint(extension))
        call.start(program)

    def blind_transfer(self, account: int, extension: str, channel: str | None, destination: str) -> None:
        """Send the one whom an extension talks to on a channel (its name or id; None: the oldest) to a number: another
        extension, a queue, anybody. The extension is hung up. Does not wait for an answer there.

        Raises:
            NotFound: it has no such channel.
            CommandRefused: it talks to nobody who can be passed on.
        """
        self.pass_to(self.channel(account, extension, channel), destination)

    def pass_to(self, leg: Leg, destination: str, parting: Parting = release) -> None:
        """Send the one whom a leg talks to to a number. Raises CommandRefused: it talks to nobody who can be."""
        if self._lot.number and destination == self._lot.number:
            return self._park(leg, self._number_at(leg), parting)
        queue = self._dispatcher(leg.call.account).engine.settings(destination) is not None
        kind = Kind.QUEUE if queue else Kind.EXTENSION
        self.pass_on(leg, Transfer(self._program, destination), f"{kind}:{destination}", parting=parting)

    def park(self, account: int, extension: str, channel: str | None) -> None:
        """Park the one whom an extension talks to on a channel; the extension is hung up, and called when his time in
        the lot is over.

        Raises:
            NotFound: it has no such channel.
            CommandRefused: it talks to nobody who can be parked; all spaces are taken (reason "no_space").
        """
        self._park(self.channel(account, extension, channel), extension, release)

    def _park(self, leg: Leg, extension: str, parting: Parting) -> None:
        self.party(leg)
        parked = self._lot.space(leg.call.account, extension, self._endpoint(extension))
        self.pass_on(leg, parked, f"parked:{parked.kept.space}", parting=parting)

    def park_at(self, leg: Leg, stay: Parked, parting: Parting) -> None:
        """Park the one whom a leg talks to in the space that its phone has taken with another call. Raises
        CommandRefused: it talks to nobody who can be parked."""
        now = self._registry.clock.now()
        kept = msgspec.structs.replace(stay.kept, since=now, due=now + stay.kept.timeout, to="", announce=False)
        self.pass_on(leg, Parked(kept), f"parked:{kept.space}", by="attended_transfer", parting=parting)

    def lot_program(self, call: Call, number: str) -> Program | None:
        """What serves a call to the parking lot, or to a space of it; None: the number is neither."""
        space = self._lot.space_of(number)
        if space is not None:
            return PickUp(self._lot, space)
        parker = self._number_at(call.caller) if self._lot.number and number == self._lot.number else ""
        if not parker:
            return None
        try:
            return self._lot.space(call.account, parker, self._endpoint(parker), announce=True)
        except CommandRefused:
            return Announcement(["sound:pbx-parkingfailed"])

    def party(self, leg: Leg) -> Leg:
        """The one at the other end, who can go on without this leg. Raises CommandRefused."""
        bridge = leg.bridge
        for other in leg.call.legs.values():
            if other is not leg and other.alive and bridge is not None and other.bridge == bridge:
                if other.offer is None:
                    return other
                # The queue reckons with its agents where it has put them.
                raise CommandRefused("An agent who serves a queue cannot be passed on.", reason="agent")
        raise CommandRefused("The channel is connected to nobody.", reason="not_connected")

    def pass_on(self, leg: Leg, program: Program, to: str, *, by: str = "transfer", parting: Parting = release) -> None:
        """Let the one whom a leg talks to go on with a program, and without the leg. by, to: for the queue's record.
        parting: what is done with the leg.

        Raises:
            CommandRefused: it talks to nobody who can be passed on.
        """
        call, party = leg.call, self.party(leg)
        if call.closing:
            raise CommandRefused("The call is over.", reason="not_connected")
        if leg.offer is not None:
            self._dispatcher(call.account).pass_on(leg, to, by)
        if party is not call.origin:
            call.caller_number, call.caller_name = number_of(party), ""
        leg.role = TRANSFEROR
        call.hand_over(program, party)
        call.spawn(parting(leg), "hang up who transferred")

    def parked_calls(self, account: int) -> list[ParkedCallInfo]:
        """The parking lot, by space."""
        rows = [
            ParkedCallInfo(
                channel=call.origin.name if call.origin else "",
                space=kept.space,
                caller_number=call.caller_number,
                caller_name=call.caller_name,
                since=kept.since,
                timeout=kept.timeout,
                parked_by=kept.parker,
            )
            for call, kept in self._lot.calls(account)
        ]
        return sorted(rows, key=lambda row: row.space)

    def pick_up(self, account: int, channel: str, destination: str) -> None:
        """Send a parked call to a number. It keeps its space until somebody answers there.

        channel: its name, or its id.

        Raises:
            NotFound: no such call is parked.
            CommandRefused: nobody can be called there (reason "unreachable"); the call stays where it is.
        """
        for call, kept in self._lot.calls(account):
            leg = call.origin
            if leg is None or not leg.alive or channel not in (leg.name, leg.id):
                continue
            program = self._program(call, destination)
            if isinstance(program, ExtensionCall):
                program = Parked(msgspec.structs.replace(kept, to=program.endpoint))
            elif isinstance(program, QueueProgram | ConferenceMember):
                program = Transfer(self._program, destination)
            else:
                raise CommandRefused("Nobody can be called there.", reason="unreachable")
            return call.hand_over(program, leg)
        raise NotFound("There is no such parked call.", channel=channel)

    def hang_up(self, account: int, extension: str, channel: str | None) -> None:
        """End what an extension does on a channel (its name or id; None: the oldest). One that rings is declined.

        Raises:
            NotFound: it has no such channel.
        """
        leg = self.channel(account, extension, channel)
        if leg.answered_at is not None and not leg.call.ended_by:
            leg.call.ended_by = leg.role  # it is the one at the extension who hangs up, not we
        rings = leg.answered_at is None and leg is not leg.call.origin
        leg.call.spawn(release(leg, DECLINED if rings else NORMAL), "hang up")

    def channel(self, account: int, extension: str, channel: str | None) -> Leg:
        """A channel of an extension, by its name or id; None: the oldest. Raises NotFound."""
        for leg in self.legs(account, extension):
            if channel is None or channel in (leg.name, leg.id):
                return leg
        raise NotFound("The extension has no such channel.", channel=channel or "")


def _is_at(leg: Leg, endpoint: str) -> bool:
    """Asterisk names the channels of an endpoint PJSIP/1001-0000002a."""
    return leg.endpoint == endpoint or leg.name.rpartition("-")[0] == endpoint


def _state(leg: Leg) -> str:
    if leg.state is LegState.UP:
        return UP
    return DIALLING if leg.came_in else RINGING


def number_of(leg: Leg) -> str:
    """The extension, or outside number, that a leg was dialled at: PJSIP/1001, PJSIP/0301234@trunk."""
    return leg.endpoint.partition("/")[2].partition("@")[0]


def queue_of(call: Call) -> str | None:
    """The queue that a call waits in, or came through to the one it is connected with."""
    program = call.program
    return program.queue if isinstance(program, QueueProgram) and program.departure is None else None
