"""Mobile numbers of supervisors: ours."""

from __future__ import annotations

from typing import Annotated

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.fields import Blankable, Given, JsonObject, Parameters, Wire


class MobileIn(Wire):
    """Where text messages to a supervisor go."""

    mobile_number: Annotated[
        Annotated[StrictStr, Field(pattern=r"^\+[1-9][0-9]{6,14}$")] | None,
        Field(description="E.164: + and 7 to 15 digits; null: nowhere"),
        Blankable,
    ] = None


class MobileBody(Parameters):
    """PUT /x/supervisor/{id}/mobile"""

    data: Annotated[MobileIn, JsonObject, Given]


class Mobile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where text messages to a supervisor go."""

    mobile_number: str | None
