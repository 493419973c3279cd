"""Measurements of 20 ms: frequency, purity, level, and that channels measured together do not touch each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.media.features import Channel, Features, measure
from ari_app.media.frames import FRAME_SAMPLES
from tests.unit.media.signals import features, frames, noise, silence, sine, voice


@settings(deadline=None)
@given(st.floats(300, 3700), st.floats(-40, -3))
def test_a_sine_is_measured_to_half_a_hertz(hz: float, level: float) -> None:
    last = features(sine(hz, 100, level))[-1]
    assert last.first == pytest.approx(hz, abs=0.5)
    assert last.purity > 0.99
    assert last.level == pytest.approx(level, abs=0.4)  # of 20 ms, which need not be whole periods


@settings(deadline=None)
@given(st.floats(400, 1400), st.floats(250, 1800), st.floats(-8, 8))
def test_two_sines_are_both_found(low: float, apart: float, twist: float) -> None:
    last = features(sine(low, 100, -20) + sine(low + apart, 100, -20 + twist))[-1]
    assert sorted((last.first, last.second)) == pytest.approx([low, low + apart], abs=3)
    assert last.pair > 0.97
    assert last.twist == pytest.approx(abs(twist), abs=1.5)


@pytest.mark.parametrize("offset", [-3000, 33, 9000])
def test_an_offset_of_the_line_is_no_level(offset: float) -> None:
    clean, beside = features(sine(1000, 200, -40)), features(sine(1000, 200, -40) + offset)
    assert [frame.level for frame in beside] == pytest.approx([frame.level for frame in clean], abs=0.02)
    assert features(silence(100) + offset)[-1].level == pytest.approx(-100, abs=0.001)


def test_noise_and_voice_are_not_pure() -> None:
    assert max(frame.purity for frame in features(noise(2000, -20))[3:]) < 0.6
    spoken = features(voice(3000))[3:]
    assert sum(frame.purity > 0.9 for frame in spoken) < 0.1 * len(spoken)


@pytest.mark.parametrize(
    ("pair", "ring", "busy"),
    [((440, 480), 1, 0), ((400, 450), 1, 0), ((425, 425), 1, 0), ((480, 620), None, 1), ((1000, 1000), 0, 0)],
)
def test_call_progress_tones_are_in_their_band(pair: tuple[int, int], ring: int | None, busy: int) -> None:
    last = features(sine(pair[0], 200) + sine(pair[1], 200))[-1]
    assert ring is None or last.ring == pytest.approx(ring, abs=0.06)
    assert last.busy == pytest.approx(busy, abs=0.06)


def test_the_phase_of_an_answer_tone_stands_still_until_it_is_reversed() -> None:
    found = features(sine(2100, 200), sine(2100, 200, phase=np.pi))
    phases = np.angle([half for frame in found[2:] if frame.answer for half in frame.answer])
    turns = np.abs(np.angle(np.exp(1j * np.diff(phases))))
    assert (turns > 3).sum() == 1
    assert (turns < 0.1).sum() == len(turns) - 1


def test_silence_and_lost_frames_are_different_things() -> None:
    found = features(silence(100), lose=frozenset({2}))
    assert [frame.lost for frame in found] == [False, False, True, False, False]
    assert [frame.at for frame in found] == [0, 20, 40, 60, 80]
    assert found[0].level < -95
    assert not any(frame.voiced for frame in found)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 7), st.integers(0, 2**31), st.lists(st.integers(0, 200), max_size=30))
def test_channels_measured_together_are_measured_as_alone(channels: int, seed: int, lost: list[int]) -> None:
    sounds = [
        frames(noise(400, -30, seed + number) + sine(500 + 300 * number, 400), voice(100)) for number in range(channels)
    ]
    for place in lost:
        sounds[place % channels][place // channels % 25] = None
    together = [Channel() for _ in sounds]
    heard: list[list[Features]] = [[] for _ in sounds]
    for index in range(25):
        for number, found in enumerate(measure([(together[n], sounds[n][index]) for n in range(channels)])):
            heard[number].append(found)
    for number, sound in enumerate(sounds):
        alone = Channel()
        for index, frame in enumerate(sound):
            (found,) = measure([(alone, frame)])
            other = heard[number][index]
            assert found[:3] == other[:3]
            numbers = [np.array([f.level, f.first, f.purity, f.pair, f.fsk, f.ring]) for f in (found, other)]
            assert np.allclose(*numbers, atol=0.01)


def test_a_frame_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="frame: 320 bytes"):
        measure([(Channel(), bytes(2 * FRAME_SAMPLES - 1))])
