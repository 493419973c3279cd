"""A call that somebody passes on: one of its legs goes on without the one it talked to, to another number."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ari_app.ari.errors import Conflict, Gone, NotInStasis, Unprocessable
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.program import Program, State
from ari_app.calls.verbs.music import music_stop

#: role of a leg that has passed the other one on, and is being hung up
TRANSFEROR = "transferor"


async def leave(leg: Leg) -> None:
    """Take a leg out of its bridge; nothing if it is in none, or that is gone.

    Raises:
        LegGone, AriError: Asterisk does not answer.
    """
    leg.require_alive()
    if leg.bridge is not None:
        with suppress(Gone, Conflict, NotInStasis, Unprocessable):
            await Bridge(leg.call, leg.bridge).remove(leg)
        leg.bridge = None


async def become(call: Call, program: Program) -> None:
    """Go on as another program; for a program whose own part is over."""
    call.program = program
    call.save()
    await program.run(call)


class Transfer:
    """Go to a number, as if the one who is transferred had dialled it; he hears it ring. If nobody answers there, his
    call is over."""

    name = "transfer"

    def __init__(self, program: Callable[[Call, str], Program], number: str) -> None:
        """program: what serves a number that somebody here calls."""
        self._program = program
        self.number = number

    def state(self) -> State:
        return {"number": self.number}

    async def run(self, call: Call) -> None:
        await leave(call.caller)
        await music_stop(call.caller)  # he may have been parked
        await become(call, self._program(call, self.number))

    async def resume(self, call: Call) -> None:
        await self.run(call)


class Join:
    """Talk to a leg that another call has given to this one: after an attended transfer. The call is over with it."""

    name = "join"

    def __init__(self, leg: str) -> None:
        self.leg = leg

    def state(self) -> State:
        return {"leg": self.leg}

    async def run(self, call: Call) -> None:
        other = call.leg(self.leg)
        if other is None:
            return
        for leg in (call.caller, other):
            await leave(leg)
            await music_stop(leg)  # he may have been put on hold
        bridge = Bridge(call)
        await bridge.take()
        await bridge.add(call.caller, other)
        await other.until(LegState.GONE)

    async def resume(self, call: Call) -> None:
        other = call.leg(self.leg)
        if other is None or other.bridge is None or other.bridge != call.caller.bridge:
            await self.run(call)
        else:
            await other.until(LegState.GONE)


def move(leg: Leg, to: Call, left: Leg | None) -> None:
    """A leg becomes one of another call. The call it leaves is now that of `left`, with which it ends; None: it has
    none, and ends with its program."""
    before = leg.call
    before.legs.pop(leg.id, None)
    if before.origin is leg:
        before.origin = left
    leg.on_state = leg.on_digit = None
    leg.role, leg.call = "callee", to
    to.legs[leg.id] = leg
    before.save()
    to.save()
