"""Extensions in an import: what is here of them, and how they are written. Part of imports.py's one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.calls.directory import ExtensionSettings, Mailbox
from ari_app.calls.extensions import sip_digest
from ari_app.store.extensions import KeptMailbox, columns, kept_mailbox, settings_of
from ari_app.store.passwords import Passwords
from ari_app.store.rows import table_of
from models import Extension

_TABLE = table_of(Extension)


class KeptExtension(msgspec.Struct, frozen=True, kw_only=True):
    """An extension that is here, with what its secrets have become."""

    settings: ExtensionSettings
    digest: str
    provisioned: bool = False
    mailbox: Mailbox | None = None
    #: argon2, of the mailbox' password
    mailbox_hash: str | None = None


class ExtensionRow(msgspec.Struct, frozen=True, kw_only=True):
    """An extension as it is to be."""

    settings: ExtensionSettings
    #: H(A1); None: nobody knows a secret, or the one that is here stays
    digest: str | None = None
    provisioned: bool = False
    mailbox: Mailbox | None = None
    #: in clear; None: the one that is here stays
    mailbox_password: str | None = None


#: extension -> argon2 of its mailbox' new password
Hashes = dict[str, str]

#: Costs of a mailbox' password. It is four digits, as a rule: no cost keeps those from who has the database, and a
#: thousand of them must not take minutes.
_PINS = Passwords(time_cost=1, memory_cost=8192, parallelism=1)


async def hash_passwords(rows: Iterable[ExtensionRow]) -> Hashes:
    """Of those with a new password. Takes some milliseconds each, in which no transaction may be open."""
    return {
        row.settings.extension: await _PINS.hash(row.mailbox_password)
        for row in rows
        if row.mailbox is not None and row.mailbox_password is not None
    }


async def held_extensions(connection: AsyncConnection, account: int) -> dict[str, KeptExtension]:
    """An account's, by number."""
    found = {}
    for row in await connection.execute(select(_TABLE).where(_TABLE.c.account_id == account)):
        kept = kept_mailbox(row)
        found[row.extension] = KeptExtension(
            settings=settings_of(row),
            digest=row.sip_digest,
            provisioned=row.provisioned,
            mailbox=None if kept is None else kept.mailbox,
            mailbox_hash=None if kept is None else kept.password,
        )
    return found


async def numbers_of_others(connection: AsyncConnection, account: int) -> frozenset[str]:
    """Numbers that are extensions of other accounts: a number is one phone in the whole installation."""
    rows = await connection.execute(select(_TABLE.c.extension).where(_TABLE.c.account_id != account))
    return frozenset(rows.scalars())


async def release(connection: AsyncConnection, account: int, gone: list[str], changed: list[ExtensionRow]) -> None:
    """Remove those that go, and free the names of those that change: names may be exchanged between two, which a
    unique index refuses row by row."""
    here = (_TABLE.c.account_id == account, _TABLE.c.extension == bindparam("key"))
    if gone:
        await connection.execute(delete(_TABLE).where(*here), [{"key": number} for number in gone])
    rows = [{"key": row.settings.extension, "held": f"\x01{row.settings.extension}"} for row in changed]
    if rows:
        await connection.execute(update(_TABLE).where(*here).values(name=bindparam("held")), rows)


def new_rows(rows: Iterable[ExtensionRow], account: int, now: float, hashes: Hashes) -> Iterator[dict[str, Any]]:
    """Values for inserted()."""
    for row in rows:
        number = row.settings.extension
        yield _values(row, hashes.get(number)) | {
            "account_id": account,
            "extension": number,
            "sip_digest": row.digest or sip_digest(number, None),
            "created_at": now,
        }


def changed_rows(
    rows: Iterable[ExtensionRow], before: dict[str, KeptExtension], hashes: Hashes
) -> Iterator[dict[str, Any]]:
    """Values for updated()."""
    for row in rows:
        number = row.settings.extension
        kept = before[number]
        values = _values(row, hashes.get(number, kept.mailbox_hash)) | {"sip_digest": row.digest or kept.digest}
        yield {"key": number, **{f"new_{name}": value for name, value in values.items()}}


def _values(row: ExtensionRow, hashed: str | None) -> dict[str, Any]:
    mailbox = None if row.mailbox is None else KeptMailbox(mailbox=row.mailbox, password=hashed)
    return columns(row.settings, mailbox) | {"provisioned": row.provisioned}


def inserted() -> Any:
    """The statement for new_rows()."""
    return insert(_TABLE)


def updated(account: int) -> Any:
    """The statement for changed_rows()."""
    names: tuple[str, ...] = (
        "name",
        "cid_masquerade",
        "outbound_cid",
        "emergency_cid",
        "call_waiting",
        "recording",
        "voicemail",
    )
    names += ("dtmf_mode", "context", "nat", "sip_digest", "provisioned")
    where = (_TABLE.c.account_id == account, _TABLE.c.extension == bindparam("key"))
    return update(_TABLE).where(*where).values({name: bindparam(f"new_{name}") for name in names})
