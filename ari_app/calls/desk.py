"""What users begin on live calls over REST and look at by its id: attachments, recognitions. A desk has one kind."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, Protocol, TypedDict, TypeVar, Unpack

from ari_app.calls.host import Host
from ari_app.calls.leg import Leg
from ari_app.calls.registry import Registry
from ari_app.errors import CommandRefused, NotFound

#: Those of an account that are over, and can still be looked at: the newest.
REMEMBERED = 100

#: tells an event of an account: its name, and its values
Tell = Callable[[int, str, dict[str, Any]], None]

V_co = TypeVar("V_co", covariant=True)
V = TypeVar("V")

#: finds the leg that users name by an extension, of an account; None: it is on no call
FindLeg = Callable[[int, str], Leg | None]


class Whom(TypedDict, total=False):
    """How users name a leg: one of these is given."""

    #: id of the call that began with it
    call: str
    #: its own id, of any call
    leg: str
    #: number of the extension that is on a call with it
    extension: str


class TooMany(CommandRefused):
    """There are as many of this kind as may be."""

    slug = "too_many"


class Session(Protocol[V_co]):
    """One that was begun."""

    #: tells something of it to those who listen to the account's events: what ("Started"), and its values
    tell: Callable[..., None]

    @property
    def id(self) -> str: ...

    @property
    def host(self) -> Host:
        """What it serves."""
        ...

    @property
    def created_at(self) -> float:
        """Seconds of the epoch."""
        ...

    @property
    def reason(self) -> str:
        """Why it has ended; "": it has not."""
        ...

    async def run(self) -> None:
        """All its life: a task of its host."""
        ...

    def stop(self, reason: str) -> None:
        """End it; nothing if it is over."""
        ...

    def finish(self) -> None:
        """Its task is over, in whatever way: let go of what it has."""
        ...

    def view(self) -> V_co:
        """As it is now."""
        ...


class Desk(Generic[V]):
    """All of one kind: those that live, and those lately over."""

    def __init__(self, registry: Registry, find: FindLeg, noun: str, *, limit: int, nouns: str = "") -> None:
        """noun: what they are, in the singular; it names their tasks and events. limit: of those that live, at a
        time. nouns: the plural, where that is not noun and s."""
        #: nobody listens as long as it is not set
        self.tell: Tell = lambda _account, _name, _values: None
        self._registry = registry
        self._find = find
        self._noun, self._nouns = noun, nouns or f"{noun}s"
        self._limit = limit
        self._live: dict[str, tuple[int, Session[V]]] = {}
        self._ended: dict[int, deque[Session[V]]] = {}

    def __len__(self) -> int:
        """Those that are not over."""
        return len(self._live)

    def find_leg(self, account: int, **whom: Unpack[Whom]) -> Leg:
        """The leg that users mean.

        Raises:
            NotFound: context "parameter" says what of `whom` there is not.
        """
        (parameter,) = whom
        match whom:
            case {"call": str(call)}:
                found = self._registry.calls.get(call)
                leg = None if found is None else found.origin
            case {"leg": str(id)}:
                legs = self._registry.legs
                leg = next((leg for node in self._registry.nodes if (leg := legs.get((node, id)))), None)
            case _:
                leg = self._find(account, whom["extension"])
        if leg is None or not leg.alive or leg.call.account != account:
            raise NotFound("is not on a call", parameter=parameter)
        return leg

    def require_room(self, leg: Leg | None = None, per_call: int = 0) -> None:
        """leg, per_call: of its call there may be so many. Raises TooMany."""
        if len(self._live) >= self._limit:
            raise TooMany(f"there are {self._limit} {self._nouns} already")
        if leg is not None and self._on_call(leg) >= per_call:
            raise TooMany(f"there are {per_call} {self._nouns} on that call already")

    def _on_call(self, leg: Leg) -> int:
        return sum(session.host.names.get("call") == leg.call.id for _, session in self._live.values())

    def begin(self, account: int, session: Session[V]) -> str:
        """Set it going; its id."""
        self._live[session.id] = (account, session)
        session.tell = partial(self._tell, account, session)
        task = session.host.spawn(session.run(), self._noun)
        task.add_done_callback(lambda _task: self._over(account, session))
        return session.id

    def _over(self, account: int, session: Session[V]) -> None:
        session.finish()
        self._tell(account, session, "Ended", reason=session.reason)
        self._live.pop(session.id, None)
        self._ended.setdefault(account, deque(maxlen=REMEMBERED)).append(session)

    def _tell(self, account: int, session: Session[V], what: str, **values: Any) -> None:
        of = {"at": self._registry.clock.now(), self._noun: session.id, **session.host.names}
        self.tell(account, self._noun.capitalize() + what, {**of, **values})

    def _session(self, account: int, session_id: str) -> Session[V]:
        live = self._live.get(session_id)
        if live is not None and live[0] == account:
            return live[1]
        for session in self._ended.get(account, ()):
            if session.id == session_id:
                return session
        raise NotFound(f"there is no such {self._noun}", parameter="id")

    def view(self, account: int, session_id: str) -> V:
        """One, live or lately ended. Raises NotFound."""
        return self._session(account, session_id).view()

    def views(self, account: int) -> list[V]:
        """Those of an account, the oldest first: lately ended, and live."""
        live = [session for owner, session in self._live.values() if owner == account]
        found = [*self._ended.get(account, ()), *live]
        return [session.view() for session in sorted(found, key=lambda each: (each.created_at, each.id))]

    def stop(self, account: int, session_id: str) -> None:
        """End one; nothing if it is over. Raises NotFound."""
        self._session(account, session_id).stop("stopped by request")
