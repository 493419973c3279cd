"""Asterisk's queue_log, from the facts that the queue engine states: rows of the table, which the file follows
(queue_log_file.py).

The format is app_queue's (contract app_queue 3.5; docs.asterisk.org, Queue Logs), so that reporting tools written for
it go on working. What is ours in it:

* FULL, JOINEMPTY and CLOSED (out of hours; data as ENTERQUEUE's), which app_queue forgets or does not have.
* The agent is `Agent/<user id>`: it stays the same at whatever telephone he sits. A pause's reason is the pause code's
  id, or Auto-Pause.
* A join that fails after an answer is AGENTDUMP, after its CONNECT: the caller waits again. So the answered are CONNECT
  less AGENTDUMP.
* A caller who was not answered within the queue's patience is EXITWITHTIMEOUT; who left for somewhere else, WITHDRAW
  with the outcome as its information.
* BLINDTRANSFER has the number and a context (`from-internal`; `parkedcalls`: the number is the parking space),
  ATTENDEDTRANSFER `BRIDGE` and the number; both then the same three figures as COMPLETEAGENT, in whose place they are.
* There is no QUEUESTART: calls outlive this process, and tools take it for their end.

Durations are whole seconds, cut off, but those of RINGNOANSWER and RINGCANCELED: milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import func, select

from ari_app.acd import commands, events
from ari_app.acd.views import AgentQueueStatus
from ari_app.calls import facts
from ari_app.store.live_calls import LIVE_CALLS
from ari_app.store.rows import table_of
from ari_app.store.writer import Writer
from models import Call, Leg, QueueCall, QueueLogEntry

_LOG, _CALLS, _LEGS, _QUEUE_CALLS = table_of(QueueLogEntry), table_of(Call), table_of(Leg), table_of(QueueCall)

#: how a caller left (CallerExited.outcome) -> event; any other: WITHDRAW
EXITS = {
    "abandoned": "ABANDON",
    "timeout": "EXITWITHTIMEOUT",
    "no_retry": "EXITWITHTIMEOUT",
    "overflow": "EXITWITHTIMEOUT",
    "leave_empty": "EXITEMPTY",
    "empty": "EXITEMPTY",
}
#: why a caller did not enter (CallerRefused.reason) -> event; any other: there was no queue to speak of
REFUSALS = {"full": "FULL", "empty": "JOINEMPTY", "closed": "CLOSED"}
#: how an offer ended -> event; any other says nothing of the agent
OFFERS = {
    "noanswer": "RINGNOANSWER",
    "busy": "RINGNOANSWER",
    "unavailable": "RINGNOANSWER",
    "declined": "RINGNOANSWER",
    "error": "RINGNOANSWER",
    "caller_left": "RINGCANCELED",
}
#: how a conversation ended (CallCompleted.by) -> event; any other: COMPLETEAGENT
COMPLETIONS = {"caller": "COMPLETECALLER", "transfer": "BLINDTRANSFER", "attended_transfer": "ATTENDEDTRANSFER"}
#: what a caller was sent to by his agent -> the context of BLINDTRANSFER, as Asterisk's own would be
CONTEXTS = {"parked": "parkedcalls"}
#: characters of WITHDRAW's information
INFORMATION = 40
NONE = "NONE"


class _Known(msgspec.Struct, kw_only=True):
    """A live call, as far as lines need it."""

    number: str = ""
    #: queue -> where it stood on joining
    positions: dict[str, int] = {}
    #: agent -> his channel's id, of the last leg
    channels: dict[int, str] = {}


#: a call that has ended, or began before all this was kept
_STRANGER = _Known()


class QueueLog:
    """Turns facts into rows of queue_log. `load` comes first, then `members` for each account."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._last = 0
        self._calls: dict[str, _Known] = {}
        #: (account, agent, queue) -> the pause he is in there (code, reason), or None: in none
        self._members: dict[tuple[int, int, str], tuple[int | None, str] | None] = {}
        #: called when there are new rows on their way
        self.on_rows: Callable[[], None] = lambda: None
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
        """Number on from the last row, and learn of the calls that were alive. Raises StoreUnavailable."""
        live = select(LIVE_CALLS.c.call_id)
        calls = select(_CALLS.c.id, _CALLS.c.caller_number).where(_CALLS.c.id.in_(live))
        legs = select(_LEGS.c.call_id, _LEGS.c.agent_id, _LEGS.c.id).where(
            _LEGS.c.call_id.in_(live), _LEGS.c.agent_id.is_not(None), _LEGS.c.ended_at.is_(None)
        )
        places = select(_QUEUE_CALLS.c.call_id, _QUEUE_CALLS.c.queue, _QUEUE_CALLS.c.position).where(
            _QUEUE_CALLS.c.call_id.in_(live), _QUEUE_CALLS.c.ended_at.is_(None)
        )
        async with self._writer.database.transaction(write=False) as connection:
            self._last = (await connection.execute(select(func.max(_LOG.c.id)))).scalar_one() or 0
            for id, number in await connection.execute(calls):
                self._known(id).number = number
            for call, agent, channel in await connection.execute(legs.order_by(_LEGS.c.created_at)):
                self._known(call).channels[agent] = channel
            for call, queue, position in await connection.execute(places):
                self._known(call).positions[queue] = position or 0

    def members(self, account: int, rows: list[AgentQueueStatus]) -> None:
        """Who is in which queue, as the engine says after a restart."""
        for row in rows:
            if row.queue is not None and row.signed_in_at is not None:
                reason = row.reason if row.reason == "noanswer" else ""
                self._members[account, row.agent, row.queue] = (row.pause_code, reason) if row.paused else None

    # what is told

    def call(self, fact: facts.AnyCallFact) -> None:
        """A fact of a call or a leg: who calls, and on which channel an agent is."""
        match fact:
            case facts.CallStarted():
                self._known(fact.call).number = fact.caller_number
            case facts.LegStarted(agent=int(agent)):
                self._known(fact.call).channels[agent] = fact.leg
            case facts.CallEnded():
                self._calls.pop(fact.call, None)
            case _:
                pass

    def event(self, account: int, at: float, event: events.AnyEvent) -> None:
        """A command that was not refused. app_queue has a line of its own for a pause in all queues, before theirs."""
        if isinstance(event, events.Paused | events.Resumed) and event.queue is None:
            kind = "PAUSEALL" if isinstance(event, events.Paused) else "UNPAUSEALL"
            self._add(account, at, NONE, NONE, _agent(event.agent), kind, "")

    def record(self, account: int, fact: commands.AnyFact) -> None:
        """A fact of queues."""
        write = self._by_type.get(type(fact))
        if write is not None:
            write(account, fact)

    def _entered(self, account: int, fact: commands.CallerEntered) -> None:
        known = self._known(fact.call)
        known.positions[fact.queue] = fact.position
        data = ("", known.number, fact.position)
        self._add(account, fact.at, fact.call, fact.queue, NONE, "ENTERQUEUE", *data)

    def _refused(self, account: int, fact: commands.CallerRefused) -> None:
        if (event := REFUSALS.get(fact.reason)) is not None:
            self._add(
                account, fact.at, fact.call, fact.queue, NONE, event, "", self._calls.get(fact.call, _STRANGER).number
            )

    def _served(self, account: int, fact: commands.CallerServed) -> None:
        channel = self._calls.get(fact.call, _STRANGER).channels.get(fact.agent, "")
        data = (int(fact.wait), channel, int(fact.ring))
        self._add(account, fact.at, fact.call, fact.queue, _agent(fact.agent), "CONNECT", *data)

    def _unserved(self, account: int, fact: commands.CallerUnserved) -> None:
        self._add(account, fact.at, fact.call, fact.queue, _agent(fact.agent), "AGENTDUMP", "")

    def _completed(self, account: int, fact: commands.CallCompleted) -> None:
        event = COMPLETIONS.get(fact.by, "COMPLETEAGENT")
        data: tuple[str | int, ...] = (int(fact.wait), int(fact.talk), self._position(fact.call, fact.queue))
        kind, _, number = fact.to.partition(":")
        if event == "BLINDTRANSFER":
            data = (number, CONTEXTS.get(kind, "from-internal"), *data)
        elif event == "ATTENDEDTRANSFER":
            data = ("BRIDGE", number, *data)
        self._add(account, fact.at, fact.call, fact.queue, _agent(fact.agent), event, *data)

    def _exited(self, account: int, fact: commands.CallerExited) -> None:
        event = EXITS.get(fact.outcome, "WITHDRAW")
        data: tuple[str | int, ...] = (fact.position, self._position(fact.call, fact.queue), int(fact.wait))
        if event == "WITHDRAW":
            data += (fact.outcome[:INFORMATION],)
        self._add(account, fact.at, fact.call, fact.queue, NONE, event, *data)

    def _offer_ended(self, account: int, fact: commands.OfferEnded) -> None:
        event = OFFERS.get(fact.outcome)
        if event is None:
            return
        # app_queue knows only whole seconds of a phone that refused.
        exact = fact.outcome in ("noanswer", "caller_left")
        ring = int(fact.ring * 1000) if exact else int(fact.ring) * 1000
        self._add(account, fact.at, fact.call, fact.queue, _agent(fact.agent), event, ring)

    def _agent_state(self, account: int, fact: commands.AgentStateChanged) -> None:
        if fact.queue is None:
            return
        key = (account, fact.agent, fact.queue)
        agent, at, queue = _agent(fact.agent), fact.at, fact.queue
        if fact.state == "signed_out":
            if key in self._members:
                del self._members[key]
                self._add(account, at, "MANAGER", queue, agent, "REMOVEMEMBER", "")
            return
        pause = (fact.pause_code, fact.reason) if fact.state == "paused" else None
        if key not in self._members:
            self._members[key] = pause
            self._add(account, at, "MANAGER", queue, agent, "ADDMEMBER", "PAUSED" if pause else "")
            return
        before = self._members[key]
        # Who was paused during a call still is in the wrap-up after it.
        if pause == before or fact.state == "wrap_up":
            return
        self._members[key] = pause
        if pause is not None:
            self._add(account, at, NONE, queue, agent, "PAUSE", _reason(*pause))
        elif before is not None:
            self._add(account, at, NONE, queue, agent, "UNPAUSE", _reason(*before))

    # rows

    def _known(self, call: str) -> _Known:
        return self._calls.setdefault(call, _Known())

    def _position(self, call: str, queue: str) -> int:
        return self._calls.get(call, _STRANGER).positions.get(queue, 0)

    def _add(self, account: int, at: float, callid: str, queue: str, agent: str, event: str, *data: str | int) -> None:
        self._last += 1
        fields = [_field(value) for value in data]
        row: dict[str, str | int | float | bool | None] = {
            "id": self._last,
            "account_id": account,
            "time": datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat(" ", "microseconds"),
            "callid": _field(callid),
            "queuename": _field(queue),
            "agent": agent,
            "event": event,
        }
        for number in range(5):
            row[f"data{number + 1}"] = fields[number] if number < len(fields) else None
        self._writer.insert(QueueLogEntry, row)
        self.on_rows()


def _agent(number: int) -> str:
    return f"Agent/{number}"


def _reason(code: int | None, reason: str) -> str:
    """app_queue's word for a pause that the system made; else the pause code's id."""
    return "Auto-Pause" if reason else "" if code is None else str(code)


def _field(value: str | int) -> str:
    """A text that cannot be taken for two fields or two lines: a caller's number is what the caller says it is."""
    text = str(value)
    if text.isprintable() and "|" not in text:
        return text
    return "".join(c if c.isprintable() and c != "|" else "_" for c in text)
