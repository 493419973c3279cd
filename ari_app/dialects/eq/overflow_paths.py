"""The part of the path table (extras.py) about overflow."""

from __future__ import annotations

from ari_app.dialects.eq.wire.overflow import OverflowBody, QueueOverflow
from ari_app.dialects.http import Endpoint, ErrorRow

_OVERFLOW = (
    "Rules are looked at in their order; the first that applies and can be followed is. Before a caller enters: callers"
    " (so many wait), callersPerAgent (so many would wait for each agent who is at work), estimatedWait (it would take"
    " him longer, in seconds). While he waits: wait (seconds). In place of being hung up on: full, empty, closed,"
    " leaveEmpty, timeout, noAnswer. A caller never goes back to a queue he came from, and leaves his place only for a"
    " queue that lets him in. It holds at once, also for those who wait."
)
_EXTENSION = {"extension": "Extension of the call queue"}

OVERFLOW = (
    Endpoint(
        name="x.overflow.get",
        method="GET",
        path="/x/call_queue/{extension}/overflow",
        tag="Overflow",
        summary="Where callers go whom a queue does not serve",
        parameters=_EXTENSION,
        reply=QueueOverflow,
    ),
    Endpoint(
        name="x.overflow.update",
        method="PUT",
        path="/x/call_queue/{extension}/overflow",
        tag="Overflow",
        summary="Set where callers go whom a queue does not serve, all rules of it",
        description=_OVERFLOW,
        parameters=_EXTENSION,
        body=OverflowBody,
        errors=(
            ErrorRow(parameter="rules", type="blank", description="Not given"),
            ErrorRow(parameter="rules", type="invalid", description="A rule cannot be; the description says why"),
            ErrorRow(parameter="destination", type="nonexistent", description="A queue that is named does not exist"),
        ),
        changes=True,
    ),
)
