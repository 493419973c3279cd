"""The kinds of attribute the EQ API has, and what may be sent for each.

Blank means null, absent, or a text of nothing but spaces: an error (`blank`) where something is required, and "take the
default" where it is not. Whatever else does not fit is `invalid`. Nothing is guessed: `"5"` is no integer and `"yes"`
no boolean. Two things are let through because clients that build JSON from forms send them: an integer where digits are
asked for (`"number": 101`), and `1`/`0` for a boolean.

The errors never contain what was sent: it may be a password.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import email_validator
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from ari_app.dialects.http import BodyMalformed, decode_json

#: the largest integer SQL keeps in four bytes
INT_MAX = 2**31 - 1
_DIGITS = re.compile(r"[0-9]+\Z")
_ADDRESS_MAX = 254


class Wire(BaseModel):
    """Base of what comes in: camelCase outside, unknown attributes ignored (a client may send back what it got)."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="ignore", frozen=True, hide_input_in_errors=True, validate_default=False
    )


class Parameters(BaseModel):
    """Base of parameters in query string and body: names as they are in the reference, no conversion of case."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


# what is blank


#: a sound that is no prompt, and not Asterisk's (prompts/finder.py): of a URL, or a file of PROMPT_DIRS
SOUND_ELSEWHERE = r"https?://[!-~]{1,500}|file:[A-Za-z0-9_][A-Za-z0-9_./ -]{0,199}"


def is_blank(value: Any) -> bool:
    """Null, or a text of nothing but spaces."""
    return value is None or (isinstance(value, str) and not value.strip())


def _given(value: Any) -> Any:
    if is_blank(value):
        raise PydanticCustomError("blank", "must be given")
    return value


def _blank_is_none(value: Any) -> Any:
    return None if is_blank(value) else value


#: marks an attribute that must be given and not be blank
Given = BeforeValidator(_given)
#: marks an attribute that may be null or blank
Blankable = BeforeValidator(_blank_is_none)


def or_default(default: Any) -> BeforeValidator:
    """Marks an attribute for which null and blank mean its default."""
    return BeforeValidator(lambda value: default if is_blank(value) else value)


# text


def _printable(value: str) -> str:
    # Control characters have no place in a name, and PostgreSQL refuses NUL.
    if any(ord(c) < 32 or ord(c) == 127 or 0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise PydanticCustomError("invalid", "must not contain control characters")
    return value


#: marks a text that people read; put it after the lengths
Printable = AfterValidator(_printable)


def _email(value: str) -> str:
    local, at, domain = value.rpartition("@")
    try:
        if not at or "." not in domain or len(value) > _ADDRESS_MAX:
            raise ValueError
        # The library refuses names that are not public, such as an office's own pbx.local. Under a public suffix it
        # checks their syntax, which is all that is wanted here.
        valid = email_validator.validate_email(f"{local}@{domain}.com", check_deliverability=False)
    except ValueError:
        raise PydanticCustomError("invalid", "must be a valid email address") from None
    return f"{valid.local_part}@{valid.domain.removesuffix('.com')}"


Email = Annotated[StrictStr, Field(json_schema_extra={"format": "email"}), Printable, AfterValidator(_email)]

Language = Literal["en", "es", "he"]


def _integer_as_digits(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


#: "digits, not starting with 0": an integer is taken as its digits
IntegerAsDigits = BeforeValidator(_integer_as_digits)
#: extension of a queue or a phone; 20 digits is our limit, the reference names none
Extension = Annotated[StrictStr, Field(pattern=r"^[1-9][0-9]{0,19}$"), IntegerAsDigits]


# numbers and switches


def _boolean(value: Any) -> Any:
    # Exactly 0 and 1, not 0.0 or "yes".
    return bool(value) if type(value) is int and value in (0, 1) else value


Boolean = Annotated[StrictBool, BeforeValidator(_boolean)]
#: seconds or a count, more than zero
Positive = Annotated[StrictInt, Field(gt=0, le=INT_MAX)]
#: seconds or a count
NotNegative = Annotated[StrictInt, Field(ge=0, le=INT_MAX)]
#: penalty: 1 is served first, 5 last
Skill = Annotated[StrictInt, Field(ge=1, le=5)]


def _code(value: Any) -> Any:
    """A code is a number; as a text of that number it means the same."""
    if isinstance(value, str) and _DIGITS.match(value) and len(value) < 4:
        return int(value)
    if type(value) is not int:  # True and 1.0 are equal to 1, and are not codes
        raise PydanticCustomError("invalid", "must be one of the codes")
    return value


Code = BeforeValidator(_code)


# parameters: strings, as the reference has it; of a JSON body also numbers and booleans


def _flag(value: Any) -> Any:
    if is_blank(value):
        return 0
    if isinstance(value, bool):
        return int(value)
    if str(value) in ("0", "1"):
        return int(value)
    raise PydanticCustomError("invalid", "must be 0 or 1")


#: 0 or 1
Flag = Annotated[Literal[0, 1], BeforeValidator(_flag)]


def _id(value: Any) -> Any:
    if is_blank(value):
        raise PydanticCustomError("blank", "must be given")
    if isinstance(value, str) and _DIGITS.match(value) and len(value) < 20:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > INT_MAX:
        raise PydanticCustomError("nonexistent", "does not exist")
    return value


#: a user's or a pause code's id; as digits it means the same
Id = Annotated[StrictInt, Field(ge=0), BeforeValidator(_id)]
OptionalId = Annotated[Id | None, Blankable]


def _count(value: Any) -> Any:
    return int(value) if isinstance(value, str) and _DIGITS.match(value) and len(value) < 10 else value


#: a number in the query string
Count = Annotated[StrictInt, BeforeValidator(_count)]


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return decode_json(value)
    except BodyMalformed as error:
        raise PydanticCustomError("invalid", "{reason}", {"reason": str(error)}) from None


#: marks a parameter that is a JSON object: as text in a form, as itself in a JSON body
JsonObject = BeforeValidator(_json)

_EXTENSION = re.compile(r"[A-Za-z0-9*#+_-][A-Za-z0-9*#+._-]{0,39}\Z")


def is_extension(text: str) -> bool:
    """Whether a text can be an extension at all: it becomes part of a path of Asterisk's REST interface."""
    return _EXTENSION.match(text) is not None
