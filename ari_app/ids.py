"""Ids that we choose before we ask Asterisk (architecture, rule 4).

An id is a prefix that says what it names, a dash, and 20 characters of Crockford base 32: 10 of time in milliseconds,
so that ids sort by age, and 10 of a random source, so that a process started again never repeats one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from ari_app.clock import Clock, SystemClock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def _base32(value: int, length: int) -> str:
    out = []
    for _ in range(length):
        out.append(_ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(out))


class IdSource:
    """Makes ids; clock and random source are injected."""

    def __init__(self, clock: Clock | None = None, randbits: Callable[[int], int] = secrets.randbits) -> None:
        self._clock = clock or SystemClock()
        self._randbits = randbits

    def new(self, prefix: str) -> str:
        """A fresh id such as `call-01hf3k2m9q7w8e5r6t4y`. All with a prefix are as long: Asterisk (22.10.1) takes
        a channel's id for one that exists (409) when another channel's begins with it."""
        millis = int(self._clock.now() * 1000)
        return f"{prefix}-{_base32(millis, 10)}{_base32(self._randbits(50), 10)}"
