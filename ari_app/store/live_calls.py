"""Live calls: what is needed to go on with each after a restart."""

from __future__ import annotations

import msgspec
from sqlalchemy import select

from ari_app.store.rows import table_of
from ari_app.store.writer import Writer
from models import LiveCall as Model

LIVE_CALLS = _TABLE = table_of(Model)


class LiveCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was alive when the process ended."""

    call: str
    account: int
    node: str
    #: JSON, as it was saved
    state: bytes


class LiveCalls:
    """Saves and forgets calls. Several saves within one batch are one row written."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def save(self, call: str, account: int, node: str, state: bytes) -> None:
        """Keep a call's state (JSON) in place of the one kept before."""
        self._writer.upsert(Model, {"call_id": call, "account_id": account, "node": node, "state": state.decode()})

    def remove(self, call: str) -> None:
        """Forget a call; harmless when it is not kept."""
        self._writer.delete(Model, {"call_id": call})

    async def load(self) -> list[LiveCall]:
        """All calls kept, oldest first. Raises StoreUnavailable."""
        async with self._writer.database.transaction(write=False) as connection:
            rows = await connection.execute(select(_TABLE).order_by(_TABLE.c.call_id))
            return [
                LiveCall(call=row.call_id, account=row.account_id, node=row.node, state=row.state.encode())
                for row in rows
            ]
