"""Voicemail: what was left in the mailboxes of extensions."""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Time

#: what has not been put into its mailbox yet
NOT_ARRIVED = text("arrived_at IS NULL")


class VoicemailMessage(Base):
    """A message. Its sound is the recording of that name; the row is written before that is begun, so that what is
    said is known here, whoever dies. It is in its mailbox when the file is stored, and for as long as it is."""

    __tablename__ = "voicemail_messages"
    __table_args__ = (
        Index("ix_voicemail_messages_mailbox", "account_id", "mailbox", "left_at"),
        Index("ix_voicemail_messages_coming", "left_at", sqlite_where=NOT_ARRIVED, postgresql_where=NOT_ARRIVED),
    )

    recording: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    #: extension
    mailbox: Mapped[str]
    call_id: Mapped[str]
    caller_number: Mapped[str]
    caller_name: Mapped[str]
    left_at: Mapped[Time]
    urgent: Mapped[bool] = mapped_column(server_default=text("false"))
    #: when it was put into the mailbox, and the owner told; None: it is being left, or fetched
    arrived_at: Mapped[Time | None]
    #: None: it is new
    heard_at: Mapped[Time | None]
