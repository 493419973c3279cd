"""When queues are open."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json


class QueueHours(Base):
    """The opening hours of a queue; no row: it is always open."""

    __tablename__ = "queue_hours"

    queue_id: Mapped[int] = mapped_column(ForeignKey("queues.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    #: Hours of ari_app/acd/hours.py, and the names of calendars
    hours: Mapped[Json]


class Calendar(Base):
    """Exceptions that the hours of several queues share: the holidays of a place."""

    __tablename__ = "calendars"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    #: list of Special of ari_app/acd/hours.py
    exceptions: Mapped[Json]
