"""The smallest programs: what a call does that goes to no queue and to no dialect."""

from __future__ import annotations

from collections.abc import Callable

from ari_app.ari.errors import AriError
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.program import Program, State
from ari_app.calls.rule_recording import record_talk, recording_of
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import DialOutcome, Party, dial, outcome_of
from ari_app.calls.verbs.hangup import ABSENT, BUSY, NO_ANSWER, UNALLOCATED, hangup, release
from ari_app.calls.verbs.play import play
from ari_app.calls.verbs.record import Recording
from ari_app.calls.verbs.ring import ring
from ari_app.calls.wait import together


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


class UserBusy:
    """The one who is called has a call, and wants no other."""

    name = "busy"

    def state(self) -> State:
        return {}

    async def run(self, call: Call) -> None:
        await hangup(call.caller, BUSY)

    async def resume(self, call: Call) -> None:
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


#: what serves a caller of a number who was not answered, by how that ended; None: he is told why, and hung up
Otherwise = Callable[[Call, str, DialOutcome], Program | None]


def _nothing_else(call: Call, number: str, outcome: DialOutcome) -> Program | None:
    return None


class ExtensionCall:
    """Ring an extension and join the two; or pass on to the caller why that cannot be."""

    name = "extension"

    def __init__(
        self,
        endpoint: str,
        timeout: float = 30.0,
        shown: Party | None = None,
        *,
        number: str = "",
        record: bool = False,
        otherwise: Otherwise | None = None,
    ) -> None:
        """timeout: seconds it rings. shown: who calls, where that is not who the caller's phone is. number: who is
        called. record: what the two say. otherwise: what serves one who was
        not answered."""
        self.endpoint = endpoint
        self.timeout = timeout
        self.shown = shown
        self.number = number
        self.record = record
        self._otherwise = otherwise or _nothing_else
        self._recording: Recording | None = None

    def state(self) -> State:
        return {
            "endpoint": self.endpoint,
            "timeout": self.timeout,
            "shown": self.shown,
            "number": self.number,
            "record": self.record,
        }

    @classmethod
    def of(cls, state: State, otherwise: Otherwise | None = None) -> ExtensionCall:
        """From state()."""
        shown = state.get("shown")
        return cls(
            state["endpoint"],
            state["timeout"],
            Party(*shown) if shown else None,
            number=state.get("number", ""),
            record=state.get("record", False),
            otherwise=otherwise,
        )

    async def run(self, call: Call) -> None:
        await ring(call.caller)
        callee = call.new_leg("callee", endpoint=self.endpoint)
        shown = self.shown or Party(call.caller_number, call.caller_name)
        if await dial(callee, shown=shown, ring_time=self.timeout) is DialOutcome.ANSWERED:
            await self.talk(call, callee)
        else:
            await self._refuse(call, callee)

    async def talk(self, call: Call, callee: Leg) -> None:
        """Join the caller and one who has answered, until that one hangs up. Raises LegGone, AriError."""
        bridge = Bridge(call)
        await together(answer(call.caller), bridge.take())
        await bridge.add(call.caller, callee)
        await self._stay(call, callee, bridge)

    async def _stay(self, call: Call, callee: Leg, bridge: Bridge) -> None:
        """They talk."""
        if self.record:
            self._recording = self._recording or recording_of(call, callee, self.number)
            await record_talk(self._recording, bridge)
        await callee.until(LegState.GONE)

    def reattach(self, call: Call) -> None:
        """After a restart, before any event arrives: be told of the end of what is being recorded."""
        callee = self._callee(call)
        if self.record and callee is not None and callee.bridge is not None:
            self._recording = recording_of(call, callee, self.number)

    def _callee(self, call: Call) -> Leg | None:
        return next(
            (leg for leg in call.legs.values() if leg.role == "callee" and leg is not call.origin and leg.alive), None
        )

    async def _refuse(self, call: Call, callee: Leg) -> None:
        cause = callee.cause or NO_ANSWER
        otherwise = self._otherwise(call, self.number, outcome_of(cause))
        if otherwise is not None:
            call.program = otherwise
            call.save()
            await otherwise.run(call)
            return
        if cause == ABSENT and not await self._exists(call):
            cause = UNALLOCATED
        await hangup(call.caller, cause)

    async def _exists(self, call: Call) -> bool:
        """Asterisk does not say whether an extension that cannot be rung is not registered, or is none at all."""
        technology, _, resource = self.endpoint.partition("/")
        try:
            await call.node.endpoints.get(tech=technology, resource=resource)
        except AriError:
            return False
        return True

    async def resume(self, call: Call) -> None:
        callee = self._callee(call)
        if callee is not None and callee.state < LegState.RINGING:
            # Whether it was dialled nobody knows.
            call.spawn(release(callee), "hang up what may not have been dialled")
            callee = None
        if callee is None:
            if call.caller.state is not LegState.UP:
                await self.run(call)
        elif await callee.until(LegState.UP) is not LegState.UP:
            await self._refuse(call, callee)
        elif callee.bridge is None or callee.bridge != call.caller.bridge:
            await self.talk(call, callee)
        else:
            await self._stay(call, callee, Bridge(call, callee.bridge))
