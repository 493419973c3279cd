"""Asterisk's queue_log, as a table: what reporting tools written for app_queue read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class QueueLogEntry(Base):
    """One line. Names of columns are Asterisk's (contrib/ast-db-manage); the account is ours."""

    __tablename__ = "queue_log"
    __table_args__ = (
        Index("ix_queue_log_time", "account_id", "time"),
        {"sqlite_with_rowid": False},
    )

    #: counts up in the order things happened
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    account_id: Mapped[int]
    #: "2026-01-31 23:59:59.000000", UTC
    time: Mapped[str]
    callid: Mapped[str]
    queuename: Mapped[str]
    agent: Mapped[str]
    event: Mapped[str]
    #: None: the event has no such field
    data1: Mapped[str | None]
    data2: Mapped[str | None]
    data3: Mapped[str | None]
    data4: Mapped[str | None]
    data5: Mapped[str | None]
