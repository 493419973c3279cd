"""Features of a call as text: what is read is what was written, and nothing else is taken for it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.cpa import replay
from ari_app.media.feature_file import NotFeatures, dump, is_features, load
from ari_app.media.features import Features
from tests.unit.media.calls import FAX, MACHINE
from tests.unit.media.signals import features

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)
PHASES = st.none() | st.tuples(*[st.complex_numbers(allow_nan=False, allow_infinity=False)] * 2)
FRAMES = st.builds(
    Features,
    st.integers(0, 10**9),
    st.booleans(),
    NUMBERS,
    NUMBERS,
    st.booleans(),
    *[NUMBERS] * 8,
    answer=PHASES,
)


@given(st.lists(FRAMES))
def test_what_is_read_is_what_was_written(frames: list[Features]) -> None:
    assert list(load(dump(frames))) == frames


@pytest.mark.parametrize("sound", [MACHINE, FAX])
def test_a_call_is_decided_the_same_when_it_is_read_again(sound: object) -> None:
    frames = features(sound)  # type: ignore[arg-type]
    lines = list(dump(frames))
    assert is_features(lines[0])
    assert replay(load(lines)) == replay(frames) != []


@given(st.lists(st.text(max_size=80), max_size=4))
def test_anything_else_is_told_with_its_line(lines: list[str]) -> None:
    with pytest.raises(NotFeatures, match="line 1"):
        list(load(lines))


def line(**values: object) -> str:
    """A frame, with these values instead of its own."""
    plain = json.loads(list(dump([Features(0)]))[1])
    return json.dumps([values.get(name, value) for name, value in zip(Features._fields, plain, strict=True)])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "no JSON"),
        ("[1, 2]", "a list of"),
        (line(at=1.5), "at cannot be 1.5"),
        (line(lost=0), "lost cannot be 0"),
        (line(level=True), "level cannot be True"),
        (line(first="x"), "first cannot be 'x'"),
        (line(answer=[1, 2]), "answer"),
        (line(answer=[1, 2, 3, "x"]), "answer"),
    ],
)
def test_a_bad_frame_is_told_with_its_line(text: str, what: str) -> None:
    head = next(iter(dump([])))
    with pytest.raises(NotFeatures, match=f"line 3: .*{what}"):
        list(load([head, line(), text]))


def test_those_of_another_version_are_refused() -> None:
    with pytest.raises(NotFeatures, match="another version"):
        list(load(['{"kind": "ari_app features", "fields": ["at"]}']))
