"""Pause codes: why an agent pauses."""

from __future__ import annotations

from typing import Annotated

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire import fields
from ari_app.dialects.eq.wire.fields import Given, JsonObject, Printable
from ari_app.store.values import PauseCode as Stored


class PauseCodeData(fields.Wire):
    """A pause code."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=16), Printable, Given]


class PauseCodeBody(fields.Parameters):
    """POST /pause_code, PUT /pause_code/{id}"""

    data: Annotated[PauseCodeData, JsonObject, Given]


class PauseCode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A pause code."""

    id: int
    name: str
    deleted: bool

    @classmethod
    def of(cls, code: Stored) -> PauseCode:
        return cls(id=code.id, name=code.name, deleted=code.deleted)
