"""By what queues choose agents."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class QueueRouting(Base):
    """The rule of a queue; no row: none."""

    __tablename__ = "queue_routing"

    queue_id: Mapped[int] = mapped_column(ForeignKey("queues.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    #: in the language of ari_app/acd/rules.py; empty: none
    rule: Mapped[str]
    #: JSON: the skills that callers want who do not say so themselves
    wanted: Mapped[str]
