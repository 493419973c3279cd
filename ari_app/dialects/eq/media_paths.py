"""The part of the path table (extras.py) about external media."""

from __future__ import annotations

from ari_app.dialects.eq.wire.media import Attachment, AttachmentBody
from ari_app.dialects.http import Endpoint, ErrorRow


def _error(parameter: str | None, kind: str, description: str) -> ErrorRow:
    return ErrorRow(parameter=parameter, type=kind, description=description)


_START = (
    "The audio of a live call goes to an endpoint of yours, and what that says into the call; docs/media-bots.md says"
    " in which words. The call is neither answered nor moved, and goes on whatever the endpoint does. This returns the"
    " attachment's id at once; its state tells when it is connected, and why it ended."
)

MEDIA = (
    Endpoint(
        name="x.media.list",
        method="GET",
        path="/x/media",
        tag="External media",
        summary="Attachments to live calls, and the last hundred that are over",
        reply=list[Attachment],
        scope="media",
    ),
    Endpoint(
        name="x.media.create",
        method="POST",
        path="/x/media",
        tag="External media",
        summary="Attach an endpoint to a live call",
        description=_START,
        body=AttachmentBody,
        reply=str,
        errors=(
            _error("target", "blank", "Not given"),
            _error("target", "invalid", "No URL that can be used, or its name does not resolve; the description says"),
            _error("target", "forbidden", "In a network that is not public, and that the operator has not allowed"),
            _error("call", "blank", "None of call, extension and agent is given"),
            _error("call", "invalid", "More than one of call, extension and agent is given"),
            _error("call", "nonexistent", "There is no such call"),
            _error("extension", "nonexistent", "The extension is not on a call"),
            _error("agent", "nonexistent", "The agent is not on a call"),
            _error("format", "invalid", "Only a websocket has another format than slin"),
            _error(None, "limit", "There are as many attachments as may be"),
        ),
        scope="media",
        changes=True,
    ),
    Endpoint(
        name="x.media.get",
        method="GET",
        path="/x/media/{id}",
        tag="External media",
        summary="One attachment: its state, what went through it, and what happened to it",
        parameters={"id": "ID of the attachment"},
        reply=Attachment,
        scope="media",
    ),
    Endpoint(
        name="x.media.delete",
        method="DELETE",
        path="/x/media/{id}",
        tag="External media",
        summary="End an attachment; the call goes on. Nothing happens to one that is over",
        parameters={"id": "ID of the attachment"},
        scope="media",
        changes=True,
    ),
)
