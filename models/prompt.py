"""Sounds of accounts."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Seconds, Time


class Prompt(Base):
    """One sound in one language. Its file is named by its checksum."""

    __tablename__ = "prompts"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    #: as settings name it
    name: Mapped[str] = mapped_column(primary_key=True)
    #: "en", "de-at"; "": for all that have none of their own
    language: Mapped[str] = mapped_column(primary_key=True)
    #: what is said in it; None: it was recorded
    text: Mapped[str | None]
    engine: Mapped[str | None]
    voice: Mapped[str | None]
    #: SHA-256 of the file, in hexadecimal
    checksum: Mapped[str]
    #: bytes
    size: Mapped[int]
    length: Mapped[Seconds]
    created_at: Mapped[Time]
