"""Recordings that a person begins, ends or throws away while he, or somebody else, talks.

They are of one leg, with all that it says and hears, wherever it is put; so a snoop is recorded. What it says and what
it hears may be two recordings. They are independent of what a queue records by its settings, and end with the leg at
the latest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

import structlog

from ari_app.ari.errors import Gone
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg
from ari_app.calls.verbs.record import About, Recording, RecordingFailed
from ari_app.calls.verbs.snoop import Snoop
from ari_app.errors import CommandRefused

log = structlog.get_logger(__name__)

#: what is recorded of a leg -> what a snoop for it hears, and how the recording's name begins
SIDES = {"both": ("both", "demand"), "says": ("in", "says"), "hears": ("out", "hears")}


class NotRecorded(CommandRefused):
    """Nobody has begun to record this."""

    slug = "not_recorded"


class _Tape:
    """One recording with the snoop that it is of, and what of the leg it is."""

    def __init__(self, recording: Recording, snoop: Snoop, side: str) -> None:
        self.recording = recording
        self.snoop = snoop
        self.side = side

    @property
    def runs(self) -> bool:
        return not self.recording.over and not self.snoop.gone.is_set()


class OnDemand:
    """Recordings on demand of all calls. Which go on is kept with their call, so they survive a restart."""

    def __init__(self) -> None:
        #: leg -> what is recorded of it
        self._tapes: dict[str, list[_Tape]] = {}
        #: leg -> begun and ended by one at a time
        self._locks: dict[str, asyncio.Lock] = {}

    def restored(self, calls: Iterable[Call]) -> None:
        """After a restart, before any event arrives: be told of the end of what is being recorded."""
        for call in calls:
            for key, (name, snoop_id) in list(call.on_demand.items()):
                leg_id, _, side = key.partition(" ")
                leg = call.leg(leg_id)
                if leg is None:
                    del call.on_demand[key]
                    continue
                snoop = _snoop(leg, side or "both")
                snoop.reattach(snoop_id)
                self._keep(leg, _Tape(Recording(call, name, _about(leg, None)), snoop, side or "both"))

    def _keep(self, leg: Leg, tape: _Tape) -> None:
        if leg.id not in self._tapes:
            leg.call.afterwards.append(lambda: self._forget(leg))
        self._tapes.setdefault(leg.id, []).append(tape)

    def _forget(self, leg: Leg) -> None:
        self._tapes.pop(leg.id, None)
        self._locks.pop(leg.id, None)

    def recorded(self, leg: Leg) -> bool:
        """Whether it is being recorded on demand."""
        return any(tape.runs for tape in self._tapes.get(leg.id, ()))

    async def start(self, leg: Leg, queue: str | None, format: str = "wav", sides: Sequence[str] = ("both",)) -> None:
        """Begin to record what a leg says and hears; nothing if that goes on already. On return Asterisk records.

        sides: a recording of each of these SIDES.

        Raises:
            LegGone, AriError: nothing is recorded.
        """
        leg.require_alive()
        async with self._locks.setdefault(leg.id, asyncio.Lock()):
            if self.recorded(leg):
                return
            self._over(leg)
            for side in sides:
                self._prepare(leg, queue, side)
            tapes = self._tapes[leg.id]
            try:
                # at once: two sides of one conversation are to begin together
                begun = await asyncio.gather(*(self._begin(tape, format) for tape in tapes), return_exceptions=True)
                for failure in filter(None, begun):
                    raise failure
            except BaseException:
                for tape in tapes:
                    if not tape.recording.over:
                        leg.node.background(_discard(tape.recording))
                    leg.node.background(tape.snoop.close())
                self._over(leg)
                raise
            log.info("= recording on demand", call=leg.call.id, leg=leg.id, recording=[t.recording.name for t in tapes])

    def _prepare(self, leg: Leg, queue: str | None, side: str) -> None:
        call, snoop = leg.call, _snoop(leg, side)
        recording = Recording(call, call.registry.ids.new(SIDES[side][1]), _about(leg, queue))
        call.on_demand[_key(leg, side)] = (recording.name, snoop.id)
        call.save()
        self._keep(leg, _Tape(recording, snoop, side))

    async def _begin(self, tape: _Tape, format: str) -> None:
        try:
            await tape.snoop.open()
        except BaseException:
            tape.recording.never_began()
            raise
        await tape.recording.start(tape.snoop, format=format)

    async def stop(self, leg: Leg) -> None:
        """End it and keep it.

        Raises:
            NotRecorded: nobody has begun it, or it is over.
            AriError
        """
        await self._end_all(leg, _stop)

    async def cancel(self, leg: Leg) -> None:
        """End it and throw it away.

        Raises:
            NotRecorded: nobody has begun it, or it is over.
            AriError
        """
        await self._end_all(leg, _discard)

    async def _end_all(self, leg: Leg, end: Callable[[Recording], Awaitable[None]]) -> None:
        self._running(leg)
        async with self._locks.setdefault(leg.id, asyncio.Lock()):
            tapes = self._running(leg)
            await asyncio.gather(*(end(tape.recording) for tape in tapes))
            self._over(leg)
            await asyncio.gather(*(tape.snoop.close() for tape in tapes))

    async def end(self, recording: Recording, *, keep: bool) -> None:
        """End one of them by itself, the other side of its leg goes on.

        Raises:
            NotRecorded: it is none, or over.
            AriError
        """
        tape, leg = self._tape(recording)
        async with self._locks.setdefault(leg.id, asyncio.Lock()):
            tape, leg = self._tape(recording)
            await (_stop(recording) if keep else _discard(recording))
            self._tapes[leg.id].remove(tape)
            leg.call.on_demand.pop(_key(leg, tape.side), None)
            leg.call.save()
            await tape.snoop.close()

    def has(self, recording: Recording) -> bool:
        """Whether it is one of them, and goes on."""
        return any(tape.recording is recording and tape.runs for tapes in self._tapes.values() for tape in tapes)

    def _tape(self, recording: Recording) -> tuple[_Tape, Leg]:
        for tapes in self._tapes.values():
            for tape in tapes:
                if tape.recording is recording and tape.runs:
                    return tape, tape.snoop.target
        raise NotRecorded(recording=recording.name)

    def _running(self, leg: Leg) -> list[_Tape]:
        tapes = [tape for tape in self._tapes.get(leg.id, ()) if tape.runs]
        if not tapes:
            raise NotRecorded(leg=leg.id)
        return tapes

    def _over(self, leg: Leg) -> None:
        self._tapes.get(leg.id, []).clear()
        for side in SIDES:
            leg.call.on_demand.pop(_key(leg, side), None)
        leg.call.save()


def _key(leg: Leg, side: str) -> str:
    return leg.id if side == "both" else f"{leg.id} {side}"


def _snoop(leg: Leg, side: str) -> Snoop:
    return Snoop(leg, spy=SIDES[side][0], whisper="none")


async def _stop(recording: Recording) -> None:
    with suppress(Gone, RecordingFailed):
        await recording.stop()


async def _discard(recording: Recording) -> None:
    with suppress(Gone):
        await recording.discard()


def _about(leg: Leg, queue: str | None) -> About:
    return About(kind="on_demand", leg=leg.id, queue=queue, agent=leg.agent)
