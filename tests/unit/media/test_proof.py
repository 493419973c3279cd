"""The silence after a tone: how long, how soon, cut off or died away, with what of it lost."""

import pytest

from ari_app.media.features import NOTHING, Features
from ari_app.media.proof import Proof
from ari_app.media.tones import Tone

TONE = Tone(0, 200, 1000, None, -20, 10, 10)


def proven(levels: list[float | None], frames: int = 15) -> int | None:
    """After how many frames from the tone's end, if at all. None is a frame that was lost."""
    proof = Proof()
    proof.want(TONE, frames)
    for count, level in enumerate(levels):
        at = TONE.end + 20 * count
        frame = Features(at, lost=True) if level is None else Features(at, level=level)
        if (tone := proof.hear(frame, at + 20)) is not None:
            assert tone is TONE
            return count + 1
    return None


def test_silence_proves_it_and_only_once() -> None:
    assert proven([-50] * 14) is None
    assert proven([-50] * 40) == 15
    assert proven([-31] * 40) is None
    assert proven([-32.1] * 40) == 15


@pytest.mark.parametrize(("later", "when"), [(20, 35), (25, 40), (27, None)])
def test_silence_begins_within_half_a_second(later: int, when: int | None) -> None:
    assert proven([-20] * later + [-50] * 40) == when


def test_a_sound_in_the_silence_begins_it_anew() -> None:
    assert proven([-50] * 10 + [-25] + [-50] * 40) == 26


def test_what_is_lost_is_silence_if_most_is_heard() -> None:
    assert proven([-50, None, None, -50, None] + [-50] * 20) == 15
    assert proven([None] * 3 + [-50] * 20) == 18
    assert proven([-50] + [None] * 10 + [-50] * 24, 15) == 30
    assert proven([-50] + [None] * 40, 15) is None


def test_what_dies_away_is_no_beep() -> None:
    assert proven([-20 - 1.5 * n for n in range(20)] + [NOTHING] * 40) is None
    assert proven([-20, -25, -31] + [NOTHING] * 40) is None
    for last in ([-60], [-21, -60], [-20, -26, -60]):
        assert proven([*last, *[-60.0] * 30]) is not None


def test_what_dies_away_while_it_is_a_tone_still_is_no_beep_either() -> None:
    """It takes its mean with it, and is wanted anew with each frame."""
    proof, levels = Proof(), [-20.0] * 10 + [-20 - 2.0 * n for n in range(15)]
    tone = None
    for count, level in enumerate(levels):
        tone = Tone(0, 20 * count + 20, 1000, None, sum(levels[: count + 1]) / (count + 1), count + 1, count + 1)
        proof.want(tone, 15)
        assert proof.hear(Features(20 * count, level=level), 20 * count + 20) is None
    assert tone is not None
    assert [proof.hear(Features(tone.end + 20 * n), tone.end + 20 * n + 20) for n in range(40)] == [None] * 40
    # another tone may be one
    proof.want(Tone(2000, 2200, 1000, None, -20, 10, 10), 15)
    assert any(proof.hear(Features(2200 + 20 * n), 2220 + 20 * n) for n in range(15))


def test_what_is_dropped_is_not_proven() -> None:
    proof = Proof()
    proof.want(TONE, 1)
    proof.drop()
    assert proof.hear(Features(TONE.end), TONE.end + 20) is None
