"""The events an account's queue engine was told, since its last snapshot."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Big, Json, Time


class JournalEntry(Base):
    """One event."""

    __tablename__ = "journal"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  # declarative's own form

    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: counts up by one within the account
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[Time]
    body: Mapped[Json]


class JournalSnapshot(Base):
    """The engine's whole state after the event `seq`."""

    __tablename__ = "journal_snapshots"

    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[Big]
    at: Mapped[Time]
    body: Mapped[Json]
