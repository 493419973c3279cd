"""Notes before a tone, by pitch, level and time; and what of a tune is told as a beep."""

from dataclasses import replace

import numpy as np
import pytest

from ari_app.media.cpa import PROFILES, Parameters, replay
from ari_app.media.melody import Melody, Timbre
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


@pytest.mark.parametrize(("decibels_a_second", "fades"), [(0, False), (5, False), (20, True), (40, True)])
def test_what_is_struck_fades(decibels_a_second: float, fades: bool) -> None:
    level = 10 ** (-decibels_a_second * np.arange(300 * 8) / 8000 / 20)
    timbre, tracker = Timbre(), ToneTracker()
    for frame in features(np.concatenate([silence(100), sine(1000, 300) * level]) + noise(400, -70)):
        tracker.hear(frame)
        if tracker.tone is not None:
            timbre.hear(frame, tracker.tone)
    assert timbre.decays == fades


def late(*parts: Samples, voice_end: int) -> list[int]:
    """When beeps were told, of a tone that begins at 10 s."""
    tracker, detector = ToneTracker(), SignalDetector()
    found = []
    sound = np.concatenate([silence(10_000), *parts])
    for frame in features(sound + noise(len(sound) / 8, -62)):
        ended = tracker.hear(frame)
        signals = detector.hear(frame, tracker.tone, ended, spoken=True, voice_end=voice_end)
        found += [signal.at - 10_000 for signal in signals if signal.name == "BP"]
    return found


def test_a_tone_long_after_the_voice_is_a_beep_when_silence_has_followed_it() -> None:
    beep = [sine(1000, 300), silence(1000)]
    (soon,) = late(*beep, voice_end=9000)
    (proven,) = late(*beep, voice_end=5000)
    assert soon <= 160
    assert 560 <= proven <= 700
    assert late(sine(1000, 300), noise(1000, -25), voice_end=5000) == []
    assert len(late(*beep, sine(700, 300), silence(3000), voice_end=9000)) == 2
    assert len(late(*beep, sine(700, 300), silence(3000), voice_end=5000)) == 1


def test_after_much_voice_the_silence_of_a_human_is_longer() -> None:
    profile = PROFILES["balanced"]
    greeting = features(
        np.concatenate([silence(500), voice(2200), silence(160), voice(2000, seed=2), silence(3000)]) + noise(7860, -62)
    )
    first = replay(greeting, Parameters(profile=profile))[0]
    assert (first.code, first.facts["silence"]) == ("LV", profile.doubtful_silence)
    never = replace(profile, doubtful_voice=0)
    assert replay(greeting, Parameters(profile=never))[0].facts["silence"] == profile.long_silence
