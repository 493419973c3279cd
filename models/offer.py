"""Offers of callers to agents."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Seconds, Time


class Offer(Base):
    """One ringing of one agent for one caller; written when it is over."""

    __tablename__ = "offers"
    __table_args__ = (
        Index("ix_offers_offered", "account_id", "offered_at"),
        {"sqlite_with_rowid": False},
    )

    call_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    queue: Mapped[str]
    agent_id: Mapped[int]
    offered_at: Mapped[Time]
    ended_at: Mapped[Time]
    outcome: Mapped[str]
    #: seconds
    ring: Mapped[Seconds]
