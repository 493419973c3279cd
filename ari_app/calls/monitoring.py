"""Supervisors at agents' ears: who monitors whom, and the call that a monitoring supervisor is on."""

from __future__ import annotations

from ari_app.ari.errors import AriError
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.program import State
from ari_app.calls.registry import Registry
from ari_app.calls.verbs.dial import DialOutcome, Party, dial
from ari_app.calls.verbs.monitor import Monitor, MonitorMode


class MonitorProgram:
    """Ring the supervisor, let him listen to a leg until either goes."""

    name = "monitor"

    def __init__(self, registry: Registry, target: str, mode: str) -> None:
        self._registry = registry
        self.target = target
        self.mode = MonitorMode(mode)
        self._monitor: Monitor | None = None

    def state(self) -> State:
        return {"target": self.target, "mode": self.mode.value}

    async def run(self, call: Call) -> None:
        outcome = await dial(call.caller, shown=Party("", self.mode.value), ring_time=30.0)
        if outcome is DialOutcome.ANSWERED:
            await self._listen(call)

    async def resume(self, call: Call) -> None:
        """The snoops of the process before are hung up as orphans; open new ones."""
        if await call.caller.until(LegState.UP) is LegState.UP:
            await self._listen(call)

    async def _listen(self, call: Call) -> None:
        target = self._registry.legs.get((call.node.name, self.target))
        if target is None:
            return
        self._monitor = Monitor(call.caller, target)
        try:
            await self._monitor.open(self.mode)
            await self._monitor.until_over()
        finally:
            monitor, self._monitor = self._monitor, None
            call.node.background(_close(monitor))

    async def switch(self, call: Call, mode: MonitorMode) -> None:
        """Change who hears the supervisor. While his phone still rings, what he begins with."""
        self.mode = mode
        call.save()
        if self._monitor is not None and self._monitor.mode is not None:
            await self._monitor.switch(mode)


async def _close(monitor: Monitor) -> None:
    try:
        await monitor.close()
    except AriError:
        return  # gone with the socket or the node; what is left of it is hung up as orphans


def monitor(registry: Registry, supervisor_endpoint: str, target: Leg, mode: MonitorMode, account: int) -> None:
    """Begin to monitor, or switch a monitoring of the same leg from the same endpoint. Does not wait for the answer."""
    for call in registry.calls.values():
        program = call.program
        if (
            isinstance(program, MonitorProgram)
            and program.target == target.id
            and call.caller.endpoint == supervisor_endpoint
            and not call.closing
        ):
            call.spawn(program.switch(call, mode), "switch")
            return
    program = MonitorProgram(registry, target.id, mode.value)
    call = registry.new_call(target.node, account=account, number=supervisor_endpoint, program=program.name)
    call.program = program
    call.new_leg("supervisor", endpoint=supervisor_endpoint)
    call.start(program)
