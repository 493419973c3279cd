"""What agents are scheduled for."""

from __future__ import annotations

from sqlalchemy import Double, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Time


class ScheduleActivity(Base):
    """A part of an agent's schedule; no two of an agent overlap."""

    __tablename__ = "schedule_activities"
    __table_args__ = (Index("ix_schedule_activities_ends", "account_id", "ends_at"),)

    agent_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    begins_at: Mapped[float] = mapped_column(Double, primary_key=True)
    ends_at: Mapped[Time]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    #: ActivityKind of ari_app/store/adherence.py
    kind: Mapped[str]
    pause_code_id: Mapped[int | None] = mapped_column(ForeignKey("pause_codes.id"))
