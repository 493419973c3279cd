"""The smallest programs: what a call does that goes to no queue and to no dialect."""

from __future__ import annotations

from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.program import State
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import DialOutcome, Party, dial
from ari_app.calls.verbs.hangup import BUSY, NO_ANSWER, UNALLOCATED, hangup
from ari_app.calls.verbs.play import play
from ari_app.calls.verbs.ring import ring

_CAUSES = {DialOutcome.BUSY: BUSY, DialOutcome.NO_ANSWER: NO_ANSWER, DialOutcome.UNAVAILABLE: UNALLOCATED}


class Announcement:
    """Answer, play, hang up."""

    name = "announcement"

    def __init__(self, media: list[str]) -> None:
        self.media = media

    def state(self) -> State:
        return {"media": self.media}

    async def run(self, call: Call) -> None:
        await answer(call.caller)
        await play(call.caller, self.media)

    async def resume(self, call: Call) -> None:
        """The one who listens hears it again from the start."""
        await self.run(call)


class Unallocated:
    """There is nothing under this number."""

    name = "unallocated"

    def state(self) -> State:
        return {}

    async def run(self, call: Call) -> None:
        await hangup(call.caller, UNALLOCATED)

    async def resume(self, call: Call) -> None:
        await self.run(call)


class ExtensionCall:
    """Ring an extension and join the two."""

    name = "extension"

    def __init__(self, endpoint: str, timeout: float = 30.0) -> None:
        self.endpoint = endpoint
        self.timeout = timeout

    def state(self) -> State:
        return {"endpoint": self.endpoint, "timeout": self.timeout}

    async def run(self, call: Call) -> None:
        await ring(call.caller)
        callee = call.new_leg("callee", endpoint=self.endpoint)
        shown = Party(call.caller_number, call.caller_name)
        outcome = await dial(callee, shown=shown, ring_time=self.timeout)
        if outcome is not DialOutcome.ANSWERED:
            await hangup(call.caller, _CAUSES.get(outcome, UNALLOCATED))
            return
        await self._talk(call, callee)

    async def _talk(self, call: Call, callee: Leg) -> None:
        await answer(call.caller)
        bridge = Bridge(call)
        await bridge.create()
        await bridge.add(call.caller, callee)
        await callee.until(LegState.GONE)

    async def resume(self, call: Call) -> None:
        callee = next((leg for leg in call.legs.values() if leg.role == "callee" and leg.alive), None)
        if callee is None:
            return
        if await callee.until(LegState.UP) is LegState.UP and callee.bridge is None:
            await self._talk(call, callee)
        await callee.until(LegState.GONE)
