"""Call queues. Attributes that are FreePBX' own are kept and given back as FreePBX has them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import Field, StrictInt, StrictStr

from ari_app.dialects.eq.wire.fields import (
    INT_MAX,
    Blankable,
    Boolean,
    Code,
    Extension,
    Given,
    JsonObject,
    NotNegative,
    Parameters,
    Positive,
    Printable,
    Wire,
    or_default,
)
from ari_app.store.values import Queue, QueueData

_Empty = Literal["yes", "no", "strict", "ultrastrict", "loose"]
_Strategy = Literal["ringall", "leastrecent", "fewestcalls", "random", "rrmemory", "rrordered", "linear", "wrandom"]
_PositiveOrNull = Annotated[Positive | None, Blankable]
_OFF = or_default(False)


class CallQueueUpdate(Wire):
    """A call queue, whole: what is left out takes its default."""

    extension: Annotated[Extension | None, Field(description="May be repeated, but not changed"), Blankable] = None
    name: Annotated[StrictStr, Field(min_length=1, max_length=35), Printable, Given]
    type: Annotated[Literal[0, 1], Field(description="0: inbound, 1: outbound"), Code, Given]
    auto_answer_acd: Annotated[Boolean, _OFF] = False
    sys_resume: Annotated[
        _PositiveOrNull, Field(description="Seconds until an agent whom the system paused is resumed; null: never")
    ] = None
    wrap_up_time: Annotated[
        Annotated[NotNegative | None, Blankable],
        Field(description="Seconds; 0: until the agent ends it; null: none"),
    ] = None
    wrap_up_all_queues: Annotated[Boolean, _OFF] = False
    cid_name_prefix: Annotated[Annotated[StrictStr, Field(max_length=80), Printable] | None, Blankable] = None
    agent_restrictions: Annotated[
        Literal[0, 1, 2],
        Field(description="0: call as dialled, 1: no follow-me or call forward, 2: extensions only"),
        Code,
        or_default(0),
    ] = 0
    ring_strategy: Annotated[_Strategy, or_default("ringall")] = "ringall"
    weight: Annotated[StrictInt, Field(ge=0, le=10), or_default(0)] = 0
    moh_class: Annotated[Literal["inherit", "default", "none"], or_default("default")] = "default"
    ringing_moh: Annotated[Boolean, _OFF] = False
    recording_format: Annotated[Literal["wav"] | None, Blankable] = None
    recording_mode: Annotated[Literal["includeholdtime", "afteranswered"], or_default("afteranswered")] = (
        "afteranswered"
    )
    max_wait_time: Annotated[_PositiveOrNull, Field(description="Seconds; null: unlimited")] = None
    agent_timeout: Annotated[
        _PositiveOrNull, Field(description="Seconds an agent's phone rings; null: unlimited; left out: 15")
    ] = 15
    agent_retry_time: Annotated[
        Annotated[NotNegative | None, Blankable],
        Field(description="Seconds until agents who did not answer are rung again; null: no retry; left out: 5"),
    ] = 5
    max_callers: Annotated[_PositiveOrNull, Field(description="null: unlimited")] = None
    join_empty: Annotated[_Empty, or_default("yes")] = "yes"
    leave_empty: Annotated[_Empty, or_default("no")] = "no"
    announce_frequency: Annotated[NotNegative, Field(description="Seconds; 0: never"), or_default(0)] = 0
    announce_position: Annotated[Literal["yes", "no"], or_default("no")] = "no"
    announce_hold_time: Annotated[
        Literal["yes", "no", "once"],
        Field(
            description="Waiting callers are told their estimated wait, in minutes; once: with the first announcement"
        ),
        or_default("no"),
    ] = "no"
    auto_pause: Annotated[
        Literal["no", "yes", "all"],
        Field(description="Ours: pause an agent who did not answer; in this queue (yes) or in all of his (all)"),
        or_default("no"),
    ] = "no"
    call_back_key: Annotated[
        Annotated[Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"] | None, Blankable],
        Field(description="Ours: the key with which a waiting caller asks to be called back instead; null: none"),
    ] = None
    call_back_attempts: Annotated[
        StrictInt,
        Field(ge=1, le=20, description="Ours: calls to one who asked to be called back until the queue gives up"),
        or_default(3),
    ] = 3
    call_back_retry: Annotated[
        StrictInt,
        Field(ge=1, le=86400, description="Ours: seconds until he is called again"),
        or_default(300),
    ] = 300
    call_back_ring: Annotated[
        StrictInt, Field(ge=5, le=600, description="Ours: seconds his phone rings"), or_default(30)
    ] = 30
    keep_place: Annotated[
        StrictInt,
        Field(
            ge=0,
            le=86400,
            description="Ours: seconds for which one who hangs up while he waits keeps his place; 0: none",
        ),
        or_default(0),
    ] = 0
    service_level: Annotated[
        StrictInt,
        Field(ge=0, le=INT_MAX, description="Ours: seconds within which a call counts as answered in time"),
        or_default(20),
    ] = 20

    def to_data(self, extension: str) -> QueueData:
        """As the store has it: the attributes have the same names there."""
        mine = self.model_dump(exclude={"extension", "cid_name_prefix", "service_level"})
        return QueueData(
            extension=extension,
            cid_name_prefix=self.cid_name_prefix or "",
            service_level=float(self.service_level),
            **mine,
        )


class CallQueueCreate(CallQueueUpdate):
    """A call queue."""

    extension: Annotated[Extension, Given]


class CallQueueCreateBody(Parameters):
    """POST /call_queue"""

    data: Annotated[CallQueueCreate, JsonObject, Given]


class CallQueueUpdateBody(Parameters):
    """PUT /call_queue/{extension}"""

    data: Annotated[CallQueueUpdate, JsonObject, Given]


class CallQueue(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A call queue."""

    extension: str
    name: str
    type: int
    auto_answer_acd: bool
    sys_resume: int | None
    wrap_up_time: int | None
    wrap_up_all_queues: bool
    cid_name_prefix: str | None
    agent_restrictions: int
    ring_strategy: str
    weight: int
    moh_class: str
    ringing_moh: bool
    recording_format: str | None
    recording_mode: str
    max_wait_time: int | None
    agent_timeout: int | None
    agent_retry_time: int | None
    max_callers: int | None
    join_empty: str
    leave_empty: str
    announce_frequency: int
    announce_position: str
    announce_hold_time: str
    auto_pause: str
    call_back_key: str | None
    call_back_attempts: int
    call_back_retry: int
    call_back_ring: int
    keep_place: int
    service_level: int
    deleted: bool

    @classmethod
    def of(cls, queue: Queue) -> CallQueue:
        mine = {name: getattr(queue, name) for name in cls.__struct_fields__}
        mine["cid_name_prefix"] = queue.cid_name_prefix or None
        mine["service_level"] = int(queue.service_level)
        return cls(**mine)
