"""AnsweredBy: each of its words, and the limits of each parameter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ari_app.media.faces.amd import Answer, AnsweredBy, MachineAnalysis, MachineDetection
from tests.unit.media.calls import FAX, HUMAN, MACHINE, NOBODY, SHORT_MACHINE, SILENT_MACHINE, call
from tests.unit.media.signals import Samples, features, silence, voice


def answer(sound: Samples, **wanted: Any) -> Answer:
    analysis = MachineAnalysis(MachineDetection(**wanted))
    found = [told for frame in features(sound) for told in analysis.hear(frame)]
    (only,) = found
    assert analysis.done
    return only


@pytest.mark.parametrize(
    ("sound", "at_once", "at_the_end"),
    [
        (HUMAN, AnsweredBy.HUMAN, AnsweredBy.HUMAN),
        (MACHINE, AnsweredBy.MACHINE_START, AnsweredBy.MACHINE_END_BEEP),
        (SILENT_MACHINE, AnsweredBy.MACHINE_START, AnsweredBy.MACHINE_END_OTHER),
        (FAX, AnsweredBy.MACHINE_START, AnsweredBy.MACHINE_END_OTHER),
        (NOBODY, AnsweredBy.UNKNOWN, AnsweredBy.UNKNOWN),
    ],
    ids=["human", "machine", "no beep", "fax", "nobody"],
)
def test_who(sound: Samples, at_once: AnsweredBy, at_the_end: AnsweredBy) -> None:
    assert answer(sound).answered_by is at_once
    assert answer(sound, message_end=True).answered_by is at_the_end


def test_speech_of_the_threshold_is_a_machine() -> None:
    sound = call(voice(3000))
    assert answer(sound, speech_threshold=2400).answered_by is AnsweredBy.MACHINE_START
    assert answer(sound, speech_threshold=2400).duration == pytest.approx(1000 + 2400, abs=200)
    assert answer(sound, speech_threshold=3600).answered_by is AnsweredBy.HUMAN


def test_silence_of_the_end_threshold_is_a_human() -> None:
    sound = call(voice(800), silence(900), voice(2400, seed=2))
    assert answer(sound, speech_end_threshold=600).duration == pytest.approx(1000 + 800 + 600, abs=100)
    assert answer(sound, speech_end_threshold=1200).answered_by is AnsweredBy.MACHINE_START


def test_silence_from_the_answer_on_is_nobody() -> None:
    nobody = answer(NOBODY, silence_timeout=2000)
    assert (nobody.answered_by, nobody.duration) == (AnsweredBy.UNKNOWN, 2000)
    assert "2000 ms" in nobody.reason
    assert answer(call(silence(2500), voice(600)), silence_timeout=3000).answered_by is AnsweredBy.UNKNOWN
    assert answer(call(silence(2500), voice(600)), silence_timeout=5000).answered_by is AnsweredBy.HUMAN


def test_a_beep_after_a_short_greeting() -> None:
    """The human was told before it came; with a longer silence to wait for, it is known."""
    assert answer(SHORT_MACHINE, message_end=True).answered_by is AnsweredBy.HUMAN
    assert answer(SHORT_MACHINE, message_end=True, speech_end_threshold=1800).answered_by is AnsweredBy.MACHINE_END_BEEP


def test_a_machine_that_does_not_end_within_the_time() -> None:
    sound = np.concatenate([call(seconds=1), *[voice(2000, seed=n) for n in range(6)]])
    given_up = answer(sound, message_end=True, timeout=6)
    assert (given_up.answered_by, given_up.duration) == (AnsweredBy.MACHINE_END_OTHER, 6000)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("timeout", 3, 59),
        ("speech_threshold", 1000, 6000),
        ("speech_end_threshold", 500, 5000),
        ("silence_timeout", 2000, 10_000),
    ],
)
def test_limits(name: str, low: int, high: int) -> None:
    for value in (low, high):
        MachineDetection(**{name: value})
    for value in (low - 1, high + 1):
        with pytest.raises(ValueError, match=name):
            MachineDetection(**{name: value})
