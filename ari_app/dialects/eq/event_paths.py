"""The part of the path table (extras.py) about the stream of events."""

from __future__ import annotations

from ari_app.dialects.eq.wire.events import EventsQuery
from ari_app.dialects.http import Endpoint

EVENTS = (
    Endpoint(
        name="x.events",
        method="GET",
        path="/x/events",
        tag="Events",
        summary="What happens in the queues, and realtime alerts, as it happens",
        description=(
            "Server-sent events, or a websocket where the request asks for one. docs/events.md lists the events. The"
            " first is Connected, or Gap when events after the one seen last are gone: then read what is so now anew."
        ),
        query=EventsQuery,
        streams=("text/event-stream",),
    ),
)
