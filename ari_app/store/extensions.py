"""Extensions: what they should be, and what of it each Asterisk is known to have."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.calls.directory import ExtensionSettings, Mailbox, RecordingRules
from ari_app.calls.extensions import sip_digest
from ari_app.clock import Clock
from ari_app.errors import Conflict, NotFound
from ari_app.store import riding
from ari_app.store.conferences import no_conference
from ari_app.store.database import Database
from ari_app.store.passwords import Passwords, shared_passwords
from ari_app.store.rows import conflict, page, table_of
from ari_app.store.values import Page, clean
from models import Extension as Model
from models import ProvisionedExtension, Queue

_TABLE = table_of(Model)
_PROVISIONED = table_of(ProvisionedExtension)
_QUEUES = table_of(Queue)
_UNIQUE = {"uq_extensions_extension": ("extension", "extension"), "uq_extensions_name": ("name", "name")}
_PLAIN = ("extension", "name", "cid_masquerade", "outbound_cid", "emergency_cid", "dtmf_mode", "context", "nat")


class ExtensionData(msgspec.Struct, frozen=True, kw_only=True):
    """What may be set. secret, mailbox_password: None: as before; of a new one: none, which lets nobody in."""

    settings: ExtensionSettings
    mailbox: Mailbox | None = None
    secret: str | None = None
    mailbox_password: str | None = None


class Extension(msgspec.Struct, frozen=True, kw_only=True):
    """An extension, without its secrets."""

    account: int
    settings: ExtensionSettings
    mailbox: Mailbox | None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What Asterisk should have of an extension."""

    account: int
    settings: ExtensionSettings
    digest: str
    mailbox: Mailbox | None = None
    #: no: its endpoint in Asterisk is another system's; calls know the extension all the same
    provisioned: bool = True


class KeptMailbox(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox as it is in its column."""

    mailbox: Mailbox
    #: argon2
    password: str | None = None


def settings_of(row: Row[Any]) -> ExtensionSettings:
    """A row's settings."""
    held = row._mapping
    return ExtensionSettings(
        call_waiting=row.call_waiting,
        recording=msgspec.json.decode(row.recording, type=RecordingRules),
        **{name: held[name] for name in _PLAIN},
    )


def kept_mailbox(row: Row[Any]) -> KeptMailbox | None:
    """A row's mailbox, with its password."""
    return None if row.voicemail is None else msgspec.json.decode(row.voicemail, type=KeptMailbox)


def _value(row: Row[Any]) -> Extension:
    kept = kept_mailbox(row)
    mailbox = None if kept is None else kept.mailbox
    return Extension(account=row.account_id, settings=settings_of(row), mailbox=mailbox)


def _wanted(row: Row[Any]) -> Wanted:
    kept = kept_mailbox(row)
    return Wanted(
        account=row.account_id,
        settings=settings_of(row),
        digest=row.sip_digest,
        mailbox=None if kept is None else kept.mailbox,
        provisioned=row.provisioned,
    )


class Extensions:
    """The extensions of all accounts."""

    def __init__(self, database: Database, clock: Clock, passwords: Passwords | None = None) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords or shared_passwords()

    # what is configured

    async def create(self, account: int, data: ExtensionData) -> str:
        """Make one; its number. Raises Conflict (extension: a queue's, a conference's, another account's; name)."""
        number = data.settings.extension
        values = await self._values(data, None) | {
            "account_id": account,
            "extension": number,
            "sip_digest": sip_digest(number, data.secret),
            "provisioned": True,
            "created_at": self._clock.now(),
        }
        queue = select(_QUEUES.c.id).where(
            _QUEUES.c.account_id == account, _QUEUES.c.extension == number, _QUEUES.c.deleted.is_(False)
        )
        try:
            async with self._database.transaction() as connection:
                if (await connection.execute(queue)).first() is not None:
                    raise Conflict("extension is taken", parameter="extension")
                await no_conference(connection, number)
                await connection.execute(insert(_TABLE).values(values))
                riding.made(number)
        except IntegrityError as error:
            raise conflict(error, _UNIQUE) from error
        return number

    async def get(self, account: int, extension: str) -> Extension:
        """One. Raises NotFound."""
        async with self._database.transaction(write=False) as connection:
            return _value(await self._row(connection, account, extension))

    async def update(self, account: int, extension: str, data: ExtensionData) -> None:
        """Change all of it but the number; secrets only if there are new ones. Raises NotFound, Conflict (name)."""
        async with self._database.transaction(write=False) as connection:
            before = kept_mailbox(await self._row(connection, account, extension))
        # Hashing takes a moment, in which no transaction may be open.
        values = await self._values(data, before)
        if data.secret is not None:
            values["sip_digest"] = sip_digest(extension, data.secret)
        where = (_TABLE.c.account_id == account, _TABLE.c.extension == clean(extension))
        try:
            async with self._database.transaction() as connection:
                done = await connection.execute(update(_TABLE).where(*where).values(values))
                if not done.rowcount:
                    raise NotFound("no such extension", extension=extension)
        except IntegrityError as error:
            raise conflict(error, _UNIQUE) from error

    async def delete(self, account: int, extension: str) -> None:
        """Remove one. Raises NotFound."""
        where = (_TABLE.c.account_id == account, _TABLE.c.extension == clean(extension))
        async with self._database.transaction() as connection:
            done = await connection.execute(delete(_TABLE).where(*where))
            if not done.rowcount:
                raise NotFound("no such extension", extension=extension)

    async def listing(
        self,
        account: int,
        *,
        deleted: bool | None = None,
        search: str = "",
        order: str = "extension",
        descending: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> Page[Extension]:
        """A page of them; none that are deleted, as those are gone. Raises ValueError (order)."""
        if deleted:
            return Page(rows=[], total=0)
        return await page(
            self._database,
            _TABLE,
            _value,
            [_TABLE.c.account_id == account],
            deleted=None,
            search=search,
            search_in=("extension", "name"),
            order=order,
            descending=descending,
            limit=limit,
            offset=offset,
        )

    async def opens(self, account: int, extension: str, password: str) -> bool:
        """Whether the password is the one of the extension's mailbox. None opens one that has none. Raises NotFound."""
        async with self._database.transaction(write=False) as connection:
            kept = kept_mailbox(await self._row(connection, account, extension))
        return await self._passwords.check(password, None if kept is None else kept.password)

    async def set_mailbox_password(self, account: int, extension: str, password: str) -> None:
        """Raises NotFound: no such extension, or it has no mailbox."""
        hashed = await self._passwords.hash(password)
        async with self._database.transaction() as connection:
            row = await self._row(connection, account, extension)
            kept = kept_mailbox(row)
            if kept is None:
                raise NotFound("no such mailbox", extension=extension)
            voicemail = msgspec.json.encode(msgspec.structs.replace(kept, password=hashed)).decode()
            await connection.execute(update(_TABLE).where(_TABLE.c.id == row.id).values(voicemail=voicemail))

    # what Asterisk should have, and has

    async def wanted(self) -> list[Wanted]:
        """All extensions of all accounts, by number."""
        async with self._database.transaction(write=False) as connection:
            return [_wanted(row) for row in await connection.execute(select(_TABLE).order_by(_TABLE.c.extension))]

    async def wanted_one(self, extension: str) -> Wanted | None:
        """One, of whatever account; None: there is none."""
        async with self._database.transaction(write=False) as connection:
            row = (await connection.execute(select(_TABLE).where(_TABLE.c.extension == extension))).one_or_none()
        return None if row is None else _wanted(row)

    async def provisioned(self, node: str) -> dict[str, str]:
        """What an Asterisk has or may have: number -> fingerprint; empty where it is not known to have arrived."""
        query = select(_PROVISIONED.c.extension, _PROVISIONED.c.fingerprint).where(_PROVISIONED.c.node == node)
        async with self._database.transaction(write=False) as connection:
            return {row.extension: row.fingerprint for row in await connection.execute(query)}

    async def provisioned_one(self, node: str, extension: str) -> str | None:
        """The fingerprint of one; None: the Asterisk was never given it."""
        query = select(_PROVISIONED.c.fingerprint).where(
            _PROVISIONED.c.node == node, _PROVISIONED.c.extension == extension
        )
        async with self._database.transaction(write=False) as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else str(row.fingerprint)

    async def set_provisioned(self, node: str, account: int, extension: str, fingerprint: str | None) -> None:
        """What an Asterisk has of an extension now; None: nothing."""
        where = (_PROVISIONED.c.node == node, _PROVISIONED.c.extension == extension)
        async with self._database.transaction() as connection:
            await connection.execute(delete(_PROVISIONED).where(*where))
            if fingerprint is not None:
                row = {"node": node, "extension": extension, "account_id": account, "fingerprint": fingerprint}
                await connection.execute(insert(_PROVISIONED).values(row))

    async def _row(self, connection: AsyncConnection, account: int, extension: str) -> Row[Any]:
        query = select(_TABLE).where(_TABLE.c.account_id == account, _TABLE.c.extension == clean(extension))
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound("no such extension", extension=extension)
        return row

    async def _values(self, data: ExtensionData, before: KeptMailbox | None) -> dict[str, Any]:
        kept = None
        if data.mailbox is not None:
            password = before.password if before is not None else None
            if data.mailbox_password is not None:
                password = await self._passwords.hash(data.mailbox_password)
            kept = KeptMailbox(mailbox=data.mailbox, password=password)
        return columns(data.settings, kept)


def columns(settings: ExtensionSettings, mailbox: KeptMailbox | None) -> dict[str, Any]:
    """The columns of an extension's settings, without its number."""
    held = msgspec.structs.asdict(settings)
    values = {name: clean(held[name]) if held[name] is not None else None for name in _PLAIN}
    del values["extension"]
    return values | {
        "call_waiting": settings.call_waiting,
        "recording": msgspec.json.encode(settings.recording).decode(),
        "voicemail": None if mailbox is None else msgspec.json.encode(mailbox).decode(),
    }
