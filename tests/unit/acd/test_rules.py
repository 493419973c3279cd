"""The language of routing rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.acd.rules import LONGEST, RuleError, parse


@pytest.mark.parametrize(
    ("text", "skills", "wait", "holds"),
    [
        ("english >= 3", {"english": 3}, 0, True),
        ("english >= 3", {"english": 2}, 0, False),
        ("english >= 3", {}, 0, False),
        ("English", {"english": 1}, 0, True),
        ("english", {"english": 0}, 0, False),
        ("english = 3", {"english": 3}, 0, True),
        ("english != 3", {"english": 3}, 0, False),
        ("wait<60", {}, 59, True),
        ("wait<60", {}, 60, False),
        ("a or b and c", {"a": 1}, 0, True),
        ("(a or b) and c", {"a": 1}, 0, False),
        ("not a and not b", {"b": 1}, 0, False),
        ("not not a", {"a": 1}, 0, True),
        ("wanted and not wait > 5", {}, 5, True),
        ("nota\nAND\torc", {"nota": 1, "orc": 1}, 0, True),
    ],
)
def test_it_holds(text: str, skills: dict[str, int], wait: int, holds: bool) -> None:
    assert parse(text).holds(skills, wait, True) is holds


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 1),
        ("  ", 1),
        ("english >=", 11),
        ("english >= x", 12),
        ("english >= 101", 12),
        ("wait >= 86401", 9),
        ("wait", 5),
        ("(a or b", 8),
        ("a b", 3),
        ("a and and b", 7),
        ("a or", 5),
        ("3 < a", 1),
        ("a; b", 2),
        ("  é", 3),
        ("a.b", 2),
        ("wanted = 1", 8),
        ("a_name_of_more_than_thirty_two_letters", 1),
        ("(" * 21 + "a" + ")" * 21, 21),
        ("not " * 21 + "a", 81),
        ("a" * (LONGEST + 1), LONGEST + 1),
    ],
)
def test_errors_say_where(text: str, position: int) -> None:
    with pytest.raises(RuleError) as refused:
        parse(text)
    assert refused.value.position == position
    assert str(refused.value).endswith(f"at character {position}")


def test_it_turns_when_its_waits_say() -> None:
    rule = parse("wait < 10 or wait >= 20 or wait <= 30 and wait > 40 or wait = 50 or a >= 60")
    assert rule.turns == (10, 20, 31, 41, 50, 51)
    assert (rule.next_turn(0), rule.next_turn(19.9), rule.next_turn(20), rule.next_turn(51)) == (10, 20, 31, None)


_RULES = st.recursive(
    st.one_of(
        st.sampled_from(["a", "b", "wanted"]),
        st.builds(
            "{} {} {}".format,
            st.sampled_from(["a", "wait"]),
            st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
            st.integers(0, 9),
        ),
    ),
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) {} ({})".format, inner, st.sampled_from(["and", "or"]), inner),
    ),
    max_leaves=8,
)


@given(_RULES, st.integers(0, 9), st.integers(0, 9), st.integers(0, 12), st.booleans())
def test_it_means_what_python_would_mean(text: str, a: int, b: int, wait: int, wanted: bool) -> None:
    rule = parse(text)
    expected = bool(eval(text, {}, {"a": a, "b": b, "wait": wait, "wanted": wanted}))
    assert rule.holds({"a": a, "b": b}, wait, wanted) is expected
    if rule.next_turn(wait) != wait + 1:
        assert rule.holds({"a": a, "b": b}, wait + 1, wanted) is expected, "between its turns it stays as it is"


@given(st.text(max_size=40))
def test_any_text_is_a_rule_or_refused_at_a_place_in_it(text: str) -> None:
    position = 1
    try:
        parse(text)
    except RuleError as refused:
        position = refused.position
    assert 1 <= position <= len(text) + 1
