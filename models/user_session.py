"""Who is signed in, and was."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Time

_ACTIVE = text("state = 'active'")


class UserSession(Base):
    """A sign-in. The database itself keeps to one active session a user and one active user an extension."""

    __tablename__ = "user_sessions"
    __table_args__ = (
        Index("uq_user_sessions_user", "user_id", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        Index(
            "uq_user_sessions_extension",
            "account_id",
            "extension",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
        Index("ix_user_sessions_history", "account_id", "user_id", "signed_in_at"),
        Index("ix_user_sessions_state", "state"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    #: SHA-256 of the token; the token itself is known to its owner only
    token_hash: Mapped[str] = mapped_column(unique=True)
    extension: Mapped[str | None]
    #: "active", "deactivated" (timed out, may come back), "destroyed"
    state: Mapped[str]
    signed_in_at: Mapped[Time]
    last_ping_at: Mapped[Time]
    #: made with a password alone: its token opens the account as far as its user may, without an API key
    keyless: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: when it was destroyed
    ended_at: Mapped[Time | None]
