"""Measuring many calls together: each feature is what its definition says (reference.py), whoever is measured beside
it, whatever is lost, and whoever comes and goes."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import webrtcvad
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ari_app.media import features
from ari_app.media.features import Channel, Features, Measurer, measure
from ari_app.media.frames import FRAME_SAMPLES, Frame
from ari_app.media.vad import WebRtcVad
from tests.unit.media import reference
from tests.unit.media.signals import (
    Samples,
    answer_tone,
    cadence,
    noise,
    silence,
    sine,
    special_information,
    v21,
    voice,
)

#: who measures: compiled code, where it was built, and numpy
WAYS = {"numpy": None} | ({} if features.compiled is None else {"compiled": features.compiled})


@pytest.fixture(params=WAYS, scope="module", autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """Everything here holds for both."""
    before, features.compiled = features.compiled, WAYS[request.param]
    yield request.param
    features.compiled = before


def test_it_is_compiled_where_there_is_a_compiler() -> None:
    """Else nobody would notice that it is slow."""
    headers = Path(sysconfig.get_path("include"), "Python.h")
    assert "compiled" in WAYS or shutil.which("cc") is None or not headers.exists()


def test_compiled_code_refuses_what_is_not_there() -> None:
    """It would read and write beside it."""
    if (measure := WAYS.get("compiled")) is None:
        return
    past, out, frame = np.zeros((2, 352), np.int16), np.zeros((10, 1), np.float32), bytes(320)
    for slots in ([2], [-1], [0, 1], []):
        with pytest.raises(ValueError, match="slot"):
            measure.measure(past, np.array(slots, np.int64), frame, out)
    for short in (frame[:-2], b"", 2 * frame):
        with pytest.raises(ValueError, match="frame"):
            measure.measure(past, np.array([0]), short, out)
    with pytest.raises(ValueError, match="column"):
        measure.measure(past, np.array([0]), frame, out[:9])
    with pytest.raises(ValueError, match="frame"):  # at an odd address
        measure.measure(past, np.array([0]), memoryview(bytes(321))[1:], out)
    measure.measure(past, np.array([1]), frame, out)


def test_compiled_code_tells_of_as_many_as_there_are() -> None:
    if (tell := WAYS.get("compiled")) is None:
        return
    times, out, three = np.arange(3), np.ones((10, 3), np.float32), (b"",) * 3
    told = tell.tell(Features, times, (b"", None, b""), (True, False, False), (None, None, (1j, 2j)), out)
    assert told == [
        Features(0, False, 1, 1, True, *[1] * 8),
        Features(1, True),
        Features(2, False, 1, 1, False, *[1] * 8, (1j, 2j)),
    ]
    assert {type(one) for one in told} == {Features}
    for wrong in (
        (times[:2], three, three, three, out),
        (times, three[:2], three, three, out),
        (times, three, three[:2], three, out),
        (times, three, three, three[:2], out),
        (times, three, three, three, out[:9]),
    ):
        with pytest.raises(ValueError, match="column"):
            tell.tell(Features, *wrong)
    with pytest.raises(TypeError, match="tuple"):
        tell.tell(int, times, three, three, three, out)


#: What single precision and the rounding of a feature to 4 digits may do.
CLOSE = {"level": 2e-4, "energy": 1e-3, "fsk": 2e-4, "ring": 2e-4, "busy": 2e-4}
#: The peaks of silence: first, second, purity, pair, twist.
NOWHERE = (78.125, 78.125, 0, 0, 0)


def samples(sound: Samples) -> NDArray[np.int16]:
    return np.asarray(np.clip(np.round(sound), -32768, 32767), "<i2")


def offset(sound: Samples) -> Samples:
    """As a telephone with a fault sends it: far beside zero."""
    return sound + 9000


KINDS = {
    "voice": lambda seed, level: voice(600, level, seed=seed),
    "noise": lambda seed, level: noise(600, level, seed),
    "ringback": lambda seed, level: sine(440, 600, level, seed) + sine(480, 600, level) + noise(600, level - 30, seed),
    "busy": lambda seed, level: cadence([500, 100], 480, 620, level=level) + noise(600, level - 40, seed),
    "beep": lambda seed, level: np.concatenate([silence(200), sine(1000 + seed, 200, level), silence(200)]),
    "digit": lambda seed, level: sine(770, 600, level) + sine(1336, 600, level) + noise(600, level - 30, seed),
    "answer": lambda seed, level: answer_tone(600, swings=bool(seed % 2), level=level) + noise(600, level - 40, seed),
    "information": lambda seed, level: special_information(200, level) + noise(600, level - 40, seed),
    "fax": lambda seed, level: np.concatenate([v21("01111110" * 20, level), silence(200)]),
    "offset": lambda seed, level: offset(noise(600, level, seed)),
    "silence": lambda seed, level: silence(600),
    "words": lambda seed, level: np.concatenate([voice(200, level, seed=seed), silence(200), voice(200, level)]),
}


def cut(heard: NDArray[np.int16]) -> list[bytes]:
    return [heard[at : at + FRAME_SAMPLES].tobytes() for at in range(0, len(heard) - FRAME_SAMPLES + 1, FRAME_SAMPLES)]


def hear(channel: Channel, sound: list[Frame]) -> list[Features]:
    return [features for frame in sound for features in measure([(channel, frame)])]


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(sorted(KINDS)), st.integers(1, 1000), st.integers(-55, -3))
def test_each_feature_is_what_its_definition_says(kind: str, seed: int, level: int) -> None:
    sound = cut(samples(KINDS[kind](seed, level)))
    past = np.zeros(reference.LONG, np.int16)
    for frame, found in zip(sound, hear(Channel(), [*sound]), strict=True):
        past = np.concatenate([past, np.frombuffer(frame, np.int16)])
        for name, wanted in reference.features(past).items():
            limit = name == "busy" and min(wanted, found.busy) == 0  # of its parts: 0.1, or all but that
            assert getattr(found, name) == pytest.approx(wanted, abs=0.3 if limit else CLOSE[name], rel=1e-6), name
        assert has_peaks(found, past)
        assert (found.answer is not None) == (abs(found.first - 2100) < 60)
        if found.answer is not None:
            assert found.answer == pytest.approx(reference.answer(past), abs=0.05)


def has_peaks(found: Features, past: NDArray[np.int16]) -> bool:
    if not past[-reference.SHORT :].any():
        return found[5:10] == NOWHERE
    for choice in reference.choices(past):
        one, other = choice.noise  # beside a great offset even the first may be faint
        share = 2e-4 + 10 * one
        near = {"first": 0.01 + 100 * one, "second": 0.01 + 100 * other, "purity": share, "pair": share}
        near["twist"] = 1e-3 + 20 * (one + other)
        if all(abs(getattr(found, name) - getattr(choice, name)) <= off for name, off in near.items()):
            return True
    return False


class Turn(NamedTuple):
    """What one of the lines does in 20 ms."""

    lost: bool
    late: bool  # its frame comes with the next one
    leaves: bool  # and another one takes its place


TURNS = st.lists(
    st.tuples(st.integers(0, 5), st.builds(Turn, st.booleans(), st.booleans(), st.booleans())), max_size=40
)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=6), TURNS, st.integers(0, 1000))
def test_who_is_measured_beside_it_changes_nothing(kinds: list[str], turns: list[tuple[int, Turn]], seed: int) -> None:
    """Lines that lose frames, that are measured in other turns than the others, that leave and join."""
    measurer = Measurer()
    what = {(turn % 30, line): done for turn, (line, done) in enumerate(turns)}
    sounds = [cut(samples(KINDS[kind](seed + number, -20))) for number, kind in enumerate(kinds)]
    together = [Channel(None, measurer) for _ in kinds]
    heard: list[list[Features]] = [[] for _ in kinds]
    said: list[list[Frame]] = [[] for _ in kinds]
    waiting: list[list[Frame]] = [[] for _ in kinds]
    for turn in range(30):
        for line in range(len(kinds)):
            done = what.get((turn, line), Turn(False, False, False))
            if done.leaves:
                assert same(heard[line], hear(Channel(), said[line]))
                measurer.leave(together[line])
                together[line] = Channel(None, measurer)
                heard[line], said[line], waiting[line] = [], [], []
            waiting[line].append(None if done.lost else sounds[line][turn])
        while work := [
            (line, frames.pop(0)) for line, frames in enumerate(waiting) if frames and due(what, turn, line)
        ]:
            for line, frame in work:
                said[line].append(frame)
            for (line, _), found in zip(work, measure([(together[n], f) for n, f in work]), strict=True):
                heard[line].append(found)
    assert all(same(*both) for both in zip(heard, [hear(Channel(), frames) for frames in said], strict=True))


def due(what: dict[tuple[int, int], Turn], turn: int, line: int) -> bool:
    done = what.get((turn, line))
    return done is None or not done.late


def same(some: list[Features], others: list[Features]) -> bool:
    """But for the last bit of a sum whose order is another one."""
    return len(some) == len(others) and all(
        (one.at, one.lost, one.energy, one.voiced) == (other.at, other.lost, other.energy, other.voiced)
        and np.allclose(one[5:13], other[5:13], atol=3e-4, rtol=0)
        and one.level == pytest.approx(other.level, abs=3e-4)
        and one.answer == (pytest.approx(other.answer) if other.answer else None)
        for one, other in zip(some, others, strict=True)
    )


@pytest.mark.parametrize("count", [1, 2, 13, 14, 15, 28, 29, 153, 154, 155, 400])
def test_any_number_of_channels_is_measured_at_once(count: int) -> None:
    measurer = Measurer()
    channels = [Channel(None, measurer) for _ in range(count)]
    hertz = [300 + 3000 * number / count for number in range(count)]
    for turn in range(4):
        frames = [samples(sine(hz, 100))[turn * FRAME_SAMPLES :][:FRAME_SAMPLES].tobytes() for hz in hertz]
        found = measurer.measure(channels, frames)
    assert [features.first for features in found] == pytest.approx(hertz, abs=0.5)
    assert {features.at for features in found} == {60}


def test_none_are_measured_to_nothing() -> None:
    assert Measurer().measure([], []) == []
    assert measure([]) == []


def test_channels_of_different_measurers_are_measured_in_order() -> None:
    hertz = [500, 1000, 1500]
    channels = [Channel() for _ in hertz]
    for turn in range(3):
        frames = [samples(sine(hz, 100))[turn * FRAME_SAMPLES :][:FRAME_SAMPLES].tobytes() for hz in hertz]
        found = measure(list(zip(channels, frames, strict=True)))
    assert [features.first for features in found] == pytest.approx(hertz, abs=0.5)


def test_a_channel_that_joins_has_no_past() -> None:
    """Least of all that of the one whose place it takes."""
    measurer = Measurer()
    before = Channel(None, measurer)
    loud, quiet = samples(sine(1000, 20)).tobytes(), samples(sine(2000, 20, -50)).tobytes()
    for _ in range(3):
        measurer.measure([before], [loud])
    measurer.leave(before)
    (found,) = measurer.measure([Channel(None, measurer)], [quiet])
    assert same([found], hear(Channel(), [quiet]))
    assert abs(found.first - 2000) < 20


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(sorted(KINDS)), st.integers(1, 1000), st.integers(-40, -3), st.integers(0, 200),
    st.sampled_from(sorted(KINDS)),
)  # fmt: skip
def test_silence_that_the_detector_is_not_told_of_changes_nothing(
    kind: str, seed: int, level: int, silent: int, after: str
) -> None:
    """WebRtcVad leaves out digital silence that lasts: the detector itself says the same of all that follows."""
    real = webrtcvad.Vad(2)
    ours = WebRtcVad()
    sound = KINDS[kind](seed, level), silence(20 * silent), KINDS[after](seed + 1, level)
    for frame in cut(samples(np.concatenate(sound))):
        assert ours.is_speech(frame) == real.is_speech(frame, 8000)
