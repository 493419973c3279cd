"""What agents did, all of it."""

from __future__ import annotations

from sqlalchemy import Double
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class AgentState(Base):
    """One change of an agent's state in a queue, or altogether. Only ever added to.

    The key is what happened, so that telling it again after a restart adds nothing.
    """

    __tablename__ = "agent_states"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  # declarative's own form

    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    agent_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[float] = mapped_column(Double, primary_key=True)
    #: the queue's extension; "": altogether
    queue: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    #: the order of changes of the same instant
    n: Mapped[int]
    pause_code_id: Mapped[int | None]
    reason: Mapped[str]
    call_id: Mapped[str | None]
