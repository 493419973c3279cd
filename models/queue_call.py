"""Calls in queues."""

from __future__ import annotations

from sqlalchemy import Double, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Seconds, Time


class QueueCall(Base):
    """One entry of one call into one queue. A call that comes back has another row: the time is part of the key."""

    __tablename__ = "queue_calls"
    __table_args__ = (
        Index("ix_queue_calls_joined", "account_id", "joined_at"),
        {"sqlite_with_rowid": False},
    )

    call_id: Mapped[str] = mapped_column(primary_key=True)
    #: the queue's extension
    queue: Mapped[str] = mapped_column(primary_key=True)
    joined_at: Mapped[float] = mapped_column(Double, primary_key=True)
    account_id: Mapped[int]
    #: where it stood on joining, 1 first
    position: Mapped[int | None]
    priority: Mapped[int]
    #: None while it waits; "answered" from the answer on; how it left otherwise ("abandoned", "timeout", ...); why it
    #: did not enter ("full", "nonexistent", "empty", "closed", "diverted")
    outcome: Mapped[str | None]
    answered_at: Mapped[Time | None]
    agent_id: Mapped[int | None]
    #: seconds until the answer, or until it left
    wait: Mapped[Seconds | None]
    #: seconds the phone of the agent who answered rang
    ring: Mapped[Seconds | None]
    talk: Mapped[Seconds | None]
    ended_at: Mapped[Time | None]
    #: who ended the conversation
    ended_by: Mapped[str | None]
    #: he was called, or was to be, and did not wait on the line
    call_back: Mapped[bool] = mapped_column(server_default=false())
    #: where it stood when it left without an answer
    exit_position: Mapped[int | None]
    #: where it went instead ("queue:501", "extension:205", "message:vm-goodbye")
    went_to: Mapped[str | None]
    #: seconds it was expected to wait, of one that stood in line and was answered
    estimate: Mapped[Seconds | None]
