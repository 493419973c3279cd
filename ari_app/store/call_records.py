"""The record of a call, read: what `calls.CallRecorder` wrote."""

from __future__ import annotations

import msgspec
from sqlalchemy import select

from ari_app.errors import NotFound
from ari_app.store.database import Database
from ari_app.store.rows import table_of
from ari_app.store.values import clean
from models import Call, Leg

_CALLS, _LEGS = table_of(Call), table_of(Leg)


class LegRow(msgspec.Struct, frozen=True, kw_only=True):
    """A leg. Names as in models/leg.py."""

    id: str
    role: str
    endpoint: str
    agent_id: int | None
    created_at: float
    ringing_at: float | None
    answered_at: float | None
    ended_at: float | None
    cause: int | None
    rx_packets: int | None
    rx_lost: int | None
    rx_jitter: float | None
    rx_mos: float | None
    tx_packets: int | None
    tx_lost: int | None
    tx_jitter: float | None
    tx_mos: float | None
    rtt: float | None


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """A call. Names as in models/call.py."""

    id: str
    direction: str
    number: str
    caller_number: str
    caller_name: str
    started_at: float
    answered_at: float | None
    ended_at: float | None
    cause: int | None
    ended_by: str | None
    #: in the order in which they began
    legs: list[LegRow]


class CallRecords:
    """Of all accounts. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, account: int, call: str) -> CallRow:
        """One, over or not. Raises NotFound."""
        legs = select(_LEGS).where(_LEGS.c.call_id == clean(call)).order_by(_LEGS.c.created_at, _LEGS.c.id)
        async with self._database.transaction(write=False) as connection:
            query = select(_CALLS).where(_CALLS.c.id == clean(call), _CALLS.c.account_id == account)
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                raise NotFound("no such call", call=call)
            found = [
                LegRow(**{name: getattr(leg, name) for name in LegRow.__struct_fields__})
                for leg in await connection.execute(legs)
            ]
        own = {name: getattr(row, name) for name in CallRow.__struct_fields__ if name != "legs"}
        return CallRow(**own, legs=found)
