"""External media: attachments begun, looked at, ended."""

from __future__ import annotations

from typing import cast

from ari_app.calls.media import WhomOrRoom
from ari_app.dialects.eq.errors import invalid, refused
from ari_app.dialects.eq.routes.ask import Ask
from ari_app.dialects.eq.routes.desk import Whose, desk_handlers
from ari_app.dialects.eq.wire.media import Attachment, AttachmentBody
from ari_app.media.targets import TargetError, TargetForbidden
from ari_app.media.transports.rtp_codecs import CodecMissing


async def create(ask: Ask[None, AttachmentBody]) -> str:
    data = ask.body.data
    whose = Whose(ask, data, also=("conference",))
    for name, value in (("hear", data.hear), ("heardBy", data.heard_by)):
        if data.conference is not None and value is not None:
            raise invalid(name, "A conference is heard, and hears, as a whole")
    media = ask.services.media
    with whose.refusals():
        try:
            return await media.attach(ask.account, data.to_request(), **cast(WhomOrRoom, whose.whom))
        except CodecMissing as error:
            raise invalid("format", str(error)) from None
        except TargetError as error:
            kind = "forbidden" if isinstance(error, TargetForbidden) else "invalid"
            raise refused("target", kind, f"target {error}") from None


HANDLERS = desk_handlers("media", "The attachment", lambda services: services.media, Attachment.of, create)
