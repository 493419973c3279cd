"""What the engine is told. Plain data: journalled as JSON, replayed after a restart, made up by tests.

Commands of people (those a REST call makes) may be refused: `Engine.apply` raises CommandRefused and changes nothing.
Events from the telephone side never are: a late or foreign one changes nothing and is counted.

Agents are named by their user id, queues by their extension, calls and offers by ids of ours; one engine serves one
account, so none of them carries it.
"""

from __future__ import annotations

import msgspec

from ari_app.acd.destination import Overflow
from ari_app.acd.settings import QueueSettings


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="event"):
    """Base of all; never made itself."""


# configuration


class QueueConfigured(Event, frozen=True, kw_only=True):
    """A queue was made or changed; holds at once for the calls that wait."""

    queue: QueueSettings


class QueueRemoved(Event, frozen=True, kw_only=True):
    """A queue was deleted: its callers are released, its agents signed out of it."""

    queue: str


class AgentConfigured(Event, frozen=True, kw_only=True):
    """An agent exists; the queues he is bound to, with his skill (penalty 1 first … 5 last) in each."""

    agent: int
    bindings: dict[str, int] = {}


class AgentRemoved(Event, frozen=True, kw_only=True):
    """An agent was deleted. A call he is on goes on; he gets no other."""

    agent: int


class RoutingConfigured(Event, frozen=True, kw_only=True):
    """By which rule (rules.py; "": none) a queue chooses agents, and which skills its callers want where they do not
    say so themselves; holds at once for the calls that wait. Refused: a rule or a skill that cannot be."""

    queue: str
    rule: str = ""
    wanted: dict[str, int] = {}


class QueueClosed(Event, frozen=True, kw_only=True):
    """A queue's hours are over, or it is set otherwise while they are: who comes now does not enter. Which hours these
    are is worked out before (opening.py), so that a replay asks no clock and no zones."""

    queue: str
    #: those who wait are let go; else they are served
    leave: bool = False
    #: what those hear who come: media of ARI
    message: tuple[str, ...] = ()


class QueueOpened(Event, frozen=True, kw_only=True):
    """A queue's hours have begun; one that was never closed is open."""

    queue: str


class OverflowConfigured(Event, frozen=True, kw_only=True):
    """Where callers go whom a queue does not serve (overflow.py); holds at once for the calls that wait."""

    queue: str
    rules: tuple[Overflow, ...] = ()


class SkillsConfigured(Event, frozen=True, kw_only=True):
    """What an agent can, all of it: skill -> level, 0 to 100. Refused: a skill that cannot be."""

    agent: int
    skills: dict[str, int] = {}


class StatisticsReset(Event, frozen=True, kw_only=True):
    """The counts of a queue, or of all (None), begin anew."""

    queue: str | None = None


# people: may be refused


class AgentSignedIn(Event, frozen=True, kw_only=True):
    """An agent's session became active at an extension. His queues are unchanged (a session that timed out and came
    back finds them as they were). Whoever had a session at that extension is timed out. Refused: nonexistent agent."""

    agent: int
    extension: str


class AgentTimedOut(Event, frozen=True, kw_only=True):
    """An agent's session was deactivated: he stays in his queues, unavailable, until he is back."""

    agent: int


class AgentSignedOut(Event, frozen=True, kw_only=True):
    """An agent's session was destroyed: signed out of every queue. A call he is on goes on. Without a session: ignored,
    as is AgentTimedOut."""

    agent: int


class QueueSignedIn(Event, frozen=True, kw_only=True):
    """An agent joins queues. `queues` None: all he is bound to. Refused: not_signed_in (no session),
    already_signed_in (one of the given queues), nonexistent queue."""

    agent: int
    queues: tuple[str, ...] | None = None
    #: as long as `queues`, or None: as bound, else 3
    skills: tuple[int, ...] | None = None
    paused: bool = False


class QueueSignedOut(Event, frozen=True, kw_only=True):
    """An agent leaves a queue, or all (None); a timed-out one may be taken out too. While he is on a call it holds from
    the call's end, without a wrap-up; until then QueueSignedIn takes it back. Refused: not_signed_in, nonexistent
    queue."""

    agent: int
    queue: str | None = None


class Paused(Event, frozen=True, kw_only=True):
    """An agent pauses in a queue, or in all he is signed in to (None). Ends a wrap-up there. While he is on a call it
    holds from the end of the call (and of its wrap-up); while his phone rings for a call of this queue, that goes to
    the next agent. Refused: not_signed_in, nonexistent queue."""

    agent: int
    queue: str | None = None
    code: int | None = None


class Resumed(Event, frozen=True, kw_only=True):
    """The end of a pause, his own or the system's. Refused: not_signed_in, nonexistent queue."""

    agent: int
    queue: str | None = None


class WrapUpExited(Event, frozen=True, kw_only=True):
    """An agent ends his wrap-up early (also another queue's that holds in this one). Refused: not_signed_in,
    nonexistent queue."""

    agent: int
    queue: str | None = None


class PriorityChanged(Event, frozen=True, kw_only=True):
    """A waiting caller, or one who is to be called back, has another priority from now on. Refused: nonexistent call,
    or one that an agent has answered."""

    call: str
    #: higher is served first
    priority: int


class CallerSent(Event, frozen=True, kw_only=True):
    """A caller who waits on the line is sent to another queue, which is told of him by a CallerJoined. Refused:
    nonexistent call (also one that an agent has answered) or queue; CommandRefused (context "reason": "there_already",
    "closed", "empty", "full") where that queue would not let him in."""

    call: str
    queue: str


# telephones: never refused


class CallerStolen(Event, frozen=True, kw_only=True):
    """Somebody takes a caller who waits on the line out of his queue, and sends him to a number. Refused: nobody waits
    who is called that."""

    call: str
    #: an extension, or any number that can be dialled
    to: str


class PhoneStateChanged(Event, frozen=True, kw_only=True):
    """What an extension's phone does apart from our own offers: "idle", "busy" (a private call; it ends an offer
    that rings there) or "unavailable"."""

    extension: str
    state: str


class CallerJoined(Event, frozen=True, kw_only=True):
    """A caller enters a queue. Answered by Wait or Reject."""

    call: str
    queue: str
    #: higher is served first
    priority: int = 0
    #: when he joined, if that is not now (a call taken over after a restart keeps its time); never later than now
    joined_at: float | None = None
    #: from which he calls; "": not known. A place that is kept for it is his (keeping.py)
    number: str = ""
    #: the skills an agent must have for him; None: the queue's default
    wanted: dict[str, int] | None = None
    #: the queues that he came from by overflow; he does not go back to them
    visited: tuple[str, ...] = ()


class CallerLeft(Event, frozen=True, kw_only=True):
    """A waiting caller is gone: "hangup" counts as abandoned; "stolen" and "transferred" do not. While he talks to an
    agent: the end of the conversation, by the caller."""

    call: str
    reason: str = "hangup"


class OfferRinging(Event, frozen=True, kw_only=True):
    """The agent's phone rings."""

    offer: str


class OfferAnswered(Event, frozen=True, kw_only=True):
    """The agent's phone was answered."""

    offer: str


class OfferFailed(Event, frozen=True, kw_only=True):
    """The agent's phone cannot be had: "busy", "unavailable", "declined", "noanswer", "error". It is left alone for the
    queue's retry time (5 s without one); only "noanswer" may pause the agent."""

    offer: str
    reason: str = "error"


class ConnectFailed(Event, frozen=True, kw_only=True):
    """Answered, but the two could not be joined (the agent's leg was gone). The caller gets his place back, and goes to
    other agents first."""

    offer: str


class ConversationEnded(Event, frozen=True, kw_only=True):
    """Caller and agent are apart: by "caller", "agent", "system"; "transfer", "attended_transfer": the agent has passed
    the caller on."""

    call: str
    by: str = "agent"
    #: whereto he passed him: "extension:1002", "queue:501", "parked:701"; "": he did not
    to: str = ""


class CallBackRequested(Event, frozen=True, kw_only=True):
    """Somebody is to be called when it is his turn: a waiting caller (`call`), who keeps his place and is let go; or
    anybody, at the end of the queue. Refused: nonexistent queue or call, AlreadyRequested (the number waits to be
    called back by this queue)."""

    #: the id of the entry that takes the caller's place, ours
    entry: str
    queue: str
    number: str
    name: str = ""
    #: what the phone called shows; "": the queue's extension
    shown: str = ""
    call: str | None = None
    #: higher is served first; a waiting caller keeps his own
    priority: int = 0


class CallBackCancelled(Event, frozen=True, kw_only=True):
    """It is not wanted any more. Refused: nonexistent; CommandRefused while he talks to an agent."""

    entry: str


class CallBackReached(Event, frozen=True, kw_only=True):
    """He has answered, and is joined to the agent."""

    entry: str


class CallBackFailed(Event, frozen=True, kw_only=True):
    """He was not reached: "busy", "noanswer", "declined", "unavailable", "error"; or "lost": we were not there to see,
    which is not counted as an attempt."""

    entry: str
    reason: str = "error"


class TimerFired(Event, frozen=True, kw_only=True):
    """A timer set by StartTimer is due. One that has been cancelled or set again since is ignored."""

    timer: str


AnyEvent = (
    QueueConfigured
    | QueueRemoved
    | AgentConfigured
    | AgentRemoved
    | RoutingConfigured
    | QueueClosed
    | QueueOpened
    | OverflowConfigured
    | SkillsConfigured
    | StatisticsReset
    | AgentSignedIn
    | AgentTimedOut
    | AgentSignedOut
    | QueueSignedIn
    | QueueSignedOut
    | Paused
    | Resumed
    | WrapUpExited
    | PriorityChanged
    | CallerSent
    | CallerStolen
    | PhoneStateChanged
    | CallerJoined
    | CallerLeft
    | OfferRinging
    | OfferAnswered
    | OfferFailed
    | ConnectFailed
    | ConversationEnded
    | CallBackRequested
    | CallBackCancelled
    | CallBackReached
    | CallBackFailed
    | TimerFired
)
