"""The part of the path table (paths.py) about recordings."""

from __future__ import annotations

from ari_app.dialects.eq.wire.recording import (
    CallRecordingsQuery,
    OneRecordingActionBody,
    Recording,
    RecordingActionBody,
    RecordingBody,
    RecordingFileQuery,
    RecordingQuery,
)
from ari_app.dialects.http import Endpoint, ErrorRow
from ari_app.recordings.conversion import FORMATS

_ID = {"id": "ID of the recording"}
_UNKNOWN = ErrorRow(parameter="id", type="nonexistent", description="The recording does not exist (404)")

CALL_RECORDINGS = (
    Endpoint(
        name="call_recordings",
        method="GET",
        path="/call_recordings",
        tag="Call Recordings",
        summary="Absolute paths of the files of a call's recordings, in the order they began",
        description=(
            "Of those that are stored: a file is fetched from Asterisk when its recording has ended, which takes a"
            " moment. The paths are those of the machine of the application; /x/recording/{id}/file gives a file out."
            " A call that nobody knows, or that was not recorded, has none."
        ),
        query=CallRecordingsQuery,
        reply=list[str],
        errors=(
            ErrorRow(parameter="call", type="blank", description="Neither call nor call_unique_id is given"),
            ErrorRow(parameter="call", type="invalid", description="Longer than an ID is"),
        ),
    ),
    Endpoint(
        name="call_recording_action",
        method="POST",
        path="/call_recording_action",
        tag="Call Recordings",
        summary="Record what an extension says and hears; pause, resume or stop that; or throw it away",
        description=(
            "start: what is said is recorded on return; asked again, it goes on. stop: it is kept, and fetched from"
            " Asterisk (/x/recordings). cancel: nothing is kept. It ends with the extension's call at the latest. What"
            " a queue records by its settings is another recording, and is not touched by these three. pause: of all"
            " that is recorded of the extension's call, also by its queue's settings, nothing is until resume; what"
            " begins to be recorded in between is not paused. With separate sides, start makes two recordings that"
            " begin together: /x/recording/{id}/file with `right` makes stereo of them."
        ),
        body=RecordingActionBody,
        changes=True,
        errors=(
            ErrorRow(parameter="extension", type="blank", description="Extension not specified"),
            ErrorRow(
                parameter="extension", type="nonexistent", description="Extension does not exist, or is not on a call"
            ),
            ErrorRow(parameter="action", type="invalid", description="Not one of the actions; or nothing is recorded"),
        ),
    ),
)

#: ours
RECORDINGS = (
    Endpoint(
        name="x.recordings",
        method="GET",
        path="/x/recordings",
        tag="Call Recordings",
        summary="Recordings, the newest first; deleted ones too, with who deleted them",
        query=RecordingQuery,
        reply=list[Recording],
        reply_headers={"X-Total-Count": "How many rows there are without limit and offset"},
        errors=(
            ErrorRow(parameter="state", type="invalid", description="Not one of the states"),
            ErrorRow(parameter="kind", type="invalid", description="Not one of the kinds"),
        ),
    ),
    Endpoint(
        name="x.recording.get",
        method="GET",
        path="/x/recording/{id}",
        tag="Call Recordings",
        summary="A recording",
        parameters=_ID,
        reply=Recording,
        errors=(_UNKNOWN,),
    ),
    Endpoint(
        name="x.recording.file",
        method="GET",
        path="/x/recording/{id}/file",
        tag="Call Recordings",
        summary="The file of a recording",
        description=(
            "Range, If-Range and If-None-Match are understood (RFC 9110): 206 with the bytes asked for, 304, 416. The"
            " answer is 404 while the recording goes on, and when its file is gone. Another format is made when it is"
            " first asked for, which takes about a second for ten minutes, and kept for a while. A file that is not"
            " what was stored (SHA-256) is answered with 500, or cut off before its end where it is larger than a"
            " megabyte, and parts of it are not given out any more."
        ),
        parameters=_ID,
        query=RecordingFileQuery,
        download=(
            *dict.fromkeys(format.content_type for format in FORMATS.values()),
            "application/octet-stream",
        ),
        errors=(
            _UNKNOWN,
            ErrorRow(parameter="id", type="damaged", description="The file is not what was stored (500)"),
            ErrorRow(parameter="format", type="invalid", description="Not one of the formats"),
            ErrorRow(
                parameter="format",
                type="cannot_convert",
                description="The file cannot be read, or aac is asked for and ffmpeg is not installed",
            ),
            ErrorRow(parameter="format", type="too_busy", description="Too many are being converted (503)"),
            ErrorRow(parameter="right", type="nonexistent", description="There is no such recording"),
            ErrorRow(parameter="right", type="invalid", description="It is of another call"),
        ),
    ),
    Endpoint(
        name="x.recording.action",
        method="POST",
        path="/x/recording/{id}/action",
        tag="Call Recordings",
        summary="Pause, resume or stop a recording that goes on, or throw it away",
        description=(
            "pause: nothing is recorded until resume, of this recording alone. stop: it is kept, and fetched from"
            " Asterisk. cancel: nothing is kept. Of two separate sides of an extension the other goes on. What the"
            " settings of a queue or an extension have begun is not begun again for this talk. The audit trail has who"
            " did it. Messages and greetings of a mailbox are recorded by who speaks them, and by nobody else."
        ),
        parameters=_ID,
        body=OneRecordingActionBody,
        changes=True,
        errors=(
            _UNKNOWN,
            ErrorRow(parameter="id", type="not_recorded", description="It does not go on"),
            ErrorRow(parameter="action", type="blank", description="Action not specified"),
            ErrorRow(parameter="action", type="invalid", description="Not one of the actions, or of a mailbox"),
        ),
    ),
    Endpoint(
        name="x.recording.update",
        method="PUT",
        path="/x/recording/{id}",
        tag="Call Recordings",
        summary="Hold a recording, so that it is not deleted, or let it go",
        description=(
            "One that is held is deleted by nobody, and by neither its age nor the room it takes, until it is let go."
            " Messages and greetings of a mailbox cannot be held: their owners delete them."
        ),
        parameters=_ID,
        body=RecordingBody,
        reply=Recording,
        changes=True,
        errors=(_UNKNOWN, ErrorRow(parameter="held", type="invalid", description="No boolean, or of a mailbox")),
    ),
    Endpoint(
        name="x.recording.delete",
        method="DELETE",
        path="/x/recording/{id}",
        tag="Call Recordings",
        summary="Delete the file of a recording; that there was one, and who deleted it, stays in the record",
        parameters=_ID,
        changes=True,
        errors=(
            _UNKNOWN,
            ErrorRow(parameter="id", type="in_use", description="It goes on, or its file is being fetched"),
            ErrorRow(parameter="id", type="held", description="It is held"),
        ),
    ),
)
