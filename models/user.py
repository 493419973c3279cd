"""Supervisors and agents."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Time

_LIVING = text("NOT deleted")


class User(Base):
    """A person. Never removed, only flagged: history points here."""

    __tablename__ = "users"
    __table_args__ = (
        Index(
            "uq_users_login",
            "account_id",
            "kind",
            "login_key",
            unique=True,
            sqlite_where=_LIVING,
            postgresql_where=_LIVING,
        ),
        Index(
            "uq_users_email",
            "account_id",
            "kind",
            "email_key",
            unique=True,
            sqlite_where=_LIVING,
            postgresql_where=_LIVING,
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    #: "supervisor" or "agent"
    kind: Mapped[str]
    #: a supervisor's name to sign in with
    username: Mapped[str | None]
    #: an agent's number to sign in with
    number: Mapped[str | None]
    #: username or number with case folded: unique among those of its kind who are not deleted
    login_key: Mapped[str]
    first_name: Mapped[str]
    last_name: Mapped[str | None]
    email: Mapped[str | None]
    email_key: Mapped[str | None]
    #: "en", "es", "he"; None: the installation's
    language: Mapped[str | None]
    #: supervisors: "full" or "monitorOnly"
    type: Mapped[str | None]
    #: argon2, in its own encoded form
    password: Mapped[str | None]
    #: of supervisors, E.164: where text messages go
    mobile: Mapped[str | None]
    #: in a row
    wrong_passwords: Mapped[int] = mapped_column(server_default=text("0"))
    #: no password is looked at until then
    locked_until: Mapped[Time | None]
    deleted: Mapped[bool]
    created_at: Mapped[Time]
