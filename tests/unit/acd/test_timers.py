"""An engine's timers on a clock that is set."""

from __future__ import annotations

import pytest

from ari_app.acd.timers import EngineTimers
from ari_app.clock import ManualClock

Fired = list[tuple[str, float]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000.0)


@pytest.fixture
def fired() -> Fired:
    return []


@pytest.fixture
def timers(clock: ManualClock, fired: Fired) -> EngineTimers:
    return EngineTimers(clock, lambda timer, at: fired.append((timer, at)))


def test_it_fires_once_the_last_that_was_started_and_none_that_was_cancelled(
    clock: ManualClock, timers: EngineTimers, fired: Fired
) -> None:
    timers.start("ring", 1005.0)
    timers.start("ring", 1010.0)
    timers.start("wrap-up", 1002.0)
    timers.cancel("wrap-up")
    timers.cancel("nothing")
    clock.advance(20.0)
    assert fired == [("ring", 1010.0)]
    assert not timers.names()


def test_the_engine_may_be_ahead_of_the_clock(clock: ManualClock, timers: EngineTimers, fired: Fired) -> None:
    """As many seconds go by as it reckons; and it is due when it fires, whatever the clock says."""
    timers.reckon(1060.0)
    timers.start("ring", 1070.0)
    clock.advance(9.0)
    assert fired == []
    clock.advance(1.0)
    assert fired == [("ring", 1070.0)]
    timers.reckon(990.0)  # of something that happened before
    timers.start("ring", 1015.0)
    clock.advance(5.0)
    assert fired[1:] == [("ring", 1015.0)]


def test_a_restart_and_a_stop(clock: ManualClock, timers: EngineTimers, fired: Fired) -> None:
    timers.restore({"ring": 1005.0, "late": 900.0})
    assert timers.names() == {"ring", "late"}
    clock.advance(1.0)
    assert [timer for timer, _ in fired] == ["late"]
    timers.stop()
    clock.advance(10.0)
    assert len(fired) == 1
