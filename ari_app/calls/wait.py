"""Waiting: for events of one object of ours (a playback, a recording), for the end of a leg, for several things."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ari_app.ari.node import Node
from ari_app.ari.protocol import Received
from ari_app.calls.host import Host
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.registry import Registry
from ari_app.clock import Clock

T = TypeVar("T")

#: waits for an event that the predicate accepts; None when the leg went first
WaitFor = Callable[[Leg, Callable[[Received], bool]], Awaitable[Received | None]]


@contextmanager
def object_events(registry: Registry, node: Node, object_id: str) -> Iterator[WaitFor]:
    """Collect the events of an object from before it is asked for, so that none can come too early."""
    key = (node.name, object_id)
    queue: asyncio.Queue[Received] = asyncio.Queue()
    registry.waiters[key] = queue.put_nowait

    async def wait_for(leg: Leg, accept: Callable[[Received], bool]) -> Received | None:
        gone = asyncio.ensure_future(leg.until(LegState.GONE))
        try:
            while True:
                if not queue.empty():
                    event = queue.get_nowait()
                    if accept(event):
                        return event
                    continue
                if gone.done():
                    return None
                getter = asyncio.ensure_future(queue.get())
                try:
                    await asyncio.wait({gone, getter}, return_when=asyncio.FIRST_COMPLETED)
                    if getter.done() and accept(event := getter.result()):
                        return event
                finally:
                    getter.cancel()
        finally:
            gone.cancel()

    try:
        yield wait_for
    finally:
        registry.waiters.pop(key, None)


async def until_one_is_gone(clock: Clock, legs: Iterable[Leg], seconds: float) -> None:
    """Return when one of the legs is gone, after so many seconds at the latest."""
    over = asyncio.Event()
    timer = clock.call_at(clock.now() + seconds, over.set)
    waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(leg.until(LegState.GONE)) for leg in legs]
    waits.append(asyncio.ensure_future(over.wait()))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()
        for wait in waits:
            wait.cancel()


async def together(*works: Awaitable[Any]) -> None:
    """Do several things side by side. All of them have ended when this returns, or raises the first error."""
    for result in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def while_alive(host: Host, work: Coroutine[Any, Any, T]) -> T:
    """Do something for as long as a leg, or a conference, lives; it is cancelled when that goes.

    Raises:
        LegGone: that went first.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(host.until_gone())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise host.gone()
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
