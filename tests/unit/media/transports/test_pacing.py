"""The ticker: no drift, no burst after a standstill, no member that harms another. The box: bounded, in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.clock import ManualClock, Timer
from ari_app.media.frames import FRAME_BYTES
from ari_app.media.transports.pacing import CATCH_UP, Outbox, Ticker


class LateClock(ManualClock):
    """Timers fire as late as the test says."""

    late = 0.0

    def call_at(self, when, callback) -> Timer:
        return super().call_at(when + self.late, callback)


def test_fifty_a_second_for_all() -> None:
    clock = ManualClock(1000.0)
    ticker, first, second = Ticker(clock), [], []
    ticker.add(first.append)
    leave = ticker.add(second.append)
    clock.advance(1.001)
    leave()
    leave()
    clock.advance(1.0)
    assert (sum(first), sum(second)) == (100, 50)
    assert ticker.skipped == 0


def test_it_rests_when_nobody_sends() -> None:
    clock = ManualClock()
    ticker, ticks = Ticker(clock), []
    ticker.add(ticks.append)()
    assert clock.due() is None
    ticker.add(ticks.append)
    clock.advance(0.021)
    assert ticks == [1]


@given(st.lists(st.floats(0, 0.09), min_size=1, max_size=50))
def test_lateness_is_made_up_for(delays: list[float]) -> None:
    """However late each tick is, the periods told are those that passed."""
    clock = LateClock(1000.0)
    ticker, ticks = Ticker(clock), []
    begun = clock.now()
    ticker.add(ticks.append)
    for delay in delays:
        clock.late = delay
        clock.advance(clock.due() - clock.now())
        assert sum(ticks) == pytest.approx((clock.now() - begun) / 0.02, abs=1.001)
    assert max(ticks) <= CATCH_UP
    assert ticker.skipped == 0


def test_after_a_standstill_there_is_no_burst() -> None:
    clock = LateClock(1000.0)
    ticker, ticks = Ticker(clock), []
    clock.late = 3.0
    ticker.add(ticks.append)
    clock.late = 0.0
    clock.advance(3.021)
    assert ticks == [1]
    assert ticker.skipped == 150
    clock.advance(0.1)
    assert sum(ticks) == 6


def test_a_clock_that_is_set_back_does_not_silence_anybody() -> None:
    clock = ManualClock(1000.0)
    ticker, ticks = Ticker(clock), []
    ticker.add(ticks.append)
    clock._now = 1000.0 - 3600  # the timer that is set still fires when its delay is over
    clock._timers[0][2].callback()
    assert ticks == [1]
    assert clock.due() == pytest.approx(1000.0 - 3600 + 0.02)


def test_one_that_fails_is_taken_out_alone() -> None:
    clock = ManualClock()
    ticker, ticks = Ticker(clock), []

    def fail(_periods: int) -> None:
        raise RuntimeError("a bug of this stream")

    ticker.add(fail)
    ticker.add(ticks.append)
    clock.advance(0.05)
    assert ticks == [1, 1]
    assert len(ticker) == 1


def test_one_may_take_out_another() -> None:
    clock = ManualClock()
    ticker, ticks = Ticker(clock), []
    leavers = []
    ticker.add(lambda _periods: leavers[0]())
    leavers.append(ticker.add(ticks.append))
    clock.advance(0.05)
    assert ticks == []


@given(st.lists(st.binary(max_size=2000).map(lambda data: data[: len(data) // 2 * 2]), max_size=20))
def test_what_is_put_is_taken_in_order(parts: list[bytes]) -> None:
    box, taken, accepted = Outbox(limit=10), b"", b""
    for part in parts:
        accepted += part[: box.put(part)]
        assert len(box) <= 10 * FRAME_BYTES
        if len(part) % 3 == 0:
            taken += box.take() if len(box) >= FRAME_BYTES else b""
    while frame := box.take():
        assert len(frame) == FRAME_BYTES
        taken += frame
    assert taken[: len(accepted)] == accepted
    assert not taken[len(accepted) :].strip(b"\0")


def test_many_frames_are_taken_at_once() -> None:
    box = Outbox()
    box.put(b"\1" * (2 * FRAME_BYTES + 2))
    assert box.take(2) == b"\1" * 2 * FRAME_BYTES
    assert box.take(2) == b"\1\1" + bytes(FRAME_BYTES - 2)


def test_what_is_not_said() -> None:
    box = Outbox()
    box.put(bytes(1000))
    assert box.clear() == 1000
    assert box.take() == b""


def test_half_a_sample() -> None:
    with pytest.raises(ValueError, match="samples"):
        Outbox().put(b"odd")
