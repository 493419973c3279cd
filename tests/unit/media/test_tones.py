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


@pytest.mark.parametrize(("lost", "count"), [(3, 1), (5, 1), (7, 2)])
def test_five_lost_frames_do_not_end_a_tone_and_seven_do(lost: int, count: int) -> None:
    found = tones(features(silence(200), sine(1000, 600), silence(200), lose=frozenset(range(20, 20 + lost))))
    assert len(found) == count
    assert all(tone.is_steady for tone in found)


def test_what_was_lost_of_a_tone_does_not_make_it_unsteady() -> None:
    lose = frozenset({13, 14, 17, 18})
    (tone,) = tones(features(silence(200), sine(1000, 240), silence(200), lose=lose))
    assert tone.lost >= 4
    assert tone.is_steady
    (broken,) = [
        tone
        for tone in tones(features(silence(200), sine(1000, 60), noise(60, -20), sine(1000, 60), silence(200)))
        if tone.duration > 100
    ]
    assert not broken.is_steady


def frame(at: int, hz: float, level: float, purity: float) -> Features:
    return Features(at, level=level, first=hz, second=hz / 2, purity=purity, pair=purity, twist=20)


@pytest.mark.parametrize(
    ("hz", "level", "purity", "frames"),
    [(1001, -20, 0.82, 8), (1001, -20, 0.78, 4), (1006, -20, 0.82, 4), (1001, -22, 0.82, 4)],
)
def test_noise_over_a_tone_that_goes_on_does_not_end_it(hz: float, level: float, purity: float, frames: int) -> None:
    """A tone keeps its pitch and its level where noise takes from its purity; what begins has to be purer."""
    before = [frame(20 * n, 1000, -20, 0.95) for n in range(4)]
    after = [frame(80 + 20 * n, hz, level, purity) for n in range(4)]
    assert tones([*before, *after])[-1].frames == frames
    assert tones(after) == []


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
