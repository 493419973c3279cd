"""What opens an account to a program."""

from __future__ import annotations

from sqlalchemy import Double, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Time


class ApiKey(Base):
    """A key, as its SHA-256: keys are random and long, so a slow hash would protect nothing and cost every request."""

    __tablename__ = "api_keys"

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    name: Mapped[str]
    #: the first characters, to tell keys apart in a list
    prefix: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)
    #: words parted by blanks; "*": everything
    scopes: Mapped[str]
    created_at: Mapped[Time]
    revoked_at: Mapped[Time | None]
    last_used_at: Mapped[Time | None]
    #: requests a second; 0: as many as like; None: as the setting says
    rate_limit: Mapped[float | None] = mapped_column(Double)
