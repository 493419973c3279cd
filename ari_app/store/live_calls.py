"""Live calls: what is needed to go on with each after a restart."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import structlog
from sqlalchemy import select

from ari_app.store.batch import Value
from ari_app.store.rows import table_of
from ari_app.store.writer import Writer
from models import LiveCall as Model

log = structlog.get_logger(__name__)

LIVE_CALLS = _TABLE = table_of(Model)


class LiveCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was alive when the process ended."""

    call: str
    account: int
    node: str
    #: JSON, as it was saved
    state: bytes


class LiveCalls:
    """Saves and forgets calls. Several saves within one batch are one row. A call's state is encoded once for it, as it
    is when the batch is closed: by then all that a step of the call has changed is there."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        #: call -> its row in the open batch, and what makes its state (JSON)
        self._changed: dict[str, tuple[dict[str, Value], Callable[[], bytes]]] = {}
        writer.before_seal.append(self._encode)

    def save(self, call: str, account: int, node: str, state: Callable[[], bytes]) -> None:
        """Keep a call's state (JSON) in place of the one kept before."""
        kept = self._changed.get(call)
        if kept is not None:
            row = kept[0]
            row["account_id"], row["node"] = account, node
        else:
            row = {"call_id": call, "account_id": account, "node": node, "state": ""}
            self._writer.upsert(Model, row)
        self._changed[call] = row, state

    def remove(self, call: str) -> None:
        """Forget a call; harmless when it is not kept."""
        self._changed.pop(call, None)
        self._writer.delete(Model, {"call_id": call})

    def _encode(self) -> None:
        changed, self._changed = self._changed, {}
        for row, state in changed.values():
            try:
                row["state"] = state().decode()
            except Exception:  # of one call; the batch holds what many others did
                log.exception("= state of a call cannot be kept", call=row["call_id"])

    async def load(self) -> list[LiveCall]:
        """All calls kept, oldest first, but those whose state could not be. Raises StoreUnavailable."""
        async with self._writer.database.transaction(write=False) as connection:
            rows = await connection.execute(select(_TABLE).where(_TABLE.c.state != "").order_by(_TABLE.c.call_id))
            return [
                LiveCall(call=row.call_id, account=row.account_id, node=row.node, state=row.state.encode())
                for row in rows
            ]
