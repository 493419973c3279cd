"""The part of the path table (extras.py) about the record of calls."""

from __future__ import annotations

from ari_app.dialects.eq.wire.call_record import RecordedCall
from ari_app.dialects.http import Endpoint

CALL_RECORDS = (
    Endpoint(
        name="x.call.get",
        method="GET",
        path="/x/call/{id}",
        tag="Calls",
        summary="One call from the record: its legs, when they began and ended, and how well they were heard",
        description=(
            "The id is the call of /queued_calls, /active_calls and of events. `quality` is of each leg's phone, known"
            " when it has hung up: packets and loss, jitter, round trip and MOS, each way."
        ),
        parameters={"id": "ID of the call"},
        reply=RecordedCall,
    ),
)
