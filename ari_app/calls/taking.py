"""Recording what somebody says to us on his leg: a message, a greeting; and asking him whether it is as he wants it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from ari_app.ari.errors import Gone
from ari_app.ari.events import RecordingFinished
from ari_app.calls.call import Call
from ari_app.calls.keys import Keys
from ari_app.calls.verbs.play import play
from ari_app.calls.verbs.record import Recording
from ari_app.calls.verbs.snoop import Snoop


async def take(call: Call, keys: Keys, recording: Recording, *, longest: int, silence: int) -> RecordingFinished:
    """Beep, and record until "#", so many seconds of silence, or so many altogether.

    Raises:
        RecordingFailed: nothing was recorded.
        LegGone, AriError
    """
    limits: dict[str, Any] = {"maxDurationSeconds": longest, "maxSilenceSeconds": silence}
    if call.caller.came_in:
        # Asterisk ends it, whether or not we are there.
        await recording.start(call.caller, beep=True, terminateOn="#", **limits)
        return await recording.ended()
    # A channel that we have dialled cannot be recorded (ARI pitfalls, P13); what it says can.
    snoop = Snoop(call.caller, spy="in", whisper="none")
    await snoop.open()
    try:
        await play(call.caller, ["sound:beep"])
        await recording.start(snoop, **limits)
        return await _until_pound(keys, recording)
    finally:
        call.node.background(snoop.close())


async def _until_pound(keys: Keys, recording: Recording) -> RecordingFinished:
    ended = asyncio.ensure_future(recording.ended())
    pound = asyncio.ensure_future(keys.until("#"))
    try:
        await asyncio.wait({ended, pound}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            with suppress(Gone):
                return await recording.stop()
        return await ended
    finally:
        pound.cancel()
        ended.cancel()
