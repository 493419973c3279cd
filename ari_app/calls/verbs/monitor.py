"""Listen to a leg (spy), speak to it alone (whisper), or to both sides (barge), and switch between the three.

A snoop's direction is fixed when it is made (ARI pitfalls, 1.6), so switching one snoop would mean a gap. Here each
direction has its own path, opened and shut by itself:

    ear     supervisor <-- snoop of the target, spy both                     always there
    voice   snoop of the supervisor, spy in --> snoop of the target, whisper out     agent hears       whisper, barge
    public  snoop of the supervisor, spy in --> snoop of the target, whisper in      caller hears      barge

The ear is never touched by a switch, and from whisper to barge the voice is not either.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum

from ari_app.calls.bridge import TYPE, Bridge
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.verbs.snoop import Snoop


class MonitorMode(StrEnum):
    """Who hears the supervisor."""

    SPY = "spy"
    WHISPER = "whisper"
    BARGE = "bargeIn"


class _Path:
    """From the supervisor's mouth to one side of the target."""

    def __init__(self, monitor: Monitor, whisper: str) -> None:
        self._mouth = Snoop(monitor.supervisor, spy="in", whisper="none")
        self._outlet = Snoop(monitor.target, spy="none", whisper=whisper)
        self._node = monitor.supervisor.node
        self._call = monitor.supervisor.call
        self._bridge = self._call.registry.ids.new("bridge")

    async def open(self) -> None:
        self._call.bridges.add(self._bridge)
        await asyncio.gather(
            self._call.complete(self._node.bridges.createWithId(bridgeId=self._bridge, type=TYPE)),
            self._mouth.open(),
            self._outlet.open(),
        )
        await self._node.bridges.addChannel(bridgeId=self._bridge, channel=[self._mouth.id, self._outlet.id])

    async def close(self) -> None:
        await asyncio.gather(self._outlet.close(), self._mouth.close())
        await self._call.registry.release_bridge(self._node, self._bridge)
        self._call.bridges.discard(self._bridge)


class Monitor:
    """A supervisor at a target's ear. Both legs are on the same node."""

    def __init__(self, supervisor: Leg, target: Leg) -> None:
        self.supervisor = supervisor
        self.target = target
        self.mode: MonitorMode | None = None
        self._ear = Snoop(target, spy="both", whisper="none")
        self._bridge = Bridge(supervisor.call)
        #: agent's side first, caller's side second
        self._paths: dict[str, _Path] = {}
        self._switching = asyncio.Lock()

    async def open(self, mode: MonitorMode) -> None:
        """Begin.

        Raises:
            LegGone, AriError
        """
        await asyncio.gather(self._bridge.create(), self._ear.open())
        await self.supervisor.node.bridges.addChannel(
            bridgeId=self._bridge.id, channel=[self.supervisor.id, self._ear.id]
        )
        await self.switch(mode)

    async def switch(self, mode: MonitorMode) -> None:
        """Change who hears the supervisor; what he hears goes on without a gap.

        Raises:
            LegGone, AriError
        """
        wanted = {
            MonitorMode.SPY: set[str](),
            MonitorMode.WHISPER: {"out"},
            MonitorMode.BARGE: {"out", "in"},
        }[mode]
        async with self._switching:
            shut = [self._paths.pop(side) for side in set(self._paths) - wanted]
            opened = {side: _Path(self, side) for side in wanted - set(self._paths)}
            self._paths.update(opened)
            self.mode = mode
            await asyncio.gather(*(path.close() for path in shut), *(path.open() for path in opened.values()))

    async def until_over(self) -> None:
        """Wait until the target's leg is gone."""
        await self.target.until(LegState.GONE)

    async def close(self) -> None:
        """End it; the supervisor's leg is left to its call."""
        await asyncio.gather(self._ear.close(), *(path.close() for path in self._paths.values()))
        self._paths.clear()
        await self._bridge.destroy()
