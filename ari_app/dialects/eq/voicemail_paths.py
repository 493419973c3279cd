"""The part of the path table (paths.py) about mailboxes and their messages."""

from __future__ import annotations

from ari_app.dialects.eq.wire.voicemail import MailboxOut, VoicemailBody, VoicemailMessage, VoicemailQuery
from ari_app.dialects.http import Endpoint, ErrorRow

_TAG = "Voicemail"
_ID = {"id": "ID of the message"}
_UNKNOWN = ErrorRow(parameter="id", type="nonexistent", description="The message does not exist (404)")

_GREETING = {"extension": "Extension", "kind": "unavailable, busy, name or temporary"}
_NO_MAILBOX = (
    ErrorRow(parameter="extension", type="nonexistent", description="The extension has no mailbox (404)"),
    ErrorRow(parameter="kind", type="nonexistent", description="There is no such greeting (404)"),
)

#: ours
VOICEMAIL = (
    Endpoint(
        name="x.voicemail",
        method="GET",
        path="/x/voicemail",
        tag=_TAG,
        summary="Messages in mailboxes, the newest first",
        description=(
            "A message is there when its file is stored, a moment after it was left. Each is also a recording of the"
            " same ID (kind voicemail), and goes when that is deleted, or is not kept longer (RECORDINGS_DAYS)."
        ),
        query=VoicemailQuery,
        reply=list[VoicemailMessage],
        reply_headers={"X-Total-Count": "How many rows there are without limit and offset"},
    ),
    Endpoint(
        name="x.mailboxes",
        method="GET",
        path="/x/mailboxes",
        tag=_TAG,
        summary="The mailboxes, by extension, and how many messages are in each",
        reply=list[MailboxOut],
    ),
    Endpoint(
        name="x.voicemail.get",
        method="GET",
        path="/x/voicemail/{id}",
        tag=_TAG,
        summary="A message",
        parameters=_ID,
        reply=VoicemailMessage,
        errors=(_UNKNOWN,),
    ),
    Endpoint(
        name="x.voicemail.file",
        method="GET",
        path="/x/voicemail/{id}/file",
        tag=_TAG,
        summary="What is said in a message",
        description="Range, If-Range and If-None-Match are understood (RFC 9110). It is not marked as heard by this.",
        parameters=_ID,
        download=("audio/wav",),
        errors=(_UNKNOWN,),
    ),
    Endpoint(
        name="x.voicemail.update",
        method="PUT",
        path="/x/voicemail/{id}",
        tag=_TAG,
        summary="Mark a message as new, heard, urgent or not; the light of the phone follows",
        parameters=_ID,
        body=VoicemailBody,
        reply=VoicemailMessage,
        changes=True,
        errors=(_UNKNOWN, ErrorRow(parameter="state", type="invalid", description="Neither new nor old")),
    ),
    Endpoint(
        name="x.voicemail.delete",
        method="DELETE",
        path="/x/voicemail/{id}",
        tag=_TAG,
        summary="Delete a message, with its file; the light of the phone follows",
        parameters=_ID,
        changes=True,
        errors=(_UNKNOWN,),
    ),
    Endpoint(
        name="x.greeting.upload",
        method="PUT",
        path="/x/mailbox/{extension}/greeting/{kind}",
        tag=_TAG,
        summary="Send a greeting of a mailbox",
        description=(
            "unavailable: when nobody answers; busy; name: in place of the number, in the words that are heard where"
            " there is no greeting; temporary: in place of all. WAV, MP3, Ogg (Vorbis, Opus) or FLAC, at most 8 MiB and"
            " ten minutes."
        ),
        parameters=_GREETING,
        upload=("audio/wav", "audio/mpeg", "audio/ogg", "audio/flac"),
        changes=True,
        errors=(
            *_NO_MAILBOX,
            ErrorRow(parameter="file", type="blank", description="Not given"),
            ErrorRow(parameter="file", type="invalid", description="Not a sound that can be read, or too long"),
        ),
    ),
    Endpoint(
        name="x.greeting.file",
        method="GET",
        path="/x/mailbox/{extension}/greeting/{kind}",
        tag=_TAG,
        summary="A greeting of a mailbox, as it is played",
        parameters=_GREETING,
        download=("audio/wav",),
        errors=_NO_MAILBOX,
    ),
    Endpoint(
        name="x.greeting.delete",
        method="DELETE",
        path="/x/mailbox/{extension}/greeting/{kind}",
        tag=_TAG,
        summary="Delete a greeting of a mailbox: callers hear Asterisk's words again",
        parameters=_GREETING,
        changes=True,
        errors=_NO_MAILBOX,
    ),
)
