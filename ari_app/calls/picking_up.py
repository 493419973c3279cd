"""Taking a parked call by dialling its space."""

from __future__ import annotations

from ari_app.calls.call import Call
from ari_app.calls.parking import ParkingLot
from ari_app.calls.program import State
from ari_app.calls.transfers import Join, move
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.play import play

_NOBODY_THERE = ["sound:pbx-invalidpark"]


class PickUp:
    """Join the one who is parked in a space. The parked call goes on with this caller, whose own is over; of two who
    dial the same space the first to be answered has it, and the other is told that nobody is there."""

    name = "pick_up"

    def __init__(self, lot: ParkingLot, space: int) -> None:
        self._lot = lot
        self.space = space

    def state(self) -> State:
        return {"space": self.space}

    async def run(self, call: Call) -> None:
        leg = call.caller
        await answer(leg)
        parked = self._lot.find(call.account, self.space)
        if parked is None or parked.node is not call.node:
            await play(leg, _NOBODY_THERE)
            return
        leg.require_alive()
        parked.hand_over(Join(leg.id), parked.caller)
        move(leg, parked, None)

    async def resume(self, call: Call) -> None:
        await self.run(call)
