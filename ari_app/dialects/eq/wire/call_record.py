"""The record of a call: ours, the reference has none. Times are UNIX seconds, with fractions; jitter and round trip are
milliseconds."""

from __future__ import annotations

import msgspec

from ari_app.store.call_records import CallRow, LegRow


class WayQuality(msgspec.Struct, frozen=True, kw_only=True):
    """How well audio came through, one way."""

    packets: int
    #: of them
    lost: int
    jitter: float
    #: by the E-model, 1 to 4.41
    mos: float


class LegQuality(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How well a phone's audio came through, from its first packet to its hang-up."""

    #: from the phone; null: nothing came
    received: WayQuality | None
    #: to the phone; null: it sent no report (RTCP)
    sent: WayQuality | None
    #: null: not known
    round_trip: float | None


class RecordedLeg(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A phone's part in a call."""

    #: its channel
    unique_id: str
    #: caller, agent, callee, supervisor
    role: str
    endpoint: str
    #: user ID
    agent: int | None
    start_time: float
    ring_time: float | None
    answer_time: float | None
    end_time: float | None
    #: Q.850
    cause: int | None
    #: null: it has not ended, had no audio of its own (RTP), or CALL_QUALITY is not on
    quality: LegQuality | None

    @classmethod
    def of(cls, leg: LegRow) -> RecordedLeg:
        return cls(
            unique_id=leg.id,
            role=leg.role,
            endpoint=leg.endpoint,
            agent=leg.agent_id,
            start_time=leg.created_at,
            ring_time=leg.ringing_at,
            answer_time=leg.answered_at,
            end_time=leg.ended_at,
            cause=leg.cause,
            quality=_quality(leg),
        )


class RecordedCall(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A call, over or not."""

    id: str
    #: inbound, or outbound (we began it)
    direction: str
    number: str
    caller_id_number: str
    caller_id_name: str
    start_time: float
    answer_time: float | None
    end_time: float | None
    #: Q.850, of the first leg to go
    cause: int | None
    #: the role of who went first, system, or transfer
    ended_by: str | None
    legs: list[RecordedLeg]

    @classmethod
    def of(cls, call: CallRow) -> RecordedCall:
        return cls(
            id=call.id,
            direction=call.direction,
            number=call.number,
            caller_id_number=call.caller_number,
            caller_id_name=call.caller_name,
            start_time=call.started_at,
            answer_time=call.answered_at,
            end_time=call.ended_at,
            cause=call.cause,
            ended_by=call.ended_by,
            legs=[RecordedLeg.of(leg) for leg in call.legs],
        )


def _quality(leg: LegRow) -> LegQuality | None:
    received = _way(leg.rx_packets, leg.rx_lost, leg.rx_jitter, leg.rx_mos)
    sent = _way(leg.tx_packets, leg.tx_lost, leg.tx_jitter, leg.tx_mos)
    if received is None and sent is None:
        return None
    return LegQuality(
        received=received,
        sent=sent,
        round_trip=None if leg.rtt is None else round(1000 * leg.rtt, 2),
    )


def _way(packets: int | None, lost: int | None, jitter: float | None, mos: float | None) -> WayQuality | None:
    if packets is None or lost is None or jitter is None or mos is None:
        return None
    return WayQuality(packets=packets, lost=lost, jitter=round(1000 * jitter, 2), mos=mos)
