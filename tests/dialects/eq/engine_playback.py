"""What is played on calls, for tests of the EQ API: on calls that a test says there are; nothing is heard. That phones
hear it is shown with phones (tests/integration/test_playback.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import msgspec

from ari_app.calls.desk import TooMany, Whom
from ari_app.calls.playback import ITEMS, Item, ItemView, PlaybackOver, PlaybackRequest, PlaybackView
from tests.dialects.eq.engine_centre import EngineCentre
from tests.dialects.eq.engine_desk import EngineDesk


def _waiting(items: Sequence[Item]) -> list[ItemView]:
    return [ItemView(item=item, state="waiting", error="") for item in items]


class EnginePlayback(EngineDesk[PlaybackView]):
    """Playbacks, active at once, which play their first item for ever."""

    def __init__(self, centre: EngineCentre) -> None:
        super().__init__(centre, "playback", limit=2)
        #: digits, and whether they are for the others
        self.pressed: list[tuple[str, bool]] = []

    async def start(self, account: int, request: PlaybackRequest, **whom: Unpack[Whom]) -> str:
        found = self.leg(account, **whom)
        self.require_room()
        now = self.centre.clock.now()
        first, *rest = _waiting(request.items)
        view = PlaybackView(
            id=self.next_id,
            call=found.call,
            leg=found.unique_id,
            request=request,
            state="active",
            reason="",
            created_at=now,
            started_at=now,
            ended_at=None,
            items=[msgspec.structs.replace(first, state="playing"), *rest],
        )
        return self.begin(account, view)

    async def change(self, account: int, playback: str, action: str, items: Sequence[Item] = ()) -> None:
        view = self.view(account, playback)
        if view.state == "ended":
            raise PlaybackOver("the playback is over")
        if len(view.items) + len(items) > ITEMS:
            raise TooMany(f"a playback has {ITEMS} items at most")
        state = {"pause": "paused", "resume": "active"}.get(action, view.state)
        self._views[self._index(account, playback)] = (
            account,
            msgspec.structs.replace(view, state=state, items=[*view.items, *_waiting(items)]),
        )

    async def press(
        self,
        account: int,
        digits: str,
        *,
        others: bool = False,
        duration: int = 100,
        between: int = 100,
        **whom: Unpack[Whom],
    ) -> bool:
        self.leg(account, **whom)
        self.pressed.append((digits, others))
        return not others
