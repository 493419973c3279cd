"""Extensions: SIP phones that the application makes in Asterisk."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, true
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Time


class Extension(Base):
    """What an extension should be. Removed when deleted: there is no undelete."""

    __tablename__ = "extensions"
    __table_args__ = (
        # Endpoints of Asterisk have no account: a number is one phone in the whole installation.
        Index("uq_extensions_extension", "extension", unique=True),
        Index("uq_extensions_name", "account_id", "name", unique=True),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    extension: Mapped[str]
    name: Mapped[str]
    cid_masquerade: Mapped[str | None]
    outbound_cid: Mapped[str | None]
    emergency_cid: Mapped[str | None]
    call_waiting: Mapped[bool]
    #: JSON: when calls are recorded, by kind of call
    recording: Mapped[str]
    #: JSON; None: no mailbox. Its password is argon2
    voicemail: Mapped[str | None]
    dtmf_mode: Mapped[str]
    context: Mapped[str]
    nat: Mapped[str]
    #: H(A1) of RFC 2617, hexadecimal, with the realm Asterisk asks for: what a secret is good for, and not the secret
    sip_digest: Mapped[str]
    #: whether it is made in Asterisk; no: its endpoint is another system's, such as FreePBX'
    provisioned: Mapped[bool] = mapped_column(server_default=true())
    created_at: Mapped[Time]


class ProvisionedExtension(Base):
    """An extension that an Asterisk has, or may have: written before it is made, removed after it is gone."""

    __tablename__ = "provisioned_extensions"

    node: Mapped[str] = mapped_column(primary_key=True)
    extension: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    #: of what was written there; empty: not known to have arrived
    fingerprint: Mapped[str]
