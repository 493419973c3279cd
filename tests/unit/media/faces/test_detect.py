"""DETECT: which branches are taken, in which order, when."""

from __future__ import annotations

import pytest

from ari_app.media.faces.detect import Branch, DetectAnalysis, Detected, Turn
from tests.unit.media.calls import FAX, HUMAN, MACHINE, NOBODY, SHORT_MACHINE, SILENT_MACHINE
from tests.unit.media.signals import Samples, features

LIVE, EARLY, VOICEMAIL = Branch.LIVE_PERSON, Branch.VOICEMAIL_EARLY, Branch.VOICEMAIL


def detect(sound: Samples, trigger: int = 3000) -> tuple[list[Turn], Detected]:
    analysis = DetectAnalysis(trigger)
    return [turn for frame in features(sound) for turn in analysis.hear(frame)], analysis.detected


@pytest.mark.parametrize(
    ("sound", "trigger", "branches", "detected"),
    [
        (HUMAN, 3000, [LIVE], Detected.LIVE_PERSON),
        (MACHINE, 4000, [EARLY, VOICEMAIL], Detected.VOICEMAIL),
        (MACHINE, 3000, [LIVE, EARLY, VOICEMAIL], Detected.VOICEMAIL),  # who speaks late is not known by then
        (SILENT_MACHINE, 4000, [EARLY, VOICEMAIL], Detected.VOICEMAIL),
        (SHORT_MACHINE, 3000, [LIVE, EARLY, VOICEMAIL], Detected.VOICEMAIL),
        (FAX, 3000, [], Detected.FAX),
        (NOBODY, 3000, [LIVE], Detected.UNKNOWN),
    ],
    ids=["human", "machine", "trigger", "no beep", "short machine", "fax", "nobody"],
)
def test_branches(sound: Samples, trigger: int, branches: list[Branch], detected: Detected) -> None:
    turns, found = detect(sound, trigger)
    assert ([turn.branch for turn in turns], found) == (branches, detected)


def test_the_trigger_is_media_time_from_the_answer() -> None:
    (live,) = detect(NOBODY, 1500)[0]
    assert (live.at, live.reason) == (1500, "nobody was known after 1500 ms")


def test_voicemail_is_when_it_takes_a_message() -> None:
    turns, _ = detect(MACHINE)
    beep = 1000 + 2400 + 400 + 1900 + 700
    assert turns[-1].branch is VOICEMAIL
    assert turns[-1].at == pytest.approx(beep + 140, abs=60)


@pytest.mark.parametrize("trigger", [499, 30_001])
def test_the_limits_of_the_trigger(trigger: int) -> None:
    with pytest.raises(ValueError, match="trigger_live_in_ms"):
        DetectAnalysis(trigger)
