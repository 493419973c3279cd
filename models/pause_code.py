"""Why an agent pauses."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Time

_LIVING = text("NOT deleted")


class PauseCode(Base):
    """A reason for a pause. Never removed, only flagged."""

    __tablename__ = "pause_codes"
    __table_args__ = (
        Index("uq_pause_codes_name", "account_id", "name", unique=True, sqlite_where=_LIVING, postgresql_where=_LIVING),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    deleted: Mapped[bool]
    created_at: Mapped[Time]
