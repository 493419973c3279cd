"""joinEmpty and leaveEmpty: whether a queue has agents enough to let callers in, and to keep them.

app_queue names sets of what an agent must not be; the test fails when no agent of the queue passes, so also when it has
none at all (get_member_status of Asterisk's apps/app_queue.c):

    loose                           penalty, invalid
    no (join), yes (leave)          penalty, invalid, paused
    strict                          penalty, invalid, paused, unavailable
    ultrastrict                     penalty, invalid, paused, unavailable, inuse, ringing, wrapup, unknown

ultrastrict is not app_queue's but FreePBX' word: as strict, and an agent who is on a call or whose phone rings does not
count either. We take it by its purpose: somebody could be rung now. So app_queue's wrapup and unknown belong to it.

The sets lie in one another, so an agent's fitness for a queue is one number, and a queue keeps count of its agents by
it. penalty is never failed, because callers here have no penalty limits.

Where agents are chosen by skills, those count only who would be offered the caller, now or when he has waited longer.
app_queue has no skills, but it counts none whom the caller's penalty limits leave out, and for the same reason: one who
waits for a language that nobody speaks waits in an empty queue.

Callers for whom phones ring are not sent away: app_queue does not look while it rings either.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

from ari_app.acd.agent import Agent, Membership, Session
from ari_app.acd.fitting import KEPT, Need
from ari_app.acd.settings import JoinEmpty, LeaveEmpty, QueueSettings

if TYPE_CHECKING:
    from ari_app.acd.queue import Queue


class Fitness(IntEnum):
    """Of an agent who is signed in to a queue."""

    #: invalid: he has no phone (somebody else has signed in at his extension)
    PHONELESS = 0
    PAUSED = 1
    #: his phone is not reachable, or refused a call for that just now; or his session has timed out
    UNAVAILABLE = 2
    #: on a call, ringing, in wrap-up, left alone for a moment
    BUSY = 3
    #: can be rung now
    FREE = 4


#: the least fitness that passes; None: no agent is needed
TO_JOIN: dict[JoinEmpty, Fitness | None] = {
    JoinEmpty.YES: None,
    JoinEmpty.LOOSE: Fitness.PAUSED,
    JoinEmpty.NO: Fitness.UNAVAILABLE,
    JoinEmpty.STRICT: Fitness.BUSY,
    JoinEmpty.ULTRASTRICT: Fitness.FREE,
}
TO_STAY: dict[LeaveEmpty, Fitness | None] = {
    LeaveEmpty.NO: None,
    LeaveEmpty.LOOSE: Fitness.PAUSED,
    LeaveEmpty.YES: Fitness.UNAVAILABLE,
    LeaveEmpty.STRICT: Fitness.BUSY,
    LeaveEmpty.ULTRASTRICT: Fitness.FREE,
}


def fitness(agent: Agent, membership: Membership, phone: str, free: bool) -> Fitness:
    """phone: what his phone does by itself. free: he may be rung for this queue."""
    if free:
        return Fitness.FREE
    if not agent.extension:
        return Fitness.PHONELESS
    if membership.paused_at is not None:
        return Fitness.PAUSED
    away = agent.session is not Session.ACTIVE or "unavailable" in (phone, agent.cooling)
    return Fitness.UNAVAILABLE if away else Fitness.BUSY


class Staff:
    """The agents of a queue, counted by their fitness. O(1) each."""

    __slots__ = ("_counts", "_of", "examples")

    def __init__(self) -> None:
        #: a need -> an agent who fitted it when somebody was last asked for
        self.examples: dict[Need, int] = {}
        self._of: dict[int, Fitness] = {}
        self._counts = [0] * len(Fitness)

    def rate(self, agent: int, fitness: Fitness | None) -> bool:
        """None: he is signed out. True: he was fitter before."""
        old = self._of.get(agent)
        if old is fitness:
            return False
        if old is not None:
            self._counts[old] -= 1
        if fitness is None:
            del self._of[agent]
            return True
        self._of[agent] = fitness
        self._counts[fitness] += 1
        return old is not None and fitness < old

    def has(self, least: Fitness | None) -> bool:
        """Whether there is somebody that fit."""
        return least is None or any(self._counts[least:])

    def is_fit(self, agent: int, least: Fitness) -> bool:
        found = self._of.get(agent)
        return found is not None and found >= least

    def who(self, least: Fitness) -> Iterator[int]:
        """Those who are that fit."""
        return (agent for agent, fitness in self._of.items() if fitness >= least)

    def count(self, least: Fitness) -> int:
        """How many are that fit."""
        return sum(self._counts[least:])


def matters(settings: QueueSettings) -> bool:
    """Whether a queue asks for agents at all."""
    return settings.join_empty is not JoinEmpty.YES or settings.leave_empty is not LeaveEmpty.NO


def may_join(queue: Queue, wanted: dict[str, int] | None) -> bool:
    """wanted: the skills that the caller says he wants."""
    least = TO_JOIN[queue.settings.join_empty]
    if least is None or not queue.staff.has(least):
        return least is None
    return _has_somebody(queue, queue.need_of(wanted, 0.0), least)


def who_must_leave(queue: Queue) -> list[str]:
    """Of those who want an agent, by place."""
    least = TO_STAY[queue.settings.leave_empty]
    if least is None:
        return []
    if not queue.staff.has(least):
        return [key[-1] for key in queue.wanting.keys]
    lines = [line for need, line in queue.groups.items() if not _has_somebody(queue, need, least)]
    return [key[-1] for key in sorted(key for line in lines for key in line.keys)]


def _has_somebody(queue: Queue, need: Need, least: Fitness) -> bool:
    """Whether there is an agent that fit for one with this need. Looks at agents until one would do, where the one who
    did when it was last asked does no more."""
    test, examples = queue.fitting.ever(need), queue.staff.examples
    if test is None:
        return queue.staff.has(least)
    example = examples.get(need)
    if example is not None and queue.staff.is_fit(example, least) and test(queue.members[example].skills):
        return True
    if len(examples) >= KEPT:
        examples.clear()
    for agent in queue.staff.who(least):
        if test(queue.members[agent].skills):
            examples[need] = agent
            return True
    return False
