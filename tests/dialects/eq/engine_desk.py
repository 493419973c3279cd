"""What users begin on calls, for tests of the EQ API: begun on calls that a test says there are, live at once."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, Unpack

import msgspec

from ari_app.acd.call_control import ActiveCallInfo
from ari_app.calls.desk import TooMany, Whom
from ari_app.errors import NotFound
from tests.dialects.eq.engine_centre import EngineCentre

V = TypeVar("V", bound=Any)


class EngineDesk(Generic[V]):
    """All of one kind. `V`: its view, with id, state and reason."""

    def __init__(self, centre: EngineCentre, noun: str, *, limit: int, nouns: str = "") -> None:
        self.centre = centre
        self._noun, self._nouns = noun, nouns or f"{noun}s"
        self._limit = limit
        self._views: list[tuple[int, V]] = []

    @property
    def number(self) -> int:
        """Of the next."""
        return len(self._views) + 1

    @property
    def next_id(self) -> str:
        return f"{self._noun}-{self.number}"

    def leg(self, account: int, **whom: Unpack[Whom]) -> ActiveCallInfo:
        """Raises NotFound."""
        ((name, value),) = whom.items()
        for info in self.centre.calls.all_of(account):
            if info.state == "up" and value == {"leg": info.unique_id, **msgspec.structs.asdict(info)}[name]:
                return info
        raise NotFound("is not on a call")

    def require_room(self) -> None:
        """Raises TooMany."""
        if len([view for _, view in self._views if view.state != "ended"]) >= self._limit:
            raise TooMany(f"there are {self._limit} {self._nouns} already")

    def begin(self, account: int, view: V) -> str:
        self._views.append((account, view))
        return str(view.id)

    def _index(self, account: int, session: str) -> int:
        for index, (owner, view) in enumerate(self._views):
            if (owner, view.id) == (account, session):
                return index
        raise NotFound

    def view(self, account: int, session: str) -> V:
        return self._views[self._index(account, session)][1]

    def views(self, account: int) -> list[V]:
        return [view for owner, view in self._views if owner == account]

    def stop(self, account: int, session: str) -> None:
        index = self._index(account, session)
        owner, view = self._views[index]
        if view.state != "ended":
            self._views[index] = (owner, self.over(view))

    def over(self, view: V) -> V:
        """It, ended by request now."""
        ended: V = msgspec.structs.replace(
            view, state="ended", reason="stopped by request", ended_at=self.centre.clock.now()
        )
        return ended
