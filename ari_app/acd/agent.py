"""An agent, and what he is: in each queue, and altogether.

Three things are kept apart: the *session* (is he there at all), what he chose or was put into in a queue (*kind*:
available, paused, wrap_up), and what his telephone does (offer, call, the phone's own state). The *state* that is told
and shown is made of all three, here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec


class Session(StrEnum):
    """Whether an agent is there."""

    NONE = "none"
    ACTIVE = "active"
    #: deactivated, may come back; he keeps his queues
    TIMED_OUT = "timed_out"


class State(NamedTuple):
    """What an agent is, as AgentStateChanged tells it."""

    state: str
    pause_code: int | None = None
    reason: str = ""
    call: str | None = None


SIGNED_OUT = State("signed_out")
AVAILABLE = State("available")
WRAP_UP = State("wrap_up")


class Membership(msgspec.Struct, kw_only=True):
    """An agent's being signed in to one queue."""

    #: penalty, 1 (first) … 5
    skill: int
    #: of signing in, over the whole account: the order of rrmemory and linear, and what breaks ties
    order: int
    signed_in_at: float
    paused_at: float | None = None
    pause_code: int | None = None
    #: "" an agent or supervisor paused him; else the system did, and this is why ("noanswer")
    pause_reason: str = ""
    wrap_up_since: float | None = None
    #: he leaves the queue when the call he is on ends
    signing_out: bool = False
    calls_taken: int = 0
    #: when the last call of this queue ended
    last_call_at: float | None = None
    #: what was last told of this queue alone (available, paused, wrap_up), None: nothing yet
    told: State | None = None
    #: what is shown for this queue, all things taken together, and since when
    status: str = "signed_out"
    since: float = 0.0

    @property
    def kind(self) -> State:
        """What he is as far as this queue alone is concerned. Wrap-up goes before a pause that was asked for during
        the call, so that the time after the call is counted for what it is; a pause during wrap-up ends it."""
        if self.wrap_up_since is not None:
            return WRAP_UP
        if self.paused_at is not None:
            return State("paused", self.pause_code, self.pause_reason)
        return AVAILABLE

    @property
    def ready(self) -> bool:
        return self.paused_at is None and self.wrap_up_since is None


class Agent(msgspec.Struct, kw_only=True):
    """An agent of the account."""

    id: int
    #: queue -> skill, as configured; the queues he may sign in to without naming them
    bindings: dict[str, int] = {}
    #: what he can: name -> level, 0 to 100 (rules.py); not to be confused with the skill in a queue, which is a penalty
    skills: dict[str, int] = {}
    session: Session = Session.NONE
    extension: str = ""
    memberships: dict[str, Membership] = {}
    #: the offer his phone rings for
    offer: str | None = None
    #: the call he is on, or is being joined to
    call: str | None = None
    #: did not take a call just now: comes after those of his level who did
    missed: bool = False
    #: why his phone refused a call just now: no offers until the timer "cool:<agent>"; "": it did not
    cooling: str = ""
    #: deleted while on a call; forgotten when it ends
    removed: bool = False
    #: what was last told of him altogether, and since when that holds
    told: State = SIGNED_OUT
    since: float = 0.0

    @property
    def reachable(self) -> bool:
        """There, and with nothing at his ear that we gave him. (His phone's own state is not looked at here.)"""
        return self.session is Session.ACTIVE and self.offer is None and self.call is None and not self.cooling


def together(agent: Agent, phone: str, call_offered: str | None, wrap_up_everywhere: bool) -> State:
    """What an agent is altogether.

    phone: what his phone does by itself, "idle" or why not. call_offered: the call his phone rings for.
    wrap_up_everywhere: he is in a wrap-up that holds for all his queues.
    """
    if agent.call is not None:
        return State("on_call", call=agent.call)
    if call_offered is not None:
        return State("ringing", call=call_offered)
    if agent.session is Session.NONE:
        return SIGNED_OUT
    if agent.session is Session.TIMED_OUT:
        return State("unavailable", reason="timed_out")
    if not agent.memberships:
        return State("unavailable", reason="no_queue")
    if wrap_up_everywhere:
        return WRAP_UP
    if any(m.ready for m in agent.memberships.values()):
        hindrance = agent.cooling if phone == "idle" else phone
        return State("unavailable", reason=hindrance) if hindrance else AVAILABLE
    if any(m.wrap_up_since is not None for m in agent.memberships.values()):
        return WRAP_UP
    return max(agent.memberships.values(), key=lambda m: (m.paused_at or 0.0, m.order)).kind


#: what he is altogether hides what he is in a queue
WHATEVER_HE_CHOSE = frozenset({"ringing", "on_call", "signed_out"})


def shown(altogether: State, kind: State) -> str:
    """What an agent is shown as in a queue: what his telephone does goes first, then what he is in this queue.

    Both arguments are told as facts, so whoever follows the facts knows the same.
    """
    if altogether.state in WHATEVER_HE_CHOSE:
        return altogether.state
    if altogether.state == "unavailable":
        return "unavailable" if altogether.reason == "timed_out" or kind.state == "available" else kind.state
    if altogether.state == "wrap_up" and kind.state == "available":
        return "wrap_up"  # another queue's wrap-up holds here too
    return kind.state
