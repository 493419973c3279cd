"""What is taken over from another system: all of it in one transaction, and a note of what was written.

The note lets a later import tell three things apart: what the other system says now, what was written last, and what
is here; so that what an administrator changed here is seen, and kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.acd.destination import Overflow
from ari_app.clock import Clock
from ari_app.errors import Conflict
from ari_app.store import imported_extensions as extensions
from ari_app.store.database import Database
from ari_app.store.imported_extensions import ExtensionRow, Hashes, KeptExtension
from ari_app.store.overflow import OVERFLOW, overflow_of
from ari_app.store.rows import table_of
from ari_app.store.values import QueueData, UserData, clean, clean_or_none
from models import ImportedItem as ItemModel
from models import PauseCode, Queue, QueueBinding, User

_ITEMS = table_of(ItemModel)
_QUEUES = table_of(Queue)
_USERS = table_of(User)
_BINDINGS = table_of(QueueBinding)
_PAUSE_CODES = table_of(PauseCode)
_QUEUE_FIELDS = QueueData.__struct_fields__
#: rows given to the database at a time
_CHUNK = 5000
#: in what was written of an extension
MAILBOX_HASH = "voicemail.hash"


class ImportedItem(msgspec.Struct, frozen=True, kw_only=True):
    """What an import wrote of one thing, and what of it has no counterpart here."""

    kind: str
    key: str
    written: dict[str, Any]
    attributes: dict[str, Any]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has, as far as an import may touch it. Only what is not deleted."""

    #: by extension
    queues: dict[str, QueueData]
    #: by number
    agents: dict[str, UserData]
    #: queue's extension -> agent's number -> skill
    members: dict[str, dict[str, int]]
    #: by name
    pause_codes: frozenset[str]
    #: what the last import wrote, by (kind, key)
    items: dict[tuple[str, str], ImportedItem]
    #: by extension, of queues that have any
    overflow: dict[str, tuple[Overflow, ...]] = {}
    #: by number
    extensions: dict[str, KeptExtension] = {}
    #: numbers that are extensions of other accounts
    others_extensions: frozenset[str] = frozenset()


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What an import does to an account."""

    new_queues: list[QueueData] = []
    #: whole, by extension
    queues: list[QueueData] = []
    gone_queues: list[str] = []
    new_agents: list[UserData] = []
    #: whole, by number; passwords stay
    agents: list[UserData] = []
    #: (queue's extension, agent's number, skill): new ones
    bind: list[tuple[str, str, int]] = []
    #: the same, with another skill
    rebind: list[tuple[str, str, int]] = []
    unbind: list[tuple[str, str]] = []
    #: (queue's extension, all its rules)
    overflow: list[tuple[str, tuple[Overflow, ...]]] = []
    new_pause_codes: list[str] = []
    new_extensions: list[ExtensionRow] = []
    #: whole, by number
    extensions: list[ExtensionRow] = []
    gone_extensions: list[str] = []
    items: list[ImportedItem] = []
    #: (kind, key)
    forget: list[tuple[str, str]] = []


#: what has been done so far, of how much
Progress = Callable[[int, int], None]


class Imports:
    """Imports from one other system."""

    def __init__(self, database: Database, clock: Clock, source: str) -> None:
        self._database = database
        self._clock = clock
        self._source = source

    async def held(self, account: int) -> Held:
        """What is there now."""
        async with self._database.transaction(write=False) as connection:
            return await self._held(connection, account)

    async def apply(
        self,
        account: int,
        decide: Callable[[Held], Changes],
        progress: Progress = lambda done, total: None,
        hashes: Hashes | None = None,
    ) -> None:
        """Ask `decide`, in a thread, with what is there, and do what it says: all or nothing. What it raises passes
        through.

        Args:
            hashes: hash_passwords() of the extensions it will say.

        Raises:
            Conflict: somebody else took a number or a name in the meantime.
            StoreUnavailable
        """
        try:
            async with self._database.transaction() as connection:
                held = await self._held(connection, account)
                changes = await asyncio.to_thread(decide, held)
                applying = _Applying(connection, account, self._source, self._clock.now(), changes, progress)
                await applying.run(held, hashes or {})
        except IntegrityError as error:
            raise Conflict("a number or a name was taken in the meantime; nothing was imported") from error

    async def _held(self, connection: AsyncConnection, account: int) -> Held:
        queues = await connection.execute(select(_QUEUES).where(*_living(_QUEUES, account)))
        agents = await connection.execute(select(_USERS).where(*_living(_USERS, account), _USERS.c.kind == "agent"))
        codes = await connection.execute(select(_PAUSE_CODES.c.name).where(*_living(_PAUSE_CODES, account)))
        items = await connection.execute(
            select(_ITEMS)
            .where(_ITEMS.c.account_id == account, _ITEMS.c.source == self._source)
            .order_by(_ITEMS.c.kind, _ITEMS.c.key)
        )
        return Held(
            queues={row.extension: _queue(row._mapping) for row in queues},
            agents={row.number: _agent(row) for row in agents},
            members=await _members(connection, account),
            overflow=await overflow_of(connection, account),
            extensions=await extensions.held_extensions(connection, account),
            others_extensions=await extensions.numbers_of_others(connection, account),
            pause_codes=frozenset(codes.scalars()),
            items={
                (row.kind, row.key): ImportedItem(
                    kind=row.kind,
                    key=row.key,
                    written=msgspec.json.decode(row.written),
                    attributes=msgspec.json.decode(row.attributes),
                )
                for row in items
            },
        )


class _Applying:
    """One import, being written."""

    def __init__(
        self, connection: AsyncConnection, account: int, source: str, now: float, changes: Changes, progress: Progress
    ) -> None:
        self._connection = connection
        self._account = account
        self._source = source
        self._now = now
        self._changes = changes
        self._progress = progress
        self._done = 0
        self._total = sum(len(getattr(changes, name)) for name in changes.__struct_fields__)

    async def run(self, held: Held, hashes: Hashes) -> None:
        changes, account = self._changes, self._account
        made = {"account_id": account, "deleted": False, "created_at": self._now}
        for extension in changes.gone_queues:
            where = (*_living(_QUEUES, account), _QUEUES.c.extension == extension)
            await self._connection.execute(update(_QUEUES).where(*where).values(deleted=True))
        await self._release_names()
        await self._many(insert(_QUEUES), (_queue_row(queue) | made for queue in changes.new_queues))
        await self._update_queues()
        agents = ({"kind": "agent", **_agent_row(agent)} | made for agent in changes.new_agents)
        await self._many(insert(_USERS), agents)
        await self._update_agents()
        await self._many(insert(_PAUSE_CODES), ({"name": clean(name)} | made for name in changes.new_pause_codes))
        if changes.bind or changes.rebind or changes.unbind:
            await self._bind()
        if changes.overflow:
            await self._overflow()
        await self._extensions(held, hashes)
        await self._note(hashes)

    async def _extensions(self, held: Held, hashes: Hashes) -> None:
        changes, account = self._changes, self._account
        await extensions.release(self._connection, account, changes.gone_extensions, changes.extensions)
        new = extensions.new_rows(changes.new_extensions, account, self._now, hashes)
        await self._many(extensions.inserted(), new)
        changed = extensions.changed_rows(changes.extensions, held.extensions, hashes)
        await self._many(extensions.updated(account), changed)

    async def _overflow(self) -> None:
        queues = await self._ids(_QUEUES, _QUEUES.c.extension)
        rules = [(queues[extension], rules) for extension, rules in self._changes.overflow]
        await self._many(
            delete(OVERFLOW).where(OVERFLOW.c.queue_id == bindparam("queue")), ({"queue": id} for id, _ in rules)
        )
        await self._many(
            insert(OVERFLOW),
            (
                {"queue_id": id, "account_id": self._account, "rules": msgspec.json.encode(each).decode()}
                for id, each in rules
                if each
            ),
        )

    async def _many(self, statement: Any, rows: Iterable[dict[str, Any]]) -> None:
        chunk: list[dict[str, Any]] = []
        for row in rows:
            chunk.append(row)
            if len(chunk) == _CHUNK:
                await self._connection.execute(statement, chunk)
                self._count(len(chunk))
                chunk = []
        if chunk:
            await self._connection.execute(statement, chunk)
            self._count(len(chunk))

    def _count(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done, self._total)

    async def _release_names(self) -> None:
        """Names may be exchanged between queues, which a unique index refuses row by row."""
        table, account = _QUEUES, self._account
        change = update(table).where(*_living(table, account), table.c.extension == bindparam("key"))
        rows = [{"key": queue.extension, "held": f"\x01{queue.extension}"} for queue in self._changes.queues]
        if rows:
            await self._connection.execute(change.values(name=bindparam("held")), rows)

    async def _update_queues(self) -> None:
        table, account = _QUEUES, self._account
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _QUEUE_FIELDS if name != "extension"}
        change = update(table).where(*_living(table, account), table.c.extension == bindparam("key")).values(values)
        rows = (
            {"key": queue.extension, **{f"new_{name}": value for name, value in _queue_row(queue).items()}}
            for queue in self._changes.queues
        )
        await self._many(change, ({k: v for k, v in row.items() if k != "new_extension"} for row in rows))

    async def _update_agents(self) -> None:
        table, account = _USERS, self._account
        names = ("first_name", "last_name", "email", "email_key", "language")
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        where = (*_living(table, account), table.c.kind == "agent", table.c.number == bindparam("key"))
        rows = (
            {"key": agent.number, **{f"new_{name}": _agent_row(agent)[name] for name in names}}
            for agent in self._changes.agents
        )
        await self._many(update(table).where(*where).values(values), rows)

    async def _bind(self) -> None:
        changes, account = self._changes, self._account
        queues = await self._ids(_QUEUES, _QUEUES.c.extension)
        agents = await self._ids(_USERS, _USERS.c.number)
        here = (_BINDINGS.c.queue_id == bindparam("queue"), _BINDINGS.c.agent_id == bindparam("agent"))
        await self._many(
            delete(_BINDINGS).where(*here),
            ({"queue": queues[queue], "agent": agents[agent]} for queue, agent in changes.unbind),
        )
        await self._many(
            update(_BINDINGS).where(*here).values(skill=bindparam("new_skill")),
            ({"queue": queues[q], "agent": agents[agent], "new_skill": skill} for q, agent, skill in changes.rebind),
        )
        await self._many(
            insert(_BINDINGS),
            (
                {"queue_id": queues[queue], "agent_id": agents[agent], "account_id": account, "skill": skill}
                for queue, agent, skill in changes.bind
            ),
        )

    async def _ids(self, table: Any, key: Any) -> dict[str, int]:
        query = select(key, table.c.id).where(*_living(table, self._account))
        if table is _USERS:
            query = query.where(table.c.kind == "agent")
        return {row[0]: int(row[1]) for row in await self._connection.execute(query)}

    async def _note(self, hashes: Hashes) -> None:
        whose = {"account_id": self._account, "source": self._source}
        mine = (_ITEMS.c.account_id == self._account, _ITEMS.c.source == self._source)
        which = (*mine, _ITEMS.c.kind == bindparam("of_kind"), _ITEMS.c.key == bindparam("of_key"))
        # A note is written anew rather than changed: there are few kinds of statement, and none is found twice.
        old = [(item.kind, item.key) for item in self._changes.items] + self._changes.forget
        if old:
            await self._connection.execute(
                delete(_ITEMS).where(*which), [{"of_kind": kind, "of_key": key} for kind, key in old]
            )
        rows = (
            {
                "kind": item.kind,
                "key": clean(item.key),
                "written": _json(_with_hash(item, hashes)),
                "attributes": _json(item.attributes),
                "imported_at": self._now,
                **whose,
            }
            for item in self._changes.items
        )
        await self._many(insert(_ITEMS), rows)


def _with_hash(item: ImportedItem, hashes: Hashes) -> dict[str, Any]:
    """What was written of an extension says what its mailbox' password became, to tell when somebody changes it."""
    if item.kind != "extension" or item.key not in hashes:
        return item.written
    return item.written | {MAILBOX_HASH: hashes[item.key]}


def _json(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _living(table: Any, account: int) -> tuple[Any, ...]:
    return table.c.account_id == account, table.c.deleted.is_(False)


async def _members(connection: AsyncConnection, account: int) -> dict[str, dict[str, int]]:
    joined = _BINDINGS.join(_QUEUES, _BINDINGS.c.queue_id == _QUEUES.c.id).join(
        _USERS, _BINDINGS.c.agent_id == _USERS.c.id
    )
    rows = await connection.execute(
        select(_QUEUES.c.extension, _USERS.c.number, _BINDINGS.c.skill)
        .select_from(joined)
        .where(*_living(_QUEUES, account), _USERS.c.deleted.is_(False))
        .order_by(_QUEUES.c.extension, _USERS.c.id)
    )
    members: dict[str, dict[str, int]] = {}
    for queue, number, skill in rows:
        members.setdefault(queue, {})[number] = skill
    return members


def _queue(row: Any) -> QueueData:
    return QueueData(**{name: row[name] for name in _QUEUE_FIELDS})


def _queue_row(queue: QueueData) -> dict[str, Any]:
    held = msgspec.structs.asdict(queue)
    return {name: clean(held[name]) if isinstance(held[name], str) else held[name] for name in _QUEUE_FIELDS}


def _agent(row: Any) -> UserData:
    return UserData(
        number=row.number,
        first_name=row.first_name,
        last_name=row.last_name,
        email=row.email,
        language=row.language,
    )


def _agent_row(agent: UserData) -> dict[str, Any]:
    email = clean_or_none(agent.email) or None
    return {
        "number": agent.number,
        "login_key": (agent.number or "").casefold(),
        "first_name": clean(agent.first_name),
        "last_name": clean_or_none(agent.last_name),
        "email": email,
        "email_key": email and email.casefold(),
        "language": agent.language,
    }
