"""What tones mean, each as the recommendation that defines it has it, clean and with the noise of a line."""

import io

import numpy as np
import pytest
import soundfile

from ari_app.media.features import Features
from ari_app.media.signals import Signal, SignalDetector, named_tones
from ari_app.media.tones import ToneTracker
from tests.unit.media.signals import (
    Samples,
    answer_tone,
    features,
    noise,
    silence,
    sine,
    special_information,
    v21,
    voice,
)

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = "123A456B789C*0#D"


def signals(found: list[Features], spoken: bool = True, **tones: str) -> list[Signal]:
    tracker, detector = ToneTracker(), SignalDetector(named_tones(tones))
    result: list[Signal] = []
    for frame in found:
        ended = tracker.hear(frame)
        result += detector.hear(frame, tracker.tone, ended, spoken=spoken)
    return result


def names(*parts: Samples, spoken: bool = True, snr: float = 30, **tones: str) -> list[str]:
    sound = np.concatenate([silence(300), *parts, silence(600)])
    sound = sound + noise(len(sound) / 8, -18 - snr)
    return [signal.name for signal in signals(features(sound), spoken, **tones)]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("snr", [40, 18])
def test_every_digit(key: str, snr: float) -> None:
    row, column = divmod(KEYS.index(key), 4)
    pressed = sine(LOW[row], 80, -21) + sine(HIGH[column], 80, -19)
    sound = np.concatenate([silence(100), pressed, silence(80), pressed, silence(200)])
    found = signals(features(sound + noise(len(sound) / 8, -20 - snr)))
    assert [(signal.name, signal.digit) for signal in found] == [("DTMF", key)] * 2


def test_what_is_two_percent_and_a_half_off_is_no_digit() -> None:
    assert "DTMF" not in names(sine(697 * 1.03, 100) + sine(1209, 100))


@pytest.mark.parametrize("hz", [425, 440, 620, 850, 950, 1000, 1100, 1400, 2000])
@pytest.mark.parametrize("ms", [180, 500, 1000])
def test_a_beep_after_a_voice_is_known_within_200_ms(hz: float, ms: int) -> None:
    sound = np.concatenate([silence(200), sine(hz, ms), silence(500)])
    (beep,) = signals(features(sound + noise(len(sound) / 8, -45)))
    assert beep.name == "BP"
    assert beep.at - 200 <= 200
    assert beep.hertz[0] == pytest.approx(hz, abs=1)


def test_what_is_shorter_is_none() -> None:
    assert names(sine(1000, 100)) == []


def test_a_dual_beep() -> None:
    assert names(sine(900, 300) + sine(1700, 300)) == ["BP"]


def test_a_beep_in_music_needs_silence_after_it() -> None:
    chords = np.concatenate(
        [sum((sine(hz * step, 400, -26) for hz in (262, 330, 392)), silence(400)) for step in (1, 1.5, 1, 1.33, 1, 1.5)]
    )
    swaying = sine(1000, 300) * 10 ** (0.6 * np.sin(2 * np.pi * 11 * np.arange(2400) / 8000) / 20)
    assert names(chords, swaying, chords) == []
    assert names(chords, swaying, silence(2500)) == ["BP"]


def test_after_music_a_flat_tone_is_a_beep_at_once() -> None:
    """Music beneath it would move its level; where that moves, it may be music's."""
    hum = sine(300, 3000, -26)
    sway = 10 ** (0.6 * np.sin(2 * np.pi * 11 * np.arange(2400) / 8000) / 20)
    assert names(hum, silence(140), sine(1000, 300), hum) == ["BP"]
    assert names(hum, silence(140), sway * sine(1000, 300), hum) == []


@pytest.mark.parametrize("snr", [40, 15])
@pytest.mark.parametrize("ms", [274, 330, 380])
def test_special_information_tone(ms: float, snr: float) -> None:
    assert names(special_information(ms), spoken=False, snr=snr) == ["SIT"]


@pytest.mark.parametrize("snr", [40, 15])
def test_calling_tone_of_a_fax(snr: float) -> None:
    assert names(sine(1100, 500), spoken=False, snr=snr) == ["FX"]
    assert names(sine(1100, 900), spoken=False, snr=snr) == ["BP"]


@pytest.mark.parametrize("snr", [40, 15])
def test_answer_tones_of_fax_and_modem(snr: float) -> None:
    assert names(answer_tone(3000), snr=snr) == ["FX"]
    assert names(answer_tone(800), snr=snr) == ["FX"]
    assert names(answer_tone(3300, reversals=True), snr=snr) == ["MD"]
    assert names(answer_tone(3300, swings=True), snr=snr) == ["MD"]
    assert names(answer_tone(3300, reversals=True, swings=True), snr=snr) == ["MD"]
    assert names(sine(2225, 1500), snr=snr) == ["MD"]


@pytest.mark.parametrize("seed", range(6))
def test_bell_103_with_one_packet_in_twenty_lost(seed: int) -> None:
    sound = np.concatenate([silence(400), sine(2225, 2000), silence(300)])
    lost = frozenset(np.flatnonzero(np.random.default_rng(seed).random(len(sound) // 160) < 0.05).tolist())
    found = signals(features(sound + noise(len(sound) / 8, -45), lose=lost), spoken=False)
    assert [(signal.name, signal.reason) for signal in found] == [("MD", "answer tone of 2225 Hz")]


def test_a_note_of_a_tune_is_no_fax_and_no_modem() -> None:
    """C7 is 2093 Hz, C#7 2217: the answer tones of V.25 and of Bell 103, but for other notes before them."""
    tune = [part for hz in (1568, 1319, 1760, 1568) for part in (sine(hz, 300), silence(60))]
    for note in (2093, 2217, 1109):
        assert not {"FX", "MD"} & set(names(*tune, sine(note, 1200 if note > 2000 else 500), spoken=False))
        assert {"FX", "MD"} & set(names(sine(note, 1200 if note > 2000 else 500), spoken=False))


def test_special_information_without_its_first_tone_is_no_beep() -> None:
    sound = np.concatenate([sine(1400, 330), sine(1800, 330), silence(1500)])
    found = signals(features(sound + noise(len(sound) / 8, -50)), spoken=False)
    assert [signal.name for signal in found] == ["SIT"]


def test_flags_of_a_fax_that_sends_no_answer_tone() -> None:
    assert names(v21("01111110" * 37)) == ["FX"]


def test_a_users_tones_have_their_names() -> None:
    tones = {"BP": "1000|10", "CHIME": "700|5"}
    assert names(sine(1004, 300), **tones) == ["BP"]
    assert names(sine(1020, 300), **tones) == []
    assert names(sine(703, 300), **tones) == ["CHIME"]
    assert names(sine(1662, 500), MD="1662|5") == ["MD"]


def test_a_users_tones_are_checked() -> None:
    for text, message in [("x|5", "tones.T"), ("100|5", "300 to 3400"), ("1000|900", "0 to 500"), ("1000", "tones.T")]:
        with pytest.raises(ValueError, match=message):
            named_tones({"T": text})


@pytest.mark.parametrize("hz", [90, 120, 150, 180, 210, 240])
def test_a_voice_makes_no_signal(hz: float) -> None:
    assert names(*[voice(3000, hz=hz, seed=seed) for seed in range(4)]) == []


@pytest.mark.parametrize("hz", [2088, 2095, 2100, 2104, 2112])
def test_the_flutter_of_a_codec_is_no_modem(hz: float) -> None:
    sound = np.concatenate([silence(300), sine(hz, 3000), silence(600)])
    for seed in range(3):
        with io.BytesIO() as file:
            soundfile.write(
                file, (sound + noise(len(sound) / 8, -45, seed)) / 32768, 8000, format="WAV", subtype="GSM610"
            )
            file.seek(0)
            coded = soundfile.read(file)[0] * 32768
        assert {signal.name for signal in signals(features(coded))} <= {"FX"}


def test_a_note_that_follows_on_another_is_no_beep() -> None:
    """Isolation: a beep stands out of what is before it. What does not is one if silence follows it."""
    before = sine(523, 90) + sine(701, 90)
    assert names(before, sine(880, 300), sine(660, 90), sine(520, 200) + sine(770, 200), noise(800, -20)) == []
    assert names(before, sine(880, 300), silence(900)) == ["BP"]
    found = signals(features(np.concatenate([before, sine(880, 300), silence(1500)])))
    assert [signal.reason for signal in found] == ["beep, and silence after it"]


def test_a_tone_much_fainter_than_the_voice_needs_silence_after_it() -> None:
    sound = np.concatenate([silence(300), sine(880, 300, -40)]) + noise(600, -70)
    tracker, detector = ToneTracker(), SignalDetector()
    found = features(sound)
    for frame in found:
        ended = tracker.hear(frame)
        assert not detector.hear(frame, tracker.tone, ended, spoken=True, faint=True)
