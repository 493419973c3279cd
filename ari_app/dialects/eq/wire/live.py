"""What goes on in the queues now. Times are UNIX seconds, durations seconds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType
from pydantic import Field, StrictStr

from ari_app.acd.views import AgentQueueStatus, QueueStatistics
from ari_app.dialects.eq.ports import QueuedCallInfo
from ari_app.dialects.eq.wire.fields import Blankable, Flag, Given, IntegerAsDigits, OptionalId, Parameters, Wire

_Extension = Annotated[StrictStr, IntegerAsDigits]


class StatusQuery(Parameters):
    """Which agents in which queues."""

    queue: Annotated[
        StrictStr | None, Field(description="Extension of a call queue, or blank for all queues"), Blankable
    ] = None
    agent: Annotated[OptionalId, Field(description="User ID of an agent, or blank for all agents")] = None
    combined: Annotated[
        Flag, Field(description="1: one row an agent, over all queues; only without queue and agent")
    ] = 0


class MonitorBody(Wire):
    """POST /call_monitor_action"""

    action: Annotated[Literal["spy", "bargeIn", "whisper"], Given]
    target_extension: Annotated[_Extension, Field(description="Extension to monitor"), Given]
    monitor_extension: Annotated[_Extension, Field(description="Extension from which to monitor"), Given]


class QueuedCall(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A call that waits in a queue."""

    id: str
    unique_id: str
    channel: str
    queue: str
    position: int
    caller_id_number: str | None
    caller_id_name: str | None
    enter_time: int
    wait_time: int
    priority: int
    #: ours: seconds from now until an agent answers; null: nobody knows yet
    estimated_wait_time: int | None

    @classmethod
    def of(cls, call: QueuedCallInfo) -> QueuedCall:
        return cls(
            id=call.call,
            unique_id=call.unique_id,
            channel=call.channel,
            queue=call.queue,
            position=call.position,
            caller_id_number=call.caller_number or None,
            caller_id_name=call.caller_name or None,
            enter_time=int(call.joined_at),
            wait_time=int(call.wait),
            priority=call.priority,
            estimated_wait_time=_seconds(call.estimate),
        )


class CallQueueAgentStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An agent in a queue; combined (queue null), over all his queues."""

    queue: str | None
    agent: int
    extension: str | None
    status: Literal["available", "ringing", "onCall", "wrapUp", "paused", "unavailable", "signedOut"]
    skill: int | None
    paused: bool
    pause_code: int | None
    #: ours: asked for during a call, and in force when it is over (paused: when the time after it is over too)
    pending_pause: bool
    pending_sign_out: bool
    #: why, where the status does not say it: noanswer (the system paused him), busy, timed_out, no_queue, ...
    reason: str | None
    status_since: int | None
    sign_in_time: int | None
    calls_taken: int
    last_call_time: int | None
    call: str | None
    #: combined only: the queues he is signed in to
    queues: list[str] | UnsetType = UNSET

    @classmethod
    def of(cls, row: AgentQueueStatus) -> CallQueueAgentStatus:
        return cls(
            queue=row.queue,
            agent=row.agent,
            extension=row.extension or None,
            status=row.status,  # type: ignore[arg-type]  # the engine's views use the contract's words
            skill=row.skill,
            paused=row.paused,
            pause_code=row.pause_code,
            pending_pause=row.pending_pause,
            pending_sign_out=row.pending_sign_out,
            reason=row.reason or None,
            status_since=_seconds(row.since),
            sign_in_time=_seconds(row.signed_in_at),
            calls_taken=row.calls_taken,
            last_call_time=_seconds(row.last_call_at),
            call=row.call,
            queues=UNSET if row.queue is not None else list(row.queues),
        )


class CallQueueStatistics(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A queue now, and since its counts began."""

    queue: str
    calls_waiting: int
    #: of those who wait now
    longest_wait_time: int
    #: of those who were answered
    average_wait_time: float
    calls_answered: int
    calls_abandoned: int
    #: ours: within its hours; and how many came outside of them
    open: bool
    calls_closed: int
    #: ours: seconds that one who called now would wait; null: nobody knows yet
    estimated_wait_time: int | None
    #: ours: of those who were answered after an estimate, the mean of their wait less it, and of its absolute value
    estimate_bias: float | None
    estimate_error: float | None
    #: per cent of the finished calls that were answered in time, as app_queue counts it; null: none finished yet
    service_level: float | None
    #: seconds that are "in time"
    service_level_threshold: int
    agents_signed_in: int
    agents_available: int
    agents_on_call: int
    agents_wrap_up: int
    agents_paused: int

    @classmethod
    def of(cls, row: QueueStatistics) -> CallQueueStatistics:
        return cls(
            queue=row.queue,
            calls_waiting=row.calls_waiting,
            longest_wait_time=int(row.longest_wait),
            average_wait_time=round(row.average_wait, 1),
            calls_answered=row.answered,
            calls_abandoned=row.abandoned,
            open=row.open,
            calls_closed=row.closed,
            estimated_wait_time=_seconds(row.estimated_wait),
            estimate_bias=_tenths(row.estimate_bias),
            estimate_error=_tenths(row.estimate_error),
            service_level=None if row.service_level is None else round(row.service_level * 100, 1),
            service_level_threshold=int(row.service_level_threshold),
            agents_signed_in=row.agents_signed_in,
            agents_available=row.agents_available,
            agents_on_call=row.agents_on_call,
            agents_wrap_up=row.agents_wrap_up,
            agents_paused=row.agents_paused,
        )


def _tenths(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _seconds(time: float | None) -> int | None:
    return None if time is None else int(time)
