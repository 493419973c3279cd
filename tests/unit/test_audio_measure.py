"""The ear of the integration tests, against signals of which everything is known."""

import numpy as np
import pytest

from tests.harness.audio import RATE, AmbiguousLevel, Heard, from_pcm, level, loudness, sine, to_pcm
from tests.harness.ear import Ear

TONES = (440, 660, 880)


def noise(seconds: float, level_: float) -> np.ndarray:
    return 10 ** (level_ / 20) * np.random.default_rng(1).standard_normal(round(seconds * RATE))


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE))


@pytest.mark.parametrize("hz", TONES)
@pytest.mark.parametrize("decibel", [-3.0, -12.0, -40.0])
def test_level_of_a_sine(hz: int, decibel: float) -> None:
    assert level(sine(hz, 0.2, decibel), hz) == pytest.approx(decibel, abs=0.1)


def test_level_of_nothing() -> None:
    assert level(silence(0), 440) == level(silence(1), 440) == -120


def test_loudness_is_that_of_a_sine_with_the_same_power() -> None:
    assert loudness(sine(440, 1, -12)) == pytest.approx(-12, abs=0.1)
    assert loudness(sine(440, 1, -12) + sine(660, 1, -12)) == pytest.approx(-9, abs=0.1)


@pytest.mark.parametrize("seconds", [0.05, 0.2, 2.0])
@pytest.mark.parametrize("there", [set(), {440}, {660}, {440, 880}, {440, 660, 880}])
def test_tells_mixed_tones_apart_in_noise(seconds: float, there: set[int]) -> None:
    mix = noise(seconds, -50) + sum(sine(hz, seconds) for hz in there)
    assert Heard(mix, 0).tones(TONES) == there


def test_eight_bit_coding_makes_no_tone() -> None:
    coarse = np.round(sine(440, 1) * 127) / 127
    assert Heard(coarse, 0).tones(TONES) == {440}


def test_a_tone_in_between_is_neither_heard_nor_not() -> None:
    with pytest.raises(AmbiguousLevel):
        Heard(sine(440, 0.2, -30), 0).hears(440)


def test_windows_are_in_real_time() -> None:
    heard = Heard(np.concatenate([sine(440, 1), sine(660, 1)]), 1000.0)
    assert heard.ended_at == 1002.0
    assert heard.between(1000, 1001).tones(TONES) == {440}
    assert heard.between(1001, 1005).tones(TONES) == {660}
    assert heard.between(1001, 1005).seconds == 1
    assert heard.last(0.5).started_at == 1001.5
    assert heard.onset(660) == pytest.approx(1001, abs=0.02)
    assert heard.onset(880) is None


@pytest.mark.parametrize("pause", [0.08, 0.2, 1.0])
def test_finds_the_gap_in_a_tone(pause: float) -> None:
    heard = Heard(np.concatenate([silence(0.5), sine(440, 1), silence(pause), sine(440, 1)]), 100.0)
    [(start, end)] = heard.gaps(440)
    assert start == pytest.approx(101.5, abs=0.03)
    assert end - start == pytest.approx(pause, abs=0.03)


def test_no_gap_where_only_another_tone_comes_and_goes() -> None:
    other = np.concatenate([silence(1), sine(660, 1), silence(1)])
    assert Heard(sine(440, 3) + other, 0).gaps(440) == []


def test_a_lost_frame_is_no_gap_but_three_are() -> None:
    tone = sine(440, 1)
    tone[4000:4160] = 0
    assert Heard(tone, 0).gaps(440) == []
    tone[4000:4800] = 0
    assert len(Heard(tone, 0).gaps(440)) == 1


@pytest.mark.parametrize("skipped", range(0, 160, 20))
def test_a_turned_phase_is_no_loss_of_level(skipped: int) -> None:
    """Half of a stretch against the other half, the phase between them anything from none to opposite."""
    tone = sine(450, 2.2)
    heard = Heard(np.concatenate([tone[:8000], tone[8000 + skipped : 16000 + skipped]]), 0)
    assert heard.level(450) == pytest.approx(-12, abs=0.5)
    assert heard.tones((450, 660)) == {450}


def test_the_ear_takes_the_earliest_arrival_for_its_clock() -> None:
    ear = Ear()
    frames = to_pcm(sine(440, 1))
    for number in range(50):
        late = 0.3 if number % 7 == 0 else 0.0
        ear.take(frames[number * 320 : number * 320 + 320], 5000.02 + number * 0.02 + late)
    assert ear.heard().started_at == pytest.approx(5000.0)
    assert ear.heard().seconds == 1
    assert ear.recent(0.2).started_at == pytest.approx(5000.8)
    assert ear.recent(0.2).hears(440)


def test_pcm_there_and_back() -> None:
    tone = sine(440, 0.1)
    assert np.abs(from_pcm(to_pcm(tone)) - tone).max() < 1e-4


async def test_waiting_for_a_tone_says_what_was_heard_instead() -> None:
    ear = Ear()
    frames = to_pcm(sine(440, 0.4))
    for number in range(20):
        ear.take(frames[number * 320 : number * 320 + 320], number * 0.02)
    with pytest.raises(TimeoutError, match="-12"):
        await ear.wait_tones([660], [440], within=0.01)
