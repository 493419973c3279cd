"""Recordings: the reference has their paths only; the rest is ours. Times are UNIX seconds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.common import LIMIT_MAX
from ari_app.dialects.eq.wire.fields import Blankable, Boolean, Count, Given, OptionalId, Parameters, or_default
from ari_app.dialects.eq.wire.report import Time
from ari_app.store.recordings import RecordingInfo

State = Literal["recording", "ended", "stored", "failed", "cancelled", "missing", "deleted"]
Kind = Literal["queue", "extension", "on_demand", "voicemail", "greeting", "program"]
_Text = Annotated[StrictStr, Field(max_length=200)]


class CallRecordingsQuery(Parameters):
    """Of which call."""

    call: Annotated[_Text | None, Field(description="ID of the call"), Blankable] = None
    call_unique_id: Annotated[
        _Text | None, Field(description="Unique ID of the call: of the channel of one of its legs"), Blankable
    ] = None


class RecordingActionBody(Parameters):
    """POST /call_recording_action"""

    extension: Annotated[_Text, Field(description="Extension that is on a call"), Given]
    action: Annotated[Literal["start", "stop", "cancel", "pause", "resume"], Given]
    sides: Annotated[
        Literal["together", "separate"],
        Field(description="Of start. separate: two recordings, of what it says (says-..) and what it hears (hears-..)"),
        or_default("together"),
    ] = "together"


class OneRecordingActionBody(Parameters):
    """POST /x/recording/{id}/action"""

    action: Annotated[Literal["pause", "resume", "stop", "cancel"], Given]


class RecordingBody(Parameters):
    """PUT /x/recording/{id}"""

    held: Annotated[Boolean, Field(description="Nobody, neither age nor size, deletes it until it is let go"), Given]


class RecordingQuery(Parameters):
    """Which recordings."""

    limit: Annotated[Count, Field(ge=1, le=LIMIT_MAX, description="Most rows to return"), or_default(100)] = 100
    offset: Annotated[Count, Field(ge=0, description="Rows to skip"), or_default(0)] = 0
    call: Annotated[_Text | None, Field(description="ID of the call"), Blankable] = None
    queue: Annotated[_Text | None, Field(description="Extension of a call queue"), Blankable] = None
    agent: Annotated[OptionalId, Field(description="User ID of the agent who is heard")] = None
    number: Annotated[_Text | None, Field(description="Number or extension that called, or was called"), Blankable] = (
        None
    )
    kind: Annotated[
        Kind | None,
        Field(description="Who wanted it: the queue's settings, an extension's, a person, or a program"),
        Blankable,
    ] = None
    state: Annotated[State | None, Field(description="As state of a recording has it"), Blankable] = None
    since: Annotated[
        Time | None, Field(alias="from", description="Only those that began then or later; UNIX seconds"), Blankable
    ] = None
    until: Annotated[Time | None, Field(alias="to", description="Only those that began before then"), Blankable] = None
    sort: Annotated[
        Literal["startTime", "-startTime"],
        Field(description="With a minus: the newest first"),
        or_default("-startTime"),
    ] = "-startTime"


class RecordingFileQuery(Parameters):
    """In which format."""

    format: Annotated[
        Literal["ulw", "vox", "mp3", "wav", "wavM", "ogg", "aac", "au"] | None,
        Field(description="ulw, vox: no header, 8 kHz, one channel; wavM: mu-law in WAV. Not given: as it is stored"),
        Blankable,
    ] = None
    right: Annotated[
        _Text | None,
        Field(
            description="ID of another recording of the call: it becomes the right channel, this one the left, each as"
            " much later as it began later. In WAV if no format is given"
        ),
        Blankable,
    ] = None


class Recording(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A recording."""

    id: str
    call: str
    #: of the channel it is about: the agent's of a conversation, the caller's of a whole call
    unique_id: str | None
    kind: str
    queue: str | None
    #: user id of the agent who is heard
    agent: int | None
    #: numbers: who called
    caller: str
    #: and who was called
    called: str
    format: str
    #: recording; ended: the file is being fetched from Asterisk; stored; failed: nothing could be recorded; cancelled:
    #: thrown away by who made it; missing: there should be a file and is none; deleted
    state: State
    start_time: int
    end_time: int | None
    #: seconds
    duration: float | None
    #: bytes
    size: int | None
    #: SHA-256 of the file, in hexadecimal
    checksum: str | None
    #: local or s3
    storage: str | None
    #: absolute path of the file, on the machine of the application, or s3://bucket/key; null: there is none
    path: str | None
    #: why there is no file, or not yet
    error: str | None
    deleted_time: int | None
    #: "key 3", "supervisor 7"; age or size: it was not to be kept longer
    deleted_by: str | None
    #: it must not be deleted
    held: bool

    @classmethod
    def of(cls, found: RecordingInfo, path: str | None) -> Recording:
        return cls(
            id=found.name,
            call=found.call_id,
            unique_id=found.leg_id,
            kind=found.kind,
            queue=found.queue,
            agent=found.agent_id,
            caller=found.caller_number,
            called=found.called_number,
            format=found.format,
            state=found.state,  # type: ignore[arg-type]  # the store's word
            start_time=int(found.started_at),
            end_time=None if found.ended_at is None else int(found.ended_at),
            duration=found.duration if found.length is None else round(found.length, 3),
            size=found.size,
            checksum=found.checksum,
            storage=found.storage,
            path=path,
            error=found.error,
            deleted_time=None if found.deleted_at is None else int(found.deleted_at),
            deleted_by=found.deleted_by,
            held=found.held,
        )
