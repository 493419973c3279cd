"""Whose everything is."""

from __future__ import annotations

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Time


class Account(Base):
    """A tenant. A plain installation has one, "default", made by the first migration with id 1."""

    __tablename__ = "accounts"

    id: Mapped[Id]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[Time]
    #: IANA's name; empty: the installation's
    time_zone: Mapped[str] = mapped_column(server_default=text("''"))
    #: for which its recordings are kept; 0: for ever; None: the installation's
    recordings_days: Mapped[int | None]
