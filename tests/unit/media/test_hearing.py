"""Hearings that are measured together: every 10 ms, in order, each as if it were alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.clock import ManualClock
from ari_app.media.features import Channel, Features, measure
from ari_app.media.frames import FRAME_BYTES, Frame
from ari_app.media.hearing import EVERY, Hearing, Together
from tests.unit.media.signals import frames, sine, voice


class Listener:
    """Keeps what it is told."""

    def __init__(self, together: Together) -> None:
        self.features: list[Features] = []
        self.reasons: list[str] = []
        self.hearing: Hearing = together.listen(self.features.append, self.reasons.append)


def alone(sound: list[Frame]) -> list[Features]:
    channel = Channel()
    return [measure([(channel, frame)])[0] for frame in sound]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), max_size=30))
def test_each_is_measured_in_order_as_if_it_were_alone(bursts: list[tuple[int, int]]) -> None:
    clock = ManualClock()
    together = Together(clock)
    listeners = [Listener(together) for _ in range(3)]
    sounds: list[list[Frame]] = [[], [], []]
    ready = [frames(sine(400 + 500 * number, 2000)) for number in range(3)]
    for who, count in bursts:
        heard = ready[who][len(sounds[who]) : len(sounds[who]) + count]
        heard[1:2] = [None] * len(heard[1:2])
        sounds[who] += heard
        listeners[who].hearing.frames(heard)
        if count % 2:
            clock.advance(EVERY)
    clock.advance(EVERY)
    for listener, sound in zip(listeners, sounds, strict=True):
        assert len(listener.features) == len(sound)
        for found, wanted in zip(listener.features, alone(sound), strict=True):
            assert (found.at, found.lost, found.voiced) == (wanted.at, wanted.lost, wanted.voiced)
            assert (found.level, found.first) == pytest.approx((wanted.level, wanted.first), abs=0.01)


def test_it_rests_while_nothing_is_heard_and_wakes() -> None:
    clock = ManualClock()
    together = Together(clock)
    listener = Listener(together)
    for _ in range(2):
        listener.hearing.frames([bytes(FRAME_BYTES)])
        clock.advance(EVERY)
        assert len(together._ticker) == 1
        clock.advance(EVERY)
        assert len(together._ticker) == 0
    assert len(listener.features) == 2


def test_what_was_heard_is_told_before_the_end() -> None:
    together = Together(ManualClock())
    listener = Listener(together)
    listener.hearing.frames(frames(voice(100)))
    listener.hearing.ended("gone")
    listener.hearing.ended("again")
    assert len(listener.features) == 5
    assert listener.reasons == ["gone"]
    listener.hearing.frames([bytes(FRAME_BYTES)])
    together.measure()
    assert len(listener.features) == 5


def test_one_that_fails_hears_no_more_and_the_others_do() -> None:
    clock = ManualClock()
    together = Together(clock)
    told: list[Features] = []

    def fail(features: Features) -> None:
        told.append(features)
        raise ValueError("broken")

    broken, fine = together.listen(fail, lambda _reason: None), Listener(together)
    for _ in range(2):
        broken.frames([bytes(FRAME_BYTES)] * 2)
        fine.hearing.frames([bytes(FRAME_BYTES)] * 2)
        clock.advance(EVERY)
    assert len(told) == 1
    assert len(fine.features) == 4
