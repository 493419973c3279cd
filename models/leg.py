"""Legs of calls."""

from __future__ import annotations

from sqlalchemy import Double
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Seconds, Time


class Leg(Base):
    """One channel's part in a call. The call is in the key because channel ids are unique on one Asterisk only."""

    __tablename__ = "legs"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  # declarative's own form

    call_id: Mapped[str] = mapped_column(primary_key=True)
    #: the channel's id
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    role: Mapped[str]
    endpoint: Mapped[str]
    agent_id: Mapped[int | None]
    created_at: Mapped[Time]
    ringing_at: Mapped[Time | None]
    answered_at: Mapped[Time | None]
    ended_at: Mapped[Time | None]
    cause: Mapped[int | None]
    #: packets that its phone sent, and of them those that were lost; seconds of jitter; MOS. As Asterisk says
    rx_packets: Mapped[int | None]
    rx_lost: Mapped[int | None]
    rx_jitter: Mapped[Seconds | None]
    rx_mos: Mapped[float | None] = mapped_column(Double)
    #: the same of what was sent to it, as it reports (RTCP)
    tx_packets: Mapped[int | None]
    tx_lost: Mapped[int | None]
    tx_jitter: Mapped[Seconds | None]
    tx_mos: Mapped[float | None] = mapped_column(Double)
    #: there and back
    rtt: Mapped[Seconds | None]
