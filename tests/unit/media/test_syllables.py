"""How many syllables a voice had, by its level; and that many of them are no short greeting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.cpa import Finding, replay
from ari_app.media.greeting import PROFILES, Greeting, by_length
from ari_app.media.syllables import Syllables
from tests.unit.media.calls import call
from tests.unit.media.signals import Samples, features, silence, voice


def counted(levels: list[float]) -> int:
    syllables = Syllables()
    for level in levels:
        syllables.hear(level)
    return syllables.count


def test_a_peak_is_a_syllable() -> None:
    assert counted([]) == 1
    assert counted([-30, -20, -18, -20, -30]) == 1
    assert counted([-30, -20, -26, -20, -30]) == 2
    assert counted([-30, -20, -23, -20, -23, -21, -30]) == 1  # a voice wavers
    assert counted([-30, -20, -40, -38, -40, -39, -41]) == 1  # noise after it


@given(st.lists(st.tuples(st.integers(2, 8), st.floats(-30, -12)), min_size=1, max_size=12), st.floats(-40, 10))
def test_peaks_with_dips_between_them_are_counted_at_any_level(said: list[tuple[int, float]], gain: float) -> None:
    levels = [gain + level for frames, peak in said for level in [*[peak] * frames, peak - 5, -40.0]]
    assert counted(levels) == len(said)


def greeting(voice: int, syllables: int, silence: int) -> Greeting:
    return Greeting(voice, silence, 0, syllables=syllables)


def test_many_syllables_are_not_a_short_greeting() -> None:
    profile = PROFILES["balanced"]
    most = profile.short_syllables
    assert by_length(greeting(800, most, profile.short_silence), profile) is not None
    assert by_length(greeting(800, most + 1, profile.short_silence), profile) is None
    assert by_length(greeting(800, most + 1, profile.long_silence), profile) is not None
    any_number = PROFILES["fast"]
    assert any_number.short_syllables == 0
    assert by_length(greeting(800, 40, any_number.short_silence), any_number) is not None


def first(*parts: Samples) -> Finding:
    return replay(features(call(*parts)))[0]


def drawled(ms: int, seconds: float) -> Samples:
    """The voice with syllables of that length instead of its 0.18 s."""
    time = np.arange(ms * 8) / 8000
    its, wanted = (0.25 + 0.75 * np.abs(np.sin(np.pi * time / length)) ** 0.5 for length in (0.18, seconds))
    return voice(ms) / its * wanted


@pytest.mark.parametrize("gain", [-12, 0, 6])
def test_who_says_much_quickly_is_waited_for_longer(gain: float) -> None:
    """A second of voice in two syllables, or in five or six."""
    profile, factor = PROFILES["balanced"], 10 ** (gain / 20)
    slow, quick = (first(factor * drawled(1000, of)) for of in (0.5, 0.18))
    assert (slow.code, slow.facts["silence"]) == ("LV", profile.short_silence)
    assert (quick.code, quick.facts["silence"]) == ("LV", profile.long_silence)
    assert float(slow.facts["syllables"]) < 4 < float(quick.facts["syllables"])
    assert float(slow.facts["voice"]) == pytest.approx(float(quick.facts["voice"]), abs=100)


def test_what_was_spoken_in_the_background_has_no_syllables() -> None:
    """Somebody far away says much, then the called party a word, as loud as a phone makes it."""
    far = [part for n in range(5) for part in (voice(120, level=-40, seed=n), silence(50))]
    word = first(*far, silence(200), voice(500, level=-14))
    assert word.facts["silence"] == PROFILES["balanced"].short_silence


def test_who_speaks_slowly_says_more_before_he_is_a_machine() -> None:
    profile = PROFILES["balanced"]
    few = profile.few_syllables
    quick, slow = profile.machine_voice, profile.slow_machine_voice
    assert quick < slow
    assert by_length(greeting(quick, few, 0), profile) == ("AM", f"voice of {quick} ms and more")
    assert by_length(greeting(quick, few - 1, 0), profile) is None
    assert by_length(greeting(slow, few - 1, 0), profile) == ("AM", f"voice of {slow} ms and more")
    assert by_length(greeting(slow - 1, few - 1, profile.doubtful_silence), profile) is not None


def test_hello_three_times_is_no_machine() -> None:
    """Somebody who hears nothing, and waits for more than half a second each time."""
    profile = PROFILES["balanced"]
    hello = Greeting(1050, 0, 0, phrases=2, sentences=2, syllables=6)
    assert hello.voice + 2 * (profile.pause + profile.long_pause) > profile.slow_machine_voice  # it would be one
    assert by_length(hello, profile) is None
    told = by_length(hello._replace(silence=profile.long_silence), profile)
    assert told is not None
    assert told[0] == "LV"
