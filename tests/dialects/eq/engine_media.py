"""External media for tests of the EQ API: attachments to calls that a test says there are, which connect to nothing.
That the real ones hear and speak is shown with phones (tests/integration/test_media_bots.py)."""

from __future__ import annotations

from ipaddress import ip_network
from uuid import UUID

import msgspec

from ari_app.calls.media import MediaRequest, MediaView, Note, TooManyAttachments
from ari_app.errors import NotFound
from ari_app.media.targets import resolve
from ari_app.media.transports.port import Traffic
from ari_app.media.transports.reception import Quality
from tests.dialects.eq.engine_centre import EngineCentre

#: as the operator has it: one address that is not public
ALLOWED = (ip_network("127.0.0.1"),)
LIMIT = 3


class EngineMedia:
    """Attachments, active at once."""

    def __init__(self, centre: EngineCentre) -> None:
        self._centre = centre
        self._views: list[tuple[int, MediaView]] = []

    async def attach(
        self, account: int, request: MediaRequest, *, call: str | None = None, extension: str | None = None
    ) -> str:
        found = [
            info
            for info in self._centre.calls.all_of(account)
            if info.state == "up" and (info.call == call if extension is None else info.extension == extension)
        ]
        if not found:
            raise NotFound("is not on a call")
        await resolve(request.target, ALLOWED)
        if len([view for _, view in self._views if view.state != "ended"]) >= LIMIT:
            raise TooManyAttachments(f"there are {LIMIT} attachments already")
        now = self._centre.clock.now()
        quality = Quality(
            received=50, expected=50, lost=1, reordered=0, duplicates=0, restarts=0, jitter=0.0015, mos=4.36
        )
        view = MediaView(
            id=f"attachment-{len(self._views) + 1}",
            call=found[0].call,
            leg=found[0].unique_id,
            uuid=UUID(int=len(self._views) + 1),
            request=request,
            state="active",
            reason="",
            created_at=now,
            started_at=now,
            ended_at=None,
            from_call=Traffic(50, 1, 40, 0, quality),
            from_target=Traffic(40, 0, 50, 0, None),
            unread=0,
            dropped=0,
            notes=[Note(at=now, event="started")],
        )
        self._views.append((account, view))
        return view.id

    def _index(self, account: int, attachment: str) -> int:
        for index, (owner, view) in enumerate(self._views):
            if (owner, view.id) == (account, attachment):
                return index
        raise NotFound

    def view(self, account: int, attachment: str) -> MediaView:
        return self._views[self._index(account, attachment)][1]

    def views(self, account: int) -> list[MediaView]:
        return [view for owner, view in self._views if owner == account]

    def stop(self, account: int, attachment: str) -> None:
        index = self._index(account, attachment)
        owner, view = self._views[index]
        if view.state != "ended":
            now = self._centre.clock.now()
            over = msgspec.structs.replace(
                view,
                state="ended",
                reason="stopped by request",
                ended_at=now,
                notes=[*view.notes, Note(at=now, event="ended")],
            )
            self._views[index] = (owner, over)
