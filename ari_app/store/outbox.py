"""What the outside world is to be told: kept until it is. Delivery itself is hooks/tell.py's."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Select, and_, delete, func, or_, select

from ari_app.clock import Clock
from ari_app.errors import StoreUnavailable
from ari_app.ids import IdSource
from ari_app.store.rows import table_of
from ari_app.store.values import clean
from ari_app.store.writer import Writer
from models import OutboxMessage as Model

_TABLE = table_of(Model)
#: seconds before the second attempt, doubled for each further one, and at most
FIRST_RETRY, LAST_RETRY = 5.0, 3600.0
#: attempts before giving up: about a day, for which what is behind it waits
ATTEMPTS = 32


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message to be delivered."""

    id: str
    account: int
    kind: str
    target: str
    #: JSON
    body: str
    created_at: float
    attempts: int


class Outbox:
    """Messages go in through the writer, so they are committed with the facts they speak of.

    Those of an account, of one kind and to one target come out in the order in which they went in, one at a time: the
    next when the one before it is delivered, or given up. A target that does not answer holds up no other.
    """

    def __init__(self, writer: Writer, clock: Clock, rng: random.Random | None = None) -> None:
        self._writer = writer
        self._clock = clock
        self._ids = IdSource(clock)
        self._rng = rng or random.Random()
        #: handed out and not reported on yet
        self._in_hand: set[str] = set()
        #: the last message's time: no two have the same, for it is their order
        self._last = float("-inf")
        #: a message was added
        self.on_added: Callable[[], object] = _nothing

    def add(self, account: int, kind: str, target: str, body: str) -> str:
        """Add a message, to be delivered at once; its id."""
        id, now = self._ids.new("out"), self._clock.now()
        self._last = made = max(now, math.nextafter(self._last, math.inf))
        self._writer.insert(
            Model,
            {
                "id": id,
                "account_id": account,
                "kind": kind,
                "target": clean(target),
                "body": clean(body),
                "created_at": made,
                "attempts": 0,
                "next_at": now,
            },
        )
        self.on_added()
        return id

    async def due(self, limit: int = 100) -> list[Message]:
        """Messages whose time and turn have come, longest due first; each is handed out once until it is reported on.
        Only what is committed is due. Raises StoreUnavailable."""
        if not self._writer.healthy:
            raise StoreUnavailable(self._writer.stats.last_error)
        await self._writer.flush()
        query = _first_ones().where(_TABLE.c.next_at <= self._clock.now())
        async with self._writer.database.transaction(write=False) as connection:
            query = query.order_by(_TABLE.c.next_at, _TABLE.c.created_at)
            rows = await connection.execute(query.limit(limit + len(self._in_hand)))
            found = [row for row in rows if row.id not in self._in_hand][:limit]
        self._in_hand.update(row.id for row in found)
        return [
            Message(
                id=row.id,
                account=row.account_id,
                kind=row.kind,
                target=row.target,
                body=row.body,
                created_at=row.created_at,
                attempts=row.attempts,
            )
            for row in found
        ]

    async def next_at(self) -> float | None:
        """When there is something due next that is not in hand; None: never, as it is. Raises StoreUnavailable."""
        await self._writer.flush()
        query = _first_ones().with_only_columns(_TABLE.c.id, _TABLE.c.next_at).order_by(_TABLE.c.next_at)
        async with self._writer.database.transaction(write=False) as connection:
            rows = await connection.execute(query.limit(1 + len(self._in_hand)))
            return next((row.next_at for row in rows if row.id not in self._in_hand), None)

    async def forget(self, before: float) -> int:
        """Remove messages that were delivered, or given up, and made before then; how many. Raises StoreUnavailable."""
        done = or_(_TABLE.c.delivered_at.is_not(None), _TABLE.c.next_at.is_(None))
        async with self._writer.database.transaction() as connection:
            return (await connection.execute(delete(_TABLE).where(_TABLE.c.created_at < before, done))).rowcount

    def delivered(self, message: Message) -> None:
        """It has arrived."""
        self._in_hand.discard(message.id)
        self._writer.update(
            Model, {"id": message.id, "attempts": message.attempts + 1, "delivered_at": self._clock.now()}
        )

    def failed(self, message: Message, error: str) -> float | None:
        """It has not; when to try again, or None: given up."""
        self._in_hand.discard(message.id)
        attempts = message.attempts + 1
        delay = min(LAST_RETRY, FIRST_RETRY * 2 ** min(message.attempts, 20)) * self._rng.uniform(0.75, 1.25)
        next_at = self._clock.now() + delay if attempts < ATTEMPTS else None
        self._writer.update(
            Model, {"id": message.id, "attempts": attempts, "next_at": next_at, "last_error": clean(error)}
        )
        return next_at


def _nothing() -> None:
    pass


def _first_ones() -> Select[Any]:
    """What is not over, the first of each account, kind and target."""
    open_ = (_TABLE.c.delivered_at.is_(None), _TABLE.c.next_at.is_not(None))
    line = (_TABLE.c.account_id, _TABLE.c.kind, _TABLE.c.target)
    first = select(*line, func.min(_TABLE.c.created_at).label("created_at")).where(*open_).group_by(*line).subquery()
    same = and_(*(column == first.c[column.name] for column in (*line, _TABLE.c.created_at)))
    return select(_TABLE).join(first, same).where(*open_)
