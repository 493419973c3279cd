"""Import from FreePBX."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.fields import Blankable, Flag, Parameters, or_default


class FreePbxImportQuery(Parameters):
    """POST /import/freepbx"""

    apply: Annotated[
        StrictStr | None,
        Field(max_length=64, description="`plan` of an earlier answer to the same file: do it; left out: only plan"),
        Blankable,
    ] = None
    force: Annotated[Flag, Field(description="1: overwrite what was changed here since the last import")] = 0
    prune: Annotated[Flag, Field(description="1: delete imported queues and extensions that are gone from FreePBX")] = 0
    provision: Annotated[
        Flag | None,
        Field(
            description="1: make the extensions in Asterisk too; 0: take them out of it; left out: as it is, and new "
            "ones are not made"
        ),
        Blankable,
    ] = None
    skills: Annotated[
        Literal["offset", "rank"],
        Field(description="How a penalty becomes a skill: penalty + 1, or its rank in the queue; 5 at most"),
        or_default("offset"),
    ] = "offset"

    def provisioned(self) -> bool | None:
        """None: as it is."""
        return None if self.provision is None else bool(self.provision)


class FreePbxImport(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, or was."""

    source: str
    #: names this plan; the same plan has the same name
    plan: str
    applied: bool
    #: there is something to do
    changes: bool
    #: kind -> action -> how many
    summary: dict[str, dict[str, int]]
    #: what is created, changed, deleted, held, or gone
    entries: list[dict[str, Any]]
    #: what cannot be carried over, is kept as an attribute, or is carried over otherwise, and why
    notes: list[dict[str, Any]]
