"""Things in order of a key."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T", bound=Hashable)
Key = tuple[Any, ...]
#: things that were put in and have not got their place among the others yet
LATE = 8


class Ranking(Generic[T]):
    """Things in order of a key, whose last part is the thing itself. Each of its methods but `part` costs O(log n)
    comparisons (and a memory move, cheap to many thousands).

    A place is looked for when somebody asks for the order: who is put in and taken out again at once (an agent who gets
    free while callers of one of his ten queues wait) costs the other nine orders nothing.
    """

    __slots__ = ("_keys", "_late", "key_of")

    def __init__(self) -> None:
        self._keys: list[Key] = []
        self._late: dict[T, Key] = {}
        #: of all that is in it
        self.key_of: dict[T, Key] = {}

    @property
    def keys(self) -> list[Key]:
        """In order. To be looked at, not to be changed."""
        if self._late:
            for key in self._late.values():
                insort(self._keys, key)
            self._late.clear()
        return self._keys

    def __len__(self) -> int:
        return len(self.key_of)

    def __contains__(self, item: T) -> bool:
        return item in self.key_of

    def put(self, item: T, key: Key) -> bool:
        """Add or move. Keys are unique. True: it was not there, or elsewhere."""
        old = self.key_of.get(item)
        if old == key:
            return False
        if old is not None:
            self._remove(item, old)
        self.key_of[item] = self._late[item] = key
        if len(self._late) > LATE:
            _ = self.keys
        return True

    def drop(self, item: T) -> None:
        """Take out, if it is there."""
        key = self.key_of.pop(item, None)
        if key is not None:
            self._remove(item, key)

    def _remove(self, item: T, key: Key) -> None:
        if self._late.pop(item, None) is None:
            del self._keys[bisect_left(self._keys, key)]

    def position(self, item: T) -> int:
        """From 1; 0: not there."""
        key = self.key_of.get(item)
        return 0 if key is None else bisect_left(self.keys, key) + 1

    def after(self, key: Key) -> Key | None:
        """The one behind; None: it is the last."""
        keys = self.keys
        at = bisect_right(keys, key)
        return keys[at] if at < len(keys) else None

    def part(self, wanted: Callable[[T], bool]) -> Ranking[T]:
        """Those of a kind, in the same order. Costs a look at each."""
        made: Ranking[T] = Ranking()
        made._keys = [key for key in self.keys if wanted(key[-1])]
        made.key_of = {key[-1]: key for key in made._keys}
        return made
