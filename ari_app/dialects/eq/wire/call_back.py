"""Call-backs: ours, the reference has none. Times are UNIX seconds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import Field, StrictInt, StrictStr

from ari_app.acd.views import CallBackView
from ari_app.dialects.eq.wire.fields import (
    Blankable,
    Extension,
    Given,
    IntegerAsDigits,
    JsonObject,
    Parameters,
    Printable,
    Wire,
    or_default,
)


class CallBackCreate(Wire):
    """Somebody to be called when it is his turn."""

    queue: Annotated[Extension, Field(description="Extension of the call queue"), Given]
    number: Annotated[
        StrictStr,
        Field(pattern=r"^\+?[0-9]{2,20}$", description="To be called: digits, a + before them or not"),
        IntegerAsDigits,
        Given,
    ]
    name: Annotated[Annotated[StrictStr, Field(max_length=80), Printable] | None, Blankable] = None
    priority: Annotated[StrictInt, Field(ge=-1000, le=1000, description="Higher is served first"), or_default(0)] = 0


class CallBackBody(Parameters):
    """POST /call_back"""

    data: Annotated[CallBackCreate, JsonObject, Given]


class CallBack(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One who is to be called, or is being called."""

    id: str
    queue: str
    #: among all who wait in the queue; null: his turn has come
    position: int | None
    number: str
    name: str | None
    priority: int
    request_time: int
    #: waiting; ringing: an agent's phone; calling: his own; talking; later: between two attempts
    state: Literal["waiting", "ringing", "calling", "talking", "later"]
    #: that found nobody
    attempts: int
    #: when he will be called again, between two attempts
    next_attempt_time: int | None

    @classmethod
    def of(cls, view: CallBackView) -> CallBack:
        return cls(
            id=view.request,
            queue=view.queue,
            position=view.position or None,
            number=view.number,
            name=view.name or None,
            priority=view.priority,
            request_time=int(view.requested_at),
            state=view.state,  # type: ignore[arg-type]  # the engine's word
            attempts=view.failures,
            next_attempt_time=None if view.due is None else int(view.due),
        )
