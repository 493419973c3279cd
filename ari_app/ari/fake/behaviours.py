"""What the far end of a dialled channel does. Times are seconds after it was dialled."""

from __future__ import annotations

from dataclasses import dataclass

#: Q.850 causes (the numbers of ChannelDestroyed).
UNALLOCATED = 1
NORMAL = 16
BUSY = 17
NO_ANSWER = 19
REJECTED = 21

CAUSE_TEXTS = {
    0: "Unknown",
    UNALLOCATED: "Unallocated (unassigned) number",
    3: "No route to destination",
    NORMAL: "Normal Clearing",
    BUSY: "User busy",
    18: "No user responding",
    NO_ANSWER: "User alerting, no answer",
    20: "Subscriber absent",
    REJECTED: "Call Rejected",
    34: "Circuit/channel congestion",
}


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """Rings at `ring`, answers at `answer`, or ends at `fail` with `cause`; None: never."""

    ring: float | None = 0.0
    answer: float | None = None
    fail: float | None = None
    cause: int = NORMAL
    #: SIP status that goes with the cause, 0: none.
    tech_cause: int = 0
    #: The channel cannot even be created: an endpoint that does not exist or is not registered.
    offline: bool = False
    #: Arguments of the Stasis() that the other half of a Local channel enters; None: it does not.
    stasis: tuple[str, ...] | None = None


def Answers(after: float = 0.0, ring: float | None = 0.0) -> Behaviour:
    """Rings, then answers."""
    return Behaviour(ring=ring, answer=after)


def NeverAnswers() -> Behaviour:
    """Rings for ever."""
    return Behaviour()


def FailsToRing() -> Behaviour:
    """Neither rings nor answers nor ends."""
    return Behaviour(ring=None)


def Busy(after: float = 0.0) -> Behaviour:
    """Is busy."""
    return Behaviour(ring=None, fail=after, cause=BUSY, tech_cause=486)


def Declines(after: float = 0.0) -> Behaviour:
    """Rejects the call."""
    return Behaviour(ring=None, fail=after, cause=REJECTED, tech_cause=403)


def Offline() -> Behaviour:
    """Does not exist or is not registered: creating the channel is refused."""
    return Behaviour(offline=True)


def EntersStasis(*args: str) -> Behaviour:
    """The other half of a Local channel enters Stasis(app,*args); when the application answers it, this half is up."""
    return Behaviour(ring=None, stasis=args)
