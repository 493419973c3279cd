"""Live calls: of extensions, and what is done with them. Times are UNIX seconds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.ports import ActiveCallInfo, ParkedCallInfo
from ari_app.dialects.eq.wire.fields import Blankable, Given, IntegerAsDigits, Parameters

#: characters of a channel's name
_CHANNEL_MAX = 200

_Extension = Annotated[StrictStr, IntegerAsDigits]
_Channel = Annotated[StrictStr, Field(max_length=_CHANNEL_MAX)]
#: becomes part of a dial string
_Number = Annotated[
    StrictStr,
    Field(pattern=r"^(\+?[0-9]{1,20}|[*#][0-9*#]{1,19})$", description="Phone number, extension or call queue"),
    IntegerAsDigits,
]


class ActiveCallsQuery(Parameters):
    """Of which extension."""

    extension: Annotated[_Extension, Field(description="Extension for which to retrieve calls"), Given]


class StealBody(Parameters):
    """POST /steal_queued_call"""

    channel: Annotated[_Channel, Field(description="Channel (or uniqueId) of the queued call to steal"), Given]
    destination: Annotated[_Number, Given]


class PickUpBody(Parameters):
    """POST /pick_up_parked_call"""

    channel: Annotated[_Channel, Field(description="Channel (or uniqueId) of the parked call to pick up"), Given]
    destination: Annotated[_Number, Given]


class ExtensionActionBody(Parameters):
    """POST /extension_action"""

    extension: Annotated[_Extension, Given]
    action: Annotated[Literal["dial", "blindTransfer", "park", "hangUp"], Given]
    channel: Annotated[
        _Channel | None,
        Field(description="Extension's channel on which to act; blank: the oldest. Not for dial"),
        Blankable,
    ] = None
    destination: Annotated[_Number | None, Field(description="For dial and blindTransfer only"), Blankable] = None


class ActiveCall(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One channel of an extension."""

    id: str
    unique_id: str
    channel: str
    extension: str
    #: inbound: the extension was called
    direction: Literal["inbound", "outbound"]
    #: ringing: the extension's phone; dialling: nobody has answered it yet
    state: Literal["ringing", "dialling", "up"]
    caller_id_number: str | None
    caller_id_name: str | None
    connected_number: str | None
    connected_name: str | None
    #: through which the call came, or in which it waits
    queue: str | None
    start_time: int
    answer_time: int | None
    recording: bool

    @classmethod
    def of(cls, call: ActiveCallInfo) -> ActiveCall:
        return cls(
            id=call.call,
            unique_id=call.unique_id,
            channel=call.channel,
            extension=call.extension,
            direction=call.direction,  # type: ignore[arg-type]  # the same words
            state=call.state,  # type: ignore[arg-type]
            caller_id_number=call.caller_number or None,
            caller_id_name=call.caller_name or None,
            connected_number=call.connected_number or None,
            connected_name=call.connected_name or None,
            queue=call.queue,
            start_time=int(call.started_at),
            answer_time=None if call.answered_at is None else int(call.answered_at),
            recording=call.recording,
        )


class ParkedCall(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A call in the parking lot."""

    channel: str
    parking_space: str
    caller_id_number: str | None
    caller_id_name: str | None
    park_time: int
    #: seconds until the one who parked it is called
    timeout: int
    #: extension
    parked_by: str

    @classmethod
    def of(cls, call: ParkedCallInfo) -> ParkedCall:
        return cls(
            channel=call.channel,
            parking_space=str(call.space),
            caller_id_number=call.caller_number or None,
            caller_id_name=call.caller_name or None,
            park_time=int(call.since),
            timeout=int(call.timeout),
            parked_by=call.parked_by,
        )
