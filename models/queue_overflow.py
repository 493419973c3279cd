"""Where callers go whom queues do not serve."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json


class QueueOverflow(Base):
    """The rules of a queue; no row: it has none."""

    __tablename__ = "queue_overflow"

    queue_id: Mapped[int] = mapped_column(ForeignKey("queues.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    #: list of Overflow of ari_app/acd/destination.py
    rules: Mapped[Json]
