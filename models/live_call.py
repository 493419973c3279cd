"""Calls that are alive."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json


class LiveCall(Base):
    """What is needed to go on with a call after a restart; gone with the call."""

    __tablename__ = "live_calls"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  # declarative's own form

    call_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    node: Mapped[str]
    state: Mapped[Json]
