"""What takes a while to make, and several may want meanwhile: it is made once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class MadeOnce(Generic[T]):
    """What is being made, by name."""

    def __init__(self, task: str) -> None:
        """task: what their tasks are called."""
        self._task = task
        self._under_way: dict[str, asyncio.Task[T]] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    def __contains__(self, name: str) -> bool:
        return name in self._under_way

    def get(self, name: str, make: Callable[[], Coroutine[Any, Any, T]]) -> Awaitable[T]:
        """What is made of it, or what make raises. Who asks for what is being made waits for the same; who waits no
        longer does not end it."""
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.create_task(make(), name=self._task)
            self._under_way[name] = task
            task.add_done_callback(lambda done: self._end(name, done))
        return asyncio.shield(task)

    def _end(self, name: str, task: asyncio.Task[T]) -> None:
        self._under_way.pop(name, None)
        if not task.cancelled():
            task.exception()  # told to who waits; nobody may be

    async def over(self, part: str) -> None:
        """Wait for the end of all with this in their name."""
        making = [task for name, task in self._under_way.items() if part in name]
        await asyncio.gather(*making, return_exceptions=True)

    async def close(self) -> None:
        """End all."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
