"""What happens, told at once to those who listen: the newest events of each account, in a ring.

A listener has a place in the ring and nothing of its own, so a slow one costs no memory: when the ring has overtaken
it, it is dropped, and when it comes back it is told that there is a gap. An event's id is "run-number"; run is another
one after each start of the process, so that an id of before is known to be of before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from functools import cache
from itertools import islice
from typing import Any

import msgspec

from ari_app.acd.commands import AnyFact, Fact
from ari_app.clock import Clock
from ari_app.errors import AppError

#: events an account's ring holds
RING = 10_000
#: events a listener is given at a time
BATCH = 100

_encode = msgspec.json.Encoder().encode


class Overtaken(AppError):
    """The listener is so slow that events it has not been given are gone."""

    slug = "overtaken"


class Told:
    """An event. Its text is made when it is sent first: most of the time, nobody listens."""

    __slots__ = ("_data", "_values", "id", "scope", "type")

    def __init__(self, id: str, type: str, values: AnyFact | dict[str, Any], scope: str) -> None:
        self.id = id
        self.type = type
        self.scope = scope
        self._values = values
        self._data = b""

    @property
    def data(self) -> bytes:
        """A JSON object, with id and type."""
        if not self._data:
            values = self._values
            if isinstance(values, Fact):
                found = msgspec.to_builtins(values)
                values = {_camel(name): value for name, value in found.items() if name != "fact"}
            self._data = _encode({"id": self.id, "type": self.type, **values})
        return self._data


@cache
def _camel(name: str) -> str:
    """agent_state -> agentState, as all names of the API are."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


class _Ring:
    def __init__(self, size: int) -> None:
        self.events: deque[Told] = deque(maxlen=size)
        #: number of the newest; 0: there was none
        self.newest = 0
        self.listeners: set[Listener] = set()

    @property
    def oldest(self) -> int:
        return self.newest - len(self.events) + 1


class Feed:
    """The rings of all accounts."""

    def __init__(self, clock: Clock, size: int = RING, most: int | None = None) -> None:
        """most: how many may listen to an account at a time; None: as many as like."""
        self._most = most
        self._run = f"{int(clock.now() * 1000):x}"
        self._size = size
        self._rings: dict[int, _Ring] = {}

    def fact(self, account: int, fact: AnyFact) -> None:
        """Tell a fact of an account's queues: its type is the fact's name (`CallerEntered`)."""
        self.tell(account, type(fact).__name__, fact)

    def tell(self, account: int, kind: str, values: AnyFact | dict[str, Any], *, scope: str = "") -> None:
        """Tell something to those who listen to the account. values: JSON, without "id" and "type". scope: who may not
        have what needs this scope is not told; "": all are."""
        ring = self._ring(account)
        ring.newest += 1
        ring.events.append(self._told(ring.newest, kind, values, scope))
        for listener in ring.listeners:
            listener.woken.set()

    def full(self, account: int) -> bool:
        """As many listen to an account as may."""
        return self._most is not None and len(self._ring(account).listeners) >= self._most

    def listen(self, account: int, after: str | None = None, scopes: Collection[str] = ()) -> Listener:
        """Listen from now on, or from after the event with an id. scopes: what is told beside what all are told."""
        ring = self._ring(account)
        scopes = {"", *scopes}
        if not after:
            return Listener(ring, ring.newest, self._told(ring.newest, "Connected", {}), scopes)
        run, _, number = after.partition("-")
        seen = int(number) if run == self._run and number.isascii() and number.isdigit() and len(number) < 20 else -1
        if ring.oldest - 1 <= seen <= ring.newest:
            return Listener(ring, seen, self._told(seen, "Connected", {}), scopes)
        before = ring.oldest - 1
        return Listener(ring, before, self._told(before, "Gap", {"after": after}), scopes)

    def close(self) -> None:
        """Nobody is told anything any more: the server stops."""
        for ring in self._rings.values():
            for listener in ring.listeners:
                listener.over = True
                listener.woken.set()

    def _ring(self, account: int) -> _Ring:
        if account not in self._rings:
            self._rings[account] = _Ring(self._size)
        return self._rings[account]

    def _told(self, number: int, kind: str, values: AnyFact | dict[str, Any], scope: str = "") -> Told:
        return Told(f"{self._run}-{number}", kind, values, scope)


class Listener:
    """One who listens; a context manager, in which `next` may be called."""

    def __init__(self, ring: _Ring, seen: int, first: Told, scopes: Collection[str]) -> None:
        #: the first thing to say: from where it goes on
        self.first = first
        self.woken = asyncio.Event()
        self.over = False
        self._ring = ring
        self._seen = seen
        self._scopes = scopes

    def __enter__(self) -> Listener:
        self._ring.listeners.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._ring.listeners.discard(self)

    async def next(self) -> list[Told]:
        """Wait for what has not been given yet, BATCH at most; empty: the server stops.

        Raises:
            Overtaken
        """
        while not self.over:
            await self._something_new()
            if not self.over and (found := [each for each in self._newer() if each.scope in self._scopes]):
                return found
        return []

    async def _something_new(self) -> None:
        while self._seen == self._ring.newest and not self.over:
            self.woken.clear()
            await self.woken.wait()

    def _newer(self) -> list[Told]:
        ring = self._ring
        if self._seen < ring.oldest - 1:
            raise Overtaken("events were lost on a slow listener")
        # from the newer end, which is where nearly all listeners are
        missing = min(ring.newest - self._seen, len(ring.events))
        found = list(islice(reversed(ring.events), missing))
        found.reverse()
        found = found[:BATCH]
        self._seen += len(found)
        return found
