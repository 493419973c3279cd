"""External media for tests of the EQ API: attachments to calls that a test says there are, which connect to nothing.
That the real ones hear and speak is shown with phones (tests/integration/test_media_bots.py)."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Unpack, cast
from uuid import UUID

import msgspec

from ari_app.calls.desk import Whom
from ari_app.calls.media import MediaRequest, MediaView, Note, WhomOrRoom
from ari_app.errors import NotFound
from ari_app.media.targets import resolve
from ari_app.media.transports.port import Traffic
from ari_app.media.transports.reception import Quality
from tests.dialects.eq.engine_centre import EngineCentre
from tests.dialects.eq.engine_desk import EngineDesk

#: as the operator has it: one address that is not public
ALLOWED = (ip_network("127.0.0.1"),)


class EngineMedia(EngineDesk[MediaView]):
    """Attachments, active at once."""

    def __init__(self, centre: EngineCentre) -> None:
        super().__init__(centre, "attachment", limit=3)

    async def attach(self, account: int, request: MediaRequest, **whom: Unpack[WhomOrRoom]) -> str:
        conference = whom.get("conference")
        if conference is None:
            found = self.leg(account, **cast(Whom, whom))
        elif not any(view.number == conference for view in self.centre.conferences.views(account)):
            raise NotFound(number=conference)
        await resolve(request.target, ALLOWED)
        self.require_room()
        now = self.centre.clock.now()
        quality = Quality(
            received=50, expected=50, lost=1, reordered=0, duplicates=0, restarts=0, jitter=0.0015, mos=4.36
        )
        view = MediaView(
            id=self.next_id,
            call=None if conference else found.call,
            leg=None if conference else found.unique_id,
            conference=conference,
            uuid=UUID(int=self.number),
            request=request,
            state="active",
            reason="",
            created_at=now,
            started_at=now,
            ended_at=None,
            from_call=Traffic(50, 1, 40, 0, quality),
            from_target=Traffic(40, 0, 50, 0, None, 0.010123),
            unread=0,
            dropped=0,
            notes=[Note(at=now, event="started")],
        )
        return self.begin(account, view)

    def over(self, view: MediaView) -> MediaView:
        ended = super().over(view)
        return msgspec.structs.replace(ended, notes=[*view.notes, Note(at=self.centre.clock.now(), event="ended")])
