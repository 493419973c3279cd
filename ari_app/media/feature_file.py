"""Features of a call as text, to be kept beside its record: a line that names the fields, then a line a frame.

They hold no word of what was said. Read again they are the very same numbers, so that `cpa.replay` finds the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ari_app.media.features import Features

#: What the first line says.
_KIND = "ari_app features"
_FIELDS = list(Features._fields)
_SORTS: dict[str, tuple[type, ...]] = {"lost": (bool,), "voiced": (bool,), "at": (int,)}


class NotFeatures(ValueError):
    """The text is something else, or of another version. Names the line."""


def is_features(text: str) -> bool:
    """Whether a file that begins so was written by `dump`."""
    return text.startswith(f'{{"kind": "{_KIND}"')


def dump(features: Iterable[Features]) -> Iterator[str]:
    """The lines, each with its end."""
    yield head()
    for frame in features:
        yield line(frame)


def head(**more: Any) -> str:
    """The first line, with its end. more: what else is in it."""
    return json.dumps({"kind": _KIND, "fields": _FIELDS, **more}) + "\n"


def line(frame: Features) -> str:
    """A frame's line, with its end."""
    answer = None if frame.answer is None else [part for half in frame.answer for part in (half.real, half.imag)]
    return json.dumps([*frame[:-1], answer]) + "\n"


def load(lines: Iterable[str]) -> Iterator[Features]:
    """The features again, frame by frame. Raises NotFeatures."""
    numbered = enumerate(lines, 1)
    _, first = next(numbered, (0, ""))
    head = _json(first, 1)
    if not isinstance(head, dict) or head.get("kind") != _KIND:
        raise NotFeatures("line 1: these are no features of a call")
    if head.get("fields") != _FIELDS:
        raise NotFeatures("line 1: these features are of another version of ari_app")
    for number, line in numbered:
        yield _frame(_json(line, number), number)


def _json(line: str, number: int) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        raise NotFeatures(f"line {number}: no JSON") from None


def _frame(values: Any, number: int) -> Features:
    if not isinstance(values, list) or len(values) != len(_FIELDS):
        raise NotFeatures(f"line {number}: a list of {len(_FIELDS)} values is a frame")
    *plain, answer = values
    for name, value in zip(_FIELDS, plain, strict=False):
        wanted = _SORTS.get(name, (int, float))
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            raise NotFeatures(f"line {number}: {name} cannot be {value!r}")
    frame = Features(*plain)
    if answer is None:
        return frame
    if not isinstance(answer, list) or len(answer) != 4 or not all(type(part) in (int, float) for part in answer):
        raise NotFeatures(f"line {number}: answer is four numbers or null")
    return frame._replace(answer=(complex(answer[0], answer[1]), complex(answer[2], answer[3])))
