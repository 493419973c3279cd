"""Many changes at once: ours."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.fields import Flag, Given, JsonObject, Parameters

#: changes in one request: they hold the database, and whoever is created with a password costs a tenth of a second
OPERATIONS_MAX = 500


class Operation(Parameters):
    """One change, as it would be asked for by itself."""

    method: Annotated[Literal["POST", "PUT", "DELETE"], Given]
    path: Annotated[StrictStr, Field(max_length=200, description="Without prefix and query: /agent/17"), Given]
    data: Annotated[Any, Field(description="The object, where the change has one")] = None
    undelete: Annotated[Flag, Field(description="1: undelete; no data is needed then")] = 0


class BulkBody(Parameters):
    """POST /x/bulk"""

    operations: Annotated[
        list[Operation],
        Field(min_length=1, max_length=OPERATIONS_MAX, description="In this order"),
        JsonObject,
        Given,
    ]
