"""Where speech is cut out of a call: by media time, with loss, tones and noise in between."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.clock import ManualClock
from ari_app.media.asr.segments import BEFORE_MS, Part, Segment, Segmenter, Sign
from ari_app.media.batch import Batch, Line
from ari_app.media.features import Features
from ari_app.media.frames import FRAME_BYTES, FRAME_MS, Frame, Framer
from ari_app.media.transports.pacing import PERIOD, Ticker
from tests.unit.media.asr.cutting import Cutting
from tests.unit.media.signals import Samples, noise, sine, voice


def silence(ms: float) -> Samples:
    """As a line has it."""
    return noise(ms, -65)


def frames_of(*parts: Samples) -> list[bytes | None]:
    sound = np.concatenate(parts)
    return Framer().feed(np.clip(np.round(sound), -32768, 32767).astype("<i2").tobytes())


def segments(found: Sequence[Segment | Sign | Part]) -> list[Segment]:
    return [one for one in found if isinstance(one, Segment)]


def test_a_piece_of_speech_with_what_is_around_it() -> None:
    quiet = noise(1000, -60)
    cutting = Cutting(end_ms=800)
    found = cutting.hear(frames_of(quiet, voice(1200) + noise(1200, -60), noise(2000, -60)))
    assert [type(one) for one in found] == [Sign, Segment]
    (segment,) = segments(found)
    assert abs(segment.start - 1000) <= 60
    assert abs(segment.end - 2200) <= 100
    assert segment.start - segment.audio_from == BEFORE_MS
    # the silence that ended it is in it too
    assert len(segment.samples) // FRAME_BYTES * FRAME_MS == segment.end + 800 - segment.audio_from
    assert not segment.cut
    assert not cutting.segmenter.talking


def test_what_is_said_at_once_has_less_before_it() -> None:
    (segment,) = segments(Cutting().hear(frames_of(silence(100), voice(800), silence(1500))))
    assert segment.audio_from == 0
    assert segment.start <= 200


def test_two_pieces_and_a_pause_within_one() -> None:
    sound = frames_of(
        silence(500), voice(600), silence(400), voice(600, seed=2), silence(1500), voice(600, seed=3), silence(1500)
    )
    first, second = segments(Cutting(end_ms=800).hear(sound))
    assert first.end - first.start > 1500
    assert second.start > first.end + 1200


def test_tones_noise_and_clicks_are_no_speech() -> None:
    busy = np.concatenate([np.concatenate([sine(480, 500) + sine(620, 500), silence(500)]) for _ in range(5)])
    for sound in (busy, np.concatenate([silence(1000), voice(40), silence(1000)])):
        assert Cutting().hear(frames_of(silence(500), sound, silence(500))) == []
    assert Cutting().hear(frames_of(noise(5000, -25))) == []


def test_a_tone_after_speech_ends_it() -> None:
    """He has hung up, and his network sends its tone: nobody waits for a silence that never comes."""
    busy = sine(425, 4000)
    (segment,) = segments(Cutting(end_ms=600).hear(frames_of(silence(300), voice(900), busy)))
    assert abs(segment.end - 1200) <= 200


def test_speech_without_end_is_cut() -> None:
    cutting = Cutting(longest_ms=1200, end_ms=300)
    found = segments(cutting.hear(frames_of(silence(300), voice(3000), silence(1500))))
    assert [segment.cut for segment in found] == [True, True, False]
    # nothing is lost between them, and nothing is there twice
    assert [one.audio_from for one in found[1:]] == [
        one.audio_from + len(one.samples) // FRAME_BYTES * FRAME_MS for one in found[:-1]
    ]
    assert all(len(one.samples) // FRAME_BYTES * FRAME_MS <= 1200 for one in found)


def test_the_silence_after_a_cut_is_no_piece() -> None:
    cutting = Cutting(longest_ms=1000, end_ms=300)
    found = segments(cutting.hear(frames_of(silence(300), voice(700), silence(1500))))
    assert all(one.end > one.start for one in found)


def test_lost_frames_are_silence_in_it_and_time_goes_on() -> None:
    sound = frames_of(silence(500), voice(1500), silence(1500))
    sound[40:45] = [None] * 5
    (segment,) = segments(Cutting().hear(sound))
    place = (800 - segment.audio_from) // FRAME_MS * FRAME_BYTES
    assert segment.samples[place : place + 5 * FRAME_BYTES] == bytes(5 * FRAME_BYTES)
    assert abs(segment.end - 2000) <= 100


def test_what_is_being_said_is_told_in_parts() -> None:
    sound = frames_of(silence(500), voice(1700), silence(1200), voice(100), silence(1200), voice(2500), silence(1500))
    cutting, told, pieces, nothing, start = Cutting(longest_ms=2000, parts_ms=200), b"", 0, 0, -1
    plain = Cutting(longest_ms=2000).hear(sound)
    for one in cutting.hear(sound):
        if isinstance(one, Part):
            told += one.samples
            start = one.start
        elif one is Sign.NOTHING:
            told, nothing = b"", nothing + 1
        elif isinstance(one, Segment):
            assert one == segments(plain)[pieces]
            assert not told or one.start == start
            assert one.samples.startswith(told)
            assert 0 <= len(one.samples) - len(told) <= 200 // FRAME_MS * FRAME_BYTES
            told, pieces = b"", pieces + 1
    assert pieces == len(segments(plain)) > 2
    assert nothing == 1  # the silence after the piece that was cut


def test_the_end_of_the_call_ends_it() -> None:
    cutting = Cutting()
    cutting.hear(frames_of(silence(300), voice(900)))
    assert cutting.segmenter.talking
    (segment,) = segments(cutting.finish())
    assert segment.end == 1200
    assert cutting.finish() == []


#: made once
VOICE = voice(1200)
KINDS = {"v": VOICE, "n": noise(1200, -20), "s": silence(1200)}


def sound_of(parts: list[tuple[str, int]]) -> list[Frame]:
    """So many frames of each kind; "l": that are lost."""
    sound: list[Frame] = []
    for kind, count in parts:
        sound += [None] * count if kind == "l" else frames_of(KINDS[kind][: count * 160])
    return sound


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
    sound = sound_of(parts)
    found: list[Segment] = []
    cutting = Cutting(end_ms=end, longest_ms=longest)
    for start in range(0, len(sound), chunk):
        found += segments(cutting.hear(sound[start : start + chunk]))
    found += segments(cutting.finish())
    again = Cutting(end_ms=end, longest_ms=longest)
    assert found == segments([*again.hear(sound), *again.finish()])  # however it comes
    for before, after in pairwise(found):
        assert before.start < before.end <= after.end
        assert before.audio_from + len(before.samples) // 16 <= after.audio_from
    for one in found:
        assert one.audio_from <= one.start
        assert one.end <= cutting.segmenter.at
        assert len(one.samples) // 16 < longest + FRAME_MS


class Listened:
    """A line of a batch whose speech is cut out."""

    def __init__(self, batch: Batch, **parameters: int) -> None:
        self.found: list[Segment | Sign | Part] = []
        self.segmenter = Segmenter(**parameters)
        self.line: Line = batch.join(self._heard, self._ended)

    def _heard(self, features: Features, frame: Frame) -> None:
        self.found += self.segmenter.hear(features, frame)

    def _ended(self, _reason: str) -> None:
        self.found += self.segmenter.finish()


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("vvsnl"), st.integers(1, 60)), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.integers(0, 60), min_size=1, max_size=10),
)
def test_calls_that_are_measured_together_have_the_pieces_they_have_alone(
    calls: list[list[tuple[str, int]]], chunks: list[int]
) -> None:
    """However their frames come, and though some are not yet measured when their call ends."""
    sounds = [sound_of(parts) for parts in calls]
    clock = ManualClock()
    batch = Batch(Ticker(clock), clock)
    together = [Listened(batch, end_ms=400, longest_ms=2000) for _ in sounds]
    at = 0
    for count in chunks:
        for listened, sound in zip(together, sounds, strict=True):
            listened.line.frames(sound[at : at + count])
        clock.advance(PERIOD / 2)
        at += count
    for listened, sound in zip(together, sounds, strict=True):
        listened.line.frames(sound[at:])
        listened.line.ended("the call is over")
    for listened, sound in zip(together, sounds, strict=True):
        alone = Cutting(end_ms=400, longest_ms=2000)
        assert listened.found == [*alone.hear(sound), *alone.finish()]


def test_who_falls_silent_without_a_frame_has_said_what_he_said() -> None:
    clock = ManualClock()
    batch = Batch(Ticker(clock), clock)
    listened = Listened(batch)
    listened.line.start()
    for frame in frames_of(silence(300), voice(900)):
        listened.line.frames([frame])
        clock.advance(PERIOD)
    assert [type(one) for one in listened.found] == [Sign]
    for _ in range(100):
        clock.advance(PERIOD)
    (segment,) = segments(listened.found)
    assert abs(segment.end - 1200) <= 100


@pytest.mark.parametrize("wrong", [{"start_ms": 10}, {"end_ms": 100}, {"longest_ms": 100_000}], ids=str)
def test_what_it_cannot_do_is_named(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Segmenter(**wrong)
