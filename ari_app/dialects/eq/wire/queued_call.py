"""A call that waits, changed: ours, the reference has none."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from ari_app.dialects.eq.wire.fields import Blankable, Extension, Given, JsonObject, Parameters, Wire


class QueuedCallUpdate(Wire):
    """What is to be changed; blank or not given: that not."""

    priority: Annotated[
        Annotated[StrictInt, Field(ge=-1000, le=1000, description="Higher is served first")] | None, Blankable
    ] = None
    queue: Annotated[
        Annotated[Extension, Field(description="Extension of the call queue the call is sent to")] | None, Blankable
    ] = None


class QueuedCallBody(Parameters):
    """PUT /x/queued_call/{id}"""

    data: Annotated[QueuedCallUpdate, JsonObject, Given]
