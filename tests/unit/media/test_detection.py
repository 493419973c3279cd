"""What is told of a call to who asks for talk, silence, digits, tones, who has answered; and its record, replayed."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.media.cpa import Parameters
from ari_app.media.cpa import replay as replay_progress
from ari_app.media.detection import THINGS, Detector, Wanted, replay
from ari_app.media.feature_file import NotFeatures
from ari_app.media.features import Features
from ari_app.media.recorded import FeatureRecord, read
from tests.unit.media.calls import FAX, HUMAN, MACHINE, RINGBACK, call
from tests.unit.media.signals import Samples, features, silence, sine, voice

EVERYTHING = frozenset(THINGS)


def codes(sound: Samples, *things: str, **wanted: object) -> list[str]:
    asked = Wanted(things=frozenset(things), **wanted)  # type: ignore[arg-type]
    return [finding.code for finding in replay(features(sound), asked)]


def test_talk_and_silence() -> None:
    sound = call(voice(600), silence(4000), voice(600, seed=2), seconds=9)
    found = replay(features(sound), Wanted(things=frozenset({"talk", "silence"}), silence=2000))
    assert [finding.code for finding in found] == [
        "TALKSTART",
        "TALKSTOP",
        "SILENCE",
        "TALKSTART",
        "TALKSTOP",
        "SILENCE",
    ]
    begun, ended, silent, again, *_ = found
    assert begun.since == pytest.approx(1000, abs=80)
    assert begun.at - begun.since == pytest.approx(100, abs=60)
    assert ended.since == pytest.approx(1600, abs=160)
    assert silent.since == pytest.approx(1600, abs=160)
    assert (ended.at - ended.since, silent.at - silent.since) == (500, 2000)
    assert again.since == pytest.approx(5600, abs=80)


def test_silence_from_the_start_is_told_once() -> None:
    assert codes(call(seconds=5), "silence", silence=1000) == ["SILENCE"]


def test_a_tone_is_no_silence() -> None:
    sound = call(sine(850, 300), silence(900), sine(850, 300), seconds=4)
    (silent,) = replay(features(sound), Wanted(things=frozenset({"silence"}), silence=1200))
    assert silent.since == pytest.approx(2500, abs=100)


def test_digits_and_named_tones_without_a_decision() -> None:
    sound = call(sine(770, 200) + sine(1336, 200), silence(500), sine(850, 300), silence(500), voice(600))
    assert codes(sound, "digits", parameters=Parameters(tones={"GATE": "850|10"})) == ["DTMF", "GATE"]
    (digit,) = replay(features(sound), Wanted(things=frozenset({"digits"})))
    assert digit.facts["digit"] == "5"
    assert codes(sound, "beep") == ["BP"]


def test_fax_and_ringback() -> None:
    assert codes(FAX, "fax") == ["FX"]
    assert codes(RINGBACK, "network")[0] == "RING"
    assert codes(RINGBACK, "talk") == ["TALKSTART", "TALKSTOP"]


def test_who_has_answered_is_what_call_progress_analysis_says() -> None:
    for sound in (HUMAN, MACHINE, FAX):
        heard = features(sound)
        told = replay(heard, Wanted(things=frozenset({"answer", "network", "digits"})))
        assert told == replay_progress(heard)


def test_talk_beside_the_decision_ends_with_it() -> None:
    found = replay(features(MACHINE), Wanted(things=frozenset({"answer", "talk"}), break_events=frozenset({"BP"})))
    assert [finding.code for finding in found if finding.code != "TALKSTOP"] == ["TALKSTART", "AM", "BP"]


def test_it_ends_with_its_time_or_never() -> None:
    detector = Detector(Wanted(things=frozenset({"talk"}), timeout=2000))
    frames = features(call(seconds=5))
    for frame in frames:
        detector.hear(frame)
        assert detector.done == (frame.at + 20 >= 2000)
    detector = Detector(Wanted(things=frozenset({"talk"})))
    for frame in frames * 20:
        detector.hear(frame)
    assert not detector.done


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ({"things": frozenset()}, "tell"),
        ({"things": frozenset({"everything"})}, "tell"),
        ({"silence": 499}, "silence"),
        ({"timeout": 999}, "total_timeout"),
        ({"break_events": frozenset({"TALKSTART"})}, "break_events"),
        ({"parameters": Parameters(tones={"LV": "850|10"})}, "tones"),
    ],
)
def test_what_cannot_be_asked_for_is_named(wanted: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}: "):
        Wanted(**wanted)  # type: ignore[arg-type]


def test_a_record_tells_the_same_again() -> None:
    wanted = Wanted(things=EVERYTHING, parameters=Parameters(tones={"BP": "1000|10"}, countries=("de",)))
    for sound in (MACHINE, FAX):
        heard = [*features(sound)[:100], Features(2000, lost=True), *features(sound)[101:]]
        record = FeatureRecord(wanted)
        for frame in heard:
            record.add(frame)
        assert record.file() == record.file()
        asked, kept = read(record.file())
        assert (asked, kept, record.frames) == (wanted, heard, len(heard))
        assert replay(kept, asked) == replay(heard, wanted) != []
        assert len(record.file()) < 120 * len(heard)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400))
def test_a_broken_record_is_refused(junk: bytes, cut: int) -> None:
    record = FeatureRecord(Wanted())
    for frame in features(np.zeros(1600)):
        record.add(frame)
    whole = record.file()
    for broken in (junk, whole[:cut], zlib.compress(junk, wbits=31), whole[:cut] + junk + whole[cut:]):
        if broken != whole:
            with pytest.raises(NotFeatures):
                read(broken)
