"""Between a call and an endpoint, in virtual time."""

from __future__ import annotations

import pytest

from ari_app.clock import ManualClock
from ari_app.media.frames import FRAME_BYTES
from ari_app.media.relay import DEAF, ENOUGH, FULL, LIVE_ROOM, ROOM, Relay
from ari_app.media.transports.attachment import Attachment
from ari_app.media.transports.pacing import PERIOD, Ticker
from ari_app.media.transports.port import Direction

FRAME = b"\1\0" * (FRAME_BYTES // 2)


class Call(Attachment):
    """The side of the call: says a frame at each tick."""

    def __init__(self, relay: Relay, ticker: Ticker, direction: Direction = Direction.BOTH, pieces: int = 1) -> None:
        super().__init__(relay.from_call, ticker=ticker, direction=direction, pieces=pieces)
        self.said: list[bytes] = []
        self._open()

    def _send(self, periods: int) -> None:
        for _ in range(periods):
            frame = self._box.take()
            if frame:
                self.said.append(frame)

    def _shut(self) -> None:
        pass


class Target(Attachment):
    """The side of the endpoint: takes all at once, unless it is deaf."""

    def __init__(self, relay: Relay, ticker: Ticker) -> None:
        super().__init__(relay.from_target, ticker=ticker, direction=Direction.BOTH)
        self.got = b""
        self.deaf = False
        self.told: list[str] = []

    def say(self, samples: bytes) -> int:
        if self.deaf:
            return 0
        self.got += samples
        return len(samples)

    def throttle(self, on: bool) -> None:
        self.told.append("xoff" if on else "xon")

    def hold(self, on: bool) -> None:
        self.told.append("hold" if on else "go")

    def _shut(self) -> None:
        pass


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.ticker = Ticker(self.clock)
        self.notes: list[str] = []
        self.relay = Relay(self.ticker, self.notes.append)
        self.target = Target(self.relay, self.ticker)
        self.relay.set_target(self.target, self.target, lambda: self.target.told.append("drained"))
        self.call = Call(self.relay, self.ticker)
        self.relay.set_call(self.call)

    def tick(self, times: int) -> None:
        for _ in range(times):
            self.clock.advance(PERIOD)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_each_hears_the_other_and_what_was_lost_is_silence(bench: Bench) -> None:
    bench.relay.from_call.frames([FRAME, None, FRAME])
    assert bench.target.got == FRAME + bytes(FRAME_BYTES) + FRAME
    bench.relay.from_target.frames([FRAME] * 3)
    bench.tick(5)
    assert bench.call.said == [FRAME] * 3
    assert (bench.relay.dropped, bench.notes) == (0, [])


def test_one_who_talks_too_fast_is_slowed_down_and_loses_nothing(bench: Bench) -> None:
    for _ in range(ENOUGH):
        bench.relay.from_target.frames([FRAME])
    assert bench.target.told == ["xoff"]
    bench.relay.from_target.frames([FRAME] * (FULL - ENOUGH))
    assert bench.target.told == ["xoff", "hold"]
    bench.relay.from_target.frames([FRAME] * 205)  # what was on its way
    assert bench.relay.dropped == 0
    bench.tick(FULL + 205 - ROOM)
    assert bench.target.told == ["xoff", "hold"]
    bench.tick(2)
    assert bench.target.told == ["xoff", "hold", "xon", "go"]
    bench.tick(ROOM + 10)
    assert len(bench.call.said) == FULL + 205
    assert len(bench.ticker) == 1  # the call itself: nothing is looked at any more


def test_beyond_all_bounds_it_is_dropped(bench: Bench) -> None:
    bench.relay.from_target.frames([FRAME] * 1500)
    assert bench.relay.dropped == 500
    assert bench.call.waiting == 1000


def test_a_flush_takes_back_what_was_not_said(bench: Bench) -> None:
    bench.relay.from_target.frames([FRAME] * FULL)
    bench.tick(1)
    bench.relay.from_target.flush()
    bench.tick(10)
    assert len(bench.call.said) == 1
    assert bench.target.told == ["xoff", "hold", "xon", "go"]


def test_it_is_told_once_when_all_is_said(bench: Bench) -> None:
    bench.relay.from_target.frames([FRAME] * 3)
    bench.relay.from_target.report_drained()
    bench.tick(2)
    assert bench.target.told == []
    bench.tick(5)
    assert bench.target.told == ["drained"]
    bench.relay.from_target.report_drained()
    assert bench.target.told == ["drained", "drained"]


def test_one_who_does_not_read_misses_it_and_then_is_given_up(bench: Bench) -> None:
    bench.target.deaf = True
    for _ in range(DEAF - 1):
        bench.relay.from_call.frames([FRAME])
    assert not bench.relay.over.is_set()
    bench.target.deaf = False
    bench.relay.from_call.frames([FRAME])
    assert bench.target.got == FRAME
    bench.target.deaf = True
    for _ in range(DEAF):
        bench.relay.from_call.frames([FRAME])
    assert bench.relay.reason == "target: has not read for 30 s"
    assert bench.notes == ["slow", "slow"]


def test_the_first_reason_stays(bench: Bench) -> None:
    bench.relay.from_target.frames([FRAME] * ENOUGH)
    bench.target.close("the target has hung up")
    bench.call.close("its channel is gone")
    assert bench.relay.reason == "target: the target has hung up"
    bench.relay.from_call.frames([FRAME])
    bench.relay.from_target.frames([FRAME])
    assert bench.target.got == b""
    assert bench.relay.dropped == 1
    assert len(bench.ticker) == 0


def test_what_comes_before_the_call_is_there_is_dropped() -> None:
    clock = ManualClock()
    relay = Relay(Ticker(clock), lambda note: None)
    relay.from_target.frames([FRAME] * 2)
    relay.from_call.frames([FRAME])
    relay.from_target.flush()
    assert relay.dropped == 2


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("pace", [0.99, 1.0, 1.01])
def test_an_endpoint_whose_clock_is_not_ours(bench: Bench, pace: float, live: bool) -> None:
    """Ten minutes of it: one that is fast is not heard later and later; of one that is slow nothing is lost."""
    bench.relay.set_target(bench.target, live=live)
    frames, sent, most = int(600 / PERIOD), 0, 0
    for tick in range(frames):
        while sent < tick * pace:
            bench.relay.from_target.frames([FRAME])
            sent += 1
            most = max(most, bench.call.waiting)
        bench.tick(1)
    lost = bench.relay.dropped
    assert len(bench.call.said) == sent - lost - bench.call.waiting
    if live and pace > 1:
        assert most == LIVE_ROOM
        assert lost == pytest.approx(0.01 * frames, abs=2 * LIVE_ROOM)
    else:
        assert lost == 0
        assert most <= (2 if pace <= 1 else 0.011 * frames)


def test_a_burst_of_a_live_endpoint_is_cut_and_the_rest_is_heard(bench: Bench) -> None:
    bench.relay.set_target(bench.target, live=True)
    bench.relay.from_target.frames([FRAME] * 100)
    assert (bench.call.waiting, bench.relay.dropped) == (LIVE_ROOM, 100 - LIVE_ROOM)
    bench.tick(5)
    bench.relay.from_target.frames([FRAME] * 3)
    bench.tick(20)
    assert len(bench.call.said) == LIVE_ROOM + 3


def test_of_a_live_endpoint_of_16_khz_as_much_may_wait() -> None:
    """What is given is in pieces of 10 ms, what may wait in frames."""
    clock, made = ManualClock(), list[str]()
    ticker = Ticker(clock)
    relay = Relay(ticker, made.append, pieces=2)
    target = Target(relay, ticker)
    relay.set_target(target, live=True)
    call = Call(relay, ticker, pieces=2)
    relay.set_call(call)
    relay.from_target.frames([FRAME] * 100)
    assert (call.waiting, relay.dropped) == (LIVE_ROOM, 50 - LIVE_ROOM)
