"""Questions to the record."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from sqlalchemy import Select, Table, func, select

from ari_app.errors import NotFound
from ari_app.store.database import Database
from ari_app.store.rows import table_of
from ari_app.store.values import clean
from models import AgentState, Call, Leg, Offer, QueueCall, Recording

T = TypeVar("T", bound=msgspec.Struct)

_CALLS, _LEGS, _QUEUE_CALLS = table_of(Call), table_of(Leg), table_of(QueueCall)
_OFFERS, _STATES, _RECORDINGS = table_of(Offer), table_of(AgentState), table_of(Recording)


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One call. Names as in models/call.py."""

    id: str
    account_id: int
    node: str
    direction: str
    number: str
    caller_number: str
    caller_name: str
    program: str
    started_at: float
    answered_at: float | None
    ended_at: float | None
    cause: int | None
    ended_by: str | None


class LegRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One leg. Names as in models/leg.py."""

    id: str
    call_id: str
    role: str
    endpoint: str
    agent_id: int | None
    created_at: float
    ringing_at: float | None
    answered_at: float | None
    ended_at: float | None
    cause: int | None


class QueueCallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a call into a queue. Names as in models/queue_call.py."""

    call_id: str
    queue: str
    joined_at: float
    position: int | None
    priority: int
    outcome: str | None
    answered_at: float | None
    agent_id: int | None
    wait: float | None
    ring: float | None
    talk: float | None
    ended_at: float | None
    ended_by: str | None
    exit_position: int | None
    call_back: bool = False
    went_to: str | None = None
    estimate: float | None = None


class OfferRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One offer. Names as in models/offer.py."""

    id: str
    call_id: str
    queue: str
    agent_id: int
    offered_at: float
    ended_at: float
    outcome: str
    ring: float


class RecordingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One recording of a call. Names as in models/recording.py."""

    call_id: str
    name: str
    format: str
    started_at: float
    ended_at: float | None
    duration: float | None


class AgentStateRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One change of an agent's state. Names as in models/agent_state.py; queue "": altogether."""

    agent_id: int
    at: float
    queue: str
    state: str
    pause_code_id: int | None
    reason: str
    call_id: str | None


class History:
    """Reads only. Intervals hold their beginning and not their end. All raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def call(self, account: int, id: str) -> CallRecord:
        """One call. Raises NotFound."""
        found = await self._all(CallRecord, _CALLS, _of(_CALLS, account).where(_CALLS.c.id == clean(id)))
        if not found:
            raise NotFound("no such call", id=id)
        return found[0]

    async def calls(self, account: int, since: float, until: float, limit: int = 1000) -> list[CallRecord]:
        """Calls that began in the interval, in their order."""
        query = _of(_CALLS, account).where(_CALLS.c.started_at >= since, _CALLS.c.started_at < until)
        return await self._all(CallRecord, _CALLS, query.order_by(_CALLS.c.started_at, _CALLS.c.id).limit(limit))

    async def legs(self, account: int, call: str) -> list[LegRecord]:
        """A call's legs, in the order they were made."""
        query = _of(_LEGS, account).where(_LEGS.c.call_id == clean(call))
        return await self._all(LegRecord, _LEGS, query.order_by(_LEGS.c.created_at, _LEGS.c.id))

    async def recordings(self, account: int, call: str) -> list[RecordingRecord]:
        """A call's recordings, in the order they began."""
        query = _of(_RECORDINGS, account).where(_RECORDINGS.c.call_id == clean(call))
        return await self._all(
            RecordingRecord, _RECORDINGS, query.order_by(_RECORDINGS.c.started_at, _RECORDINGS.c.name)
        )

    async def queue_calls(
        self, account: int, since: float, until: float, queue: str | None = None
    ) -> list[QueueCallRecord]:
        """Entries into queues in the interval, in their order."""
        column = _QUEUE_CALLS.c.joined_at
        query = _of(_QUEUE_CALLS, account).where(column >= since, column < until)
        if queue is not None:
            query = query.where(_QUEUE_CALLS.c.queue == clean(queue))
        return await self._all(QueueCallRecord, _QUEUE_CALLS, query.order_by(column, _QUEUE_CALLS.c.call_id))

    async def queue_calls_of(self, account: int, call: str) -> list[QueueCallRecord]:
        """A call's entries into queues, in their order."""
        query = _of(_QUEUE_CALLS, account).where(_QUEUE_CALLS.c.call_id == clean(call))
        return await self._all(QueueCallRecord, _QUEUE_CALLS, query.order_by(_QUEUE_CALLS.c.joined_at))

    async def offers(self, account: int, since: float, until: float, agent: int | None = None) -> list[OfferRecord]:
        """Offers that began in the interval, in their order."""
        query = _of(_OFFERS, account).where(_OFFERS.c.offered_at >= since, _OFFERS.c.offered_at < until)
        if agent is not None:
            query = query.where(_OFFERS.c.agent_id == agent)
        return await self._all(OfferRecord, _OFFERS, query.order_by(_OFFERS.c.offered_at, _OFFERS.c.id))

    async def agent_states(self, account: int, agent: int, since: float, until: float) -> list[AgentStateRecord]:
        """An agent's changes of state in the interval, in their order."""
        query = _of(_STATES, account).where(_STATES.c.agent_id == agent, _STATES.c.at >= since, _STATES.c.at < until)
        return await self._all(AgentStateRecord, _STATES, query.order_by(_STATES.c.at, _STATES.c.n))

    async def agent_states_at(self, account: int, agent: int, at: float) -> list[AgentStateRecord]:
        """What an agent was at that instant, in each queue and altogether: his last change before or at it."""
        mine = (_STATES.c.account_id == account, _STATES.c.agent_id == agent, _STATES.c.at <= at)
        rank = func.row_number().over(partition_by=_STATES.c.queue, order_by=(_STATES.c.at.desc(), _STATES.c.n.desc()))
        ranked = select(_STATES, rank.label("rank")).where(*mine).subquery()
        query = select(ranked).where(ranked.c.rank == 1).order_by(ranked.c.queue)
        return await self._all(AgentStateRecord, _STATES, query)

    async def count_open(self, account: int) -> int:
        """Calls that have not ended, as far as the record knows."""
        query = select(func.count()).select_from(_CALLS).where(_CALLS.c.account_id == account)
        async with self._database.transaction(write=False) as connection:
            return int((await connection.execute(query.where(_CALLS.c.ended_at.is_(None)))).scalar_one())

    async def _all(self, record: type[T], table: Table, query: Select[Any]) -> list[T]:
        fields = record.__struct_fields__
        async with self._database.transaction(write=False) as connection:
            rows = (await connection.execute(query)).mappings()
            return [record(**{name: row[name] for name in fields}) for row in rows]


def _of(table: Table, account: int) -> Select[Any]:
    return select(table).where(table.c.account_id == account)
