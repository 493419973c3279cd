"""The part of the path table (extras.py) about external media."""

from __future__ import annotations

from ari_app.dialects.eq.desk_paths import desk_rows
from ari_app.dialects.eq.wire.media import Attachment, AttachmentBody
from ari_app.dialects.http import error

_START = (
    "The audio of a live call, or of a conference, goes to an endpoint of yours, and what that says into it;"
    " docs/media-bots.md says in which words. The call is neither answered nor moved, and goes on whatever the endpoint"
    " does. This returns the attachment's id at once; its state tells when it is connected, and why it ended."
)

MEDIA = desk_rows(
    "media",
    tag="External media",
    words=("attachment", "attachments"),
    begin=("Attach an endpoint to a live call or a conference", _START),
    look="One attachment: its state, what went through it, and what happened to it",
    body=AttachmentBody,
    reply=Attachment,
    errors=(
        error("conference", "nonexistent", "Nobody is in the conference, or called to it"),
        error("hear", "invalid", "Not one of the three, or given with a conference"),
        error("heardBy", "invalid", "Not one of the three, or given with a conference"),
        error("target", "blank", "Not given"),
        error("target", "invalid", "No URL that can be used, or its name does not resolve; the description says"),
        error("target", "forbidden", "In a network that is not public, and that the operator has not allowed"),
        error("format", "invalid", "What this server needs for it is not installed; the description says"),
    ),
)
