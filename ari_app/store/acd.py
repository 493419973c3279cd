"""The record of queues and agents, from the facts that the queue engine states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from ari_app.acd import commands
from ari_app.store.batch import Value
from ari_app.store.live_calls import LIVE_CALLS
from ari_app.store.rows import table_of
from ari_app.store.writer import Writer
from models import AgentState, Offer, QueueCall

_QUEUE_CALLS = table_of(QueueCall)


class AcdRecorder:
    """Turns facts into rows. A fact told twice leaves what it left the first time.

    The row of a call in a queue is keyed by the time it joined, which the later facts do not name. It is remembered
    while the call is there; after a restart it is read back; failing both it is reckoned from the fact's own durations,
    which is exact: the difference of two times less than a factor of two apart is (Sterbenz's lemma).
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        #: (account, call, queue) -> when it joined
        self._joined: dict[tuple[int, str, str], float] = {}
        #: the instant of each account's last change of a state, and how many it had
        self._instants: dict[int, tuple[float, int]] = {}
        #: facts of calls we do not know
        self.unknown = 0
        self._by_type: dict[type[commands.Fact], Callable[[int, Any], None]] = {
            commands.CallerEntered: self._entered,
            commands.CallerRefused: self._refused,
            commands.CallerServed: self._served,
            commands.CallerUnserved: self._unserved,
            commands.CallerExited: self._exited,
            commands.CallCompleted: self._completed,
            commands.OfferEnded: self._offer_ended,
            commands.AgentStateChanged: self._agent_state,
        }

    async def load(self) -> None:
        """Learn which calls were in queues when the process ended. Raises StoreUnavailable."""
        async with self._writer.database.transaction(write=False) as connection:
            waiting_or_talking = select(_QUEUE_CALLS).where(
                _QUEUE_CALLS.c.call_id.in_(select(LIVE_CALLS.c.call_id)), _QUEUE_CALLS.c.ended_at.is_(None)
            )
            rows = await connection.execute(waiting_or_talking)
            self._joined = {(row.account_id, row.call_id, row.queue): row.joined_at for row in rows}

    def record(self, account: int, fact: commands.AnyFact) -> None:
        """Record a fact."""
        self._by_type[type(fact)](account, fact)

    def _entered(self, account: int, fact: commands.CallerEntered) -> None:
        # A call is in a queue once at a time: one that is there already is told again, perhaps at another time.
        joined = self._joined.setdefault((account, fact.call, fact.queue), fact.at)
        self._writer.upsert(
            QueueCall,
            {
                "call_id": fact.call,
                "queue": fact.queue,
                "joined_at": joined,
                "account_id": account,
                "position": fact.position,
                "priority": fact.priority,
                "call_back": fact.call_back,
            },
        )

    def _refused(self, account: int, fact: commands.CallerRefused) -> None:
        self._writer.upsert(
            QueueCall,
            {
                "call_id": fact.call,
                "queue": fact.queue,
                "joined_at": fact.at,
                "account_id": account,
                "priority": 0,
                "call_back": False,
                "outcome": fact.reason,
                "went_to": fact.to or None,
                "wait": 0.0,
                "ended_at": fact.at,
            },
        )

    def _served(self, account: int, fact: commands.CallerServed) -> None:
        self._change(
            account,
            fact.call,
            fact.queue,
            fact.at - fact.wait,
            call_back=fact.call_back,
            outcome="answered",
            answered_at=fact.at,
            agent_id=fact.agent,
            wait=fact.wait,
            ring=fact.ring,
            estimate=fact.estimate,
        )

    def _unserved(self, account: int, fact: commands.CallerUnserved) -> None:
        if (account, fact.call, fact.queue) not in self._joined:
            self.unknown += 1
            return
        nothing: dict[str, Any] = dict.fromkeys(("outcome", "answered_at", "agent_id", "wait", "ring", "estimate"))
        self._change(account, fact.call, fact.queue, fact.at, **nothing)

    def _exited(self, account: int, fact: commands.CallerExited) -> None:
        self._change(
            account,
            fact.call,
            fact.queue,
            fact.at - fact.wait,
            call_back=fact.call_back,
            outcome=fact.outcome,
            wait=fact.wait,
            ended_at=fact.at,
            exit_position=fact.position,
            went_to=fact.to or None,
        )
        self._joined.pop((account, fact.call, fact.queue), None)

    def _completed(self, account: int, fact: commands.CallCompleted) -> None:
        self._change(
            account,
            fact.call,
            fact.queue,
            fact.at - fact.talk - fact.wait,
            call_back=fact.call_back,
            agent_id=fact.agent,
            talk=fact.talk,
            ended_at=fact.at,
            ended_by=fact.by,
            went_to=fact.to or None,
        )
        self._joined.pop((account, fact.call, fact.queue), None)

    def _change(
        self, account: int, call: str, queue: str, reckoned: float, *, call_back: bool = False, **values: Value
    ) -> None:
        joined = self._joined.get((account, call, queue))
        key: dict[str, Value] = {
            "call_id": call,
            "queue": queue,
            "joined_at": reckoned if joined is None else joined,
        }
        if joined is None:
            # Told after its end, or its beginning was lost: one row either way.
            self.unknown += 1
            self._writer.insert(QueueCall, {**key, "account_id": account, "priority": 0, "call_back": call_back})
        self._writer.update(QueueCall, {**key, **values})

    def _offer_ended(self, account: int, fact: commands.OfferEnded) -> None:
        self._writer.insert(
            Offer,
            {
                "id": fact.offer,
                "account_id": account,
                "call_id": fact.call,
                "queue": fact.queue,
                "agent_id": fact.agent,
                "offered_at": fact.at - fact.ring,
                "ended_at": fact.at,
                "outcome": fact.outcome,
                "ring": fact.ring,
            },
        )

    def _agent_state(self, account: int, fact: commands.AgentStateChanged) -> None:
        at, n = self._instants.get(account, (fact.at, -1))
        n = n + 1 if at == fact.at else 0
        self._instants[account] = (fact.at, n)
        # Not insert: who becomes something, something else and the first again in one instant has to end as the last of
        # them. The row takes the later place; what is lost is a state that took no time.
        self._writer.upsert(
            AgentState,
            {
                "account_id": account,
                "agent_id": fact.agent,
                "at": fact.at,
                "queue": fact.queue or "",
                "state": fact.state,
                "n": n,
                "pause_code_id": fact.pause_code,
                "reason": fact.reason,
                "call_id": fact.call,
            },
        )
