"""The thread that does what blocks."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ari_app.store.thread import OneThread


async def test_jobs_are_done_in_order_and_their_errors_come_back() -> None:
    thread, done = OneThread("test"), list[int]()
    await asyncio.gather(*(thread.call(done.append, n) for n in range(100)))
    assert done == list(range(100))
    assert await thread.call(lambda: threading.current_thread().name) == "test"
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 / 0)
    thread.stop()
    thread.stop()
    with pytest.raises(RuntimeError):
        thread.call(print)


async def test_a_job_is_finished_though_nobody_waits() -> None:
    thread, gate, done = OneThread("test"), threading.Event(), list[int]()

    def job() -> None:
        gate.wait(10)
        done.append(1)

    waiting = asyncio.ensure_future(thread.call(job))
    waiting.cancel()
    last = thread.call(done.append, 2)
    thread.stop()
    gate.set()
    await last
    assert done == [1, 2]
    assert waiting.cancelled()


def test_a_loop_that_is_gone_does_not_end_the_thread() -> None:
    thread, gate = OneThread("test"), threading.Event()

    async def leave() -> None:
        thread.call(gate.wait, 10)

    asyncio.run(leave())
    gate.set()

    async def again() -> str:
        return await thread.call(str, 1)

    assert asyncio.run(again()) == "1"
    thread.stop()
