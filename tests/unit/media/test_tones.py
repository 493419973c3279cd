"""Runs of tones: where they begin and end, in noise, under loss, at any level; and what is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.media.features import Features
from ari_app.media.tones import Tone, ToneTracker
from tests.unit.media.signals import features, noise, silence, sine, voice


def tones(found: list[Features]) -> list[Tone]:
    """All the tones of these features, the one that goes on at the end too."""
    tracker = ToneTracker()
    ended = [tone for frame in found if (tone := tracker.hear(frame))]
    return [*ended, tracker.tone] if tracker.tone else ended


@settings(deadline=None, max_examples=50)
@given(st.floats(400, 3300), st.integers(160, 1000), st.floats(-40, -6), st.integers(0, 100))
def test_one_tone_is_one_run_at_any_level_and_offset(hz: float, ms: int, level: float, offset: int) -> None:
    sound = [silence(300 + offset / 8), sine(hz, ms, level), silence(300)]
    whole = np.concatenate(sound)
    mixed = whole + noise(2000, level - 20)[: len(whole)]
    (tone,) = [t for t in tones(features(mixed)) if t.duration >= 100]
    assert tone.first == pytest.approx(hz, abs=2)
    assert tone.second is None
    assert tone.start == pytest.approx(300 + offset / 8, abs=40)
    assert tone.duration == pytest.approx(ms, abs=60)
    assert tone.level == pytest.approx(level, abs=1)
    assert tone.is_steady


def test_a_dual_tone_has_both_frequencies() -> None:
    (tone,) = tones(features(silence(100), sine(852, 400) + sine(1336, 400), silence(100)))
    assert tone.pairs(852, 1336, 3)
    assert not tone.matches(852, 3)


def test_three_lost_frames_do_not_end_a_tone_and_six_do() -> None:
    sound = [silence(200), sine(1000, 600), silence(200)]
    assert len(tones(features(*sound, lose=frozenset({20, 21, 22})))) == 1
    assert len(tones(features(*sound, lose=frozenset(range(20, 26))))) == 2


def test_two_tones_after_each_other_are_two() -> None:
    first, second = tones(features(sine(950, 330), sine(1400, 330), silence(200)))
    assert first.matches(950, 2)
    assert second.matches(1400, 2)


@pytest.mark.parametrize("seed", range(5))
def test_a_voice_is_no_steady_tone(seed: int) -> None:
    for hz in (100, 150, 210):
        assert not [t for t in tones(features(voice(4000, hz=hz, seed=seed))) if t.duration >= 160 and t.is_steady]


def test_noise_is_no_tone() -> None:
    assert not tones(features(noise(5000, -20)))
