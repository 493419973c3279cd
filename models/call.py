"""Calls."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Time


class Call(Base):
    """One call, from its first channel to the end of its last."""

    __tablename__ = "calls"
    __table_args__ = (
        Index("ix_calls_started", "account_id", "started_at"),
        {"sqlite_with_rowid": False},
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    node: Mapped[str]
    direction: Mapped[str]
    number: Mapped[str]
    caller_number: Mapped[str]
    caller_name: Mapped[str]
    program: Mapped[str]
    started_at: Mapped[Time]
    answered_at: Mapped[Time | None]
    ended_at: Mapped[Time | None]
    #: Q.850
    cause: Mapped[int | None]
    ended_by: Mapped[str | None]
