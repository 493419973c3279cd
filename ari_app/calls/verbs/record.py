"""Record a leg (what it says) or a bridge (what all in it say, mixed).

A channel that is in a bridge cannot be recorded by itself (ARI pitfalls, P13): record its bridge, or a snoop.
"""

from __future__ import annotations

import asyncio

from ari_app.ari import events
from ari_app.ari.protocol import Received
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg
from ari_app.errors import AppError


class RecordingFailed(AppError):
    """Asterisk could not record."""

    slug = "recording_failed"


class Recording:
    """One recording in progress. Its file stays on the Asterisk node until it is fetched from there."""

    def __init__(self, call: Call, name: str) -> None:
        self.call = call
        self.name = name
        self._finished: asyncio.Future[events.RecordingFinished] = asyncio.get_running_loop().create_future()
        self._key = (call.node.name, name)
        call.registry.waiters[self._key] = self._event

    def _event(self, event: Received) -> None:
        if self._finished.done():
            return
        if isinstance(event, events.RecordingFinished):
            self._finished.set_result(event)
        elif isinstance(event, events.RecordingFailed):
            self._finished.set_exception(RecordingFailed(event.recording.cause or "", recording=self.name))
            self._finished.exception()  # seen: a program that never asks is not blamed for it
        else:
            return
        self.call.registry.waiters.pop(self._key, None)

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
        self.call.registry.waiters.pop(self._key, None)
        await self.call.node.recordings.cancel(recordingName=self.name)

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
    target: Leg | Bridge,
    *,
    name: str | None = None,
    format: str = "wav",
    max_seconds: int = 0,
    max_silence: int = 0,
    beep: bool = False,
    terminate_on: str = "none",
) -> Recording:
    """Begin to record. max_seconds, max_silence: 0 for no limit. terminate_on: "none", "any", "*" or "#".

    Raises:
        LegGone, AriError
    """
    call = target.call
    recording = Recording(call, name or call.registry.ids.new("rec"))
    try:
        if isinstance(target, Leg):
            target.require_alive()
            await call.node.channels.record(
                channelId=target.id,
                name=recording.name,
                format=format,
                maxDurationSeconds=max_seconds,
                maxSilenceSeconds=max_silence,
                beep=beep,
                terminateOn=terminate_on,
            )
        else:
            await call.node.bridges.record(
                bridgeId=target.id,
                name=recording.name,
                format=format,
                maxDurationSeconds=max_seconds,
                maxSilenceSeconds=max_silence,
                beep=beep,
                terminateOn=terminate_on,
            )
    except BaseException:
        call.registry.waiters.pop(recording._key, None)
        raise
    return recording
