"""Recordings of calls."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Seconds, Time


class Recording(Base):
    """One recording, written before Asterisk is asked to begin it: what Asterisk holds is always known here. The file
    is on the call's node, under its name."""

    __tablename__ = "recordings"
    __table_args__ = (
        Index("ix_recordings_started", "account_id", "started_at"),
        {"sqlite_with_rowid": False},
    )

    call_id: Mapped[str] = mapped_column(primary_key=True)
    #: Asterisk's
    name: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    #: of the file: "wav"
    format: Mapped[str]
    started_at: Mapped[Time]
    #: None: it goes on
    ended_at: Mapped[Time | None]
    #: seconds, as Asterisk has them (whole ones); 0: nothing was recorded; None: it goes on, or its end was not told
    duration: Mapped[Seconds | None]
