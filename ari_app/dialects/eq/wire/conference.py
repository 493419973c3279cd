"""Conferences. The reference has active ones only; the rest is ours. Times are UNIX seconds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import Field, StrictStr

from ari_app.calls.conference_room import ConferenceSettings, ConferenceView
from ari_app.dialects.eq.wire.common import LIMIT_MAX
from ari_app.dialects.eq.wire.fields import (
    Blankable,
    Boolean,
    Count,
    Extension,
    Given,
    IntegerAsDigits,
    JsonObject,
    Parameters,
    Positive,
    Printable,
    Wire,
    or_default,
)
from ari_app.dialects.eq.wire.report import Time
from ari_app.store.conferences import Stay

_Pin = Annotated[StrictStr, Field(pattern=r"^[0-9]{4,10}$"), IntegerAsDigits]
_Text = Annotated[StrictStr, Field(max_length=200)]


class ConferenceUpdate(Wire):
    """A number that leads to a conference."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=50), Printable, Given]
    pin: Annotated[
        _Pin | None,
        Field(description="Asked of who calls the number; null: nobody is asked; left out of an update: as before"),
        Blankable,
    ] = None
    admin_pin: Annotated[
        _Pin | None,
        Field(description="Makes who gives it an admin, who is let in also when it is locked or full. As pin"),
        Blankable,
    ] = None
    max_members: Annotated[
        Annotated[Positive, Field(le=1000)] | None, Field(description="So many at a time; null: no limit"), Blankable
    ] = None
    music: Annotated[
        Annotated[StrictStr, Field(min_length=1, max_length=80), Printable],
        Field(description="Music on hold class, for one who is alone"),
        or_default("default"),
    ] = "default"
    announce: Annotated[
        Boolean, Field(description="A sound for all when somebody comes or goes"), or_default(False)
    ] = False
    join_muted: Annotated[
        Boolean, Field(description="Who comes is not heard before he is unmuted; admins are"), or_default(False)
    ] = False

    def to_settings(self, number: str, pin: str | None, admin_pin: str | None) -> ConferenceSettings:
        """As calls know it; PINs as hashes."""
        return ConferenceSettings(
            number=number,
            name=self.name,
            pin=pin,
            admin_pin=admin_pin,
            max_members=self.max_members,
            music=self.music,
            announce=self.announce,
            join_muted=self.join_muted,
        )


class ConferenceCreate(ConferenceUpdate):
    """A number that leads to a conference."""

    number: Annotated[Extension, Field(description="What is dialled; no queue's and no extension's"), Given]


class ConferenceCreateBody(Parameters):
    """POST /x/conference"""

    data: Annotated[ConferenceCreate, JsonObject, Given]


class ConferenceUpdateBody(Parameters):
    """PUT /x/conference/{number}"""

    data: Annotated[ConferenceUpdate, JsonObject, Given]


class ConferenceActionBody(Parameters):
    """POST /x/conference_action"""

    conference: Annotated[StrictStr, Field(max_length=20, description="Its number"), IntegerAsDigits, Given]
    action: Annotated[Literal["invite", "mute", "unmute", "kick", "lock", "unlock", "end"], Given]
    channel: Annotated[
        _Text | None, Field(description="Channel (or uniqueId) of the member; for mute, unmute and kick"), Blankable
    ] = None
    destination: Annotated[
        Annotated[StrictStr, Field(pattern=r"^\+?[0-9]{1,20}$"), IntegerAsDigits] | None,
        Field(description="Extension or number to call; for invite"),
        Blankable,
    ] = None
    admin: Annotated[Boolean, Field(description="Of invite: as an admin"), or_default(False)] = False
    muted: Annotated[Boolean, Field(description="Of invite: not heard at first"), or_default(False)] = False


class ConferenceStayQuery(Parameters):
    """Whose stays."""

    conference: Annotated[_Text | None, Field(description="Number of the conference; blank: all"), Blankable] = None
    since: Annotated[
        Time | None, Field(alias="from", description="Only who came then or later; UNIX seconds"), Blankable
    ] = None
    until: Annotated[Time | None, Field(alias="to", description="Only who came before then"), Blankable] = None
    limit: Annotated[Count, Field(ge=1, le=LIMIT_MAX, description="Most rows to return"), or_default(100)] = 100
    offset: Annotated[Count, Field(ge=0, description="Rows to skip"), or_default(0)] = 0


class Conference(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A number that leads to a conference. PINs cannot be read back."""

    number: str
    name: str
    has_pin: bool
    has_admin_pin: bool
    max_members: int | None
    music: str
    announce: bool
    join_muted: bool

    @classmethod
    def of(cls, settings: ConferenceSettings) -> Conference:
        return cls(
            number=settings.number,
            name=settings.name,
            has_pin=settings.pin is not None,
            has_admin_pin=settings.admin_pin is not None,
            max_members=settings.max_members,
            music=settings.music,
            announce=settings.announce,
            join_muted=settings.join_muted,
        )


class Participant(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One who is in a conference."""

    channel: str
    unique_id: str
    #: id of his call
    call: str
    caller_id_number: str | None
    caller_id_name: str | None
    join_time: int
    muted: bool
    admin: bool


class ActiveConference(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A conference that somebody is in, or is being called to."""

    id: str
    number: str
    start_time: int
    locked: bool
    participants: list[Participant]
    #: numbers that are being called
    invited: list[str]

    @classmethod
    def of(cls, view: ConferenceView) -> ActiveConference:
        return cls(
            id=view.id,
            number=view.number,
            start_time=int(view.since),
            locked=view.locked,
            participants=[
                Participant(
                    channel=member.channel,
                    unique_id=member.unique_id,
                    call=member.call,
                    caller_id_number=member.caller_number or None,
                    caller_id_name=member.caller_name or None,
                    join_time=int(member.joined_at),
                    muted=member.muted,
                    admin=member.admin,
                )
                for member in view.members
            ],
            invited=view.invited,
        )


class ConferenceStay(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody was in a conference."""

    id: str
    #: of the conference: from the first one in to the last one out
    conference: str
    number: str
    call: str
    unique_id: str
    caller_id_number: str | None
    caller_id_name: str | None
    admin: bool
    join_time: float
    #: null: he is in it
    leave_time: float | None
    #: left: he hung up; kicked; ended: all were put out
    outcome: Literal["left", "kicked", "ended"] | None

    @classmethod
    def of(cls, stay: Stay) -> ConferenceStay:
        return cls(
            id=stay.id,
            conference=stay.conference_id,
            number=stay.number,
            call=stay.call_id,
            unique_id=stay.leg_id,
            caller_id_number=stay.caller_number or None,
            caller_id_name=stay.caller_name or None,
            admin=stay.admin,
            join_time=round(stay.joined_at, 3),
            leave_time=None if stay.left_at is None else round(stay.left_at, 3),
            outcome=stay.outcome,  # type: ignore[arg-type]  # the record's word
        )
