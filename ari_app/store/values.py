"""What the store takes and gives: frozen values, named as the models are. Never a password, a token or a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from ari_app.acd.settings import (
    AgentRestrictions,
    AnnounceHoldTime,
    AutoPause,
    JoinEmpty,
    LeaveEmpty,
    QueueSettings,
    Strategy,
)

T = TypeVar("T")

#: the largest id or number a row may hold
MAX_INTEGER = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """Some rows of a list."""

    rows: list[T]
    #: how many there are altogether
    total: int


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Whose everything is."""

    id: int
    parent: int | None
    name: str
    created_at: float
    #: IANA's name; "": the installation's
    time_zone: str = ""
    #: for which its recordings are kept; 0: for ever; None: the installation's
    recordings_days: int | None = None


class UserData(msgspec.Struct, frozen=True, kw_only=True):
    """What is given to make or change a user."""

    first_name: str
    last_name: str | None = None
    #: supervisors
    username: str | None = None
    #: agents
    number: str | None = None
    email: str | None = None
    language: str | None = None
    #: supervisors: "full" or "monitorOnly"
    type: str | None = None
    #: plain; on a change, None keeps the one there is
    password: str | None = None

    def __repr__(self) -> str:
        return f"UserData({self.username or self.number!r})"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A supervisor or an agent."""

    id: int
    account: int
    kind: str
    username: str | None
    number: str | None
    first_name: str
    last_name: str | None
    email: str | None
    language: str | None
    type: str | None
    deleted: bool
    created_at: float


class QueueData(msgspec.Struct, frozen=True, kw_only=True):
    """What is given to make or change a queue. Seconds where the eq contract has them; None as it says there."""

    extension: str
    name: str
    type: int = 0
    auto_answer_acd: bool = False
    sys_resume: int | None = None
    wrap_up_time: int | None = None
    wrap_up_all_queues: bool = False
    cid_name_prefix: str = ""
    agent_restrictions: int = 0
    ring_strategy: str = "ringall"
    weight: int = 0
    moh_class: str = "default"
    ringing_moh: bool = False
    recording_format: str | None = None
    recording_mode: str = "afteranswered"
    max_wait_time: int | None = None
    agent_timeout: int | None = None
    agent_retry_time: int | None = None
    max_callers: int | None = None
    join_empty: str = "yes"
    leave_empty: str = "no"
    announce_frequency: int = 0
    announce_position: str = "no"
    announce_hold_time: str = "no"
    auto_pause: str = "no"
    call_back_key: str | None = None
    call_back_attempts: int = 3
    call_back_retry: int = 300
    call_back_ring: int = 30
    keep_place: int = 0
    service_level: float = 20.0


class Queue(QueueData, frozen=True, kw_only=True):
    """A call queue."""

    id: int
    account: int
    deleted: bool
    created_at: float

    def to_settings(self) -> QueueSettings:
        """What the queue engine needs to know of it."""
        return QueueSettings(
            extension=self.extension,
            name=self.name,
            strategy=Strategy(self.ring_strategy),
            weight=self.weight,
            max_wait=self.max_wait_time,
            agent_timeout=self.agent_timeout,
            retry=self.agent_retry_time,
            max_callers=self.max_callers,
            join_empty=JoinEmpty(self.join_empty),
            leave_empty=LeaveEmpty(self.leave_empty),
            wrap_up=self.wrap_up_time,
            wrap_up_all_queues=self.wrap_up_all_queues,
            auto_pause=AutoPause(self.auto_pause),
            system_resume=self.sys_resume,
            service_level=self.service_level,
            # "inherit" is the class of the channel; ours have the default one
            music_class="default" if self.moh_class == "inherit" else self.moh_class,
            ringing=self.ringing_moh,
            announce_frequency=self.announce_frequency,
            announce_position=self.announce_position == "yes",
            announce_hold_time=AnnounceHoldTime(self.announce_hold_time),
            cid_name_prefix=self.cid_name_prefix,
            agent_restrictions=AgentRestrictions(self.agent_restrictions),
            auto_answer=self.auto_answer_acd,
            recording_format=self.recording_format or None,
            recording_mode=self.recording_mode,
            call_back_key=self.call_back_key or "",
            call_back_attempts=self.call_back_attempts,
            call_back_retry=self.call_back_retry,
            call_back_ring=self.call_back_ring,
            keep_place=self.keep_place,
        )


class PauseCode(msgspec.Struct, frozen=True, kw_only=True):
    """A reason for a pause."""

    id: int
    account: int
    name: str
    deleted: bool


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """An agent bound to a queue."""

    #: the queue's extension
    queue: str
    #: the agent's user id
    agent: int
    #: 1 is called first, 5 last
    skill: int


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """What opens an account to a program."""

    id: int
    account: int
    name: str
    #: the first characters of the key
    prefix: str
    scopes: tuple[str, ...]
    created_at: float
    revoked_at: float | None
    last_used_at: float | None
    #: requests a second; 0: as many as like; None: as the setting says
    rate_limit: float | None = None


class UserSession(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in."""

    id: int
    account: int
    kind: str
    user: int
    extension: str | None
    #: "active", "deactivated", "destroyed"
    state: str
    signed_in_at: float
    last_ping_at: float
    ended_at: float | None
    #: made with a password alone: its token needs no API key beside it
    keyless: bool = False


def clean(value: str) -> str:
    """Without what no database takes: NUL, and halves of characters, which JSON and SIP can bring."""
    if value.isascii() and "\0" not in value:
        return value
    return value.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")


def clean_or_none(value: str | None) -> str | None:
    """The same for what may be missing."""
    return None if value is None else clean(value)
