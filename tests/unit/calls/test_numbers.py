"""Numbers in the order of a language's grammar; that it is Asterisk's is for tests/integration/test_numbers.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.calls.numbers import LIMIT, MINUTE, Gender, counted, sounds

LANGUAGES = ("en", "en-gb", "de", "es", "fr", "it", "ru")
#: what a sound is worth that does not say so in digits
UNITS = {"hundred": 100, "thousand": 1000, "million": 1_000_000}


def said(number: int, language: str, gender: Gender = "") -> str:
    found = sounds(number, language, gender)
    assert found is not None
    return " ".join(name.removeprefix("digits/") for name in found)


@pytest.mark.parametrize(
    ("number", "language", "words"),
    [
        (0, "de", "0"),
        (21, "de", "1-and 20"),
        (100, "de", "hundred"),
        (1121, "de-at", "1N thousand 1N hundred 1-and 20"),
        (2_000_000, "de", "2 millions"),
        (121, "en", "1 hundred 20 1"),
        (121, "en_GB", "1 hundred vm-and 20 1"),
        (31, "es", "30 and 1"),
        (1100, "es-mx", "thousand 100"),
        (71, "fr", "60 et 11"),
        (81, "fr", "80 1"),
        (91, "fr_CA", "80 11"),
        (200, "fr", "2 hundred"),
        (28, "it", "28"),
        (2000, "it", "2 thousands"),
        (22_000, "ru", "20 2f thousands-i"),
        (11_000, "ru", "11 thousands"),
        (-5, "ru", "minus 5"),
    ],
)
def test_what_is_said(number: int, language: str, words: str) -> None:
    assert said(number, language) == words


@pytest.mark.parametrize(
    ("language", "gender", "words"),
    [
        ("de", "f", "1F"), ("de", "m", "1"), ("es", "m", "1M"), ("es", "f", "1F"), ("fr", "f", "1F"), ("ru", "n", "1n"),
        ("it", "f", "1"), ("en", "f", "1"),
    ],
)  # fmt: skip
def test_one_of_something_has_its_gender(language: str, gender: Gender, words: str) -> None:
    assert said(1, language, gender) == words


def worth(names: str) -> int:
    """The number that sounds say, by adding and multiplying what they are worth; whatever the language."""
    total = part = 0
    for name in names.split():
        word = name.partition("-")[0].rstrip("s")
        if name in ("et", "and", "vm-and"):
            continue
        if word in UNITS:
            unit = UNITS[word]
            if unit == 100:
                part = part - part % 100 + max(part % 100, 1) * 100
            else:
                total, part = total + max(part, 1) * unit, 0
        else:
            part += int(word.rstrip("FMNfmn"))
    return total + part


@given(st.integers(1, LIMIT - 1), st.sampled_from(LANGUAGES), st.sampled_from(["", "m", "f", "n"]))
def test_sounds_are_worth_their_number(number: int, language: str, gender: Gender) -> None:
    assert worth(said(number, language, gender)) == number
    assert said(-number, language, gender) == f"minus {said(number, language, gender)}"


@given(st.integers(1, LIMIT - 1))
def test_british_is_american_with_and(number: int) -> None:
    assert said(number, "en-gb").replace("vm-and ", "") == said(number, "en")


def test_a_language_whose_rules_are_not_here() -> None:
    assert sounds(21, "ja") is None
    assert counted(21, "ja", MINUTE) == ["number:21"]
    for large in (LIMIT, -LIMIT):
        with pytest.raises(ValueError, match="too large"):
            sounds(large, "en")


def test_a_number_of_minutes() -> None:
    assert counted(1, "de", MINUTE) == ["sound:digits/1F"]
    assert counted(31, "es", MINUTE) == ["sound:digits/30", "sound:digits/and", "sound:digits/1M"]
    for number, language in ((1, "en"), (2, "de"), (21, "de"), (21, "es"), (1, "fr"), (LIMIT, "es"), (-1, "de")):
        assert counted(number, language, MINUTE) == [f"number:{number}"]
