"""What an import from another system wrote."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Time


class ImportedItem(Base):
    """One queue, agent, extension, ... of another system, as the last import took it over. What was written tells a
    later import what has been changed here since; the attributes are what has no counterpart here."""

    __tablename__ = "imported_items"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    #: the other system: "freepbx"
    source: Mapped[str] = mapped_column(primary_key=True)
    #: "queue", "agent", "extension", ...
    kind: Mapped[str] = mapped_column(primary_key=True)
    #: its name among those of its kind: a queue's extension, an agent's number
    key: Mapped[str] = mapped_column(primary_key=True)
    written: Mapped[Json]
    attributes: Mapped[Json]
    imported_at: Mapped[Time]
