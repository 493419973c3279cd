"""One thread that does what blocks, in order. Half the cost of an executor's hop, which a batch makes every 50 ms."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class OneThread:
    """Jobs are done one after the other; one that has begun is finished, whether or not anybody still waits for it."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._name = name
        self._started = self._stopped = False

    def call(self, function: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Do it in the thread; what it returns or raises is the future's.

        Raises:
            RuntimeError: the thread has been stopped.
        """
        if self._stopped:
            raise RuntimeError("the thread has been stopped")
        if not self._started:
            self._started = True
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._jobs.put((loop, future, function, args))
        return future

    def stop(self) -> None:
        """End the thread when it has done what it was given."""
        if not self._stopped:
            self._stopped = True
            self._jobs.put(None)

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            loop, future, function, args = job
            try:
                result, error = function(*args), None
            except BaseException as caught:
                result, error = None, caught
            # The loop may be closed: then nobody waits any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_tell, future, result, error)
            # nothing of the last job is kept alive while waiting for the next
            del job, loop, future, function, args, result, error


def _tell(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
