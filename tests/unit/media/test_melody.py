"""Notes before a tone, by pitch, level and time; and what of a tune is told as a beep."""

import numpy as np
import pytest

from ari_app.media.melody import Melody, Timbre
from ari_app.media.signals import SignalDetector
from ari_app.media.tones import Tone, ToneTracker
from tests.unit.media.signals import Samples, features, noise, silence, sine


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
