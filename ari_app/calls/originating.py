"""Calls that we begin for somebody: his phone rings first, then the number that he wants is called."""

from __future__ import annotations

from collections.abc import Callable

from ari_app.calls.call import Call
from ari_app.calls.leg import LegState
from ari_app.calls.program import Program, State
from ari_app.calls.transfers import become
from ari_app.calls.verbs.dial import DialOutcome, Party, dial

#: seconds for which his phone rings
RING_TIME = 30.0


class ClickToDial:
    """Ring the one who wants to call; when he has answered, go on as if he had dialled the number."""

    name = "click_to_dial"

    def __init__(self, program: Callable[[Call, str], Program], number: str) -> None:
        """program: what serves a number that somebody here calls."""
        self._program = program
        self.number = number

    def state(self) -> State:
        return {"number": self.number}

    async def run(self, call: Call) -> None:
        # His display shows whom he is about to call.
        if await dial(call.caller, shown=Party(self.number), ring_time=RING_TIME) is DialOutcome.ANSWERED:
            await self._go_on(call)

    async def resume(self, call: Call) -> None:
        # Whether one that does not ring yet was dialled nobody knows.
        if call.caller.state >= LegState.RINGING and await call.caller.until(LegState.UP) is LegState.UP:
            await self._go_on(call)

    async def _go_on(self, call: Call) -> None:
        await become(call, self._program(call, self.number))
