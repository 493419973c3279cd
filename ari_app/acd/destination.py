"""Where a caller goes whom a queue does not serve."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a destination is."""

    #: another queue, by its extension
    QUEUE = "queue"
    #: a number that is rung
    EXTENSION = "extension"
    #: a sound that is played, and the call is over
    MESSAGE = "message"


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A queue, an extension, or a message."""

    kind: Kind
    #: the number, or the sound's name without its format
    to: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.to}"


class When(StrEnum):
    """When a rule of overflow applies (overflow.py)."""

    #: so many seconds after a caller began to wait
    WAIT = "wait"
    #: at the door: so many wait
    CALLERS = "callers"
    #: at the door: so many would wait for each agent at work
    CALLERS_PER_AGENT = "callersPerAgent"
    #: at the door: it would take him so many seconds
    ESTIMATED_WAIT = "estimatedWait"
    #: in place of being hung up on
    FULL = "full"
    EMPTY = "empty"
    CLOSED = "closed"
    LEAVE_EMPTY = "leaveEmpty"
    TIMEOUT = "timeout"
    NO_ANSWER = "noAnswer"


#: they compare with the limit of their rule; the others have none
LIMITED = frozenset({When.WAIT, When.CALLERS, When.CALLERS_PER_AGENT, When.ESTIMATED_WAIT})


class Overflow(msgspec.Struct, frozen=True, kw_only=True):
    """One rule."""

    when: When
    destination: Destination
    #: seconds, callers, or callers an agent, more than 0; of those not in LIMITED it means nothing
    limit: float = 0.0
