"""Engines of speech as operators describe them in a setting: a JSON object of name -> engine (docs/speech.md)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")


def described(text: str, kinds: Any, problem: Callable[[Any], str]) -> dict[str, Any]:
    """What is in the setting. Raises ValueError, which never repeats it: there are secrets in it.

    kinds: the types of engine there are, tagged. problem: what is wrong with one; "": nothing.
    """
    try:
        found: dict[str, Any] = msgspec.json.decode(text or "{}", type=dict[str, kinds])
    except msgspec.MsgspecError as error:
        where = re.sub(r"'[^']*'", "..", str(error))  # it may quote a value
        raise ValueError(f"is not as docs/speech.md has it: {where}") from None
    for name, one in found.items():
        if not _NAME.match(name):
            raise ValueError("names of engines are of small letters, digits and -, 40 at most")
        if wrong := problem(one):
            raise ValueError(f"{name}: {wrong}")
    return found
