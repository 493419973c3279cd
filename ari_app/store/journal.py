"""The journal: what each account's queue engine was told, so that it can be told again."""

from __future__ import annotations

import msgspec
import structlog
from sqlalchemy import select

from ari_app.acd.events import AnyEvent
from ari_app.store.rows import table_of
from ari_app.store.writer import Writer
from models import JournalEntry, JournalSnapshot

log = structlog.get_logger(__name__)

_ENTRIES = table_of(JournalEntry)
_SNAPSHOTS = table_of(JournalSnapshot)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AnyEvent).decode


class AccountJournal(msgspec.Struct, frozen=True, kw_only=True):
    """What brings one account's engine back: its last snapshot, and what happened since."""

    account: int
    snapshot: bytes | None
    events: list[tuple[float, AnyEvent]]


class Journal:
    """Numbers events within their account and hands them to the writer. `load` comes first."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._seq: dict[int, int] = {}

    def event(self, account: int, at: float, event: AnyEvent) -> None:
        """Add an event."""
        seq = self._seq[account] = self._seq.get(account, 0) + 1
        self._writer.insert(
            JournalEntry, {"account_id": account, "seq": seq, "at": at, "body": _encode(event).decode()}
        )

    def snapshot(self, account: int, at: float, body: bytes) -> None:
        """Keep the engine's state after the last event, in place of all events up to it. `body`: JSON."""
        seq = self._seq.get(account, 0)
        self._writer.upsert(JournalSnapshot, {"account_id": account, "seq": seq, "at": at, "body": body.decode()})
        self._writer.prune_journal(account)

    async def load(self) -> list[AccountJournal]:
        """What is kept of each account; new events are numbered from there.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        snapshots: dict[int, tuple[int, bytes]] = {}
        events: dict[int, list[tuple[float, AnyEvent]]] = {}
        async with self._writer.database.transaction(write=False) as connection:
            for row in await connection.execute(select(_SNAPSHOTS)):
                snapshots[row.account_id] = (row.seq, row.body.encode())
                self._seq[row.account_id] = row.seq
            entries = select(_ENTRIES).order_by(_ENTRIES.c.account_id, _ENTRIES.c.seq)
            for row in await connection.execute(entries):
                if row.seq <= snapshots.get(row.account_id, (0,))[0]:
                    continue
                self._seq[row.account_id] = row.seq
                try:
                    event = _decode(row.body)
                except msgspec.DecodeError as error:
                    # Another version's: better a queue that misses an event than an application that does not start.
                    log.error("a journal entry is not understood", account=row.account_id, seq=row.seq, why=str(error))
                    continue
                events.setdefault(row.account_id, []).append((row.at, event))
        return [
            AccountJournal(
                account=account,
                snapshot=snapshots[account][1] if account in snapshots else None,
                events=events.get(account, []),
            )
            for account in sorted(snapshots.keys() | events.keys())
        ]
