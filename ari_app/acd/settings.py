"""What a queue is set to. Names follow the EQ contract where it has one, app_queue's otherwise."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec


class Strategy(StrEnum):
    """Whom to ring first. Each is one small function in strategies.py."""

    RINGALL = "ringall"
    LEASTRECENT = "leastrecent"
    FEWESTCALLS = "fewestcalls"
    RANDOM = "random"
    RRMEMORY = "rrmemory"
    RRORDERED = "rrordered"
    LINEAR = "linear"
    WRANDOM = "wrandom"


class AutoPause(StrEnum):
    """What happens to an agent who did not answer (app_queue's autopause)."""

    #: stays available, but comes after those who have not missed a call just now
    NO = "no"
    #: is paused in this queue
    YES = "yes"
    #: is paused in all queues
    ALL = "all"


class JoinEmpty(StrEnum):
    """Which agents a queue must have for a caller to enter; each asks more than the one before it (emptiness.py)."""

    #: none
    YES = "yes"
    LOOSE = "loose"
    NO = "no"
    STRICT = "strict"
    ULTRASTRICT = "ultrastrict"


class LeaveEmpty(StrEnum):
    """Which agents a queue must have for its callers to stay; each asks more than the one before it (emptiness.py)."""

    #: none: nobody is sent away
    NO = "no"
    LOOSE = "loose"
    YES = "yes"
    STRICT = "strict"
    ULTRASTRICT = "ultrastrict"


class AnnounceHoldTime(StrEnum):
    """Whether waiting callers are told how long it takes (app_queue's announce-holdtime)."""

    NO = "no"
    YES = "yes"
    #: with the first announcement only
    ONCE = "once"


class AgentRestrictions(IntEnum):
    """Which calls of agents' phones go elsewhere (EQ's agentRestrictions; FreePBX's use_queue_context)."""

    #: as if a user had dialled him: where FORWARD_TEMPLATE is set, follow-me and call forward hold
    AS_DIALLED = 0
    #: his own phone rings, or none
    NO_FORWARD = 1
    #: in addition nobody is rung at a number that is no extension; agents can sign in at extensions only
    EXTENSIONS_ONLY = 2


class QueueSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One queue. Times are seconds."""

    extension: str
    name: str = ""
    strategy: Strategy = Strategy.RINGALL
    #: 0-10; the callers of a heavier queue come first to an agent who serves both
    weight: int = 0
    #: longest wait before the caller is released; None: no limit
    max_wait: float | None = None
    #: how long an agent's phone rings; None: no limit
    agent_timeout: float | None = 15.0
    #: pause before a caller is offered again to agents who all did not answer; None: the caller is released instead
    retry: float | None = 5.0
    #: callers who may wait at once; None: no limit
    max_callers: int | None = None
    join_empty: JoinEmpty = JoinEmpty.YES
    leave_empty: LeaveEmpty = LeaveEmpty.NO
    #: None: none; 0: until the agent ends it; else seconds
    wrap_up: float | None = None
    #: wrap-up holds in every queue the agent is signed in to, not just in this one
    wrap_up_all_queues: bool = False
    auto_pause: AutoPause = AutoPause.NO
    #: an agent paused by the system is resumed after this long; None: never
    system_resume: float | None = None
    #: the T of every service-level variant
    service_level: float = 20.0
    music_class: str = "default"
    #: the caller hears ringing instead of music
    ringing: bool = False
    #: seconds between announcements to a waiting caller; 0: none
    announce_frequency: float = 0.0
    announce_position: bool = False
    announce_hold_time: AnnounceHoldTime = AnnounceHoldTime.NO
    cid_name_prefix: str = ""
    agent_restrictions: AgentRestrictions = AgentRestrictions.AS_DIALLED
    #: the agent's phone answers by itself
    auto_answer: bool = False
    #: "wav"; None: calls are not recorded
    recording_format: str | None = None
    #: "includeholdtime": from the moment the caller waits, or "afteranswered": from the moment he is joined to an agent
    recording_mode: str = "afteranswered"

    #: for how long the place of a caller who hung up while he waited is kept for his number; 0: not
    keep_place: float = 0.0
    #: the key with which a waiting caller asks to be called back instead; "": none
    call_back_key: str = ""
    #: calls to one who is called back until the queue gives up
    call_back_attempts: int = 3
    #: pause before he is called again
    call_back_retry: float = 300.0
    #: how long his phone rings
    call_back_ring: float = 30.0

    @property
    def announces(self) -> bool:
        """Waiting callers are told something."""
        spoken = self.announce_position or self.announce_hold_time is not AnnounceHoldTime.NO
        return self.announce_frequency > 0 and spoken
