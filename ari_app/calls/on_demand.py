"""Recordings that a person begins, ends or throws away while he, or somebody else, talks.

They are of one leg, with all that it says and hears, wherever it is put; so a snoop is recorded. They are independent
of what a queue records by its settings, and end with the leg at the latest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import structlog

from ari_app.ari.errors import Gone
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg
from ari_app.calls.verbs.record import About, Recording, RecordingFailed
from ari_app.calls.verbs.snoop import Snoop
from ari_app.errors import CommandRefused

log = structlog.get_logger(__name__)

#: what a snoop for a recording hears and says
_SPY, _WHISPER = "both", "none"


class NotRecorded(CommandRefused):
    """Nobody has begun to record this."""

    slug = "not_recorded"


class _Tape:
    """One recording with the snoop that it is of."""

    def __init__(self, recording: Recording, snoop: Snoop) -> None:
        self.recording = recording
        self.snoop = snoop

    @property
    def runs(self) -> bool:
        return not self.recording.over and not self.snoop.gone.is_set()


class OnDemand:
    """Recordings on demand of all calls. Which go on is kept with their call, so they survive a restart."""

    def __init__(self) -> None:
        #: leg -> what is recorded of it
        self._tapes: dict[str, _Tape] = {}
        #: leg -> begun and ended by one at a time
        self._locks: dict[str, asyncio.Lock] = {}

    def restored(self, calls: Iterable[Call]) -> None:
        """After a restart, before any event arrives: be told of the end of what is being recorded."""
        for call in calls:
            for leg_id, (name, snoop_id) in list(call.on_demand.items()):
                leg = call.leg(leg_id)
                if leg is None:
                    del call.on_demand[leg_id]
                    continue
                snoop = Snoop(leg, spy=_SPY, whisper=_WHISPER)
                snoop.reattach(snoop_id)
                self._keep(leg, _Tape(Recording(call, name, _about(leg, None)), snoop))

    def _keep(self, leg: Leg, tape: _Tape) -> None:
        if leg.id not in self._tapes:
            leg.call.afterwards.append(lambda: self._forget(leg))
        self._tapes[leg.id] = tape

    def _forget(self, leg: Leg) -> None:
        self._tapes.pop(leg.id, None)
        self._locks.pop(leg.id, None)

    def recorded(self, leg: Leg) -> bool:
        """Whether it is being recorded on demand."""
        tape = self._tapes.get(leg.id)
        return tape is not None and tape.runs

    async def start(self, leg: Leg, queue: str | None, format: str = "wav") -> None:
        """Begin to record what a leg says and hears; nothing if that goes on already. On return Asterisk records.

        Raises:
            LegGone, AriError
        """
        leg.require_alive()
        async with self._locks.setdefault(leg.id, asyncio.Lock()):
            if self.recorded(leg):
                return
            call = leg.call
            snoop = Snoop(leg, spy=_SPY, whisper=_WHISPER)
            recording = Recording(call, call.registry.ids.new("demand"), _about(leg, queue))
            call.on_demand[leg.id] = (recording.name, snoop.id)
            call.save()
            self._keep(leg, _Tape(recording, snoop))
            try:
                await self._begin(recording, snoop, format)
            except BaseException:
                self._over(leg)
                leg.node.background(snoop.close())
                raise
            log.info("= recording on demand", call=call.id, leg=leg.id, recording=recording.name)

    async def _begin(self, recording: Recording, snoop: Snoop, format: str) -> None:
        try:
            await snoop.open()
        except BaseException:
            recording.never_began()
            raise
        await recording.start(snoop, format=format)

    async def stop(self, leg: Leg) -> None:
        """End it and keep it.

        Raises:
            NotRecorded: nobody has begun it, or it is over.
            AriError
        """
        self._running(leg)
        async with self._locks.setdefault(leg.id, asyncio.Lock()):
            tape = self._running(leg)
            with suppress(Gone, RecordingFailed):
                await tape.recording.stop()
            self._over(leg)
            await tape.snoop.close()

    async def cancel(self, leg: Leg) -> None:
        """End it and throw it away.

        Raises:
            NotRecorded: nobody has begun it, or it is over.
            AriError
        """
        self._running(leg)
        async with self._locks.setdefault(leg.id, asyncio.Lock()):
            tape = self._running(leg)
            with suppress(Gone):
                await tape.recording.discard()
            self._over(leg)
            await tape.snoop.close()

    def _running(self, leg: Leg) -> _Tape:
        tape = self._tapes.get(leg.id)
        if tape is None or not tape.runs:
            raise NotRecorded(leg=leg.id)
        return tape

    def _over(self, leg: Leg) -> None:
        leg.call.on_demand.pop(leg.id, None)
        leg.call.save()


def _about(leg: Leg, queue: str | None) -> About:
    return About(kind="on_demand", leg=leg.id, queue=queue, agent=leg.agent)
