"""Calls that are parked: each in a space of its own, with music, until it is picked up, or its time is over and the
one who parked it is called.

There is no list of spaces to be kept: which are taken is what the programs of the live calls say, also after a restart.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ari_app.calls.call import Call
from ari_app.calls.leg import LegState
from ari_app.calls.program import State
from ari_app.calls.programs import ExtensionCall
from ari_app.calls.registry import Registry
from ari_app.calls.transfers import TRANSFEROR
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import DialOutcome, Party, dial
from ari_app.calls.verbs.hangup import release
from ari_app.calls.verbs.park import park, unpark
from ari_app.calls.verbs.play import play
from ari_app.calls.verbs.ring import ring, ring_stop
from ari_app.clock import pause
from ari_app.errors import CommandRefused


class Parking(msgspec.Struct, frozen=True, kw_only=True):
    """How calls are parked; each account has these spaces for itself."""

    #: numbers of the first and the last space
    first: int
    last: int
    #: seconds until the parker is called; then after each time that he does not answer
    timeout: float
    #: seconds for which a phone that takes a parked call rings
    ring_time: float = 30.0
    music: str = "default"
    #: dialled, it parks who dials it, or is transferred to it; then spaces can be dialled too. "": none can
    number: str = ""


DEFAULT_PARKING = Parking(first=701, last=720, timeout=45.0)


class ParkedState(msgspec.Struct, kw_only=True):
    """What is kept of a parked call. Times: seconds of the epoch."""

    space: int
    #: the extension that parked it, and its dial string
    parker: str
    endpoint: str
    since: float
    timeout: float
    ring_time: float
    music: str
    #: when the parker is called
    due: float
    #: dial string of the phone that is called to take it; "": none
    to: str = ""
    #: the one who parks himself is told the space first
    announce: bool = False


class Parked:
    """Stand in a space until somebody takes the call. Whoever is called to and does not answer leaves it there."""

    name = "parked"

    def __init__(self, kept: ParkedState) -> None:
        self.kept = kept

    def state(self) -> State:
        state: State = msgspec.to_builtins(self.kept)
        return state

    async def run(self, call: Call) -> None:
        if self.kept.announce:
            await answer(call.caller)
            await play(call.caller, [f"digits:{self.kept.space}"])
            self.kept.announce = False
            call.save()
        await park(call.caller, self.kept.music)
        clock = call.registry.clock
        while True:
            if not self.kept.to:
                await pause(clock, max(0.0, self.kept.due - clock.now()))
                self.kept.to = self.kept.endpoint
                call.save()
            await self._deliver(call, self.kept.to)
            self.kept.to, self.kept.due = "", clock.now() + self.kept.timeout
            call.save()
            await park(call.caller, self.kept.music)

    async def _deliver(self, call: Call, endpoint: str) -> None:
        """Ring a phone; returns when it was not answered, or the talk is over."""
        caller = call.caller
        await unpark(caller)
        await ring(caller)
        callee = call.new_leg("callee", endpoint=endpoint)
        shown = Party(call.caller_number, call.caller_name)
        if await dial(callee, shown=shown, ring_time=self.kept.ring_time) is not DialOutcome.ANSWERED:
            await ring_stop(caller)
            return
        program = ExtensionCall(endpoint)
        call.program = program  # the space is free
        call.save()
        await program.talk(call, callee)
        await release(caller)

    async def resume(self, call: Call) -> None:
        """A phone that was being called is called anew."""
        for leg in call.legs.values():
            if leg is not call.origin and leg.role != TRANSFEROR and leg.alive and leg.state < LegState.UP:
                call.spawn(release(leg), "hang up what was dialled")
        await self.run(call)


class ParkingLot:
    """The spaces of all accounts."""

    def __init__(self, registry: Registry, parking: Parking) -> None:
        self._registry = registry
        self._parking = parking

    def calls(self, account: int) -> Iterator[tuple[Call, ParkedState]]:
        """The parked calls of an account."""
        for call in self._registry.calls.values():
            if call.account != account or call.closing or not isinstance(call.program, Parked):
                continue
            if call.origin is not None and call.origin.role != TRANSFEROR:  # he has given his space to another
                yield call, call.program.kept

    @property
    def number(self) -> str:
        """Dialled, it parks; "": the lot cannot be dialled."""
        return self._parking.number

    def space_of(self, number: str) -> int | None:
        """The space that is dialled so; None: it is none's."""
        if not self.number or not number.isdigit():
            return None
        space = int(number)
        return space if self._parking.first <= space <= self._parking.last and number == str(space) else None

    def find(self, account: int, space: int) -> Call | None:
        """The call that is parked in a space."""
        return next((call for call, kept in self.calls(account) if kept.space == space and call.caller.alive), None)

    def space(self, account: int, parker: str, endpoint: str, *, announce: bool = False) -> Parked:
        """A stay in the first space that is free, until the parker is called. announce: he is told it.

        Raises:
            CommandRefused: all are taken.
        """
        taken = {kept.space for _, kept in self.calls(account)}
        parking, now = self._parking, self._registry.clock.now()
        for space in range(parking.first, parking.last + 1):
            if space not in taken:
                return Parked(
                    ParkedState(
                        space=space,
                        parker=parker,
                        endpoint=endpoint,
                        since=now,
                        timeout=parking.timeout,
                        ring_time=parking.ring_time,
                        music=parking.music,
                        due=now + parking.timeout,
                        announce=announce,
                    )
                )
        raise CommandRefused("All parking spaces are taken.", reason="no_space")
