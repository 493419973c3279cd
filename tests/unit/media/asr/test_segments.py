"""Where speech is cut out of a call: by media time, with loss, tones and noise in between."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.media.asr.segments import BEFORE_MS, Segment, Segmenter, Sign
from ari_app.media.frames import FRAME_BYTES, FRAME_MS, Framer
from tests.unit.media.signals import Samples, noise, sine, voice


def silence(ms: float) -> Samples:
    """As a line has it."""
    return noise(ms, -65)


def frames_of(*parts: Samples) -> list[bytes | None]:
    sound = np.concatenate(parts)
    return Framer().feed(np.clip(np.round(sound), -32768, 32767).astype("<i2").tobytes())


def segments(found: list[Segment | Sign]) -> list[Segment]:
    return [one for one in found if isinstance(one, Segment)]


def test_a_piece_of_speech_with_what_is_around_it() -> None:
    quiet = noise(1000, -60)
    segmenter = Segmenter(end_ms=800)
    found = segmenter.hear(frames_of(quiet, voice(1200) + noise(1200, -60), noise(2000, -60)))
    assert [type(one) for one in found] == [Sign, Segment]
    (segment,) = segments(found)
    assert abs(segment.start - 1000) <= 60
    assert abs(segment.end - 2200) <= 100
    assert segment.start - segment.audio_from == BEFORE_MS
    # the silence that ended it is in it too
    assert len(segment.samples) // FRAME_BYTES * FRAME_MS == segment.end + 800 - segment.audio_from
    assert not segment.cut
    assert not segmenter.talking


def test_what_is_said_at_once_has_less_before_it() -> None:
    (segment,) = segments(Segmenter().hear(frames_of(silence(100), voice(800), silence(1500))))
    assert segment.audio_from == 0
    assert segment.start <= 200


def test_two_pieces_and_a_pause_within_one() -> None:
    sound = frames_of(
        silence(500), voice(600), silence(400), voice(600, seed=2), silence(1500), voice(600, seed=3), silence(1500)
    )
    first, second = segments(Segmenter(end_ms=800).hear(sound))
    assert first.end - first.start > 1500
    assert second.start > first.end + 1200


def test_tones_noise_and_clicks_are_no_speech() -> None:
    busy = np.concatenate([np.concatenate([sine(480, 500) + sine(620, 500), silence(500)]) for _ in range(5)])
    for sound in (busy, np.concatenate([silence(1000), voice(40), silence(1000)])):
        assert Segmenter().hear(frames_of(silence(500), sound, silence(500))) == []
    assert Segmenter().hear(frames_of(noise(5000, -25))) == []


def test_a_tone_after_speech_ends_it() -> None:
    """He has hung up, and his network sends its tone: nobody waits for a silence that never comes."""
    busy = sine(425, 4000)
    (segment,) = segments(Segmenter(end_ms=600).hear(frames_of(silence(300), voice(900), busy)))
    assert abs(segment.end - 1200) <= 200


def test_speech_without_end_is_cut() -> None:
    segmenter = Segmenter(longest_ms=1200, end_ms=300)
    found = segments(segmenter.hear(frames_of(silence(300), voice(3000), silence(1500))))
    assert [segment.cut for segment in found] == [True, True, False]
    # nothing is lost between them, and nothing is there twice
    assert [one.audio_from for one in found[1:]] == [
        one.audio_from + len(one.samples) // FRAME_BYTES * FRAME_MS for one in found[:-1]
    ]
    assert all(len(one.samples) // FRAME_BYTES * FRAME_MS <= 1200 for one in found)


def test_the_silence_after_a_cut_is_no_piece() -> None:
    segmenter = Segmenter(longest_ms=1000, end_ms=300)
    found = segments(segmenter.hear(frames_of(silence(300), voice(700), silence(1500))))
    assert all(one.end > one.start for one in found)


def test_lost_frames_are_silence_in_it_and_time_goes_on() -> None:
    sound = frames_of(silence(500), voice(1500), silence(1500))
    sound[40:45] = [None] * 5
    (segment,) = segments(Segmenter().hear(sound))
    place = (800 - segment.audio_from) // FRAME_MS * FRAME_BYTES
    assert segment.samples[place : place + 5 * FRAME_BYTES] == bytes(5 * FRAME_BYTES)
    assert abs(segment.end - 2000) <= 100


def test_the_end_of_the_call_ends_it() -> None:
    segmenter = Segmenter()
    segmenter.hear(frames_of(silence(300), voice(900)))
    assert segmenter.talking
    (segment,) = segments(segmenter.finish())
    assert segment.end == 1200
    assert segmenter.finish() == []


#: made once
VOICE = voice(1200)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("vsnl"), st.integers(1, 60)), max_size=20),
    st.integers(200, 1500),
    st.integers(1000, 3000),
    st.integers(1, 40),
)
def test_whatever_comes_pieces_are_in_order_and_bounded(
    parts: list[tuple[str, int]], end: int, longest: int, chunk: int
) -> None:
    sound: list[bytes | None] = []
    for kind, count in parts:
        made = {"v": VOICE, "n": noise(1200, -20), "s": silence(1200), "l": silence(1200)}[kind][: count * 160]
        sound += [None] * count if kind == "l" else frames_of(made)
    found: list[Segment] = []
    segmenter = Segmenter(end_ms=end, longest_ms=longest)
    for start in range(0, len(sound), chunk):
        found += segments(segmenter.hear(sound[start : start + chunk]))
    found += segments(segmenter.finish())
    again = Segmenter(end_ms=end, longest_ms=longest)
    assert found == segments([*again.hear(sound), *again.finish()])  # however it comes
    for before, after in pairwise(found):
        assert before.start < before.end <= after.end
        assert before.audio_from + len(before.samples) // 16 <= after.audio_from
    for one in found:
        assert one.audio_from <= one.start
        assert one.end <= segmenter.at
        assert len(one.samples) // 16 < longest + FRAME_MS


@pytest.mark.parametrize(
    "wrong", [{"start_ms": 10}, {"end_ms": 100}, {"longest_ms": 100_000}, {"aggressiveness": 4}], ids=str
)
def test_what_it_cannot_do_is_named(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Segmenter(**wrong)
