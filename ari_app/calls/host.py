"""What channels of ours, and what users begin over REST, can serve: a leg, or a conference."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from ari_app.ari.node import Node
    from ari_app.calls.leg import LegGone
    from ari_app.calls.registry import Registry

T = TypeVar("T")


class Host(Protocol):
    """One of them. What serves it does not outlive it."""

    @property
    def id(self) -> str: ...

    @property
    def node(self) -> Node: ...

    @property
    def registry(self) -> Registry: ...

    @property
    def names(self) -> Mapping[str, str]:
        """What events and the log say of it."""
        ...

    @property
    def farewell(self) -> str:
        """Why what served it has ended, when it is gone."""
        ...

    @property
    def closing(self) -> bool:
        """It is over, and lets go of what it has."""
        ...

    @property
    def detached(self) -> bool:
        """The process ends, it goes on in Asterisk: what serves it is left there as it is."""
        ...

    def gone(self) -> LegGone:
        """What is raised when it is gone."""
        ...

    def require_alive(self) -> None:
        """Raises LegGone when there is nothing to work on."""
        ...

    async def until_gone(self) -> None:
        """Wait for its end."""
        ...

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something for it. It ends with it at the latest; its errors stay there."""
        ...

    async def complete(self, request: Coroutine[Any, Any, T]) -> T:
        """Carry a request out to its end, also when the one who waits for it is cancelled."""
        ...


class Requests:
    """What Asterisk is asked for, carried out to its end also when the one who waits for it is cancelled. What makes
    something in Asterisk goes this way: one cannot release what may or may not come to be."""

    def __init__(self) -> None:
        self._going: set[asyncio.Future[Any]] = set()

    def __len__(self) -> int:
        return len(self._going)

    async def complete(self, request: Coroutine[Any, Any, T]) -> T:
        """Wait for it; as above."""
        return await asyncio.shield(self.begin(request))

    def begin(self, request: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """As `complete`, for one who has something to do after its end. To be waited for in a shield."""
        task = asyncio.ensure_future(request)
        self._going.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Future[Any]) -> None:
        self._going.discard(task)
        if not task.cancelled():
            task.exception()  # seen: who asked may have been cancelled

    async def ended(self) -> None:
        """Wait for those that go on now."""
        if self._going:
            await asyncio.gather(*self._going, return_exceptions=True)

    def cancel(self) -> None:
        """The process ends."""
        for task in list(self._going):
            task.cancel()
