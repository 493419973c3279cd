"""Audio in frames: any chunking gives the same frames, and what is lost is marked where it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.frames import FRAME_BYTES, FRAME_SAMPLES, MAX_GAP_SAMPLES, Framer


@given(st.binary(max_size=3000), st.lists(st.integers(0, 3000), max_size=20))
def test_any_chunking_gives_the_same_frames(data: bytes, cuts: list[int]) -> None:
    framer, found, at = Framer(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        found += framer.feed(data[at:cut])
        at = max(at, cut)
    assert b"".join(found) == data[: len(data) // FRAME_BYTES * FRAME_BYTES]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1000)), max_size=30))
def test_media_time_is_what_came_and_what_was_lost(parts: list[tuple[bool, int]]) -> None:
    framer, count, total = Framer(), 0, 0
    marks: list[bool] = []  # of each sample: lost
    for lost, samples in parts:
        new = framer.lose(samples) if lost else framer.feed(bytes(2 * samples))
        marks += [lost] * samples
        total += samples
        for frame in new:
            inside = marks[count * FRAME_SAMPLES : (count + 1) * FRAME_SAMPLES]
            assert (frame is None) == any(inside)
            count += 1
    assert count == total // FRAME_SAMPLES


def test_a_jump_of_hours_makes_seconds() -> None:
    assert len(Framer().lose(10**9)) == MAX_GAP_SAMPLES // FRAME_SAMPLES


def test_a_gap_is_not_negative() -> None:
    with pytest.raises(ValueError, match="samples"):
        Framer().lose(-1)
