"""What the engine decides (commands) and what it states (facts). Plain data; the dispatcher does the first, the store
records the second."""

from __future__ import annotations

import msgspec

from ari_app.acd.destination import Destination


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="command"):
    """Base of all; never made itself."""


class Wait(Command, frozen=True, kw_only=True):
    """The caller waits: music or ringing, as the queue is set."""

    call: str
    queue: str


class Reject(Command, frozen=True, kw_only=True):
    """The caller does not enter: "full", "nonexistent" (no such queue), "empty", "closed", "diverted" (he might, but is
    better off elsewhere)."""

    call: str
    queue: str
    reason: str
    #: where he goes; None: he is hung up on
    to: Destination | None = None


class Release(Command, frozen=True, kw_only=True):
    """The caller leaves the queue: "timeout", "no_retry", "leave_empty", "closed", "overflow", "sent" or "stolen" (by
    somebody), "queue_removed", "call_back" while waiting; "completed" after talking; "not_reached", "given_up",
    "cancelled": of one who was to be called back."""

    call: str
    queue: str
    reason: str
    #: where he goes; None: he is hung up on
    to: Destination | None = None


class Offer(Command, frozen=True, kw_only=True):
    """Ring this agent's phone for this caller. How long is the engine's matter (it sends Withdraw)."""

    offer: str
    call: str
    queue: str
    agent: int
    extension: str


class Announce(Command, frozen=True, kw_only=True):
    """Tell a waiting caller where he stands (1: he is next; None: not that) and how many minutes it takes (None: not
    that). An answer or his leaving ends it."""

    call: str
    queue: str
    position: int | None
    minutes: int | None


class Withdraw(Command, frozen=True, kw_only=True):
    """Stop ringing: "caller_left", "answered_elsewhere", "noanswer", "agent_left", "private_call" (his phone is busy
    with another call); "late": it was answered although it is over (said again, so that no leg is left)."""

    offer: str
    reason: str


class Connect(Command, frozen=True, kw_only=True):
    """Join the caller and the agent who answered this offer."""

    offer: str
    call: str
    queue: str
    agent: int


class StartTimer(Command, frozen=True, kw_only=True):
    """Send TimerFired(timer) at `at` (seconds since the epoch). Setting one that is set moves it."""

    timer: str
    at: float


class CancelTimer(Command, frozen=True, kw_only=True):
    """Forget a timer."""

    timer: str


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="fact"):
    """Something that happened, for the record, the statistics and those who watch. Base of all."""

    at: float


class CallerEntered(Fact, frozen=True, kw_only=True):
    call: str
    queue: str
    position: int
    priority: int
    #: not on the line: called back, or to be called (no wait that service levels are made from)
    call_back: bool = False


class CallerRefused(Fact, frozen=True, kw_only=True):
    call: str
    queue: str
    reason: str
    #: where he went instead, "queue:501"; "": nowhere
    to: str = ""


class CallerServed(Fact, frozen=True, kw_only=True):
    """An agent answered and is being joined."""

    call: str
    queue: str
    agent: int
    #: seconds from joining to the answer
    wait: float
    #: seconds the agent's phone rang
    ring: float
    #: not on the line: called back, or to be called (no wait that service levels are made from)
    call_back: bool = False
    #: the wait that was expected when he came; None: he did not stand in line, or nobody knew
    estimate: float | None = None


class CallerUnserved(Fact, frozen=True, kw_only=True):
    """The join failed after an answer; the caller waits again (takes CallerServed back)."""

    call: str
    queue: str
    agent: int
    #: not on the line: called back, or to be called (no wait that service levels are made from)
    call_back: bool = False
    #: as in CallerServed
    estimate: float | None = None


class CallerExited(Fact, frozen=True, kw_only=True):
    """Left without an answer: "abandoned", "timeout", "no_retry", "leave_empty", "closed", "overflow", "sent",
    "stolen", "transferred", "queue_removed", "call_back" (he is to be called instead); a call-back's: "not_reached"
    (there will be another attempt), "given_up", "cancelled"."""

    call: str
    queue: str
    outcome: str
    wait: float
    position: int
    #: not on the line: called back, or to be called (no wait that service levels are made from)
    call_back: bool = False
    #: where he went instead, "queue:501"; "": nowhere
    to: str = ""


class CallCompleted(Fact, frozen=True, kw_only=True):
    """The conversation is over. talk, wait: seconds."""

    call: str
    queue: str
    agent: int
    talk: float
    wait: float
    #: as in ConversationEnded
    by: str
    #: not on the line: called back, or to be called (no wait that service levels are made from)
    call_back: bool = False
    #: whereto the agent has passed the caller on; "": he has not
    to: str = ""


class OfferEnded(Fact, frozen=True, kw_only=True):
    """How an offer ended: "answered", "noanswer", "busy", "unavailable", "declined", "error", "caller_left",
    "answered_elsewhere", "agent_left", "private_call"."""

    offer: str
    call: str
    queue: str
    agent: int
    outcome: str
    #: seconds from offer to end
    ring: float


class AgentStateChanged(Fact, frozen=True, kw_only=True):
    """What an agent has become in a queue, or (queue None) altogether; told once an event, and only when it differs.

    Of one queue, what is particular to it: "signed_out", "available" (ready, as far as this queue is concerned),
    "wrap_up", "paused". Altogether, one of these or what his session and telephone make of it: "unavailable" (reason:
    "timed_out", "no_queue", "busy", "unavailable", or why his phone just refused an offer), "ringing", "on_call". He is
    available altogether if any queue could ring him now; else in wrap-up if any of his queues has him there; else
    paused (the latest pause's code). `agent.shown` puts the two together to what he is shown as in a queue.

    So the time after calls is exact per queue (its wrap_up), like the talk of CallCompleted; shares of time
    (occupancy, utilisation, adherence) are made from what he is altogether, where wrap-up in one queue while another
    may ring him counts as available.
    """

    agent: int
    queue: str | None
    state: str
    pause_code: int | None = None
    #: "noanswer" when the system paused him
    reason: str = ""
    call: str | None = None


AnyCommand = Wait | Reject | Release | Announce | Offer | Withdraw | Connect | StartTimer | CancelTimer
AnyFact = (
    CallerEntered
    | CallerRefused
    | CallerServed
    | CallerUnserved
    | CallerExited
    | CallCompleted
    | OfferEnded
    | AgentStateChanged
)
