"""Parameters of the stream of events."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.fields import Blankable, Parameters


class EventsQuery(Parameters):
    """From where to listen."""

    after: Annotated[
        StrictStr | None,
        Field(max_length=64, description="ID of the last event seen; the header Last-Event-ID counts before it"),
        Blankable,
    ] = None
