"""What the outside world is still to be told."""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Time

_UNDELIVERED = text("delivered_at IS NULL")


class OutboxMessage(Base):
    """One message, until it is delivered and a while longer."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "next_at", sqlite_where=_UNDELIVERED, postgresql_where=_UNDELIVERED),
        Index("ix_outbox_created", "account_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    kind: Mapped[str]
    target: Mapped[str]
    body: Mapped[Json]
    created_at: Mapped[Time]
    attempts: Mapped[int]
    #: when to try next; None: given up
    next_at: Mapped[Time | None]
    delivered_at: Mapped[Time | None]
    last_error: Mapped[str | None]
