"""Supervisors at agents' ears: who monitors whom, and the call that a monitoring supervisor is on."""

from __future__ import annotations

from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegGone, LegState
from ari_app.calls.program import State
from ari_app.calls.registry import Registry
from ari_app.calls.verbs.dial import DialOutcome, Party, dial
from ari_app.calls.verbs.monitor import Monitor, MonitorMode
from ari_app.calls.wait import while_alive

#: seconds for which a supervisor's phone rings
RING_TIME = 30.0


class MonitorProgram:
    """Ring the supervisor, let him listen to a leg until either goes."""

    name = "monitor"

    def __init__(self, registry: Registry, target: str, mode: str) -> None:
        self._registry = registry
        self.target = target
        #: what is wanted; the monitor follows
        self.mode = MonitorMode(mode)
        self._monitor: Monitor | None = None

    def state(self) -> State:
        return {"target": self.target, "mode": self.mode.value}

    async def run(self, call: Call) -> None:
        target = self._find(call)
        if target is None:
            return
        try:
            ringing = dial(call.caller, shown=Party("", self.mode.value), ring_time=RING_TIME)
            outcome = await while_alive(target, ringing)
        except LegGone:
            return  # there is nothing left to listen to: his phone stops
        if outcome is DialOutcome.ANSWERED:
            await self._listen(call, target)

    async def resume(self, call: Call) -> None:
        """The snoops of the process before are hung up as orphans; open new ones."""
        target = self._find(call)
        # Whether one that does not ring yet was dialled nobody knows.
        if target is None or call.caller.state < LegState.RINGING:
            return
        if await while_alive(target, call.caller.until(LegState.UP)) is LegState.UP:
            await self._listen(call, target)

    def _find(self, call: Call) -> Leg | None:
        return self._registry.legs.get((call.node.name, self.target))

    async def _listen(self, call: Call, target: Leg) -> None:
        monitor = Monitor(call.caller, target)
        try:
            await monitor.open(self.mode)
            while monitor.mode is not self.mode:  # switched while it was being opened
                await monitor.switch(self.mode)
            self._monitor = monitor
            await monitor.until_over()
        finally:
            self._monitor = None
            if not call.detached:
                call.node.background(monitor.close())

    async def switch(self, call: Call, mode: MonitorMode) -> None:
        """Change who hears the supervisor. While his phone still rings, or he is being connected, what he begins with.

        Raises:
            LegGone, AriError
        """
        self.mode = mode
        call.save()
        if self._monitor is not None:
            await self._monitor.switch(mode)


def monitor(registry: Registry, supervisor_endpoint: str, target: Leg, mode: MonitorMode, account: int) -> None:
    """Begin to monitor, or switch a monitoring of the same leg from the same endpoint. Does not wait for the answer."""
    for call in registry.calls.values():
        program = call.program
        if (
            isinstance(program, MonitorProgram)
            and (call.account, call.node, program.target) == (account, target.node, target.id)
            and call.origin is not None
            and call.origin.endpoint == supervisor_endpoint
            and not call.closing
        ):
            call.spawn(program.switch(call, mode), "switch")
            return
    program = MonitorProgram(registry, target.id, mode.value)
    call = registry.new_call(target.node, account=account, number=supervisor_endpoint, program=program.name)
    call.program = program
    call.new_leg("supervisor", endpoint=supervisor_endpoint)
    call.start(program)
