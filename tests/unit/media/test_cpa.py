"""Who has answered: the decision, its reason, its time; and what never decides anything."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.media.cpa import CallProgress, Finding, Parameters, State, replay
from ari_app.media.features import Channel, Features, measure
from ari_app.media.frames import Framer
from ari_app.media.greeting import PROFILES
from tests.unit.media.signals import (
    Samples,
    answer_tone,
    cadence,
    features,
    noise,
    pcm,
    silence,
    sine,
    special_information,
    voice,
)


def call(*parts: Samples, level: float = -62) -> Samples:
    """A call: a second of line noise, the parts, line noise to its end at 16 s."""
    sound = np.concatenate([silence(1000), *parts])
    sound = np.concatenate([sound, np.zeros(max(0, 16 * 8000 - len(sound)))])
    return sound + noise(len(sound) / 8, level)


HUMAN = call(voice(600))
MACHINE = call(voice(2400), silence(400), voice(1900, seed=2), silence(700), sine(1000, 400))


def findings(sound: Samples, **parameters: object) -> list[Finding]:
    return replay(features(sound), Parameters(**parameters))  # type: ignore[arg-type]


def codes(sound: Samples, **parameters: object) -> list[str]:
    return [finding.code for finding in findings(sound, **parameters)]


def test_a_human_says_a_word_and_waits() -> None:
    live, silent = findings(HUMAN)
    assert (live.code, silent.code) == ("LV", "SL")
    assert live.at - 1600 <= 1000
    assert live.since == pytest.approx(1000, abs=80)
    assert live.facts["voice"] == pytest.approx(600, abs=120)
    assert "silence" in live.reason


def test_a_machine_speaks_and_beeps() -> None:
    machine, beep, silent = findings(MACHINE)
    assert (machine.code, beep.code, silent.code) == ("AM", "BP", "SL")
    # The pause is not of the voice, and counts for 700 ms of it.
    assert machine.at == pytest.approx(1000 + 4600 - 700 + 400, abs=300)
    assert beep.facts["hertz1"] == pytest.approx(1000, abs=1)


def test_a_beep_after_live_voice_corrects_it() -> None:
    sound = call(voice(700), silence(1500), sine(1400, 300))
    assert codes(sound) == ["LV", "AM", "BP", "SL"]
    assert codes(sound, beep_is_am=False) == ["LV", "BP", "SL"]


def test_a_beep_is_a_machine() -> None:
    sound = call(voice(900), silence(300), sine(1400, 300))
    assert codes(sound)[:2] == ["AM", "BP"]
    assert codes(sound, beep_is_am=False)[:2] == ["BP", "LV"]


def test_silence_after_a_beep() -> None:
    found = findings(MACHINE, beep_to_silence_gap=1500)
    assert [finding.code for finding in found] == ["AM", "BP", "BPSL", "SL"]
    assert found[2].at == pytest.approx(1000 + 4700 + 700 + 400 + 1500, abs=80)


def test_fax_modem_and_special_information() -> None:
    assert codes(call(answer_tone(3000)))[0] == "FX"
    assert codes(call(cadence([500, 3000] * 2, 1100)))[0] == "FX"
    assert codes(call(answer_tone(3300, reversals=True, swings=True)))[0] == "MD"
    assert codes(call(special_information(), silence(300), voice(1500)))[:2] == ["SIT", "AM"]


@pytest.mark.parametrize("hertz", [(480, 620), (425,)])
def test_who_talks_far_behind_a_busy_tone_is_nobody(hertz: tuple[int, ...]) -> None:
    """Crosstalk is heard in the pauses and after the tone: no answer, and no burst of the tone is a beep."""
    busy = cadence([500, 500] * 6, *hertz)
    sound = np.concatenate([silence(900), busy, silence(3000)])
    talk = np.concatenate([silence(200), *[np.concatenate([voice(700, -40, seed=n), silence(300)]) for n in range(12)]])
    talk = np.concatenate([talk[: len(sound)], silence(3000)])[: len(sound)]
    found = codes(call(sound + talk))
    assert "BUSY" in found
    assert not {"LV", "AM", "BP"} & set(found)
    assert {"LV", "AM"} & set(codes(call(talk))), "the voice alone is heard"


def test_a_voice_after_a_busy_tone_is_a_machine() -> None:
    found = findings(call(silence(300), cadence([500, 500] * 3, 480, 620), voice(1500)))
    assert [one.code for one in found][:2] == ["BUSY", "AM"]
    assert found[1].reason == "voice after a busy tone"


def test_who_talks_far_behind_special_information_tones_is_nobody() -> None:
    sound = call(special_information(), silence(300), voice(1500, -38), silence(1500))
    assert not {"LV", "AM"} & set(codes(sound))


def test_who_talks_far_behind_the_ringback_has_not_answered() -> None:
    """Crosstalk before and in the ringback is not counted with the word of who answers then."""
    before = np.concatenate([voice(500, -40), cadence([2000, 300], 440, 480), voice(300, -40, seed=2), silence(600)])
    found = findings(call(before, voice(500), silence(2000)))
    assert [one.code for one in found][:2] == ["RING", "LV"]
    assert found[1].since >= 4500


def test_ringback_before_the_answer_is_nobody() -> None:
    sound = call(cadence([2000, 4000], 440, 480), voice(600))
    assert codes(sound) == ["RING", "LV", "SL"]
    assert codes(call(cadence([500, 500] * 5, 480, 620)))[:1] == ["BUSY"]


@pytest.mark.parametrize("sound", [silence(16000), noise(16000, -50), noise(16000, -25)], ids=["none", "faint", "loud"])
def test_silence_and_noise_are_nobody(sound: Samples) -> None:
    (timeout,) = findings(sound)
    assert (timeout.code, timeout.at) == ("DT", 15000)


@settings(deadline=None, max_examples=15)
@given(st.floats(-100, -45), st.sets(st.integers(0, 799)), st.integers(0, 1000))
def test_silence_never_decides_whatever_is_lost_of_it(level: float, lost: set[int], seed: int) -> None:
    assert [f.code for f in replay(features(noise(16000, level, seed), lose=frozenset(lost)))] == ["DT"]


@pytest.mark.parametrize("gain", [-16, -8, 0, 8])
def test_the_level_changes_nothing(gain: float) -> None:
    factor = 10 ** (gain / 20)
    for sound in (HUMAN, MACHINE):
        there, here = findings(sound), findings(sound * factor)
        assert [f.code for f in there] == [f.code for f in here]
        assert [f.at for f in there] == pytest.approx([f.at for f in here], abs=200)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 20000), max_size=30))
def test_the_chunks_of_the_audio_change_nothing(cuts: list[int]) -> None:
    data, at = pcm(MACHINE[: 7 * 8000]), 0
    framer, channel, progress = Framer(), Channel(), CallProgress()
    found: list[Finding] = []
    for size in [*cuts, len(data)]:
        for frame in framer.feed(data[at : at + size]):
            for measured in measure([(channel, frame)]):
                found += progress.hear(measured)
        at += size
    assert found == replay(features(MACHINE[: 7 * 8000]))


def test_two_percent_loss_changes_no_decision() -> None:
    lost = frozenset(range(3, 800, 50))
    for sound, first in ((HUMAN, "LV"), (MACHINE, "AM")):
        assert replay(features(sound, lose=lost))[0].code == first


@pytest.mark.parametrize("gap", [1, 3, 5])
def test_loss_in_the_silence_delays_no_decision(gap: int) -> None:
    lost = frozenset(at for start in range(85, 800, 4 * gap) for at in range(start, start + gap))
    whole, lossy = replay(features(HUMAN))[0], replay(features(HUMAN, lose=lost))[0]
    assert (whole.code, lossy.code) == ("LV", "LV")
    assert lossy.at == pytest.approx(whole.at, abs=20 * gap + 20)


def test_music_far_behind_the_voice_is_silence() -> None:
    """A tone that is 24 dB fainter than the voice: as loud as the voice, it is waited for what it is."""
    whole = findings(HUMAN)[0]
    behind = findings(HUMAN + sine(700, len(HUMAN) / 8, -44))[0]
    assert (behind.code, behind.at) == ("LV", pytest.approx(whole.at, abs=60))
    told = findings(call(voice(600), silence(300), sine(1400, 6000, -20)), beep_is_am=False)
    assert next(f.at for f in told if f.code == "LV") > 1600 + 300 + 6000


@pytest.mark.parametrize("sound", [voice(2500, seed=2), sine(1400, 300)], ids=["speech", "beep"])
def test_nobody_waits_while_speech_or_a_beep_begins(sound: Samples) -> None:
    """Around the silence that is demanded: what has begun is not interrupted by a decision, two frames before it is
    speech or a tone."""
    told = []
    for pause in range(820, 940, 10):
        first = findings(call(voice(600), silence(pause), sound))[0]
        told.append(first.code)
        assert first.code == "AM" or first.at <= 1600 + pause + 20, pause
    assert (told[0], told[-1]) == ("AM", "LV")


@pytest.mark.parametrize("line", [-62, -52])
def test_a_faint_ending_is_of_the_greeting(line: float) -> None:
    """A last consonant is 20 dB below the vowel, and no speech to the detector: the silence begins after it."""
    plain = findings(call(voice(600), level=line))[0]
    faint = findings(call(voice(600), noise(120, -40), level=line))[0]
    assert (plain.code, faint.code) == ("LV", "LV")
    assert faint.at - plain.at == pytest.approx(120, abs=60)
    assert plain.at - 1600 == pytest.approx(PROFILES["balanced"].short_silence, abs=60)


def test_what_is_lost_is_not_the_silence_after_a_greeting() -> None:
    lost = frozenset(range(80, 800))
    assert [f.code for f in replay(features(HUMAN, lose=lost))] == ["DT"]


def test_break_events_end_the_analysis() -> None:
    progress = CallProgress(Parameters(break_events=frozenset({"AM"})))
    found = [f.code for frame in features(MACHINE) for f in progress.hear(frame)]
    assert found == ["AM"]
    assert progress.done
    assert progress.state is State.DONE


def test_the_timeout_ends_it_without_another_word_once_decided() -> None:
    assert codes(HUMAN, silence_detect_limit=0) == ["LV"]
    assert codes(HUMAN, total_timeout=1500) == ["DT"]


def test_profiles_differ_in_whom_they_believe() -> None:
    talkative = call(voice(2500), silence(200), voice(2600))
    assert codes(talkative, profile=PROFILES["balanced"])[0] == "AM"
    assert codes(talkative, profile=PROFILES["safe-for-humans"])[0] == "LV"
    fast, balanced = (findings(HUMAN, profile=PROFILES[name])[0].at for name in ("fast", "balanced"))
    assert fast < balanced


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_ambient_energy", -1),
        ("initial_silence_ignore", 5001),
        ("total_timeout", 10),
        ("silence_detect_limit", 500),
        ("beep_to_silence_gap", 20000),
        ("tones", {"BP": "loud"}),
        ("break_events", frozenset({"XX"})),
    ],
)
def test_parameters_are_checked(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Parameters(**{name: value})  # type: ignore[arg-type]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.builds(
            Features,
            at=st.just(0),
            lost=st.booleans(),
            level=st.floats(-100, 3),
            energy=st.floats(0, 32767),
            voiced=st.booleans(),
            first=st.floats(0, 4000),
            second=st.floats(0, 4000),
            purity=st.floats(0, 1),
            pair=st.floats(0, 1),
            twist=st.floats(0, 90),
            fsk=st.floats(0, 1),
            ring=st.floats(0, 1),
            busy=st.floats(0, 1),
        ),
        max_size=200,
    )
)
def test_any_features_are_taken_and_findings_are_in_order(frames: list[Features]) -> None:
    timed = [frame._replace(at=20 * number) for number, frame in enumerate(frames)]
    found = replay(timed, Parameters(total_timeout=3000))
    assert [f.at for f in found] == sorted(f.at for f in found)
    assert all(0 <= f.since <= f.at for f in found)
    assert [f.code for f in found].count("DT") <= 1


@pytest.mark.parametrize("level", [-70, -50, -40])
@pytest.mark.parametrize("ms", [300, 600, 2000])
def test_who_speaks_from_the_first_frame_on_is_heard(ms: int, level: float) -> None:
    """A file that is cut, or a phone that opens its audio late: the noise of the line is not known yet."""
    sound = np.concatenate([voice(ms), silence(3000)])
    (live, *_) = findings(sound + noise(len(sound) / 8, level))
    assert (live.code, live.since) == ("LV", pytest.approx(0, abs=100))
    assert float(live.facts["voice"]) == pytest.approx(ms, abs=250)
    assert live.at - ms <= 1300


@pytest.mark.parametrize("level", [-50, -30, -18])
def test_a_click_or_noise_from_the_first_frame_on_is_nobody(level: float) -> None:
    click = np.concatenate([noise(80, -12), silence(3000)])
    assert "LV" not in codes(click + noise(len(click) / 8, level - 20))
    assert codes(noise(3000, level)) == []
