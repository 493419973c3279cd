"""Conferences: numbers that lead to one, and who was in one."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Time


class Conference(Base):
    """A number that leads to a conference."""

    __tablename__ = "conferences"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    #: argon2; None: none is asked for
    pin: Mapped[str | None]
    admin_pin: Mapped[str | None]
    max_members: Mapped[int | None]
    music: Mapped[str]
    announce: Mapped[bool]
    join_muted: Mapped[bool]
    created_at: Mapped[Time]


class ConferenceStay(Base):
    """Somebody was in a conference, from when to when. Of the record: no foreign keys."""

    __tablename__ = "conference_stays"
    __table_args__ = (Index("ix_conference_stays_joined", "account_id", "joined_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    #: from the first one in to the last one out
    conference_id: Mapped[str]
    number: Mapped[str]
    call_id: Mapped[str]
    leg_id: Mapped[str]
    caller_number: Mapped[str]
    caller_name: Mapped[str]
    admin: Mapped[bool]
    joined_at: Mapped[Time]
    #: None: he is in it
    left_at: Mapped[Time | None]
    #: "left", "kicked", "ended"
    outcome: Mapped[str | None]
