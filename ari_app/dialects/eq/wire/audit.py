"""The audit trail: ours. Times are UNIX seconds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.common import LIMIT_MAX
from ari_app.dialects.eq.wire.fields import Blankable, Count, OptionalId, Parameters, or_default
from ari_app.dialects.eq.wire.report import Time
from ari_app.store.audit import AuditEntry as Stored
from ari_app.store.audit import AuditFilter

_Text = Annotated[StrictStr, Field(max_length=200)]


class AuditQuery(Parameters):
    """Which changes."""

    limit: Annotated[Count, Field(ge=1, le=LIMIT_MAX, description="Most rows to return"), or_default(100)] = 100
    offset: Annotated[Count, Field(ge=0, description="Rows to skip"), or_default(0)] = 0
    action: Annotated[_Text | None, Field(description="Operation ID, such as agent.update"), Blankable] = None
    entity: Annotated[_Text | None, Field(description="What kind of thing was changed, such as agent"), Blankable] = (
        None
    )
    id: Annotated[
        _Text | None, Field(description="Which one: its ID, extension or name; best with entity"), Blankable
    ] = None
    key: Annotated[OptionalId, Field(description="ID of the API key")] = None
    user: Annotated[OptionalId, Field(description="User ID of whose session was given")] = None
    address: Annotated[_Text | None, Field(description="IP address of who asked"), Blankable] = None
    since: Annotated[
        Time | None, Field(alias="from", description="Only those then or later; UNIX seconds"), Blankable
    ] = None
    until: Annotated[Time | None, Field(alias="to", description="Only those before then"), Blankable] = None
    sort: Annotated[
        Literal["time", "-time"], Field(description="With a minus: the newest first"), or_default("-time")
    ] = "-time"

    def to_filter(self) -> AuditFilter:
        return AuditFilter(
            action=self.action,
            entity=self.entity,
            entity_id=self.id,
            key=self.key,
            user=self.user,
            address=self.address,
            since=self.since,
            until=self.until,
        )


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One change, or one thing that was done to what is live."""

    id: str
    #: UNIX seconds, with a fraction
    time: float
    #: api, or command: the command line
    source: str
    #: ID of the API key; null: the command line
    key: int | None
    #: whose session was given: supervisor or agent, and the user's ID
    user_type: str | None
    user: int | None
    #: number of the session: what was done with one token has one
    session: int | None
    #: IP address; of the command line, the system's user
    address: str | None
    #: the operation's ID in the document
    action: str
    entity: str
    #: its ID, extension or name
    entity_id: str | None
    #: what was asked for; *** stands for a secret
    request: msgspec.Raw | None
    #: the entity as GET answered it before, and after
    before: msgspec.Raw | None
    after: msgspec.Raw | None

    @classmethod
    def of(cls, found: Stored) -> AuditEntry:
        return cls(
            id=found.id,
            time=found.at,
            source=found.who.source,
            key=found.who.key,
            user_type=found.who.user_kind,
            user=found.who.user,
            session=found.who.session,
            address=found.who.address,
            action=found.action,
            entity=found.entity,
            entity_id=found.entity_id,
            request=_raw(found.request),
            before=_raw(found.was),
            after=_raw(found.became),
        )


def _raw(text: str | None) -> msgspec.Raw | None:
    return None if text is None else msgspec.Raw(text.encode())
