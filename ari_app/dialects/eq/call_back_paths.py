"""The part of the path table (paths.py) about call-backs. Ours."""

from __future__ import annotations

from ari_app.dialects.eq.wire.call_back import CallBack, CallBackBody
from ari_app.dialects.eq.wire.common import QueueQuery
from ari_app.dialects.http import Endpoint, ErrorRow

_QUEUE_UNKNOWN = (
    ErrorRow(parameter="queue", type="nonexistent", description="The queue does not exist (or is deleted)"),
)

CALL_BACKS = (
    Endpoint(
        name="call_backs",
        method="GET",
        path="/call_backs",
        tag="Call-backs",
        summary="Who is to be called by a queue, or by all, in order",
        query=QueueQuery,
        reply=list[CallBack],
        errors=_QUEUE_UNKNOWN,
    ),
    Endpoint(
        name="call_back.create",
        method="POST",
        path="/call_back",
        tag="Call-backs",
        summary="Have somebody called when it is his turn; returns the id",
        description="An agent's phone rings first; the number is called when he has answered.",
        body=CallBackBody,
        reply=str,
        changes=True,
        errors=(
            *_QUEUE_UNKNOWN,
            ErrorRow(
                parameter="number",
                type="in_use",
                description="The number waits to be called back by this queue already",
            ),
        ),
    ),
    Endpoint(
        name="call_back.delete",
        method="DELETE",
        path="/call_back/{id}",
        tag="Call-backs",
        summary="Take a call-back back",
        parameters={"id": "ID of the call-back"},
        changes=True,
        errors=(ErrorRow(parameter="id", type="in_use", description="An agent calls him back at this moment"),),
    ),
)
