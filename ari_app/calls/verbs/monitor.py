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
from contextlib import suppress
from enum import StrEnum

from ari_app.calls.bridge import Bridge
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.verbs.snoop import Snoop
from ari_app.calls.wait import together, while_alive


class MonitorMode(StrEnum):
    """Who hears the supervisor."""

    SPY = "spy"
    WHISPER = "whisper"
    BARGE = "bargeIn"


#: sides of the target's leg on which the supervisor is heard: "out" is the agent's ear, "in" goes to the caller
_SIDES: dict[MonitorMode, set[str]] = {
    MonitorMode.SPY: set(),
    MonitorMode.WHISPER: {"out"},
    MonitorMode.BARGE: {"out", "in"},
}


class _Path:
    """From the supervisor's mouth to one side of the target."""

    def __init__(self, monitor: Monitor, whisper: str) -> None:
        self._mouth = Snoop(monitor.supervisor, spy="in", whisper="none")
        self._outlet = Snoop(monitor.target, spy="none", whisper=whisper)
        self._bridge = Bridge(monitor.supervisor.call)
        self._node = monitor.supervisor.node

    async def open(self) -> None:
        """What fails, or is cancelled, leaves nothing in Asterisk."""
        try:
            await together(self._bridge.create(), self._mouth.open(), self._outlet.open())
            await self._node.bridges.addChannel(bridgeId=self._bridge.id, channel=[self._mouth.id, self._outlet.id])
        except BaseException:
            self._node.background(self.close())
            raise

    async def close(self) -> None:
        await together(self._outlet.close(), self._mouth.close())
        await self._bridge.destroy()


class Monitor:
    """A supervisor at a target's ear. Both legs are on the same node."""

    def __init__(self, supervisor: Leg, target: Leg) -> None:
        self.supervisor = supervisor
        self.target = target
        #: None: not open; or a switch went wrong half-way
        self.mode: MonitorMode | None = None
        self._ear = Snoop(target, spy="both", whisper="none")
        self._bridge = Bridge(supervisor.call)
        #: by side: "out" is what the agent hears, "in" what the caller does
        self._paths: dict[str, _Path] = {}
        self._switching = asyncio.Lock()

    async def open(self, mode: MonitorMode) -> None:
        """Begin. Whatever comes of it, `close` is due.

        Raises:
            LegGone, AriError
        """
        await together(self._bridge.create(), self._ear.open())
        await self.supervisor.node.bridges.addChannel(
            bridgeId=self._bridge.id, channel=[self.supervisor.id, self._ear.id]
        )
        await self.switch(mode)

    async def switch(self, mode: MonitorMode) -> None:
        """Change who hears the supervisor; what he hears goes on without a gap. Of several switches at a time the last
        one wins.

        Raises:
            LegGone, AriError: who hears him is uncertain, until a switch goes well.
        """
        wanted = _SIDES[mode]
        async with self._switching:
            self.mode = None
            shut = [self._paths.pop(side).close() for side in set(self._paths) - wanted]
            await together(*shut, *(self._open_path(side) for side in wanted - set(self._paths)))
            self.mode = mode

    async def _open_path(self, side: str) -> None:
        path = _Path(self, side)
        await path.open()
        self._paths[side] = path

    async def until_over(self) -> None:
        """Wait until the target's leg is gone, or what the supervisor hears has ended for another reason."""
        with suppress(LegGone):
            await while_alive(self.target, self._ear.gone.wait())

    async def close(self) -> None:
        """End it; the supervisor's leg is left to its call."""
        async with self._switching:
            await together(self._ear.close(), *(path.close() for path in self._paths.values()))
            self._paths.clear()
            await self._bridge.destroy()
