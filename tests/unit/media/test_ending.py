"""When speech has ended: by the levels before and after the gate's end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.ending import SETTLED_MS, SpeechEnd
from ari_app.media.features import Features


def late(levels: list[float | None], speech: int) -> int:
    """Of levels in dBFS (None: lost), of which so many are speech at the gate."""
    ending, quiet = SpeechEnd(), 0
    for number, level in enumerate(levels):
        lost = level is None
        quiet = 0 if number < speech else quiet if lost else quiet + 20
        ending.hear(Features(20 * number, lost, level if level is not None else -100.0), quiet, -18.0)
    return ending.late


SPEECH: list[float | None] = [-20.0] * 10


@pytest.mark.parametrize("floor", [-100.0, -60.0, -45.0, -32.0])
def test_the_end_is_where_the_sound_falls_to_the_silence(floor: float) -> None:
    silence: list[float | None] = [floor] * 30
    assert late([*SPEECH, *silence], 10) == 0
    assert late([*SPEECH, *silence], 12) == -40  # the gate has held on
    assert late([*SPEECH, -23.0, -22.0, -23.0, *silence], 10) == 60  # a faint consonant
    assert late([*SPEECH, *silence], 20) == -80  # no more than a gate may hold on


def test_what_is_no_louder_than_the_line_is_no_ending() -> None:
    assert late([*SPEECH, -40.0, -38.0, -41.0, *[-44.0] * 30], 10) == 0


def test_what_rings_on_far_below_the_voice_is_no_ending() -> None:
    assert late([*SPEECH, *[-50.0] * 4, *[-80.0] * 30], 10) == 0
    assert late([*SPEECH, *[-46.0] * 4, *[-80.0] * 30], 10) == 80


def test_it_is_told_once_the_silence_has_lasted() -> None:
    faint: list[float | None] = [*SPEECH, -30.0, -30.0]
    frames = SETTLED_MS // 20
    assert late([*faint, *[-60.0] * (frames - 3)], 10) == 0
    assert late([*faint, *[-60.0] * (frames - 2)], 10) == 40
    assert late([*faint, *[-60.0] * 100], 10) == 40
    assert late([*faint, *[-60.0] * 100, *SPEECH], 200) == 0  # speech goes on


def test_lost_frames_are_neither_sound_nor_silence() -> None:
    silence: list[float | None] = [-60.0, None, -60.0] * 12
    assert late([*SPEECH, -30.0, None, -30.0, *silence], 10) == 60
    assert late([*SPEECH, -30.0, None, None, *silence], 10) == 20


@given(st.lists(st.none() | st.floats(-100, 0), max_size=120), st.integers(0, 120))
def test_it_stays_near_the_gates_end(levels: list[float | None], speech: int) -> None:
    assert late(levels, speech) in range(-80, 161, 20)
