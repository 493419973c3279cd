"""Call queues, as they are set."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Seconds, Time

_LIVING = text("NOT deleted")


class Queue(Base):
    """A call queue. Names and meanings are those of the eq contract's callQueue, in snake case; what it leaves out is
    said at the column."""

    __tablename__ = "queues"
    __table_args__ = (
        Index(
            "uq_queues_extension",
            "account_id",
            "extension",
            unique=True,
            sqlite_where=_LIVING,
            postgresql_where=_LIVING,
        ),
        Index("uq_queues_name", "account_id", "name", unique=True, sqlite_where=_LIVING, postgresql_where=_LIVING),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    extension: Mapped[str]
    name: Mapped[str]
    #: 0 inbound, 1 outbound
    type: Mapped[int]
    auto_answer_acd: Mapped[bool]
    #: seconds; None: never
    sys_resume: Mapped[int | None]
    #: seconds; 0: until the agent ends it; None: none
    wrap_up_time: Mapped[int | None]
    wrap_up_all_queues: Mapped[bool]
    cid_name_prefix: Mapped[str]
    agent_restrictions: Mapped[int]
    ring_strategy: Mapped[str]
    weight: Mapped[int]
    moh_class: Mapped[str]
    ringing_moh: Mapped[bool]
    recording_format: Mapped[str | None]
    recording_mode: Mapped[str]
    max_wait_time: Mapped[int | None]
    agent_timeout: Mapped[int | None]
    agent_retry_time: Mapped[int | None]
    max_callers: Mapped[int | None]
    join_empty: Mapped[str]
    leave_empty: Mapped[str]
    announce_frequency: Mapped[int]
    announce_position: Mapped[str]
    announce_hold_time: Mapped[str]
    #: ours: "no", "yes" or "all" (app_queue's autopause)
    auto_pause: Mapped[str]
    #: ours: the key with which a waiting caller asks to be called back; None: none
    call_back_key: Mapped[str | None]
    #: ours: calls to him until the queue gives up, seconds between them, seconds his phone rings
    call_back_attempts: Mapped[int] = mapped_column(server_default="3")
    call_back_retry: Mapped[int] = mapped_column(server_default="300")
    call_back_ring: Mapped[int] = mapped_column(server_default="30")
    #: seconds; 0: not
    keep_place: Mapped[int] = mapped_column(server_default="0")
    #: ours: seconds within which a call counts as answered in time
    service_level: Mapped[Seconds]
    deleted: Mapped[bool]
    created_at: Mapped[Time]
