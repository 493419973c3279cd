"""Notes before a tone, by pitch, level and time; and what of a tune is told as a beep."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.cpa import Parameters, replay
from ari_app.media.greeting import PROFILES
from ari_app.media.melody import Line, Melody, Timbre
from ari_app.media.signals import SignalDetector
from ari_app.media.tones import Tone, ToneTracker
from tests.unit.media.signals import Samples, features, noise, silence, sine, voice


def tone(start: int, hz: float, *, ms: int = 200, level: float = -20, second: float | None = None) -> Tone:
    return Tone(start, start + ms, hz, second, level, ms // 20, ms // 20)


def others(*notes: Tone, spoken: bool = True) -> int:
    """Of the last one."""
    melody = Melody()
    for note in notes[:-1]:
        melody.hear(note, spoken=spoken)
    return melody.others(notes[-1])


def test_other_pitches_are_counted_once_each() -> None:
    assert others(tone(0, 500), tone(300, 600), tone(600, 505), tone(900, 800)) == 2


@pytest.mark.parametrize(
    "note",
    [
        tone(0, 995),  # of the same pitch: a machine that beeps twice
        tone(0, 700, ms=80),  # what a vowel may be
        tone(0, 700, level=-33),  # music behind the voice
        tone(5000, 700),  # not before it
    ],
)
def test_what_is_no_other_note(note: Tone) -> None:
    assert others(note, tone(1000, 1000)) == 0


def test_a_note_is_forgotten_after_twelve_seconds() -> None:
    assert others(tone(0, 700), tone(12_200, 1000)) == 1
    assert others(tone(0, 700), tone(12_201, 1000)) == 0


def test_both_pitches_of_a_tone_are_its_own() -> None:
    assert others(tone(0, 700), tone(500, 1000, second=702)) == 0


def test_ringback_before_the_voice_is_no_note() -> None:
    for ring in (tone(0, 425), tone(0, 440, second=480)):
        assert others(ring, tone(1000, 1000), spoken=False) == 0
        assert others(ring, tone(1000, 1000)) == 1
    assert others(tone(0, 700), tone(1000, 1000), spoken=False) == 1


def beeps(*parts: Samples) -> list[tuple[int, float]]:
    sound = np.concatenate([silence(200), *parts])
    tracker, detector = ToneTracker(), SignalDetector()
    found = []
    for frame in features(sound + noise(len(sound) / 8, -62)):
        ended = tracker.hear(frame)
        found += [s for s in detector.hear(frame, tracker.tone, ended, spoken=True) if s.name == "BP"]
    return [(signal.since, signal.hertz[0]) for signal in found]


def test_of_a_tune_of_pure_tones_the_first_note_only_is_taken_for_a_beep() -> None:
    scale = [523, 659, 784, 659, 587, 698, 523, 784]
    tune = [part for hz in scale * 6 for part in (sine(hz, 260), silence(140))]
    rest = silence(2500)
    assert len(beeps(*tune, rest, *tune, rest, *tune)) <= 2


@pytest.mark.parametrize("gap", [100, 400])
def test_a_machine_that_beeps_three_times_does(gap: int) -> None:
    three = [part for _ in range(3) for part in (sine(1000, 200), silence(gap))]
    assert [round(hz) for _, hz in beeps(*three, silence(800))] == [1000] * 3


def company(sound: Samples) -> bool:
    timbre, tracker = Timbre(), ToneTracker()
    heard = False
    for frame in features(np.concatenate([silence(100), sound]) + noise(100 + len(sound) / 8, -60)):
        tracker.hear(frame)
        if tracker.tone is not None and tracker.tone.frames > 2:
            heard = timbre.hear(frame, tracker.tone)
    return heard


@pytest.mark.parametrize("hz", [440, 620, 1000, 1400])
def test_a_beep_is_alone_and_a_note_has_overtones_or_another_note_beneath_it(hz: float) -> None:
    beep = sine(hz, 300, -20)
    assert not company(beep)
    assert not company(beep + sine(150, 300, -34))  # the mains
    assert company(beep + sine(2 * hz, 300, -42))
    assert company(beep + sine(3 * hz if 3 * hz < 4000 else 2 * hz, 300, -42))
    assert company(beep + sine(hz * 0.6, 300, -33))


def shape(sound: Samples, *, noise_level: float = -70) -> Timbre:
    timbre, tracker = Timbre(), ToneTracker()
    for frame in features(np.concatenate([silence(100), sound]) + noise(100 + len(sound) / 8, noise_level)):
        tracker.hear(frame)
        if tracker.tone is not None:
            timbre.hear(frame, tracker.tone)
    return timbre


def fading(decibels_a_second: float, hz: float = 1000, ms: int = 200) -> Samples:
    return np.asarray(sine(hz, ms) * 10 ** (-decibels_a_second * np.arange(ms * 8) / 8000 / 20))


@pytest.mark.parametrize("hz", [425, 620, 1000, 1950])
def test_what_is_struck_fades_and_a_beep_does_not(hz: float) -> None:
    for decibels_a_second, names in {
        0: {"is_flat"},
        1: {"is_flat"},
        5: {"slopes"},
        -8: {"slopes"},
        40: {"slopes", "is_struck"},
        80: {"slopes", "is_struck"},
    }.items():
        timbre = shape(fading(decibels_a_second, hz))
        assert {name for name in ("is_flat", "slopes", "is_struck") if getattr(timbre, name)} == names


def test_in_the_noise_of_a_line_a_beep_is_flat_still() -> None:
    assert shape(fading(0), noise_level=-38).is_flat


def test_what_sways_is_neither_flat_nor_a_slope() -> None:
    """GSM's codec and a flute do it."""
    sway = 10 ** (0.6 * np.sin(2 * np.pi * 11 * np.arange(1600) / 8000) / 20)
    timbre = shape(sine(1000, 200) * sway)
    assert not timbre.is_flat
    assert not timbre.slopes


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(-60, 0)), min_size=3, max_size=12, unique_by=lambda at: at[0]))
def test_a_line_is_the_one_of_least_squares(frames: list[tuple[int, float]]) -> None:
    points = [(0.02 * frame, level) for frame, level in frames]
    x, y = np.array(points).T
    line = Line()
    for one in points:
        line.add(*one)
    slope, start = np.polyfit(x, y, 1)
    assert line.slope == pytest.approx(slope, rel=1e-6, abs=1e-5)
    assert line.apart == pytest.approx(float(np.std(y - slope * x - start)), rel=1e-4, abs=1e-4)


def test_two_points_are_no_line() -> None:
    line = Line()
    for x in (0, 1):
        line.add(x, 5 * x)
        assert (line.slope, line.apart) == (0, 0)


def glide(hertz_a_second: float) -> Samples:
    time = np.arange(1600) / 8000
    return np.asarray(3000 * np.sin(2 * np.pi * (1000 * time + hertz_a_second * time**2 / 2)))


def test_a_pitch_that_is_on_its_way_glides() -> None:
    """Thirty Hz a second up, down, and none."""
    assert [shape(glide(speed)).glides for speed in (30, -30, 0)] == [True, True, False]
    assert shape(glide(30)).is_level


def test_a_codecs_sway_is_not_level_and_a_steep_slope_is_more() -> None:
    assert [shape(fading(speed)).is_level for speed in (0, 3, 6, 20)] == [True, True, False, False]
    assert [shape(fading(speed)).is_steep for speed in (0, 6, 20, -20)] == [False, False, True, True]
    sway = 10 ** (0.6 * np.sin(2 * np.pi * 11 * np.arange(1600) / 8000) / 20)
    assert not shape(sine(1000, 200) * sway).is_level


def told(
    *parts: Samples,
    voice_end: int | None = None,
    expected: bool | None = None,
    brief: bool = False,
    lose: frozenset[int] = frozenset(),
) -> list[int]:
    """ms from the beginning of the parts, which is at 10 s, until each beep was told."""
    tracker, detector = ToneTracker(), SignalDetector()
    found = []
    sound = np.concatenate([silence(10_000), *parts])
    for frame in features(sound + noise(len(sound) / 8, -62), lose=lose):
        ended = tracker.hear(frame)
        signals = detector.hear(
            frame, tracker.tone, ended, spoken=True, voice_end=voice_end, expected=expected, brief=brief
        )
        found += [signal.at - 10_000 for signal in signals if signal.name == "BP"]
    return found


def test_a_tone_long_after_the_voice_is_a_beep_when_silence_has_followed_it() -> None:
    beep = [sine(1000, 300), silence(1000)]
    (soon,) = told(*beep, voice_end=9000)
    (proven,) = told(*beep, voice_end=5000)
    assert soon <= 160
    assert 560 <= proven <= 700
    assert told(sine(1000, 300), noise(1000, -25), voice_end=5000) == []
    assert len(told(*beep, sine(700, 300), silence(3000), voice_end=9000)) == 2
    assert len(told(*beep, sine(700, 300), silence(3000), voice_end=5000)) == 1


BEEP = [sine(1000, 300), silence(3000)]
#: what GSM's codec makes of a level, in 0.3 s
SWAY = 10 ** (0.6 * np.sin(2 * np.pi * 11 * np.arange(2400) / 8000) / 20)


def test_a_beep_soon_after_a_human_was_told_is_told_at_once() -> None:
    (at,) = told(*BEEP, voice_end=9000, expected=False)
    assert at <= 160


@pytest.mark.parametrize(
    ("sound", "voice_end", "least"),
    [
        (sine(1000, 300), 8000, 420),  # long after the voice
        (fading(8, ms=300), 9000, 420),  # fades a little
        (fading(40, ms=300)[: 140 * 8], 9000, 2000),  # is struck
        (sine(1000, 300) + sine(2000, 300, -42), 9000, 2000),  # with an octave
    ],
)
def test_what_may_be_a_note_takes_no_human_back_without_silence(sound: Samples, voice_end: int, least: int) -> None:
    (at,) = told(sound, silence(3000), voice_end=voice_end, expected=False)
    length = len(sound) / 8
    assert length + least <= at <= length + least + 140
    assert told(sound, silence(least - 100), voice(2000), voice_end=voice_end, expected=False) == []


def test_after_a_human_was_told_a_tone_after_another_is_a_note() -> None:
    """Of another pitch none at all, of the same pitch one that two seconds of silence follow."""
    first = [sine(700, 300), silence(600)]
    assert len(told(*first, *BEEP, voice_end=9500, expected=False)) == 1
    assert len(told(*first, *BEEP, voice_end=9500, expected=True)) == 2
    same = told(sine(1000, 300), silence(600), *BEEP, voice_end=9500, expected=False)
    assert same[0] <= 160
    assert same[1] >= 900 + 300 + 2000


def test_what_dies_away_is_no_beep_whoever_has_answered() -> None:
    for expected in (None, False, True):
        assert told(fading(40, ms=800), silence(3000), voice_end=9000, expected=expected) == []


def test_what_moves_soon_after_a_human_of_a_word_or_two_needs_silence() -> None:
    """A mobile network's codec makes beeps sway too: who said more may be a machine."""
    swaying = SWAY * sine(1000, 300)
    for brief, least in ((True, 300 + 420), (False, 0)):
        (at,) = told(swaying, silence(3000), voice_end=9000, expected=False, brief=brief)
        assert least <= at <= least + 200
    assert told(swaying, voice(2000), voice_end=9000, expected=False, brief=True) == []


def test_what_glides_soon_after_a_human_of_a_word_or_two_needs_silence() -> None:
    for brief, least in ((True, 200 + 420), (False, 0)):
        (at,) = told(glide(30), silence(3000), voice_end=9000, expected=False, brief=brief)
        assert least <= at <= least + 200


def test_an_analysis_doubts_what_moves_after_a_word_or_two_and_not_after_a_sentence() -> None:
    for spoken, pause, late in ((voice(600), 1100, True), (voice(2600), 1500, False)):
        sound = np.concatenate([silence(500), spoken, silence(pause), SWAY * sine(1000, 300), silence(3000)])
        found = replay(features(sound + noise(len(sound) / 8, -62)))
        (beep,) = [finding for finding in found if finding.code == "BP"]
        assert found[0].code == "LV"
        assert (beep.at - beep.since > 300 + 300) is late


def test_what_moves_long_after_a_human_is_no_beep() -> None:
    for moving in (SWAY * sine(1000, 300), sine(1000, 300) + sine(2000, 300, -42)):
        assert told(moving, silence(3000), voice_end=8000, expected=False) == []


def test_a_steep_tone_before_anybody_is_known_needs_two_seconds_of_silence() -> None:
    swelling = fading(-20, ms=200)
    (at,) = told(swelling, silence(3000), voice_end=9500)
    assert at >= 2000
    (at,) = told(swelling, silence(3000), voice_end=9500, expected=True)
    assert at <= 200


def test_of_a_machine_a_beep_may_follow_on_a_tone_of_another_pitch() -> None:
    """A long vowel may be one. What is not flat may be another note."""
    other = [sine(600, 200), silence(400)]
    machine, unknown = (told(*other, *BEEP, voice_end=10_200, expected=expected)[-1] for expected in (True, None))
    assert machine <= 600 + 200
    assert unknown >= 600 + 300 + 1200
    swaying = told(*other, SWAY * BEEP[0], BEEP[1], voice_end=10_200, expected=True)[-1]
    assert 600 + 300 + 420 <= swaying <= 600 + 300 + 500


def test_an_analysis_expects_a_beep_after_a_machines_voice_and_no_other_after_a_beep() -> None:
    """Told within 0.2 s, or when silence has followed it; so is a beep after a human's voice that comes late."""

    def after(spoken: Samples, pause: int, *, machine_voice: int = 4600) -> list[int]:
        profile = replace(PROFILES["balanced"], machine_voice=machine_voice, few_syllables=0)
        sound = np.concatenate([silence(500), spoken, silence(pause), sine(1000, 200), silence(600), *BEEP])
        found = replay(features(sound + noise(len(sound) / 8, -62)), Parameters(profile=profile))
        return [finding.at - finding.since for finding in found if finding.code == "BP"]

    machine = after(voice(2000), 500, machine_voice=1500)
    unknown, human = after(voice(2000), 500), after(voice(600), 2200)
    assert max(machine) <= 200
    assert unknown[0] <= 200
    assert human[0] >= 580
    assert min(unknown[1], human[1]) >= 2200


@pytest.mark.parametrize("lost", [2, 4])
def test_the_beginning_of_a_beep_that_was_lost_counts(lost: int) -> None:
    (at,) = told(*BEEP, lose=frozenset(range(500, 500 + lost)))
    assert at <= 20 * lost + 120


def test_after_much_voice_the_silence_of_a_human_is_longer() -> None:
    profile = PROFILES["balanced"]
    greeting = features(
        np.concatenate([silence(500), voice(2200), silence(160), voice(2000, seed=2), silence(3000)]) + noise(7860, -62)
    )
    first = replay(greeting, Parameters(profile=profile))[0]
    assert (first.code, first.facts["silence"]) == ("LV", profile.doubtful_silence)
    never = replace(profile, doubtful_voice=0)
    assert replay(greeting, Parameters(profile=never))[0].facts["silence"] == profile.long_silence
