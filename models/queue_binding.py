"""Which agents may serve which queues."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class QueueBinding(Base):
    """An agent bound to a queue: a sign-in to "all queues" means these."""

    __tablename__ = "queue_bindings"

    queue_id: Mapped[int] = mapped_column(ForeignKey("queues.id"), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    #: 1 is called first, 5 last
    skill: Mapped[int]
