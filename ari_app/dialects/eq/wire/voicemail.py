"""Mailboxes and messages: the reference has settings of them only; the rest is ours. Times are UNIX seconds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.common import LIMIT_MAX
from ari_app.dialects.eq.wire.fields import Blankable, Boolean, Count, Flag, Parameters, or_default
from ari_app.dialects.eq.wire.report import Time
from ari_app.store.voicemail import Counts, Message

State = Literal["new", "old"]
_Text = Annotated[StrictStr, Field(max_length=200)]


class VoicemailQuery(Parameters):
    """Which messages."""

    limit: Annotated[Count, Field(ge=1, le=LIMIT_MAX, description="Most rows to return"), or_default(100)] = 100
    offset: Annotated[Count, Field(ge=0, description="Rows to skip"), or_default(0)] = 0
    extension: Annotated[_Text | None, Field(description="Whose mailbox"), Blankable] = None
    state: Annotated[State | None, Field(description="new, or old: heard"), Blankable] = None
    urgent: Annotated[Flag | None, Field(description="1: only urgent ones; 0: only others"), Blankable] = None
    caller: Annotated[_Text | None, Field(description="Number, or name, of who left it"), Blankable] = None
    since: Annotated[
        Time | None, Field(alias="from", description="Only those that were left then or later; UNIX seconds"), Blankable
    ] = None
    until: Annotated[Time | None, Field(alias="to", description="Only those that were left before"), Blankable] = None
    sort: Annotated[
        Literal["time", "-time"], Field(description="With a minus: the newest first"), or_default("-time")
    ] = "-time"


class VoicemailBody(Parameters):
    """PUT /x/voicemail/{id}: what is left out, or null, stays."""

    state: Annotated[State | None, Field(description="new, or old: heard"), Blankable] = None
    urgent: Annotated[Boolean | None, Field(description="Whether it is urgent"), Blankable] = None


class VoicemailMessage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message. Its sound is a recording of the same ID."""

    id: str
    #: whose mailbox
    extension: str
    #: ID of the call in which it was left
    call: str
    caller_number: str
    caller_name: str
    state: State
    urgent: bool
    time: int
    #: when it was heard; null: it is new
    heard_time: int | None
    #: seconds
    duration: float
    #: bytes of the file
    size: int

    @classmethod
    def of(cls, found: Message) -> VoicemailMessage:
        return cls(
            id=found.id,
            extension=found.mailbox,
            call=found.call,
            caller_number=found.caller_number,
            caller_name=found.caller_name,
            state="new" if found.heard_at is None else "old",
            urgent=found.urgent,
            time=int(found.left_at),
            heard_time=None if found.heard_at is None else int(found.heard_at),
            duration=round(found.length, 3),
            size=found.size,
        )


class MailboxOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How much is in a mailbox."""

    extension: str
    new: int
    old: int
    #: of the new ones
    urgent: int

    @classmethod
    def of(cls, extension: str, counts: Counts) -> MailboxOut:
        return cls(extension=extension, new=counts.new, old=counts.old, urgent=counts.urgent)
