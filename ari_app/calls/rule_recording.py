"""Recordings that the rules of extensions ask for.

A call has one who calls and one who is called. The rule of the first for calls out comes first, and after it that of
the second for calls in. "dontcare" changes nothing; of "always" and "never" the later one counts: so it is with
FreePBX, where "Force" and "Never" override what was set earlier in a call.
"""

from __future__ import annotations

import structlog

from ari_app.ari.errors import AriError
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.directory import ExtensionSettings
from ari_app.calls.leg import Leg
from ari_app.calls.verbs.record import About, Recording

log = structlog.get_logger(__name__)


def is_recorded(caller: ExtensionSettings | None, callee: ExtensionSettings | None, *, external: bool) -> bool:
    """Whether a call is recorded by the rules of those of the two that are extensions.

    external: one of them is outside, over the trunk.
    """
    rules = []
    if caller is not None:
        rules.append(caller.recording.outbound_external if external else caller.recording.outbound_internal)
    if callee is not None:
        rules.append(callee.recording.inbound_external if external else callee.recording.inbound_internal)
    said = [rule for rule in rules if rule != "dontcare"]
    return bool(said) and said[-1] == "always"


def recording_of(call: Call, callee: Leg, called: str) -> Recording:
    """The recording of a talk with one who was called: by the same name after a restart, and told of its end."""
    return Recording(call, f"rec-{callee.id}", About(kind="extension", leg=callee.id, called=called))


async def record_talk(recording: Recording, bridge: Bridge) -> None:
    """Begin, or go on with it. A talk goes on that cannot be recorded."""
    try:
        await recording.start(bridge)
    except AriError as error:
        log.warning("= not recorded", call=bridge.call.id, recording=recording.name, error=str(error))
