"""The status of all agents of an account as JSON, kept: only what has changed since it was asked for is made anew.

Wallboards ask for it every second or so, hundreds of agents at a time. Nothing stale is ever given: the engine says
which agents may have changed with each event (acd/changes.py), and what it says is asked for at each request. Nothing
of a row depends on the time or on who asks, apart from the account.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ari_app.acd.changes import Changes
from ari_app.acd.views import AgentQueueStatus
from ari_app.dialects.eq.ports import Centre
from ari_app.dialects.eq.wire.live import CallQueueAgentStatus

_ENCODER = msgspec.json.Encoder()


class _Kept:
    """What was made of one account's agents."""

    def __init__(self, changes: Changes) -> None:
        #: of the engine it was made of
        self.changes = changes
        #: its count then
        self.count = -1
        #: agent -> his rows, without brackets; in the order of the engine
        self.rows: dict[int, bytes] = {}
        self.body = b""


class StatusBoard:
    """Of all accounts."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        #: by account, and whether combined
        self._kept: dict[tuple[int, bool], _Kept] = {}

    def encoded(self, account: int, combined: bool) -> bytes:
        """What GET /call_queue_agent_status answers without queue and agent."""
        changes = self._centre.agent_changes(account)
        kept = self._kept.get((account, combined))
        if kept is None or kept.changes is not changes:
            kept = self._kept[account, combined] = _Kept(changes)
        if kept.count != changes.count:
            self._renew(kept, account, combined)
        return kept.body

    def _renew(self, kept: _Kept, account: int, combined: bool) -> None:
        changed = kept.changes.since(kept.count) if kept.body else None
        if changed is not None:
            parts = {agent: _encode(self._centre.agent_status(account, None, agent, combined)) for agent in changed}
            # Who had no rows has no place among the others yet.
            if any(rows and agent not in kept.rows for agent, rows in parts.items()):
                changed = None
            else:
                kept.rows.update((agent, rows) for agent, rows in parts.items() if agent in kept.rows)
        if changed is None:
            kept.rows = self._all_rows(account, combined)
        kept.body = b"[" + b",".join(filter(None, kept.rows.values())) + b"]"
        kept.count = kept.changes.count

    def _all_rows(self, account: int, combined: bool) -> dict[int, bytes]:
        apart: dict[int, list[AgentQueueStatus]] = {}
        for row in self._centre.agent_status(account, None, None, combined):
            apart.setdefault(row.agent, []).append(row)
        return {agent: _encode(rows) for agent, rows in apart.items()}


def _encode(rows: Iterable[AgentQueueStatus]) -> bytes:
    return _ENCODER.encode([CallQueueAgentStatus.of(row) for row in rows])[1:-1]
