"""The speech gate: a voice passes at any level; tones, noise and silence do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.features import Features
from ari_app.media.tones import ToneTracker
from ari_app.media.vad import SpeechGate, WebRtcVad
from tests.unit.media.reference import Gate
from tests.unit.media.signals import Samples, features, noise, silence, sine, voice


def spoken(found: list[Features]) -> list[bool]:
    tracker, gate = ToneTracker(), SpeechGate()
    result = []
    for frame in found:
        tracker.hear(frame)
        result.append(gate.hear(frame, tonal=tracker.tonal))
    return result


def share(*parts: Samples) -> float:
    return float(np.mean(spoken(features(*parts))))


@pytest.mark.parametrize("level", [-38, -30, -20, -10])
def test_a_voice_passes_at_any_level(level: float) -> None:
    sound = np.concatenate([silence(500), voice(2000, level), silence(500)]) + noise(3000, -65)
    passed = spoken(features(sound))
    assert np.mean(passed[27:123]) > 0.8
    assert not any(passed[:20])
    assert not any(passed[-15:])


@pytest.mark.parametrize("hz", [440, 850, 1000, 1400, 2100])
def test_a_beep_does_not(hz: float) -> None:
    assert share(noise(300, -60), sine(hz, 1000), noise(500, -60)) == 0


@pytest.mark.parametrize("level", [-50, -35, -20])
def test_nor_noise_however_loud(level: float) -> None:
    assert share(noise(3000, level)) < 0.05


def test_nor_digital_silence_with_a_voice_before_it() -> None:
    assert sum(spoken(features(voice(500), silence(3000)))[35:]) == 0


@pytest.mark.parametrize("offset", [-8, 8, 300])
def test_the_silence_of_a_law_is_that_of_a_line(offset: int) -> None:
    """Its samples are 8, none is 0: a voice is heard as over a line with noise, though its offset is no level."""
    said = np.concatenate([silence(500), sine(850, 400), silence(1000), voice(900), silence(800)])
    speech = sum(spoken(features(said + offset)))
    assert speech == pytest.approx(sum(spoken(features(said + noise(len(said) / 8, -66)))), abs=3)
    assert speech >= 40


def test_lost_frames_go_on_as_before() -> None:
    sound = [noise(400, -60), voice(1000), noise(600, -60)]
    whole = sum(spoken(features(*sound)))
    with_loss = sum(spoken(features(*sound, lose=frozenset(range(5, 100, 17)))))
    assert abs(whole - with_loss) <= 5


def test_the_detector_has_four_settings() -> None:
    with pytest.raises(ValueError, match="aggressiveness"):
        WebRtcVad(4)


@pytest.mark.parametrize("size", [0, 1, 318, 319, 322, 640])
def test_a_frame_of_another_size_is_refused(size: int) -> None:
    """The detector's own code would read beyond it."""
    with pytest.raises(ValueError, match="frame: 320 bytes"):
        WebRtcVad().is_speech(bytes(size))


FRAMES = st.builds(
    Features,
    st.just(0),
    lost=st.sampled_from([False] * 9 + [True]),
    level=st.one_of(st.floats(-100, 0), st.floats(-60, -30)),
    energy=st.sampled_from([0.0, 0.9, 1.0, 8.0]),
    voiced=st.booleans(),
)


@given(st.lists(st.tuples(FRAMES, st.integers(1, 40), st.sampled_from([False, False, True])), max_size=40))
def test_speech_is_what_the_definition_says(heard: list[tuple[Features, int, bool]]) -> None:
    gate, plain = SpeechGate(), Gate()
    for frame, times, tonal in heard:
        for _ in range(times):
            speech = plain.hear(frame.level, frame.energy, voiced=frame.voiced, tonal=tonal, lost=frame.lost)
            assert gate.hear(frame, tonal=tonal) == speech
            assert (gate.floor, gate.peak) == (plain.floor, plain.peak)
