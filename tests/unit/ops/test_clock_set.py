"""That the machine's clock was set is told. A test does not set it: what the system then does is made up, and that is
all that is."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import Callable

import pytest
import uvloop

from ari_app.ops.clock_set import ClockSet

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="others do not tell")


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_nothing_is_told_while_nobody_sets_it(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def watch() -> None:
        told: list[int] = []
        watched = ClockSet(lambda: told.append(1))
        assert watched.start()
        for _ in range(3):
            await asyncio.sleep(0)
        watched.close()
        watched.close()
        assert told == []

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(watch())


async def test_it_is_told_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    watched = ClockSet(lambda: told.append(1))
    assert watched.start()
    descriptor = watched._descriptor
    assert descriptor is not None
    watched._ready(descriptor)  # there is nothing to read
    assert told == []

    def cancelled(descriptor: int, size: int) -> bytes:
        raise OSError(errno.ECANCELED, "Operation canceled")

    with monkeypatch.context() as patched:
        patched.setattr(os, "read", cancelled)
        watched._ready(descriptor)
        watched._ready(descriptor)
    assert told == [1, 1]
    watched._ready(descriptor)  # it was armed again
    assert told == [1, 1]
    watched.close()


async def test_a_system_that_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda *_args, **_more: object())
    watched = ClockSet(lambda: None)
    assert not watched.start()
    watched.close()
