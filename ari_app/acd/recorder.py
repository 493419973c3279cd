"""Recordings that somebody asks for, by extension."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Literal

from ari_app.acd.call_control import CallControl, queue_of
from ari_app.ari.errors import Conflict, Gone
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.on_demand import NotRecorded, OnDemand
from ari_app.clock import Clock
from ari_app.errors import NotFound

#: keys with which a phone begins to record what it says and hears, and ends that (FreePBX: one-touch recording)
KEYS = "*1"
#: seconds from the first of them to the second
TOGETHER = 3.0


#: what can be done to one recording
Action = Literal["pause", "resume", "stop", "cancel"]


class Recorder:
    """The recordings on demand of all accounts."""

    def __init__(self, calls: CallControl, may_record: Callable[[Leg], bool], clock: Clock) -> None:
        """may_record: whether a leg is a phone that may record by its keys."""
        self._calls = calls
        self._may_record = may_record
        self._clock = clock
        #: leg -> when it pressed the first of KEYS
        self._begun: dict[str, float] = {}
        self._on_demand = OnDemand()

    def restored(self, calls: Iterable[Call]) -> None:
        """Calls have been made again: what is recorded of them goes on."""
        self._on_demand.restored(calls)

    async def start(self, account: int, extension: str, separate: bool = False) -> None:
        """Record what an extension says and hears, in one recording or in separate ones; nothing if that goes on
        already.

        Raises:
            NotFound: it is on no call.
            LegGone, AriError
        """
        leg = self._leg(account, extension)
        await self._on_demand.start(leg, queue_of(leg.call), sides=("says", "hears") if separate else ("both",))

    async def stop(self, account: int, extension: str) -> None:
        """End it and keep it.

        Raises:
            NotFound: it is on no call.
            CommandRefused: nobody has begun to record it.
            AriError
        """
        await self._on_demand.stop(self._leg(account, extension))

    async def cancel(self, account: int, extension: str) -> None:
        """End it and throw it away. Raises as `stop` does."""
        await self._on_demand.cancel(self._leg(account, extension))

    async def pause(self, account: int, extension: str) -> None:
        """Leave out what comes of everything that is recorded of an extension's call, whoever wanted it.

        Raises:
            NotFound: it is on no call.
            CommandRefused: nothing is recorded.
            AriError
        """
        leg = self._leg(account, extension)
        await self._each(leg, leg.node.recordings.pause)

    async def resume(self, account: int, extension: str) -> None:
        """Go on with what was paused. Raises as `pause` does."""
        leg = self._leg(account, extension)
        await self._each(leg, leg.node.recordings.unpause)

    async def change(self, account: int, name: str, action: Action) -> None:
        """pause, resume, stop or cancel (throw away) one recording, whoever wanted it. What it is of goes on.

        Raises:
            CommandRefused: it does not go on.
            LegGone, AriError
        """
        recording = self._calls.recording(account, name)
        if recording is None:
            raise NotRecorded(recording=name)
        try:
            match action:
                case "pause":
                    await recording.pause()
                case "resume":
                    await recording.resume()
                case _ if self._on_demand.has(recording):
                    await self._on_demand.end(recording, keep=action == "stop")
                case _:
                    await recording.end(keep=action == "stop")
        except (Gone, Conflict):  # it has ended, or not begun
            raise NotRecorded(recording=name) from None

    async def _each(self, leg: Leg, change: Callable[[str], Awaitable[None]]) -> None:
        changed = 0
        for name in list(leg.call.recordings):
            with suppress(Gone, Conflict):  # it has ended, or not begun
                await change(name)
                changed += 1
        if not changed:
            raise NotRecorded(leg=leg.id)

    def pressed(self, leg: Leg, digit: str) -> None:
        """A key on a phone: the second of KEYS, in the middle of a talk, begins or ends a recording."""
        begun = self._begun.pop(leg.id, None)
        if leg.bridge is None or leg.state is not LegState.UP:
            return
        if digit == KEYS[0]:
            self._begun = {id: at for id, at in self._begun.items() if self._clock.now() - at <= TOGETHER}
            self._begun[leg.id] = self._clock.now()
        elif digit == KEYS[1] and begun is not None and self._clock.now() - begun <= TOGETHER and self._may_record(leg):
            leg.call.spawn(self._toggle(leg), "record by key")

    async def _toggle(self, leg: Leg) -> None:
        if self._on_demand.recorded(leg):
            await self._on_demand.stop(leg)
        else:
            await self._on_demand.start(leg, queue_of(leg.call))

    def _leg(self, account: int, extension: str) -> Leg:
        """The one that is recorded, or the one that was answered last."""
        legs = [leg for leg in self._calls.legs(account, extension) if leg.state is LegState.UP]
        talking = [leg for leg in legs if leg.role != "supervisor"]
        if not talking:
            raise NotFound(f"extension {extension} is not on a call", parameter="extension")
        recorded = [leg for leg in talking if self._on_demand.recorded(leg)]
        return max(recorded or talking, key=lambda leg: leg.answered_at or 0.0)
