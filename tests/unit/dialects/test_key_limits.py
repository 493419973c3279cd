"""No key is asked with more often than it may be, and none is held back for another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ari_app.clock import ManualClock
from ari_app.dialects.key_limits import BURST_SECONDS, KeyLimits
from ari_app.store.values import ApiKey


def key(id: int = 1, rate_limit: float | None = None) -> ApiKey:
    return ApiKey(
        id=id,
        account=1,
        name="",
        prefix="",
        scopes=("*",),
        created_at=0,
        revoked_at=None,
        last_used_at=None,
        rate_limit=rate_limit,
    )


def test_burst_then_rate() -> None:
    clock = ManualClock()
    limits = KeyLimits(clock, 5)
    assert [limits.take(key()) for _ in range(10)] == [0] * 10
    assert limits.take(key()) == 0.2
    clock.advance(0.1)
    assert 0.09 < limits.take(key()) < 0.11
    clock.advance(0.11)
    assert limits.take(key()) == 0
    assert limits.take(key()) > 0
    assert limits.refused == {"1": 3}


def test_each_key_has_its_own() -> None:
    limits = KeyLimits(ManualClock(), 1)
    for _ in range(3):
        limits.take(key(1))
    assert limits.take(key(2)) == 0


def test_a_limit_of_its_own_counts_and_0_is_none() -> None:
    limits = KeyLimits(ManualClock(), 1)
    assert all(limits.take(key(1, 0.0)) == 0 for _ in range(1000))
    assert [limits.take(key(2, 10.0)) == 0 for _ in range(21)] == [True] * 20 + [False]
    free = KeyLimits(ManualClock(), 0)
    assert all(free.take(key()) == 0 for _ in range(1000))
    assert free.take(key(3, 0.1)) == 0
    assert free.take(key(3, 0.1)) == 10


def test_a_limit_that_is_changed_holds_at_once() -> None:
    limits = KeyLimits(ManualClock(), 100)
    limits.take(key())
    assert [limits.take(key(1, 1.0)) == 0 for _ in range(3)] == [True, True, False]


def test_a_clock_that_is_set_back_gives_nothing() -> None:
    clock = ManualClock()
    limits = KeyLimits(clock, 1)
    for _ in range(2):
        limits.take(key())
    clock.advance(-3600)
    assert limits.take(key()) == 1
    clock.advance(1)
    assert limits.take(key()) == 0


@given(rate=st.floats(0.5, 50), gaps=st.lists(st.floats(0, 2), max_size=60))
def test_never_more_than_burst_and_rate(rate: float, gaps: list[float]) -> None:
    clock = ManualClock()
    limits = KeyLimits(clock, rate)
    allowed = 0
    for gap in gaps:
        clock.advance(gap)
        wait = limits.take(key())
        allowed += wait == 0
        assert wait <= 1 / rate
    assert allowed <= max(1.0, rate * BURST_SECONDS) + sum(gaps) * rate + 0.001


@given(rate=st.floats(0.5, 50))
def test_after_the_time_it_says_it_may_be_asked(rate: float) -> None:
    clock = ManualClock()
    limits = KeyLimits(clock, rate)
    while not (wait := limits.take(key())):
        pass
    clock.advance(wait + 1e-6)
    assert limits.take(key()) == 0
