"""How far each writer has come."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Big, Time


class SpillMark(Base):
    """The number of the last batch of one writer (one life of one process) that is in the database; written in the
    batch's own transaction, so that a batch whose commit was not confirmed is never written twice."""

    __tablename__ = "spill_marks"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  # declarative's own form

    writer: Mapped[str] = mapped_column(primary_key=True)
    batch: Mapped[Big]
    at: Mapped[Time]
