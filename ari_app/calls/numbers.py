"""Numbers in Asterisk's own sounds, as the grammar of a language orders them.

    sounds(21, "de")  ->  digits/1-and digits/20

These are the sounds that Asterisk's SayNumber asks for, in its order (main/say.c; `tests/integration/test_numbers.py`
compares them with a real Asterisk's). A `number:` URI of ARI does the same, but cannot say of what gender the counted
is: "una", "eine". So this is for numbers of something, and for whoever wants to know which sounds a language needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

Gender = Literal["", "m", "f", "n"]
#: language -> gender of a minute, where Asterisk's rules tell genders apart and its sounds have them
MINUTE: Mapping[str, Gender] = {"de": "f", "es": "m"}
#: numbers are smaller than this
LIMIT = 1_000_000_000
_WHOLE_ITALIAN = frozenset(tens + ones for tens in range(20, 100, 10) for ones in (1, 8))


def sounds(number: int, language: str = "en", gender: Gender = "") -> list[str] | None:
    """Names of sounds, in order; None where the language's rules are not here. language: en, en-gb, de, es, fr, it, ru,
    with whatever country. gender: of what is counted; "": nothing is.

    Raises:
        ValueError: the number is not between -LIMIT and LIMIT.
    """
    if abs(number) >= LIMIT:
        raise ValueError(f"{number} is too large to be said")
    says = _rules(language)
    if says is None:
        return None
    if number < 0:
        return ["digits/minus", *says(-number, gender)]
    return says(number, gender) if number else ["digits/0"]


def counted(number: int, language: str, genders: Mapping[str, Gender]) -> list[str]:
    """Media URIs of a number of something. genders: of that, by language; where it makes no difference Asterisk says
    the number by its own rules."""
    gender = genders.get(_base(language))
    if gender is not None and 0 <= number < LIMIT:
        said = sounds(number, language, gender)
        if said is not None and said != sounds(number, language):
            return [f"sound:{name}" for name in said]
    return [f"number:{number}"]


def _base(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].lower()


def _rules(language: str) -> Callable[[int, Gender], list[str]] | None:
    if language.replace("_", "-").lower() == "en-gb":
        return _british
    return _RULES.get(_base(language))


def _digits(*names: object) -> list[str]:
    return [f"digits/{name}" for name in names]


def _tens(number: int, until: int) -> list[str]:
    """Below 100: one sound below `until`, else the tens and the ones."""
    if number < until or number % 10 == 0:
        return _digits(number) if number else []
    return _digits(number - number % 10, number % 10)


def _english(number: int, gender: Gender = "") -> list[str]:
    for unit, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= unit:
            return [*_english(number // unit), f"digits/{name}", *_english(number % unit)]
    return _tens(number, 20)


def _british(number: int, gender: Gender = "") -> list[str]:
    for unit, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= unit:
            rest = number % unit
            joined = ["vm-and"] if 0 < rest < 100 else []
            return [*_british(number // unit), f"digits/{name}", *joined, *_british(rest)]
    return _tens(number, 20)


def _german(number: int, gender: Gender, larger: bool = False) -> list[str]:
    """larger: something was said before, so that a hundred is "einhundert"."""
    if number >= 1_000_000:
        millions, rest = divmod(number, 1_000_000)
        many = _digits("1F", "million") if millions == 1 else [*_german(millions, gender), "digits/millions"]
        return [*many, *_german(rest, gender, larger=True)]
    for unit, name in ((1000, "thousand"), (100, "hundred")):
        if number == unit and not larger:
            return _digits(name)
        if number >= unit:
            units, rest = divmod(number, unit)
            many = ["digits/1N"] if units == 1 else _german(units, gender)
            return [*many, f"digits/{name}", *_german(rest, gender, larger=True)]
    if number == 1 and gender == "f":
        return _digits("1F")
    if number < 20 or number % 10 == 0:
        return _digits(number) if number else []
    return _digits(f"{number % 10}-and", number - number % 10)


def _spanish(number: int, gender: Gender) -> list[str]:
    if number >= 1_000_000:
        millions, rest = divmod(number, 1_000_000)
        many = _digits("1M", "million") if millions == 1 else [*_spanish(millions, gender), "digits/millions"]
        return [*many, *_spanish(rest, gender)]
    if number >= 1000:
        thousands, rest = divmod(number, 1000)
        many = _spanish(thousands, gender) if thousands > 1 else []
        return [*many, "digits/thousand", *_spanish(rest, gender)]
    if number > 100:
        hundreds = "100-and" if number < 200 else number - number % 100
        return [*_digits(hundreds), *_spanish(number % 100, gender)]
    if number == 1 and gender in ("m", "f"):
        return _digits(f"1{gender.upper()}")
    if number <= 30 or number % 10 == 0:
        return _digits(number) if number else []
    return [*_digits(number - number % 10, "and"), *_spanish(number % 10, gender)]


def _french(number: int, gender: Gender) -> list[str]:
    if number >= 1_000_000:
        millions, rest = divmod(number, 1_000_000)
        return [*_french(millions, gender), "digits/million", *_french(rest, gender)]
    for unit, name in ((1000, "thousand"), (100, "hundred")):
        if number >= unit:
            units, rest = divmod(number, unit)
            return [*(_french(units, gender) if units > 1 else []), f"digits/{name}", *_french(rest, gender)]
    if number == 1 and gender == "f":
        return _digits("1F")
    if number <= 20:
        return _digits(number) if number else []
    tens = min(number - number % 10, 80)
    tens = 60 if tens == 70 else tens
    rest = number - tens
    joined = ["digits/et"] if tens < 80 and rest in (1, 11) else []
    return [*_digits(tens), *joined, *_french(rest, gender)]


def _italian(number: int, gender: Gender) -> list[str]:
    for unit, one, many in ((1_000_000, "million", "millions"), (1000, "thousand", "thousands")):
        if number >= unit:
            units, rest = divmod(number, unit)
            said = _digits(one) if units == 1 else [*_italian(units, gender), f"digits/{many}"]
            return [*said, *_italian(rest, gender)]
    if number >= 100:
        hundreds = [str(number // 100)] if number >= 200 else []
        return [*_digits(*hundreds, "hundred"), *_italian(number % 100, gender)]
    return _digits(number) if number in _WHOLE_ITALIAN else _tens(number, 20)


def _russian(number: int, gender: Gender) -> list[str]:
    for unit, of, forms in (
        (1_000_000, "", ("million", "million-a", "millions")),
        (1000, "f", ("thousand", "thousands-i", "thousands")),
    ):
        if number >= unit:
            units, rest = divmod(number, unit)
            return [*_russian(units, "f" if of else ""), *_digits(forms[_form(units)]), *_russian(rest, gender)]
    if number >= 100:
        return [*_digits(number - number % 100), *_russian(number % 100, gender)]
    said = _tens(number, 20)
    ones = number if number < 20 else number % 10
    return [*said[:-1], f"{said[-1]}{gender}"] if ones in (1, 2) else said


def _form(number: int) -> int:
    """Of a Russian noun behind a number: 1 rouble, 2 roubles (genitive), 5 roubles (genitive of many)."""
    if number % 100 in range(11, 15):
        return 2
    return {1: 0, 2: 1, 3: 1, 4: 1}.get(number % 10, 2)


_RULES: dict[str, Callable[[int, Gender], list[str]]] = {
    "en": _english,
    "de": _german,
    "es": _spanish,
    "fr": _french,
    "it": _italian,
    "ru": _russian,
}
