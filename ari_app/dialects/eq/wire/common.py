"""Parameters several resources have."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.fields import Blankable, Count, Flag, Parameters, or_default

#: most rows of one list
LIMIT_MAX = 1000


class PageQuery(Parameters):
    """A page of a list."""

    limit: Annotated[Count, Field(ge=1, le=LIMIT_MAX, description="Most rows to return"), or_default(100)] = 100
    offset: Annotated[Count, Field(ge=0, description="Rows to skip"), or_default(0)] = 0
    search: Annotated[
        StrictStr | None,
        Field(max_length=100, description="Only those with this text in a name, number or address"),
        Blankable,
    ] = None
    sort: Annotated[
        StrictStr | None,
        Field(max_length=40, description="Attribute to sort by; with a leading minus: descending"),
        Blankable,
    ] = None

    @property
    def deleted_filter(self) -> bool | None:
        """Nothing is flagged as deleted."""
        return None


class ListQuery(PageQuery):
    """A page of what may be flagged as deleted."""

    deleted: Annotated[
        Literal["0", "1", "any"],
        Field(description="0: only those that are not deleted; 1: only deleted ones; any: both"),
        or_default("0"),
    ] = "0"

    @property
    def deleted_filter(self) -> bool | None:
        """As the store has it: None is both."""
        return None if self.deleted == "any" else self.deleted == "1"


class UpdateQuery(Parameters):
    """An update, or an undelete."""

    undelete: Annotated[Flag, Field(description="1: undelete instead of updating; no body is needed then")] = 0


class QueueQuery(Parameters):
    """One queue, or all."""

    queue: Annotated[
        StrictStr | None, Field(description="Extension of the call queue, or blank for all queues"), Blankable
    ] = None
