"""What somebody wants to be told of."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, Time

_OF_NOBODY = text("user_id IS NULL")


class Alert(Base):
    """A rule of ari_app/acd/alerts.py, and who is told how. Deleted for good."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index("uq_alerts_name", "account_id", "user_id", "name", unique=True),
        # of NULLs none is like another
        Index(
            "uq_alerts_system_name",
            "account_id",
            "name",
            unique=True,
            sqlite_where=_OF_NOBODY,
            postgresql_where=_OF_NOBODY,
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    #: a supervisor; None: the whole account
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    #: Kind of ari_app/acd/alerts.py
    kind: Mapped[str]
    queue_id: Mapped[int | None] = mapped_column(ForeignKey("queues.id"))
    threshold: Mapped[int | None]
    #: "realtime", "email", "sms", "custom"
    notification: Mapped[str]
    #: "#RRGGBB"
    color: Mapped[str | None]
    #: minutes between two notifications at least
    interval: Mapped[int | None]
    #: list of weekdays, 0 is Sunday
    days: Mapped[Json]
    #: minutes since midnight; an end that is not after the beginning is on the next day
    from_minute: Mapped[int]
    to_minute: Mapped[int]
    created_at: Mapped[Time]
    #: the last notification
    told_at: Mapped[Time | None]
    #: those who are notified know that it is raised, and are still to hear that it is not any more
    known: Mapped[bool]
