"""Who changed what."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Time


class AuditEntry(Base):
    """One change, or one thing that was done to what is live. It outlives what it speaks of, so no key is foreign."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_at", "account_id", "at"),
        Index("ix_audit_entries_entity", "account_id", "entity", "entity_id", "at"),
    )

    #: sorts by age
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    at: Mapped[Time]
    #: "api", or "command" for the command line
    source: Mapped[str]
    #: API key; None: from the command line
    key_id: Mapped[int | None]
    #: whose session came with it: "supervisor", "agent"
    user_kind: Mapped[str | None]
    user_id: Mapped[int | None]
    session_id: Mapped[int | None]
    #: of the peer, or of the command line the name of the system's user
    address: Mapped[str | None]
    #: "agent.update"
    action: Mapped[str]
    #: "agent"
    entity: Mapped[str]
    entity_id: Mapped[str | None]
    #: what was asked, without secrets
    request: Mapped[Json | None]
    #: the entity before and after; None: there was none, or it is none that can be looked at
    was: Mapped[Json | None]
    became: Mapped[Json | None]
