"""The part of the path table (paths.py) about live calls: of extensions, parked, stolen and recorded ones."""

from __future__ import annotations

from ari_app.dialects.eq.recording_paths import CALL_RECORDINGS
from ari_app.dialects.eq.wire.calls import (
    ActiveCall,
    ActiveCallsQuery,
    ExtensionActionBody,
    ParkedCall,
    PickUpBody,
    StealBody,
)
from ari_app.dialects.http import Endpoint, error

_EXTENSION = (
    error("extension", "blank", "Extension not specified"),
    error("extension", "nonexistent", "Extension does not exist"),
)
_DESTINATION = (
    error("destination", "blank", "Destination not specified"),
    error("destination", "invalid", "Not a number that can be dialled"),
)

CALLS = (
    Endpoint(
        name="steal_queued_call",
        method="POST",
        path="/steal_queued_call",
        tag="Queued Calls",
        summary="Take a call out of its queue and send it to a number",
        description=(
            "The destination is rung, and the caller hears it ring. He is recorded as stolen; sent to another queue,"
            " which must let him in now, as sent. Phones that ring for him stop."
        ),
        body=StealBody,
        changes=True,
        errors=(
            error("channel", "blank", "Channel not specified"),
            error("channel", "nonexistent", "No call waits on that channel: it may have been answered, or be gone"),
            *_DESTINATION,
        ),
    ),
    Endpoint(
        name="active_calls",
        method="GET",
        path="/active_calls",
        tag="Active Calls",
        summary="Calls that an extension is on, rings for, or makes; the oldest first",
        query=ActiveCallsQuery,
        reply=list[ActiveCall],
        errors=_EXTENSION,
    ),
    Endpoint(
        name="extension_action",
        method="POST",
        path="/extension_action",
        tag="Extension Actions",
        summary="Dial, transfer blind, park or hang up for an extension",
        description=(
            "dial: the extension's phone rings; when it is answered, the destination is called. hangUp: the call on"
            " `channel` (as /active_calls has it) ends for the extension, or is declined while it rings; blank: its"
            " oldest. blindTransfer: the one at its other end is sent to the destination; park: into the parking lot."
            " The extension is hung up then. Answered at once: whether a phone is picked up is seen in /active_calls."
        ),
        body=ExtensionActionBody,
        changes=True,
        errors=(
            *_EXTENSION,
            error("action", "invalid", "Action type not valid"),
            error("channel", "nonexistent", "The extension has no such channel, or none at all"),
            error("channel", "invalid", "Nobody is at its other end who can be transferred or parked; or no space"),
            *_DESTINATION,
        ),
    ),
    Endpoint(
        name="parked_calls",
        method="GET",
        path="/parked_calls",
        tag="Parked Calls",
        summary="The parking lot, by space",
        reply=list[ParkedCall],
    ),
    Endpoint(
        name="pick_up_parked_call",
        method="POST",
        path="/pick_up_parked_call",
        tag="Parked Calls",
        summary="Send a parked call to a number",
        description="It hears the destination ring, keeps its space until that is answered, and stays if it is not.",
        body=PickUpBody,
        changes=True,
        errors=(
            error("channel", "blank", "Channel not specified"),
            error("channel", "nonexistent", "No call is parked on that channel"),
            *_DESTINATION,
        ),
    ),
    *CALL_RECORDINGS,
)
