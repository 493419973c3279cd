"""The error document."""

from __future__ import annotations

import msgspec


class ErrorOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was wrong with a parameter, or (null) with the request as a whole."""

    parameter: str | None
    type: str
    description: str


class ErrorsOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to every request that fails."""

    errors: list[ErrorOut]
