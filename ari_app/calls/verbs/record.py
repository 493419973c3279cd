"""Record a leg (what it says), a bridge (what all in it say, mixed), or what a snoop hears.

A channel that is in a bridge cannot be recorded by itself, and one that is recorded cannot be bridged (ARI pitfalls,
P13): record its bridge, or a snoop, which goes on whatever the leg is put into.

The record knows a recording before Asterisk does, so none is lost in a crash.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from ari_app.ari import events
from ari_app.ari.errors import AriError, Conflict, Gone, ServerFault, TimedOut, Unreachable
from ari_app.ari.protocol import Received
from ari_app.calls import facts
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg
from ari_app.calls.verbs.snoop import Snoop
from ari_app.errors import AppError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class About:
    """What a recording is of, for the record."""

    #: who wants it: "queue", "extension" (the rules of one), "on_demand" (a person), "voicemail",
    #: "greeting" (of a mailbox), "program"
    kind: str = "program"
    leg: str | None = None
    #: extension
    queue: str | None = None
    #: user id
    agent: int | None = None
    #: number of the one who was called; None: the call's
    called: str | None = None


class RecordingFailed(AppError):
    """Asterisk could not record."""

    slug = "recording_failed"


class Recording:
    """One recording in progress. Its file stays on the Asterisk node until it is fetched from there."""

    def __init__(self, call: Call, name: str, about: About | None = None) -> None:
        self.call = call
        self.name = name
        self.about = about or About()
        self._finished: asyncio.Future[events.RecordingFinished] = asyncio.get_running_loop().create_future()
        self._key = (call.node.name, name)
        call.registry.waiters[self._key] = self._event
        call.afterwards.append(self.give_up)
        call.recordings[name] = self
        if name in call.not_recorded:
            self.never_began()

    def _event(self, event: Received) -> None:
        if self._finished.done():
            return
        if isinstance(event, events.RecordingFinished):
            self._ended(event.timestamp, float(event.recording.duration or 0))
            self._finished.set_result(event)
        elif isinstance(event, events.RecordingFailed):
            self._ended(event.timestamp, 0.0, "failed")
            self._finished.set_exception(RecordingFailed(event.recording.cause or "", recording=self.name))
            self._finished.exception()  # seen: a program that never asks is not blamed for it
        else:
            return
        self.call.registry.waiters.pop(self._key, None)

    async def start(self, target: Leg | Bridge | Snoop, *, format: str = "wav", **options: Any) -> None:
        """Begin; nothing where it goes on already (after a restart), or somebody has ended it. options: as ARI has
        them. Cancelled, it is thrown away.

        Raises:
            LegGone, AriError
        """
        call, registry = self.call, self.call.registry
        if self.name in call.not_recorded:
            return
        if isinstance(target, Leg):
            target.require_alive()
        registry.tell(
            facts.RecordingStarted(
                at=registry.clock.now(),
                call=call.id,
                account=call.account,
                recording=self.name,
                format=format,
                node=call.node.name,
                kind=self.about.kind,
                leg=self.about.leg,
                queue=self.about.queue,
                agent=self.about.agent,
                caller=call.caller_number,
                called=call.number if self.about.called is None else self.about.called,
            )
        )
        if isinstance(target, Bridge):
            call.registry.spares.doubt(call.node, target.id)  # it may be recorded beyond the end of the call
            request = call.node.bridges.record(bridgeId=target.id, name=self.name, format=format, **options)
        else:
            request = call.node.channels.record(channelId=target.id, name=self.name, format=format, **options)
        asked = call.begin(request)
        try:
            await asyncio.shield(asked)
        except Conflict as error:
            log.info("= recorded already", call=call.id, recording=self.name, error=str(error))
        except (asyncio.CancelledError, Unreachable, TimedOut):
            if not call.detached:  # it may have begun
                call.node.background(self._abandon(asked))
            raise
        except AriError:
            self._forget(0.0, "failed")
            raise

    async def _abandon(self, asked: asyncio.Future[Any]) -> None:
        await asyncio.wait({asked})
        if asked.cancelled() or isinstance(asked.exception(), Conflict):
            return  # it was begun before, and goes on
        with suppress(AriError):
            await self.discard()

    @property
    def over(self) -> bool:
        """It has ended, or nobody waits for its end any more."""
        return self._finished.done()

    def never_began(self) -> None:
        """Asterisk was not asked for it, and will not be."""
        self.call.registry.waiters.pop(self._key, None)
        self.call.recordings.pop(self.name, None)
        if not self._finished.done():
            self._finished.set_exception(RecordingFailed(recording=self.name))
            self._finished.exception()

    def _ended(self, timestamp: str, duration: float | None, outcome: str = "finished") -> None:
        self.call.recordings.pop(self.name, None)
        registry = self.call.registry
        registry.tell(
            facts.RecordingEnded(
                at=registry.at(timestamp),
                call=self.call.id,
                recording=self.name,
                duration=duration,
                outcome=outcome,
            )
        )

    def _forget(self, duration: float | None, outcome: str) -> None:
        """Wait no longer to be told of its end."""
        if self.call.registry.waiters.pop(self._key, None) is not None:
            self._ended("", duration, outcome)
        if not self._finished.done():
            self._finished.set_exception(RecordingFailed(recording=self.name))
            self._finished.exception()

    def give_up(self) -> None:
        """The call is over. That the end of a recording is not told happens: with a lost socket, or a bridge that was
        left by all."""
        if not self._finished.done():
            self._forget(None, "unknown")

    async def stop(self) -> events.RecordingFinished:
        """End it and wait until the file is whole.

        Raises:
            RecordingFailed: nothing was recorded.
            AriError
        """
        if not self._finished.done():
            await self.call.node.recordings.stop(recordingName=self.name)
        return await self._finished

    async def discard(self) -> None:
        """End it and throw it away.

        Raises:
            AriError
        """
        self._forget(0.0, "cancelled")
        recordings = self.call.node.recordings
        try:
            await recordings.cancel(recordingName=self.name)
        except ServerFault as refused:
            # So Asterisk answers when it has ended by itself in this moment; then what it left is thrown away.
            try:
                await recordings.deleteStored(recordingName=self.name)
            except Gone:
                raise refused from None

    async def end(self, *, keep: bool) -> None:
        """End it before its time, and keep it or throw it away: what it is of goes on, and does not begin it again, nor
        after a restart.

        Raises:
            AriError: it goes on.
        """
        call = self.call
        call.not_recorded.append(self.name)
        call.save()
        try:
            with suppress(RecordingFailed):
                await (self.stop() if keep else self.discard())
        except AriError:
            call.not_recorded.remove(self.name)
            call.save()
            raise

    async def throw_away(self) -> None:
        """Of one that has ended: it is not to be kept."""
        self._ended("", 0.0, "cancelled")
        with suppress(Gone):
            await self.call.node.recordings.deleteStored(recordingName=self.name)

    async def ended(self) -> events.RecordingFinished:
        """Wait until it has ended by itself.

        Raises:
            RecordingFailed: nothing was recorded.
        """
        return await asyncio.shield(self._finished)

    async def pause(self) -> None:
        """Leave out what comes.

        Raises:
            AriError
        """
        await self.call.node.recordings.pause(recordingName=self.name)

    async def resume(self) -> None:
        """Go on recording.

        Raises:
            AriError
        """
        await self.call.node.recordings.unpause(recordingName=self.name)


async def record(
    target: Leg | Bridge | Snoop,
    *,
    name: str | None = None,
    format: str = "wav",
    max_seconds: int = 0,
    max_silence: int = 0,
    beep: bool = False,
    terminate_on: str = "none",
) -> Recording:
    """Begin to record. max_seconds, max_silence: 0 for no limit. terminate_on: "none", "any", "*" or "#". One of that
    name which is going on already goes on.

    Raises:
        LegGone, AriError
    """
    if isinstance(target, Leg):
        target.require_alive()
    call = target.target.call if isinstance(target, Snoop) else target.call
    about = About(leg=target.id if isinstance(target, Leg) else None)
    recording = Recording(call, name or call.registry.ids.new("rec"), about)
    await recording.start(
        target,
        format=format,
        maxDurationSeconds=max_seconds,
        maxSilenceSeconds=max_silence,
        beep=beep,
        terminateOn=terminate_on,
    )
    return recording
