"""Many calls measured together: the same features as alone, in real time or after a stand-still, and silence that no
phone sends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.clock import ManualClock
from ari_app.media.batch import AT_ONCE, LATE, ROOM, Batch, Line
from ari_app.media.features import Channel, Features, measure
from ari_app.media.frames import FRAME_BYTES, Frame
from ari_app.media.transports.pacing import PERIOD, Ticker
from tests.unit.media.signals import features, frames, noise, sine, voice

SILENCE = bytes(FRAME_BYTES)
SOUND = frames(noise(20, -20))[0]


class Room:
    """A batch, and what was heard of its lines."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.batch = Batch(Ticker(self.clock), self.clock)
        self.heard: dict[str, list[Features]] = {}
        self.ended: dict[str, str] = {}

    def line(self, name: str) -> Line:
        self.heard[name] = []
        line = self.batch.join(
            lambda features, _frame: self.heard[name].append(features), lambda reason: self.ended.update({name: reason})
        )
        line.start()
        return line

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.clock.advance(PERIOD)


def test_lines_are_measured_together_as_they_are_alone() -> None:
    room = Room()
    sounds = {"voice": voice(800), "tone": sine(1000, 800), "noise": noise(800)}
    lines = {name: room.line(name) for name in sounds}
    for number in range(40):
        for name, sound in sounds.items():
            lines[name].frames([frames(sound)[number]])
        room.tick()
    for name, sound in sounds.items():
        assert [f.at for f in room.heard[name]] == [20 * n for n in range(40)]
        for together, alone in zip(room.heard[name], features(sound), strict=True):
            assert together[:2] + together[4:5] == alone[:2] + alone[4:5]
            assert np.allclose([*together[2:4], *together[5:13]], [*alone[2:4], *alone[5:13]], atol=0.05)


@settings(max_examples=20)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=12, max_size=12), min_size=1, max_size=5),
    st.lists(st.integers(0, 40), max_size=5),
)
def test_however_frames_come_each_line_is_measured_as_alone(
    chunks: list[list[tuple[int, bool]]], leaving: list[int]
) -> None:
    """Several at once, none for a while, some of them lost; and others join and leave meanwhile."""
    room = Room()
    lines = [room.line(f"line {number}") for number in range(len(chunks))]
    for line in lines:
        line.heard = math.inf  # their time stands: what comes late is late
    sounds = [frames(voice(1500, seed=number), noise(500)) for number in range(len(lines))]
    said: list[list[Frame]] = [[] for _ in lines]
    for turn in range(12):
        if turn in leaving:
            guest = room.line(f"guest {turn}")
            guest.frames([SOUND] * 3)
            room.tick()
            guest.ended("goes")
        for number, line in enumerate(lines):
            count, lost = chunks[number][turn]
            start = len(said[number])
            come = [None if lost else frame for frame in sounds[number][start : start + count]]
            said[number] += come
            line.frames(come)
        room.clock.advance(PERIOD / 2)
    room.tick(2)
    for number in range(len(lines)):
        alone, channel = [], Channel()
        for frame in said[number]:
            alone += measure([(channel, frame)])
        heard = room.heard[f"line {number}"]
        assert [f[:2] + f[4:5] for f in heard] == [f[:2] + f[4:5] for f in alone]
        for together, one in zip(heard, alone, strict=True):
            assert np.allclose([*together[2:4], *together[5:13]], [*one[2:4], *one[5:13]], atol=1e-3)


def test_what_came_before_the_end_is_heard() -> None:
    room = Room()
    line = room.line("a")
    line.frames([SOUND] * 30)
    line.ended("its channel is gone")
    assert (len(room.heard["a"]), room.ended) == (30, {"a": "its channel is gone"})
    line = room.line("a")
    line.frames([SOUND] * 30)
    line.end("nobody wants it any more")
    assert room.heard["a"] == []


def test_what_is_lost_stays_lost() -> None:
    room = Room()
    line = room.line("a")
    for frame in (SOUND, None, SOUND):
        line.frames([frame])
        room.tick()
    assert [f.lost for f in room.heard["a"]] == [False, True, False]


def test_a_phone_that_sends_nothing_is_silent() -> None:
    """Its time goes on, by LATE frames later than the clock."""
    room = Room()
    line = room.line("a")
    room.tick(100)
    assert len(room.heard["a"]) == 100 - LATE
    assert {(f.energy, f.lost) for f in room.heard["a"]} == {(0.0, False)}
    assert line.filled == 100 - LATE


@pytest.mark.parametrize("late", [None, SILENCE], ids=["lost", "silent"])
def test_a_gap_that_is_filled_up_later_is_not_counted_twice(late: Frame) -> None:
    """RTP has a gap of silence in its timestamps, which is made silence when the next packet comes."""
    room = Room()
    line = room.line("a")
    room.tick(60)
    line.frames([*[late] * 59, SOUND])
    room.tick(2)
    assert len(room.heard["a"]) == 60
    assert room.heard["a"][-1].energy > 0


def test_what_comes_late_and_is_no_silence_is_heard() -> None:
    room = Room()
    line = room.line("a")
    room.tick(20)
    line.frames([SOUND] * 20)
    room.tick(2)
    assert sum(f.energy > 0 for f in room.heard["a"]) == 20


def test_time_stands_until_the_line_is_started() -> None:
    room = Room()
    heard: list[Features] = []
    line = room.batch.join(lambda features, _frame: heard.append(features), lambda _reason: None)
    room.tick(100)
    assert not heard
    line.start()
    room.tick(LATE + 5)
    assert len(heard) == 5


def test_a_burst_does_not_hold_up_the_others() -> None:
    room = Room()
    burst, other = room.line("burst"), room.line("other")
    burst.frames([SOUND] * 100)
    other.frames([SOUND])
    room.tick()
    assert (len(room.heard["burst"]), len(room.heard["other"])) == (2 * AT_ONCE, 1)  # of two measurements
    room.tick(3)
    assert len(room.heard["burst"]) == 100


def test_more_than_there_is_room_for_is_lost_time() -> None:
    room = Room()
    room.line("a").frames([SOUND] * (ROOM + 50))
    room.tick(ROOM // AT_ONCE + 2)
    assert [f.lost for f in room.heard["a"]] == [False] * ROOM + [True] * 50


def test_one_that_fails_ends_alone() -> None:
    room = Room()

    def fail(_features: Features, _frame: Frame) -> None:
        raise RuntimeError("broken")

    ended: list[str] = []
    broken = room.batch.join(fail, ended.append)
    line = room.line("a")
    broken.frames([SOUND, SOUND])
    line.frames([SOUND, SOUND])
    room.tick()
    assert ended == ["the analysis failed"]
    assert len(room.heard["a"]) == 2
    assert len(room.batch) == 1


def test_it_rests_without_lines() -> None:
    room = Room()
    line = room.line("a")
    assert room.clock.due() is not None
    line.ended("its channel is gone")
    line.end("again")
    assert room.ended == {"a": "its channel is gone"}
    assert room.clock.due() is None
    line.frames([SOUND])  # what was on its way
