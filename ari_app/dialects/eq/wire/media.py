"""External media: ours, the reference has none. Times are UNIX seconds, with fractions."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import AfterValidator, Field, StrictStr
from pydantic_core import PydanticCustomError

from ari_app.calls.media import MediaRequest, MediaView
from ari_app.calls.verbs.attach import Side
from ari_app.dialects.eq.wire.fields import (
    Blankable,
    Extension,
    Given,
    IntegerAsDigits,
    JsonObject,
    OptionalId,
    Parameters,
    Wire,
    or_default,
)
from ari_app.media import targets
from ari_app.media.transports.port import Direction, Traffic


def _target(value: str) -> str:
    try:
        targets.parse(value)
    except targets.TargetError as error:
        raise PydanticCustomError("invalid", "{reason}", {"reason": str(error)}) from None
    return value


class OfCall(Wire):
    """Which leg of which call is meant. One of the four is given."""

    call: Annotated[
        Annotated[StrictStr, Field(max_length=80, description="ID of a call: the leg it began with")] | None, Blankable
    ] = None
    leg: Annotated[
        Annotated[StrictStr, Field(max_length=80, description="ID of a leg: the uniqueId of a live call")] | None,
        Blankable,
    ] = None
    extension: Annotated[
        Annotated[Extension, Field(description="The leg with which this extension is on a call")] | None, Blankable
    ] = None
    agent: Annotated[OptionalId, Field(description="User ID of an agent: that of his extension")] = None


class AttachmentCreate(OfCall):
    """Where audio goes to, and of which call or conference. One of the five that name it is given."""

    conference: Annotated[
        Annotated[StrictStr, Field(max_length=20), IntegerAsDigits] | None,
        Field(description="Number of a conference that somebody is in: all of it"),
        Blankable,
    ] = None
    target: Annotated[
        StrictStr,
        Field(description="ws://, wss://, audiosocket://host:port or rtp://host:port"),
        AfterValidator(_target),
        Given,
    ]
    direction: Annotated[
        Literal["listen", "speak", "both"], Field(description="What the endpoint does"), or_default("both")
    ] = "both"
    hear: Annotated[
        Literal["party", "others", "both"] | None,
        Field(
            description="Whom the endpoint hears: the party of the leg (the default), the others of the call, or both."
            " Not with a conference"
        ),
        Blankable,
    ] = None
    heard_by: Annotated[
        Literal["party", "others", "both"] | None,
        Field(description="Who hears the endpoint: as hear"),
        Blankable,
    ] = None
    format: Annotated[
        Literal["slin", "slin16"], Field(description="8 or 16 kHz, over each transport"), or_default("slin")
    ] = "slin"

    def to_request(self) -> MediaRequest:
        return MediaRequest(
            target=targets.parse(self.target),
            direction=Direction(self.direction),
            hear=Side(self.hear or Side.PARTY),
            heard_by=Side(self.heard_by or Side.PARTY),
            format=self.format,
        )


class AttachmentBody(Parameters):
    """POST /x/media"""

    data: Annotated[AttachmentCreate, JsonObject, Given]


class AttachmentEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened: connecting, connected, started, slow (the endpoint did not read), ended."""

    time: float
    event: str


class AttachmentTraffic(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What went through, in frames of 20 ms, seen from here."""

    frames_in: int
    #: of them, those that were lost on the way
    frames_lost: int
    frames_out: int
    #: packets or messages that were none, or of somebody else
    refused: int
    #: of RTP: how much the spacing of packets varies, as RFC 3550 estimates it, in milliseconds
    jitter: float | None
    #: of RTP: by the E-model, 1 to 4.5
    mos: float | None
    #: of RTP to an endpoint: by how many percent its clock is faster than ours; negative: slower; null: not known, as
    #: in the first ten seconds
    drift: float | None

    @classmethod
    def of(cls, traffic: Traffic) -> AttachmentTraffic:
        quality = traffic.quality
        return cls(
            frames_in=traffic.frames_in,
            frames_lost=traffic.frames_lost,
            frames_out=traffic.frames_out,
            refused=traffic.refused,
            jitter=None if quality is None else round(1000 * quality.jitter, 2),
            mos=None if quality is None else quality.mos,
            drift=None if traffic.drift is None else round(100 * traffic.drift, 2),
        )


class Attachment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An attachment."""

    id: str
    #: null: it is attached to a conference
    call: str | None
    leg: str | None
    #: its number; null: it is attached to a leg
    conference: str | None
    #: which AudioSocket names it by
    uuid: str
    #: without user, password and query
    target: str
    direction: str
    #: null, both: of a conference
    hear: str | None
    heard_by: str | None
    format: str
    state: Literal["connecting", "active", "ended"]
    #: why it ended, and by whom: "target: ..", "call: .."; null: it has not
    reason: str | None
    create_time: float
    start_time: float | None
    end_time: float | None
    #: between Asterisk and here; null: not there yet
    call_side: AttachmentTraffic | None
    #: between here and the endpoint
    target_side: AttachmentTraffic | None
    #: frames of the call that the endpoint did not read in time, and was not sent
    unread: int
    #: frames of the endpoint that came before the start, or for which there was no room
    dropped: int
    #: the newest fifty
    events: list[AttachmentEvent]

    @classmethod
    def of(cls, view: MediaView) -> Attachment:
        request = view.request
        of_leg = view.conference is None
        return cls(
            id=view.id,
            call=view.call,
            leg=view.leg,
            conference=view.conference,
            uuid=str(view.uuid),
            target=request.target.shown,
            direction=request.direction.value,
            hear=request.hear.value if of_leg else None,
            heard_by=request.heard_by.value if of_leg else None,
            format=request.format,
            state=view.state,  # type: ignore[arg-type]  # the session's word
            reason=view.reason or None,
            create_time=view.created_at,
            start_time=view.started_at,
            end_time=view.ended_at,
            call_side=None if view.from_call is None else AttachmentTraffic.of(view.from_call),
            target_side=None if view.from_target is None else AttachmentTraffic.of(view.from_target),
            unread=view.unread,
            dropped=view.dropped,
            events=[AttachmentEvent(time=note.at, event=note.event) for note in view.notes],
        )
