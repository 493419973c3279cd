"""The record of calls, legs and recordings, from the facts that call control states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from ari_app.calls import facts
from ari_app.store.live_calls import LIVE_CALLS
from ari_app.store.rows import table_of
from ari_app.store.values import clean
from ari_app.store.writer import Writer
from models import Call, ConferenceStay, Leg, Recording, VoicemailMessage

_LEGS = table_of(Leg)


class CallRecorder:
    """Turns facts into rows. A fact told twice leaves what it left the first time: the beginning of a call gives its
    row the columns that are known then, and each later fact its own, whatever is there already."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        #: the call of every leg that is alive: the facts of a leg name only the leg
        self._call_of: dict[str, str] = {}
        #: facts of legs we do not know: told again after their end, or foreign
        self.unknown = 0
        self._by_type: dict[type[facts.CallFact], Callable[[Any], None]] = {
            facts.CallStarted: self._call_started,
            facts.CallAnswered: self._call_answered,
            facts.CallEnded: self._call_ended,
            facts.LegStarted: self._leg_started,
            facts.LegRinging: self._leg_ringing,
            facts.LegAnswered: self._leg_answered,
            facts.LegMeasured: self._leg_measured,
            facts.LegEnded: self._leg_ended,
            facts.RecordingStarted: self._recording_started,
            facts.RecordingEnded: self._recording_ended,
            facts.MessageBegun: self._message_begun,
            facts.MessageMarked: self._message_marked,
            facts.MessageDropped: self._message_dropped,
            facts.GreetingAccepted: self._greeting_accepted,
            facts.ConferenceJoined: self._conference_joined,
            facts.ConferenceLeft: self._conference_left,
        }

    async def load(self) -> None:
        """Learn which legs were alive when the process ended. Raises StoreUnavailable."""
        async with self._writer.database.transaction(write=False) as connection:
            open_legs = select(_LEGS.c.id, _LEGS.c.call_id).where(
                _LEGS.c.call_id.in_(select(LIVE_CALLS.c.call_id)), _LEGS.c.ended_at.is_(None)
            )
            self._call_of = {row.id: row.call_id for row in await connection.execute(open_legs)}

    def record(self, fact: facts.AnyCallFact) -> None:
        """Record a fact."""
        self._by_type[type(fact)](fact)

    def _call_started(self, fact: facts.CallStarted) -> None:
        self._writer.upsert(
            Call,
            {
                "id": fact.call,
                "account_id": fact.account,
                "node": fact.node,
                "direction": fact.direction,
                "number": clean(fact.number),
                "caller_number": clean(fact.caller_number),
                "caller_name": clean(fact.caller_name),
                "program": fact.program,
                "started_at": fact.at,
            },
        )

    def _call_answered(self, fact: facts.CallAnswered) -> None:
        self._writer.update(Call, {"id": fact.call, "answered_at": fact.at})

    def _call_ended(self, fact: facts.CallEnded) -> None:
        self._writer.update(
            Call, {"id": fact.call, "ended_at": fact.at, "cause": fact.cause, "ended_by": fact.ended_by}
        )

    def _leg_started(self, fact: facts.LegStarted) -> None:
        self._call_of[fact.leg] = fact.call
        self._writer.upsert(
            Leg,
            {
                "call_id": fact.call,
                "id": fact.leg,
                "account_id": fact.account,
                "role": fact.role,
                "endpoint": clean(fact.endpoint),
                "agent_id": fact.agent,
                "created_at": fact.at,
            },
        )

    def _leg_ringing(self, fact: facts.LegRinging) -> None:
        self._leg(fact.leg, ringing_at=fact.at)

    def _leg_answered(self, fact: facts.LegAnswered) -> None:
        self._leg(fact.leg, answered_at=fact.at)

    def _leg_measured(self, fact: facts.LegMeasured) -> None:
        received, sent, rtt = fact.quality.received, fact.quality.sent, fact.quality.rtt
        values: dict[str, float | int] = {}
        if received is not None:
            values |= {
                "rx_packets": received.packets,
                "rx_lost": received.lost,
                "rx_jitter": received.jitter,
                "rx_mos": received.mos,
            }
        if sent is not None:
            values |= {
                "tx_packets": sent.packets,
                "tx_lost": sent.lost,
                "tx_jitter": sent.jitter,
                "tx_mos": sent.mos,
            }
        if rtt is not None:
            values["rtt"] = rtt
        self._leg(fact.leg, **values)

    def _leg_ended(self, fact: facts.LegEnded) -> None:
        self._leg(fact.leg, ended_at=fact.at, cause=fact.cause)
        self._call_of.pop(fact.leg, None)

    def _leg(self, leg: str, **values: float | int) -> None:
        call = self._call_of.get(leg)
        if call is None:
            self.unknown += 1
        else:
            self._writer.update(Leg, {"call_id": call, "id": leg, **values})

    def _recording_started(self, fact: facts.RecordingStarted) -> None:
        # Asked for again after a restart, it began when it began.
        self._writer.insert(
            Recording,
            {
                "call_id": fact.call,
                "name": fact.recording,
                "account_id": fact.account,
                "format": fact.format,
                "started_at": fact.at,
                "node": fact.node,
                "kind": fact.kind,
                "leg_id": fact.leg,
                "queue": fact.queue,
                "agent_id": fact.agent,
                "caller_number": clean(fact.caller),
                "called_number": clean(fact.called),
            },
        )

    def _recording_ended(self, fact: facts.RecordingEnded) -> None:
        self._writer.update(
            Recording,
            {
                "call_id": fact.call,
                "name": fact.recording,
                "ended_at": fact.at,
                "duration": fact.duration,
                "outcome": fact.outcome,
            },
        )

    def _message_begun(self, fact: facts.MessageBegun) -> None:
        self._writer.insert(
            VoicemailMessage,
            {
                "recording": fact.recording,
                "account_id": fact.account,
                "mailbox": clean(fact.mailbox),
                "call_id": fact.call,
                "caller_number": clean(fact.caller_number),
                "caller_name": clean(fact.caller_name),
                "left_at": fact.at,
                "urgent": False,
            },
        )

    def _message_marked(self, fact: facts.MessageMarked) -> None:
        self._writer.update(VoicemailMessage, {"recording": fact.recording, "urgent": fact.urgent})

    def _message_dropped(self, fact: facts.MessageDropped) -> None:
        self._writer.delete(VoicemailMessage, {"recording": fact.recording})

    def _greeting_accepted(self, fact: facts.GreetingAccepted) -> None:
        # A recording of a greeting without a name is none yet.
        values = {"call_id": fact.call, "name": fact.recording, "called_number": clean(fact.greeting)}
        self._writer.update(Recording, dict(values))

    def _conference_joined(self, fact: facts.ConferenceJoined) -> None:
        self._writer.insert(
            ConferenceStay,
            {
                "id": fact.member,
                "account_id": fact.account,
                "conference_id": fact.conference,
                "number": clean(fact.number),
                "call_id": fact.call,
                "leg_id": fact.leg,
                "caller_number": clean(fact.caller_number),
                "caller_name": clean(fact.caller_name),
                "admin": fact.admin,
                "joined_at": fact.at,
            },
        )

    def _conference_left(self, fact: facts.ConferenceLeft) -> None:
        self._writer.update(ConferenceStay, {"id": fact.member, "left_at": fact.at, "outcome": fact.outcome})
