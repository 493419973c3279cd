"""Recordings of calls."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Seconds, Time

#: what has not been fetched from Asterisk, or given up, yet
UNFETCHED = text("file_state IS NULL")


class Recording(Base):
    """One recording, written before Asterisk is asked to begin it: what Asterisk holds is always known here. When it
    has ended, its file is fetched from the node into our own storage.

    Call control writes the columns up to `outcome`, whoever keeps the files those after it."""

    __tablename__ = "recordings"
    __table_args__ = (
        Index("ix_recordings_started", "account_id", "started_at"),
        Index("ix_recordings_name", "name"),
        Index("ix_recordings_unfetched", "started_at", sqlite_where=UNFETCHED, postgresql_where=UNFETCHED),
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
    #: the Asterisk it was made on
    node: Mapped[str] = mapped_column(server_default=text("''"))
    #: who wanted it: "queue", "extension" (the rules of one), "on_demand" (a person), "voicemail",
    #: "greeting" (of a mailbox), "program"
    kind: Mapped[str] = mapped_column(server_default="queue")
    #: the leg it is about: the agent's of a conversation, the caller's of a whole call
    leg_id: Mapped[str | None]
    #: extension of the queue it was made for
    queue: Mapped[str | None]
    #: user id of the agent who is heard
    agent_id: Mapped[int | None]
    #: who called whom
    caller_number: Mapped[str] = mapped_column(server_default=text("''"))
    called_number: Mapped[str] = mapped_column(server_default=text("''"))
    #: "finished", "failed", "cancelled", "unknown" (its end was not told); None: it goes on
    outcome: Mapped[str | None]
    #: "stored", "missing", "deleted", "none" (there never was one); None: not fetched yet
    file_state: Mapped[str | None]
    #: where it is stored: "local" or "s3"; it stays known when the file is deleted
    storage: Mapped[str | None]
    #: there: a path relative to its root
    path: Mapped[str | None]
    #: bytes
    size: Mapped[int | None] = mapped_column(BigInteger)
    #: SHA-256, in hexadecimal
    checksum: Mapped[str | None]
    #: how long the file is, in seconds
    length: Mapped[Seconds | None]
    #: why there is no file, or not yet
    error: Mapped[str | None]
    deleted_at: Mapped[Time | None]
    #: "key 3", "supervisor 7", "age" or "size" (retention)
    deleted_by: Mapped[str | None]
    #: it must not be deleted
    held: Mapped[bool] = mapped_column(default=False, server_default=false())
